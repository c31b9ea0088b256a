# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A resolver that validates, seen from its client: a question as octets, and what its answer proves.

Only what is in the head of a message is read (RFC 1035, 4.1.1), so no library is needed on the hosts.
"""

from __future__ import annotations

import struct
import typing as t

TYPE_SOA = 6
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3

BOGUS_NAME = "bogus.mailops-relay.invalid"
"""A zone of our own resolver without signatures, for which it has a trust anchor: what it holds is bogus."""

_HEAD = struct.Struct("!6H")
_RESPONSE = 0x8000
_TRUNCATED = 0x0200
_RECURSE = 0x0100
_AUTHENTIC = 0x0020
_CODES = {1: "FORMERR", SERVFAIL: "SERVFAIL", NXDOMAIN: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


class Reply(t.NamedTuple):
    """The head of an answer: its code, whether the resolver has validated it, and how many records it holds."""

    rcode: int
    authentic: bool
    answers: int


def question(name: str, number: int) -> bytes:
    """Return the question for the SOA record of ``name``; AD asks for the state of validation (RFC 6840, 5.7)."""
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".") if label]
    if any(len(label) > 63 for label in labels) or sum(len(label) + 1 for label in labels) > 254:
        raise ValueError(f"{name[:80]!r} is not a name in DNS (RFC 1035, 2.3.4)")
    owner = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return _HEAD.pack(number, _RECURSE | _AUTHENTIC, 1, 0, 0, 0) + owner + struct.pack("!2H", TYPE_SOA, 1)


def read(octets: bytes, number: int) -> Reply:
    """Return what the head of an answer says, or raise ValueError for octets that are not the answer."""
    if len(octets) < _HEAD.size:
        raise ValueError(f"{len(octets)} octets that are not a message")
    found, flags, _questions, answers, _authority, _additional = _HEAD.unpack_from(octets)
    if found != number or not flags & _RESPONSE:
        raise ValueError("a message that does not answer the question")
    if flags & _TRUNCATED:
        raise ValueError("an answer that is truncated")
    return Reply(flags & 0x000F, bool(flags & _AUTHENTIC), answers)


def judge_signed(reply: Reply, name: str) -> list[str]:
    """Return why the answer does not prove that the resolver validates; ``name`` is one that is signed."""
    subject = f"the name {name} (relay_tls_policy.resolver.signed_name)"
    if reply.rcode == SERVFAIL:
        return [
            f"cannot resolve {subject}: SERVFAIL. Either it reaches no name server, or one on the way leaves out"
            " signatures, or no trust anchor fits"
        ]
    if reply.rcode not in (NOERROR, NXDOMAIN):
        return [f"does not resolve {subject}: {_CODES.get(reply.rcode, f'code {reply.rcode}')}"]
    if not reply.authentic:
        return [f"does not validate: its answer for {subject} is without AD. Accepted: a validating resolver"]
    return []


def judge_bogus(reply: Reply) -> list[str]:
    """Return why the answer for :data:`BOGUS_NAME` shows a resolver that hands on what is bogus."""
    if reply.rcode == SERVFAIL:
        return []
    code = {NOERROR: "NOERROR", **_CODES}.get(reply.rcode, f"code {reply.rcode}")
    return [f"hands on what is bogus: {code} for {BOGUS_NAME}, and SERVFAIL is accepted"]

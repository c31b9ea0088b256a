# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A canary: a message with a token in it, which is sent through a relay and looked for at the other side.

Here it is written, and read again. :mod:`_canary_judgement` says what is wrong about it.
"""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.mailops.relay.plugins.module_utils import _authentication_results, _dkim, _shape
from ansible_collections.mailops.relay.plugins.module_utils._authentication_results import ResInfo

FIELD = "X-Mailops-Canary"
"""The header field that holds the token."""

MAX_HEADER = 256 * 1024
"""Octets of a message that are read; its header is in them."""

MAX_FIELDS = 50
"""Fields of one name that are read."""

_TOKEN = re.compile(r"canary-[0-9a-f]{12}\.[0-9]{1,4}")
_QUEUE_ID = re.compile(r"\bqueued as ([\w-]{4,40})|\bid=([\w-]{4,40})|^2\.0\.0 ([0-9a-f]{8}) Message accepted")
_RECEIVED = re.compile(r"\b(from|by|with|id|for)\s+(\S+)", re.IGNORECASE)
_COMMENT = re.compile(r"\([^()]*\)")


@dataclass(frozen=True)
class Through:
    """A relay to send through. ``tls`` is ``may``, ``encrypt`` (STARTTLS) or ``wrapper``."""

    relay: str
    address: str
    port: int = 25
    tls: str = "may"
    user: str = ""
    password: str = field(default="", repr=False)
    selectors: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return f"{self.relay}:{self.port}"


@dataclass(frozen=True)
class Sent:
    """What a relay said to a canary. ``stage`` is the command that was refused, or during which the trouble came.

    ``reply`` is its last reply, ``trouble`` why there is none. ``at`` is when it was sent, in seconds since 1970.
    """

    relay: str
    subject: str
    token: str
    accepted: bool
    at: float
    stage: str = ""
    reply: str = ""
    trouble: str = ""
    selectors: tuple[str, ...] = ()

    @property
    def queue_id(self) -> str:
        return queue_id(self.reply) if self.accepted else ""


@dataclass(frozen=True)
class Hop:
    """One Received field: who has taken the message from whom, and when, in seconds since 1970 (None: no date)."""

    from_: str
    by: str
    with_: str
    at: float | None


@dataclass(frozen=True)
class Signature:
    """The tags ``d``, ``s`` and ``a`` of a DKIM-Signature."""

    domain: str
    selector: str
    algorithm: str


@dataclass(frozen=True)
class Arrived:
    """A canary at the other side. ``hops`` and ``verdicts`` are in the order of the header: the last server is first.

    ``authserv_ids`` are all that stand in the header, ``verdicts`` those of the receiver itself.
    """

    at: float
    hops: tuple[Hop, ...]
    signatures: tuple[Signature, ...]
    authserv_id: str
    authserv_ids: tuple[str, ...]
    verdicts: tuple[ResInfo, ...]


def tokens(run: str, count: int) -> list[str]:
    """Return a token for each of ``count`` canaries of a run, which is 12 hexadecimal digits."""
    return [f"canary-{run}.{number}" for number in range(count)]


def run_of(token: str) -> str:
    """Return what the tokens of a run have in common, or raise ValueError; it is safe in a search of IMAP."""
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"{token!r} is no token of a canary")
    return token.partition(".")[0]


def message(token: str, relay: str, sender: str, recipient: str, at: float) -> bytes:
    """Write a canary. It asks for no answer (RFC 3834, 5.2)."""
    lines = [
        f"From: <{sender}>",
        f"To: <{recipient}>",
        f"Subject: Canary through {relay} ({token})",
        f"Date: {email.utils.formatdate(at)}",
        f"Message-ID: <{token}@{sender.rpartition('@')[2]}>",
        "Auto-Submitted: auto-generated",
        f"{FIELD}: {token}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        f"This message shows whether mail through {relay} arrives, and signed.",
        "A program looks for it and removes it. If you read this, it may be deleted.",
        "",
    ]
    return "\r\n".join(lines).encode("ascii")


def queue_id(reply: str) -> str:
    """Return the queue ID in the reply to the message, as Postfix, Exim and OpenSMTPD write it, or nothing."""
    match = _QUEUE_ID.search(reply.partition(" ")[2] if reply[:3].isdigit() else reply)
    return next(filter(None, match.groups()), "") if match else ""


def hop(text: str) -> Hop:
    """Read a Received field (RFC 5321, 4.4). Whatever is not there is empty: servers write what they like."""
    clauses, _semicolon, date = _COMMENT.sub(" ", text).rpartition(";")
    found = {name.lower(): value for name, value in reversed(_RECEIVED.findall(clauses))}
    try:
        at: float | None = email.utils.parsedate_to_datetime(date.strip()).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        at = None
    from_, by, with_ = (_shape.visible(found.get(name, ""), 255) for name in ("from", "by", "with"))
    return Hop(from_, by, with_, at)


def _signature(text: str) -> Signature | None:
    try:
        tags = _dkim.tag_list(text)
        return Signature(tags["d"].lower(), tags["s"].lower(), tags.get("a", "").lower())
    except (KeyError, ValueError):
        return None


def _results(texts: t.Iterable[str]) -> list[_authentication_results.AuthenticationResults]:
    found = []
    for text in texts:
        try:
            found.append(_authentication_results.parse(text))
        except ValueError:
            continue  # of no use to anybody; that there is no other is found
    return found


def read(octets: bytes, at: float, authserv_id: str = "") -> tuple[str, Arrived] | None:
    """Return the token of a message and what its header tells; None where it is no canary.

    Verdicts count that have the ``authserv_id`` of the receiver, since others can be forged (RFC 8601, 5); without
    one, that of the server that has taken the message last.
    """
    header = email.message_from_bytes(octets[:MAX_HEADER], policy=email.policy.compat32)

    def fields(name: str) -> list[str]:
        return [str(value) for value in header.get_all(name, [])[:MAX_FIELDS]]

    token = (fields(FIELD) or [""])[0].strip()
    if not _TOKEN.fullmatch(token):
        return None
    hops = tuple(map(hop, fields("Received")))
    own = authserv_id.lower() or (hops[0].by.lower() if hops else "")
    results = _results(fields("Authentication-Results"))
    signatures = tuple(filter(None, map(_signature, fields("DKIM-Signature"))))
    ids = tuple(dict.fromkeys(_shape.visible(each.authserv_id, 255) for each in results))
    verdicts = tuple(info for each in results if each.authserv_id == own for info in each.results)
    return token, Arrived(at, hops, signatures, own, ids, verdicts)

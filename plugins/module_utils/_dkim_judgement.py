# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A DKIM key record in DNS against the one of the host's key: whether receivers verify with it (RFC 6376, 3.6.1)."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _rsa
from ansible_collections.mailops.relay.plugins.module_utils._dkim import KeyRecord
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._rsa import RsaPublicKey

Findings = t.Iterator[Finding]

SHORTEST_RSA = 1024
"""Bits of an RSA key that verifiers take at the least (RFC 8301, 3.2)."""

HASH, SERVICE = "sha256", ("*", "email")
"""What signatures of mail use (RFC 8301, 3.1), and what a key must serve for mail (RFC 6376, 3.6.1)."""


def rsa_key(data: bytes) -> RsaPublicKey:
    """Return the RSA key of a tag p: SubjectPublicKeyInfo (RFC 5280, 4.1), or RSAPublicKey alone (RFC 6376, 3.6.1).

    Raises ValueError with what is wrong.
    """
    content, trailing = _rsa._unwrap(data, _rsa._SEQUENCE)
    if content.startswith(_rsa._RSA_ALGORITHM):
        octets, rest = _rsa._unwrap(content[len(_rsa._RSA_ALGORITHM) :], _rsa._BIT_STRING)
        content, trailing = _rsa._unwrap(octets[1:], _rsa._SEQUENCE)[0], trailing + rest
    n, content = _rsa._unwrap_integer(content)
    e, content = _rsa._unwrap_integer(content)
    if n < 1 or e < 1 or content or trailing:
        raise ValueError("its DER structure is broken")
    return RsaPublicKey(n, e)


def _rsa_key(record: KeyRecord) -> RsaPublicKey | None:
    try:
        return rsa_key(record.p) if record.k == "rsa" else None
    except ValueError:
        return None


def _same_key(one: KeyRecord, other: KeyRecord) -> bool:
    """Whether two records hold one key; an RSA key may be written in two ways."""
    key = _rsa_key(one)
    if one.revoked or other.revoked:
        return one.revoked and other.revoked
    return one.k == other.k and (one.p == other.p or (key is not None and key == _rsa_key(other)))


def judge_host_key(subject: str, wanted: KeyRecord) -> Findings:
    """Judge the key of the host itself, whatever is in DNS."""
    if wanted.revoked or wanted.k != "rsa":
        return
    try:
        bits = rsa_key(wanted.p).bits
    except ValueError as error:
        message = f"the host's key is no RSA key that receivers can read: {error}"
        remedy = "Make a new key, and publish its public half."
        yield Finding("dkim_key_malformed", "error", subject, message, remedy, "RFC 6376, 3.6.1")
        return
    if bits < _dkim.RSA_BITS.start:
        refused = bits < SHORTEST_RSA
        effect = "receivers do not verify with it" if refused else "some receivers do not trust it"
        message = f"the host's key has {bits} bits: {effect}"
        remedy = f"Make a key of {_dkim.RSA_BITS.start} bits under a new selector, publish it, and sign with it."
        severity = "error" if refused else "warning"
        yield Finding("dkim_key_too_short", severity, subject, message, remedy, "RFC 8301, 3.2")


def _judge_key(subject: str, wanted: KeyRecord, found: KeyRecord, severity: str, remedy: str) -> Findings:
    """Judge whether the key is the host's, or revoked where it should be."""
    if wanted.revoked:
        message = "the key is still there, and should be revoked: what was signed with it still verifies"
        yield Finding("dkim_key_not_revoked", severity, subject, message, f"Replace it. {remedy}", "RFC 6376, 3.6.1")
    elif found.revoked:
        message = "it says that the key is revoked (p=), and the host has one: its signatures do not verify"
        yield Finding("dkim_key_revoked", severity, subject, message, f"Replace it. {remedy}", "RFC 6376, 3.6.1")
    else:
        key = _rsa_key(found)
        kind = f"{found.k}, {key.bits} bits" if key else found.k
        message = f"the key there ({kind}) is another one than the host's: its signatures do not verify"
        yield Finding("dkim_key_different", severity, subject, message, f"Replace it. {remedy}", "RFC 6376, 3.6.1")


def _judge_use(subject: str, wanted: KeyRecord, found: KeyRecord, severity: str, remedy: str) -> Findings:
    """Judge what the record says about the host's key: whether it counts, and for what."""
    replace, own = f"Replace it. {remedy}", "Take it out of the record that should be there, and publish that."
    if found.testing:
        message = "the key is in test mode (t=y): receivers treat signed mail like unsigned mail"
        grade, cure = ("notice", own) if wanted.testing else ("warning", replace)
        yield Finding("dkim_key_testing", grade, subject, message, cure, "RFC 6376, 3.6.1")
    limits = []
    if found.h and HASH not in found.h:
        limits.append(f"h={':'.join(found.h)} has no {HASH}, which mail is signed with")
    if not set(found.s) & set(SERVICE):
        limits.append(f"s={':'.join(found.s)} is not for email")
    if limits:
        message = f"{'; '.join(limits)}: signatures do not verify"
        cure = own if (found.h, found.s) == (wanted.h, wanted.s) else replace
        yield Finding("dkim_key_restricted", severity, subject, message, cure, "RFC 6376, 3.6.1; RFC 8301, 3.1")
    elif "s" in found.t and "s" not in wanted.t:
        message = "t=s: signatures that speak for a subdomain (i=) do not verify, and subdomains are signed too"
        yield Finding("dkim_key_restricted", "warning", subject, message, replace, "RFC 6376, 3.6.1")


def judge(record: RecordSet, values: t.Sequence[str], severity: str, remedy: str) -> Findings:
    """Judge the values at a name of a key, one at least, against the record set that should be there."""
    subject = f"{record.name} {record.type}"
    try:
        wanted = _dkim.parse(record.values[0])
    except ValueError as error:
        message = f"the record to publish is no key record: {error}"
        yield Finding(
            "dkim_key_malformed", "error", subject, message, "Give what dkim_keys returns.", "RFC 6376, 3.6.1"
        )
        return
    yield from judge_host_key(subject, wanted)
    if len(values) > 1:
        message = f"there are {len(values)} records, and receivers take any of them"
        remedy = f"Remove all but one; a long one is a single record of several strings. {remedy}"
        yield Finding("dkim_several_records", severity, subject, message, remedy, "RFC 6376, 3.6.2.2")
        return
    try:
        found = _dkim.parse(values[0])
    except ValueError as error:
        message = f"what is there is no key record: {error}"
        yield Finding("dkim_key_malformed", severity, subject, message, f"Replace it. {remedy}", "RFC 6376, 3.6.1")
        return
    if not _same_key(wanted, found):
        yield from _judge_key(subject, wanted, found, severity, remedy)
        return
    use = [] if wanted.revoked else list(_judge_use(subject, wanted, found, severity, remedy))
    yield from use
    if found != wanted and not use:
        message = f"it is {values[0]!r}, and should be {record.values[0]!r}; that is the same key"
        yield Finding("dns_record_different", "notice", subject, message, f"Replace it. {remedy}", "RFC 6376, 3.6.1")

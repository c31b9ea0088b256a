# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Certificates of smtpd(8): which files its parameters name, the chains in them, and what is wrong about them."""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding

Findings = t.Iterator[Finding]

PAIRS = (
    ("smtpd_tls_cert_file", "smtpd_tls_key_file"),
    ("smtpd_tls_eccert_file", "smtpd_tls_eckey_file"),
    ("smtpd_tls_dcert_file", "smtpd_tls_dkey_file"),
)
PARAMETERS = ("smtpd_tls_chain_files", *(name for pair in PAIRS for name in pair))

# The headers of a key with a pass phrase (RFC 1421) have single hyphens.
_BLOCK = re.compile(
    r"-----BEGIN (?P<label>[A-Z0-9 ]{1,40})-----\s(?P<body>[^-]*(?:-(?!----)[^-]*)*)-----END (?P=label)-----",
)
_SEVERAL = 8


@dataclass(frozen=True)
class Block:
    """One object of a PEM file (RFC 7468)."""

    label: str
    text: str

    @property
    def is_key(self) -> bool:
        return self.label.endswith("PRIVATE KEY")

    @property
    def is_encrypted(self) -> bool:
        """Whether it is a key that a pass phrase protects (RFC 7468, 11; RFC 1421, 4.6.1.1)."""
        return self.is_key and (self.label.startswith("ENCRYPTED") or "\nProc-Type: 4,ENCRYPTED" in self.text)

    @property
    def is_certificate(self) -> bool:
        return self.label == "CERTIFICATE"

    def der(self) -> bytes:
        """Return what it holds, or raise ValueError."""
        lines = self.text.splitlines()[1:-1]
        try:
            return base64.b64decode("".join(lines), validate=True)
        except binascii.Error:
            raise ValueError("a certificate in it is no base64") from None


@dataclass(frozen=True)
class Chain:
    """A key with its certificate and those of its authorities. ``key`` is None where the files have none."""

    key: Block | None
    certificates: t.Sequence[Block]


@dataclass(frozen=True)
class Source:
    """Files that belong together, the key's first; with ``together`` they may hold several chains in a row."""

    files: t.Sequence[str]
    together: bool


@dataclass(frozen=True)
class Facts:
    """What a certificate says of itself. ``days`` is what is left of its time, ``covers`` whether for our name.

    ``days_until`` is what is left until its time begins, ``misplaced`` the first certificate of the chain that has
    issued none of those before it.
    """

    subject: str
    names: t.Sequence[str]
    not_after: str
    days: float
    covers: bool
    key: str
    self_signed: bool
    days_until: float = 0.0
    misplaced: str = ""


@dataclass(frozen=True)
class Observation:
    """A chain as it was found. ``mismatch`` says why key and certificate do not go together.

    ``error`` says why there is no chain, ``exposed`` which file with a key others may use, ``unseen`` what could not be
    looked at, and why.
    """

    files: t.Sequence[str]
    facts: Facts | None = None
    mismatch: str = ""
    error: str = ""
    exposed: t.Sequence[str] = ()
    unseen: t.Sequence[str] = field(default_factory=tuple)

    @property
    def subject(self) -> str:
        return self.files[-1]


def sources(parameters: t.Mapping[str, str]) -> list[Source]:
    """Return what the parameters name; ``smtpd_tls_chain_files`` takes the place of all others (postconf(5))."""
    files = [name for name in re.split(r"[,\s]+", parameters.get("smtpd_tls_chain_files", "")) if name]
    if files:
        return [Source(files, together=True)]
    found = []
    for certificate, key in PAIRS:
        path = parameters.get(certificate, "").strip()
        if path and path != "none":
            key_path = parameters.get(key, "").strip() or path
            found.append(Source([key_path, path] if key_path != path else [path], together=False))
    return found


def blocks(text: str) -> list[Block]:
    """Return the objects of a PEM file."""
    return [Block(match["label"], match[0]) for match in _BLOCK.finditer(text)]


def chains(found: t.Iterable[Block], *, together: bool) -> list[Chain]:
    """Sort objects to chains. In ``smtpd_tls_chain_files`` each key begins one; elsewhere the first key is the one."""
    parts = [block for block in found if block.is_key or block.is_certificate]
    keys = [index for index, block in enumerate(parts) if block.is_key]
    if not together or len(keys) < 2:
        certificates = [block for block in parts if block.is_certificate]
        return [Chain(parts[keys[0]] if keys else None, certificates)]
    ends = [*keys[1:], len(parts)]
    return [Chain(parts[start], parts[start + 1 : end]) for start, end in zip(keys, ends)][:_SEVERAL]


def key_is_late(found: t.Iterable[Block]) -> bool:
    """Whether a certificate comes before the first key, which ``smtpd_tls_chain_files`` does not take (postconf(5))."""
    parts = [block for block in found if block.is_key or block.is_certificate]
    return any(block.is_key for block in parts) and not parts[0].is_key


# Judging


def judge_absence(security_level: str, interfaces: str) -> Findings:
    """Judge that no certificate is named. Nobody needs one where Postfix listens to the host itself only."""
    if interfaces.strip() in ("loopback-only", "localhost", "127.0.0.1"):
        return
    level = f" (smtpd_tls_security_level = {security_level})" if security_level else ""
    message = f"Postfix has no certificate, so it takes no mail over TLS{level}"
    remedy = "Deploy the relay, or name key and certificate in smtpd_tls_chain_files"
    yield Finding("certificate_none", "warning", "postfix", message, remedy, "RFC 3207")


def judge(seen: Observation, hostname: str, least_days: int) -> Findings:
    """Judge one chain for the relay ``hostname``; fewer than ``least_days`` days left are too few."""
    for reason in seen.unseen:
        remedy = "Run as root on the relay"
        yield Finding("certificate_not_checked", "warning", seen.subject, reason, remedy)
    if seen.error:
        remedy = "Put key and certificate there, in PEM format, the certificate before those of its authorities"
        yield Finding("certificate_unusable", "error", seen.subject, seen.error, remedy, "postconf(5)")
    if seen.mismatch:
        remedy = "Put the key there, first, that the certificate was issued for, or have it issued again for this key"
        yield Finding("certificate_key_mismatch", "error", seen.subject, seen.mismatch, remedy, "postconf(5)")
    for path in seen.exposed:
        message = f"Others than its owner and group may use the private key in {path}"
        remedy = f"chmod o-rwx {path}; whoever was on the host may have it: consider a new key"
        yield Finding("certificate_key_exposed", "error", path, message, remedy, "TLS_README of Postfix")
    if seen.facts:
        yield from _judge_facts(seen.facts, seen.subject, hostname, least_days)


def _judge_facts(facts: Facts, subject: str, hostname: str, least_days: int) -> Findings:
    remedy = "Renew it, and reload Postfix; see why that did not happen by itself"
    if facts.days < 0:
        message = f"The certificate has expired {-facts.days:.0f} days ago, on {facts.not_after}"
        yield Finding("certificate_expired", "error", subject, message, remedy, "RFC 5280, 4.1.2.5")
    elif facts.days < least_days:
        message = f"The certificate expires in {facts.days:.0f} days, on {facts.not_after}; {least_days} are wanted"
        yield Finding("certificate_expires", "warning", subject, message, remedy, "RFC 5280, 4.1.2.5")
    if facts.days_until > 0:
        message = f"The certificate is not valid before {facts.days_until:.1f} days from now, by the host's clock"
        remedy = "See that the clock is right, or wait; until then use the certificate before it"
        yield Finding("certificate_not_yet", "error", subject, message, remedy, "RFC 5280, 4.1.2.5")
    if facts.misplaced:
        message = f"The chain is not in order: {facts.misplaced} has issued none of the certificates before it"
        remedy = "Put the relay's certificate first, and behind each the one that has issued it"
        yield Finding("certificate_order", "warning", subject, message, remedy, "RFC 5246, 7.4.2")
    if hostname and not facts.covers:
        names = ", ".join(facts.names[:10]) or "no name"
        message = f"The certificate is for {names}, and not for {hostname}"
        remedy = f"Have one issued that has {hostname} among its names"
        yield Finding("certificate_name", "warning", subject, message, remedy, "RFC 9525, 6")


def describe(seen: Observation) -> dict[str, t.Any]:
    """Return a chain as the module returns it."""
    facts = seen.facts
    return {
        "files": list(seen.files),
        "subject": facts.subject if facts else None,
        "names": list(facts.names) if facts else None,
        "not_after": facts.not_after if facts else None,
        "days_left": round(facts.days, 1) if facts else None,
        "covers_hostname": facts.covers if facts else None,
        "key": facts.key if facts else None,
        "self_signed": facts.self_signed if facts else None,
        "key_matches": None if seen.error or seen.unseen else not seen.mismatch,
    }

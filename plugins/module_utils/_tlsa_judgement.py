# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""TLSA records against the certificates that servers show: whether senders with DANE deliver (RFC 7672)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _dns_answer, _tlsa
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Observation as Records
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._tlsa import Association

Findings = t.Iterator[Finding]

STARTTLS_PORTS = (25, 587)
HTTPS_PORT = 443
PORTS = (*STARTTLS_PORTS, HTTPS_PORT, 465)

# What came of looking at a server.
SHOWN = "shown"
NO_STARTTLS = "no_starttls"
NOT_SEEN = "not_seen"

_NAME = re.compile(r"_(?P<port>[0-9]{1,5})\._tcp\.(?P<host>.+)")


@dataclass(frozen=True)
class Service:
    """Where the records of a TLSA record set are about."""

    host: str
    port: int
    starttls: bool = False

    @property
    def is_smtp(self) -> bool:
        return self.port != HTTPS_PORT


@dataclass(frozen=True)
class Shown:
    """A certificate that a server shows: its DER, and that of its SubjectPublicKeyInfo."""

    der: bytes
    spki: bytes


@dataclass(frozen=True)
class Peer:
    """What a server shows at one of its addresses: ``chain`` are its certificates, its own first.

    ``whole`` is whether the chain is all that it has sent; where not, it is its own certificate only.
    ``detail`` says why nothing was seen.
    """

    address: str
    state: str
    chain: tuple[Shown, ...] = ()
    whole: bool = True
    detail: str = ""


@dataclass(frozen=True)
class Observation:
    """What was seen of a TLSA record set: ``records`` in DNS, ``addresses`` of the host, ``peers`` at each of them."""

    records: Records
    addresses: tuple[Answer, ...] = ()
    peers: tuple[Peer, ...] = ()

    @property
    def subject(self) -> str:
        return f"{self.records.record.name} TLSA"


def service(name: str) -> Service | None:
    """Return what the records at a name are about (RFC 6698, 3); None where it is not known how to ask there."""
    match = _NAME.fullmatch(name)
    port = int(match["port"]) if match else 0
    return Service(match["host"], port, port in STARTTLS_PORTS) if match and port in PORTS else None


def _associations(values: t.Iterable[str]) -> list[Association]:
    found = []
    for value in values:
        try:
            found.append(_tlsa.parse(value))
        except ValueError:
            continue
    return found


def _published(records: Records) -> list[Association]:
    answers = [answer for answer in records.answers if answer.state == _dns_answer.PRESENT]
    return _associations(dict.fromkeys(value for answer in answers for value in answer.values))


def _problems(record: Association, port: int) -> list[str]:
    """Return why clients pass over a record; elsewhere than in SMTP the PKIX usages count (RFC 7672, 3.1.3)."""
    problems = _tlsa.smtp_problems(record)
    return [
        text
        for text in problems
        if port != HTTPS_PORT or record.usage not in (0, 1) or not text.startswith("the usage")
    ]


def _matches(record: Association, peer: Peer) -> bool:
    """Whether a record is about the server's certificate, or, with the usages of authorities, one of its chain."""
    chain = peer.chain if record.usage in (0, 2) else peer.chain[:1]
    return any(_tlsa.matches(record, certificate.der, certificate.spki) for certificate in chain)


def recommended(peer: Peer) -> str:
    """Return the record for what a server shows, as a value of TLSA (RFC 7672, 3.1.1)."""
    return _tlsa.join(_tlsa.associate(*_tlsa.RECOMMENDED, peer.chain[0].spki))


def _judge_usable(seen: Observation, port: int) -> Findings:
    """Judge records that clients pass over: whether others are left (RFC 7672, 2.2)."""
    records = _published(seen.records) or _associations(seen.records.record.values)
    problems = [(record, problem) for record in records for problem in _problems(record, port)]
    if not problems:
        return
    left = [record for record in records if not _problems(record, port)]
    severity = "notice" if left else "warning"
    message = "; ".join(f"{_tlsa.join(record)[:40]}: {problem}" for record, problem in problems)
    if not left:
        message += ". No other is left, so senders encrypt, and do not know to whom"
    yield Finding("tlsa_unusable", severity, seen.subject, message, "Publish 3 1 1 records instead.", "RFC 7672, 2.2")


def _judge_match(seen: Observation, port: int, associations: list[Association], *, published: bool) -> Findings:
    """Judge whether each server is one that the records are about. One record that fits is enough (RFC 6698, 2.1)."""
    usable = [record for record in associations if not _problems(record, port)]
    wrong: dict[str, list[str]] = {}
    for peer in seen.peers if usable else ():
        authorities = any(record.usage in (0, 2) for record in usable)
        if peer.state != SHOWN or any(_matches(record, peer) for record in usable):
            continue
        if peer.whole or not authorities:
            wrong.setdefault(recommended(peer), []).append(peer.address)
    for value, addresses in wrong.items():
        where = f"the certificate at {' and '.join(addresses)} port {port}"
        effect = "senders with DANE do not deliver there"
        message = f"no record fits {where}: {effect}" if published else f"the records to publish do not fit {where}"
        remedy = (
            f"Publish, beside the others until they have left all caches: {seen.subject.split()[0]}. IN TLSA {value}"
        )
        severity = "error" if published else "warning"
        yield Finding("tlsa_not_matching", severity, seen.subject, message, remedy, "RFC 7672, 2.2, 3.1, 8.1")


def _judge_peers(seen: Observation, port: int, usable: bool) -> Findings:
    """Judge servers whose certificate was not seen."""
    plain = [peer.address for peer in seen.peers if peer.state == NO_STARTTLS]
    if plain and usable:
        message = f"{' and '.join(plain)} port {port} offers no STARTTLS: senders with DANE do not deliver there"
        remedy = "Switch TLS on, or remove the records."
        yield Finding("tlsa_no_starttls", "error", seen.subject, message, remedy, "RFC 7672, 2.2")
    unseen = [f"{peer.address}: {peer.detail}" for peer in seen.peers if peer.state == NOT_SEEN]
    half = _half_seen(seen, port)
    unseen += [f"{peer.address}: of its chain, this Python shows the first certificate only" for peer in half]
    if not seen.peers:
        silent = next((answer for answer in seen.addresses if not answer.is_answered), None)
        unseen.append(f"{silent.name} {silent.rdtype} is {silent.state}" if silent else "the host has no address")
    if unseen:
        severity = "notice" if any(peer.state == SHOWN and peer not in half for peer in seen.peers) else "warning"
        message = f"the certificate at port {port} was not compared: {'; '.join(unseen)}"
        remedy = "Start the server; see whether it can be reached from here: many networks let nobody out to port 25."
        yield Finding("tlsa_not_checked", severity, seen.subject, message, remedy)


def _half_seen(seen: Observation, port: int) -> list[Peer]:
    """Return servers of whose chain only the end was seen, where records are about the rest of it."""
    usable = [record for record in _published(seen.records) if not _problems(record, port)]
    if not any(record.usage in (0, 2) for record in usable):
        return []
    peers = (peer for peer in seen.peers if peer.state == SHOWN and not peer.whole)
    return [peer for peer in peers if not any(_matches(record, peer) for record in usable)]


def _judge_security(seen: Observation) -> Findings:
    """Judge whether DNSSEC protects the records, as far as a validating resolver was asked (RFC 7672, 2.1)."""
    answer = seen.records.resolved
    if answer and answer.state == _dns_answer.PRESENT and answer.security == "insecure" and not answer.authoritative:
        message = f"{answer.server} finds it insecure: its zone is not signed, or not by its parent, so nobody heeds it"
        remedy = "Sign the zone, and have its DS record put into the zone above."
        yield Finding("tlsa_not_secure", "warning", seen.subject, message, remedy, "RFC 7672, 2.1.1, 2.2")


def judge(seen: Observation) -> Findings:
    """Judge a TLSA record set, and the servers that it is about, where they were looked at."""
    yield from _judge_security(seen)
    at = service(seen.records.record.name)
    if at is None:
        message = "it is not known how to ask for the certificate there"
        remedy = f"Nothing; records of the ports {', '.join(map(str, sorted(PORTS)))} are compared."
        yield Finding("tlsa_not_checked", "notice", seen.subject, message, remedy)
        return
    yield from _judge_usable(seen, at.port)
    if not seen.addresses:
        return
    published, wanted = _published(seen.records), _associations(seen.records.record.values)
    yield from _judge_match(seen, at.port, published, published=True)
    if set(wanted) != set(published):
        yield from _judge_match(seen, at.port, wanted, published=False)
    yield from _judge_peers(seen, at.port, any(not _problems(record, at.port) for record in published))


def describe(seen: Observation) -> list[dict[str, t.Any]]:
    """Return what each server shows as the module returns it."""
    at = service(seen.records.record.name)
    return [
        {
            "name": seen.records.record.name,
            "host": at.host if at else "",
            "port": at.port if at else 0,
            "address": peer.address,
            "state": peer.state,
            "tlsa": recommended(peer) if peer.state == SHOWN else "",
            "detail": peer.detail,
        }
        for peer in seen.peers
    ]

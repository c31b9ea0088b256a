# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What lies beyond the records: lists that hold the senders, policies and certificates that records speak of."""

from __future__ import annotations

import asyncio
import ssl
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.mailops.relay.plugins.module_utils import (
    _block_list,
    _dns_answer,
    _https,
    _mta_sts,
    _mta_sts_judgement,
    _ptr,
    _syntax,
    _tls_peer,
    _tlsa_judgement,
)
from ansible_collections.mailops.relay.plugins.module_utils._block_list import Listing
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Observation as Records
from ansible_collections.mailops.relay.plugins.module_utils._dns_client import Client
from ansible_collections.mailops.relay.plugins.module_utils._dns_survey import Survey
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts_judgement import Fetched, Wanted
from ansible_collections.mailops.relay.plugins.module_utils._tlsa_judgement import Peer, Service

MAX_ADDRESSES = 16
"""Of one host, the addresses that are connected to."""


OPTIONS: dict[str, t.Any] = {
    "block_lists": {"type": "list", "elements": "str", "default": []},
    "policies": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "domain": {"type": "str", "required": True},
            "url": {"type": "str"},
            "content": {"type": "str", "required": True},
        },
    },
    "ca_file": {"type": "path"},
    "connect": {"type": "bool", "default": True},
}
"""The options of a module; ``doc_fragments/dns_beyond.py`` documents them."""


@dataclass(frozen=True)
class Asked:
    """What to look at. ``trust`` is whom to trust by HTTPS, ``connect`` whether to connect to servers at all.

    ``timeout`` is for each connection to come about, ``in_flight`` how many there may be at once.
    """

    trust: ssl.SSLContext
    block_lists: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    policies: tuple[Wanted, ...] = ()
    connect: bool = True
    timeout: float = 5.0
    in_flight: int = 64


def parse(params: t.Mapping[str, t.Any]) -> Asked:
    """Return what the options mean, or raise ValueError with all that is wrong with them."""
    problems: list[str] = []

    def each(option: str, items: t.Iterable[t.Any], read: t.Callable[[t.Any], t.Any]) -> tuple[t.Any, ...]:
        found = []
        for item in items:
            try:
                found.append(read(item))
            except ValueError as error:
                problems.append(f"{option}: {error}")
        return tuple(dict.fromkeys(found))

    addresses = [address for sender in params["senders"] for address in sender["addresses"]]
    zones = each("block_lists", params["block_lists"], _syntax.domain_name)
    senders = each("senders", addresses if zones else (), lambda text: str(_ptr.address(text)))
    policies = each("policies", params["policies"], _mta_sts_judgement.parse)
    (trust,) = each("ca_file", [params["ca_file"]], _https.trust) or (None,)
    if problems or not trust:
        raise ValueError("\n".join(problems))
    return Asked(trust, zones, senders, policies, params["connect"], params["timeout"], params["in_flight"])


@dataclass(frozen=True)
class Seen:
    """What was seen."""

    block_lists: tuple[_block_list.Observation, ...] = ()
    policies: tuple[_mta_sts_judgement.Observation, ...] = ()
    certificates: tuple[_tlsa_judgement.Observation, ...] = ()
    questions: int = 0


NOTHING = Seen()


class _List:
    """Asks a block list. Its client is its own: where its servers are dead, only this list ends with the time-out."""

    def __init__(self, zone: str, resolver: Server | None, asked: Asked) -> None:
        self._zone = zone
        self._resolver = resolver
        self._asked = asked
        self.client = Client(asked.timeout, asked.in_flight)

    async def _ask(self, name: str, rdtype: str) -> Answer:
        if self._resolver:
            return await self.client.resolve(self._resolver, name, rdtype)
        return Answer(name, rdtype, Server(""), _dns_answer.UNREACHABLE, detail="there is no resolver")

    async def _listing(self, address: str, *, reason: bool) -> Listing:
        name = _block_list.question(address, self._zone)
        listing = Listing(self._zone, address, await self._ask(name, "A"))
        if not reason or listing.state != _block_list.LISTED:
            return listing
        text = await self._ask(name, "TXT")
        return replace(listing, reason=" ".join(text.values)[: _block_list.MAX_REASON])

    async def observe(self) -> _block_list.Observation:
        points = _block_list.test_points(self._asked.senders)
        asked = [self._listing(point, reason=False) for point in points]
        asked += [self._listing(address, reason=True) for address in self._asked.senders]
        said = await asyncio.gather(*asked)
        return _block_list.Observation(self._zone, tuple(said[: len(points)]), tuple(said[len(points) :]))


class _Outlook:
    def __init__(self, survey: Survey, asked: Asked) -> None:
        self._survey = survey
        self._asked = asked
        self._places = asyncio.Semaphore(asked.in_flight)

    async def _fetch(self, domain: str, address: str) -> Fetched:
        async with self._places:
            url = _mta_sts.policy_url(domain)
            return await _https.fetch(url, address, self._asked.trust, self._asked.timeout)

    async def policy(self, wanted: Wanted) -> _mta_sts_judgement.Observation:
        hosts = await self._survey.addresses(_mta_sts.policy_host(wanted.domain))
        name = _mta_sts.record_name(wanted.domain)
        record, due, mx = await asyncio.gather(
            self._survey.lookup(name, "TXT"),
            self._survey.expected(name, "TXT"),
            self._survey.expected(wanted.domain, "MX"),
        )
        fetched = await asyncio.gather(*(self._fetch(wanted.domain, address) for address in _addresses(hosts)))
        return _mta_sts_judgement.Observation(wanted, tuple(hosts), tuple(fetched), record, due, mx)

    async def _look(self, service: Service, address: str) -> Peer:
        async with self._places:
            return await _tls_peer.look(service, address, self._asked.timeout)

    async def certificate(self, seen: Records) -> _tlsa_judgement.Observation:
        service = _tlsa_judgement.service(seen.record.name)
        if not service or not self._asked.connect:
            return _tlsa_judgement.Observation(seen)
        addresses = await self._survey.addresses(service.host)
        peers = await asyncio.gather(*(self._look(service, address) for address in _addresses(addresses)))
        return _tlsa_judgement.Observation(seen, tuple(addresses), tuple(peers))


def _addresses(answers: t.Iterable[Answer]) -> list[str]:
    found = [value for answer in answers if answer.state == _dns_answer.PRESENT for value in answer.values]
    return list(dict.fromkeys(found))[:MAX_ADDRESSES]


async def observe(survey: Survey, resolver: Server | None, asked: Asked, records: t.Sequence[Records]) -> Seen:
    """Look at all of it at once; ``records`` are the record sets as they were seen."""
    outlook = _Outlook(survey, asked)
    lists = [_List(zone, resolver, asked) for zone in asked.block_lists if asked.senders]
    policies = [outlook.policy(wanted) for wanted in asked.policies if asked.connect]
    certificates = [outlook.certificate(seen) for seen in records if seen.record.type == "TLSA"]
    groups = ([each.observe() for each in lists], policies, certificates)
    said, served, shown = await asyncio.gather(*(asyncio.gather(*group) for group in groups))
    return Seen(tuple(said), tuple(served), tuple(shown), sum(each.client.asked for each in lists))


def judge(seen: Seen) -> list[Finding]:
    """Return all findings."""
    findings = [finding for each in seen.block_lists for finding in _block_list.judge(each)]
    findings += [finding for each in seen.policies for finding in _mta_sts_judgement.judge(each)]
    return findings + [finding for each in seen.certificates for finding in _tlsa_judgement.judge(each)]


def with_cause(findings: t.Iterable[Finding], beyond: t.Sequence[Finding]) -> list[Finding]:
    """Return all findings, one for each cause: a TLSA record that fits no certificate is more than another record."""
    broken = {finding.subject for finding in beyond if finding.id == "tlsa_not_matching"}
    return [each for each in findings if each.id != "dns_record_different" or each.subject not in broken] + list(beyond)


def describe(seen: Seen) -> dict[str, t.Any]:
    """Return what was seen as the module returns it."""
    return {
        "block_lists": [item for each in seen.block_lists for item in _block_list.describe(each)],
        "policies": [item for each in seen.policies for item in _mta_sts_judgement.describe(each)],
        "certificates": [item for each in seen.certificates for item in _tlsa_judgement.describe(each)],
    }

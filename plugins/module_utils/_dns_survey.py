# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""Which servers are authoritative for a name, and what all of them say of a list of records."""

from __future__ import annotations

import asyncio
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.mailops.relay.plugins.module_utils import (
    _dns_answer,
    _dns_judgement,
    _target_judgement,
)
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Observation, Server
from ansible_collections.mailops.relay.plugins.module_utils._dns_client import Client
from ansible_collections.mailops.relay.plugins.module_utils._dns_expected import Expected
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

NOBODY = "mailops-nobody-has-made-this-name"
"""A first label that only a wildcard answers to (RFC 4592)."""

_T = t.TypeVar("_T")


@dataclass(frozen=True)
class Authority:
    """The zone that a name is in and its servers, or the answer that stood in the way of finding them."""

    zone: str = ""
    servers: t.Tuple[Server, ...] = ()
    problem: t.Optional[Answer] = None


def _parent(name: str) -> str:
    return name.partition(".")[2]


def _is_in(name: str, zone: str) -> bool:
    return f".{name}".endswith(f".{zone}")


class Once:
    """Keeps the result of each question, also while it is on its way."""

    def __init__(self) -> None:
        self._tasks: dict[t.Any, asyncio.Future[t.Any]] = {}

    async def get(self, key: t.Any, make: t.Callable[[], t.Coroutine[t.Any, t.Any, _T]]) -> _T:
        if key not in self._tasks:
            self._tasks[key] = asyncio.ensure_future(make())
        result: _T = await self._tasks[key]
        return result


class Authorities:
    """Finds zones and their servers, by a resolver (RFC 1034, 4.2)."""

    def __init__(self, client: Client, resolver: Server) -> None:
        self._client = client
        self._resolver = resolver
        self._once = Once()

    async def _resolve(self, name: str, rdtype: str) -> Answer:
        # Unchecked: the servers of a zone whose signatures are broken are asked like others.
        return await self._once.get(
            (name, rdtype), lambda: self._client.ask(self._resolver, name, rdtype, recurse=True, check=False)
        )

    async def of(self, name: str) -> Authority:
        """Return the authority for a name: that of the closest zone above it which a SOA record shows."""
        at = name
        while at:
            answer = await self._resolve(at, "SOA")
            if not answer.is_answered:
                return Authority(problem=answer)
            if "." not in answer.zone.strip(".") and answer.zone and not answer.cnames:
                # The name is not there as far as the root or a top-level domain knows; they are not asked for mail.
                return Authority(answer.zone)
            if not answer.cnames and answer.zone and _is_in(at, answer.zone):
                return await self._once.get(answer.zone, lambda zone=answer.zone: self._servers(zone))  # type: ignore[misc]
            # An alias: the SOA record is that of another name. An alias is no apex, so its zone is that of its parent.
            at = _parent(at)
        return Authority()

    async def _servers(self, zone: str) -> Authority:
        names = await self._resolve(zone, "NS")
        if not names.values:
            return Authority(zone, problem=names)
        asked = [(name.rstrip("."), rdtype) for name in names.values for rdtype in ("A", "AAAA")]
        answers = await asyncio.gather(*(self._resolve(*each) for each in asked))
        servers = [Server(address, name=answer.name) for answer in answers for address in answer.values]
        problem = None if servers else next((a for a in answers if not a.is_answered), answers[0])
        return Authority(zone, tuple(servers), problem)


class Survey:
    """Asks for records: the given servers, or else the authoritative ones that a resolver knows of.

    ``resolver`` finds servers and what given servers do not serve. With ``validating`` it is asked for every record as
    well. ``records`` are those that should be there.
    """

    def __init__(
        self,
        client: Client,
        servers: t.Sequence[Server],
        resolver: Server | None,
        records: t.Iterable[RecordSet] = (),
        *,
        validating: bool = False,
    ) -> None:
        self._client = client
        self._expected = Expected(records)
        self._given = tuple(servers)
        self._resolver = resolver
        self._validating = validating
        self._authorities = Authorities(client, resolver) if resolver else None
        self._once = Once()
        self._zones: set[str] = set()

    async def authority(self, name: str) -> Authority:
        if self._given:
            return Authority(servers=self._given)
        return await self._authorities.of(name) if self._authorities else Authority()

    async def _ask(self, server: Server, name: str, rdtype: str) -> Answer:
        """Ask one server; where aliases lead out of what it serves, the resolver says where they end."""
        answer = await self._client.ask(server, name, rdtype)
        if not answer.cnames or answer.state == _dns_answer.PRESENT or not self._resolver:
            return answer
        end = await self._client.resolve(self._resolver, answer.cnames[-1], rdtype)
        if not end.is_answered:
            return replace(answer, detail=f"{end.name} is {end.state}{f' ({end.detail})' if end.detail else ''}")
        return replace(answer, state=end.state, values=end.values, detail=end.detail, cnames=answer.cnames + end.cnames)

    async def lookup(self, name: str, rdtype: str) -> Answer:
        """Return one answer for a question beside the records: of a server that is surveyed, or else of the resolver.

        So the answers for what was just published are not old, and the rest of the world is asked the usual way.
        """
        return await self._once.get((name, rdtype), lambda: self._lookup(name, rdtype))

    async def _lookup(self, name: str, rdtype: str) -> Answer:
        authority = await self.authority(name)
        answer = None
        for server in authority.servers if self._given or authority.zone in self._zones else ():
            answer = await self._ask(server, name, rdtype)
            if answer.is_answered:
                return answer
        if self._resolver:
            return await self._client.resolve(self._resolver, name, rdtype)
        return answer or Answer(name, rdtype, Server(""), _dns_answer.UNREACHABLE, detail="there is no resolver")

    async def expected(self, name: str, rdtype: str) -> Answer:
        """Return what a question gets when the records are there as they should be; they are judged by themselves."""
        cnames = self._expected.aliases(name)
        at = cnames[-1] if cnames else name
        answer = self._expected.whole(at, rdtype) or self._expected.answer(await self.lookup(at, rdtype))
        return replace(answer, name=name, cnames=cnames + answer.cnames) if cnames else answer

    async def _wildcards(self, record: RecordSet, answers: t.Iterable[Answer]) -> tuple[str, ...]:
        """Return what names answer with that nobody has made, where an answer is not what it should be."""
        parent = _parent(record.name)
        if not parent or all(_dns_judgement.fits(record, a) or not a.values for a in answers):
            return ()
        beside = await self.lookup(f"{NOBODY}.{parent}", record.type)
        return beside.values

    async def observe(self, record: RecordSet) -> Observation:
        """Return what is seen of one record set."""
        authority = await self.authority(record.name)
        self._zones.add(authority.zone)
        asked = [self._ask(server, record.name, record.type) for server in authority.servers]
        resolving = self._resolver if self._validating else None
        if resolving:
            asked.append(self._client.resolve(resolving, record.name, record.type))
        answers = list(await asyncio.gather(*asked))
        resolved = answers.pop() if resolving else None
        wildcards = await self._wildcards(record, answers)
        return Observation(record, authority.zone, tuple(answers), resolved, wildcards, authority.problem)

    async def observe_all(self, records: t.Sequence[RecordSet]) -> list[Observation]:
        """Return what is seen of all record sets, and of the hosts that they point to."""
        seen = await asyncio.gather(*(self.observe(record) for record in records))
        return list(await asyncio.gather(*(self._with_targets(observation) for observation in seen)))

    async def _with_targets(self, observation: Observation) -> Observation:
        names = _target_judgement.targets(observation.record)
        if not names:
            return observation
        addresses = await asyncio.gather(*(self.addresses(name) for name in names))
        return replace(observation, targets=tuple(answer for answers in addresses for answer in answers))

    async def addresses(self, name: str) -> list[Answer]:
        """Return the A and AAAA records of a host, as they are to be."""
        return list(await asyncio.gather(*(self.expected(name, rdtype) for rdtype in _target_judgement.ADDRESS_TYPES)))

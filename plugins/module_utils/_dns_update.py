# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What a primary has, and how it is changed: a client of dynamic updates (RFC 2136)."""

from __future__ import annotations

import typing as t

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.rcode
    import dns.rdata
    import dns.rdatatype
    import dns.update
except ImportError:
    pass

from ansible_collections.mailops.relay.plugins.module_utils import _record
from ansible_collections.mailops.relay.plugins.module_utils._dns_plan import (
    Change,
    Key,
    Published,
    Seen,
    Value,
    ZonePlan,
    zone_of,
)
from ansible_collections.mailops.relay.plugins.module_utils._dns_tcp import Connection, DnsError

if t.TYPE_CHECKING:
    Message = dns.message.Message
    Rdata = dns.rdata.Rdata

BESIDE_CNAME = ("NS", "SOA")
"""Types that are looked for, beside those that are published, before a CNAME is put at a name."""

CHANGED_MEANWHILE = ("NXRRSET", "YXRRSET", "YXDOMAIN", "NXDOMAIN")


def _name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _value(rdata: t.Any) -> Value:
    """Return a value that was read; one that breaks the rules of its type is no wanted value's equal."""
    data = rdata.to_text()
    rdtype = dns.rdatatype.to_text(rdata.rdtype)
    try:
        text = _record.txt_text(rdata.strings) if rdtype == "TXT" else _record.normalise(rdtype, data)
    except ValueError:
        text = data
    return Value(text, data)


def _sets(answer: Message, name: str) -> dict[str, Published]:
    """Return the sets of an answer that are at the name itself, not at what it is an alias for."""
    return {
        dns.rdatatype.to_text(rrset.rdtype): Published(rrset.ttl, tuple(_value(rdata) for rdata in rrset))
        for rrset in answer.answer
        if _text(rrset.name) == name and rrset.rdtype != dns.rdatatype.RRSIG
    }


def _probe(name: str) -> str | None:
    """Return a name that has an answer only if a wildcard answers for ``name`` as well.

    If ``name`` exists, its nearest ancestor that exists is ``name`` or ``*.name``, and neither has a wildcard below
    for it (RFC 4592, 2.2.1 and 3.3.1).
    """
    return f"x.*.{name}" if len(name) <= _MAX_PROBED else None


_MAX_PROBED = 249


class Primary:
    """The server that takes the updates."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.label = connection.label

    def _questions(self, questions: t.Sequence[Key]) -> list[Message]:
        messages = [dns.message.make_query(_name(name), rdtype, flags=0) for name, rdtype in questions]
        return self.connection.ask(messages)

    # --- zones ---

    def zones(self, names: t.Iterable[str], given: t.Sequence[str]) -> dict[str, str]:
        """Return the zone of each name: of those given, or else as the server's SOA records say."""
        names = list(dict.fromkeys(names))
        if not given:
            return self._found_zones(names)
        zones = {name: zone_of(name, given) for name in names}
        problems = [f"zones: {name} is in none of {', '.join(given)}" for name, zone in zones.items() if not zone]
        used = list(dict.fromkeys(zone for zone in zones.values() if zone))
        for zone, answer in zip(used, self._questions([(zone, "SOA") for zone in used])):
            if not answer.flags & dns.flags.AA or "SOA" not in _sets(answer, zone):
                problems.append(self._not_authoritative(zone, answer))
        if problems:
            raise DnsError("\n".join(problems))
        return {name: zone for name, zone in zones.items() if zone}

    def _found_zones(self, names: t.Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        problems: list[str] = []
        asked = {name: name for name in names}
        while asked:
            answers = self._questions([(ancestor, "SOA") for ancestor in asked.values()])
            for (name, ancestor), answer in zip(list(asked.items()), answers):
                zone = self._zone_in(answer, ancestor)
                if zone:
                    found[name] = zone
                elif "CNAME" in _sets(answer, ancestor) and "." in ancestor:
                    # The SOA is that of the alias's target: the name above is in the zone of the alias.
                    asked[name] = ancestor.partition(".")[2]
                    continue
                else:
                    problems.append(self._not_authoritative(name, answer))
                del asked[name]
        if problems:
            raise DnsError("\n".join(problems))
        return found

    @staticmethod
    def _zone_in(answer: Message, name: str) -> str | None:
        if not answer.flags & dns.flags.AA or "CNAME" in _sets(answer, name):
            return None
        owners = [_text(r.name) for r in (*answer.answer, *answer.authority) if r.rdtype == dns.rdatatype.SOA]
        return zone_of(name, owners)

    def _not_authoritative(self, name: str, answer: Message) -> str:
        referral = [_text(r.name) for r in answer.authority if r.rdtype == dns.rdatatype.NS]
        if referral and answer.rcode() == dns.rcode.NOERROR:
            return f"{name}: {self.label} has delegated {referral[0]} to other servers. Ask the primary of that zone."
        rcode = dns.rcode.to_text(answer.rcode())
        if rcode in ("NOTAUTH", "REFUSED") and self._is_authoritative(name):
            return self._denial(name, rcode)
        return (
            f"{name}: zone not found: {self.label} is not authoritative for it ({rcode})."
            " Look at server and zones, and at the zones in the server's configuration."
        )

    def _is_authoritative(self, name: str) -> bool:
        """Whether the server answers for a name when no key is in the way."""
        (answer,) = self.connection.ask([dns.message.make_query(_name(name), "SOA", flags=0)], signed=False)
        return bool(answer.flags & dns.flags.AA)

    def _denial(self, name: str, rcode: str) -> str:
        """Return the line for a key that a server denies without saying why: some hide which keys they know."""
        return (
            f"{name}: {self.label} answered {rcode}: the key {self.connection.key} may not update this zone, or is not"
            " known there. Look at key_name, key_algorithm, and the zone's rule for updates on the server."
        )

    # --- what is there ---

    def observe(self, keys: t.Iterable[Key]) -> dict[str, Seen]:
        """Return what the server has at each name of ``keys``, of the types that matter."""
        types: dict[str, list[str]] = {}
        for name, rdtype in keys:
            more = (*_record.TYPES, *BESIDE_CNAME) if rdtype == "CNAME" else (rdtype,)
            types[name] = list(dict.fromkeys([*types.get(name, []), *more]))
        questions = [(name, rdtype) for name, each in types.items() for rdtype in each]
        sets: dict[str, dict[str, Published]] = {name: {} for name in types}
        for (name, _type), answer in zip(questions, self._answers(questions)):
            sets[name].update(_sets(answer, name))
        wildcards = self._wildcards({name: each[0] for name, each in types.items()})
        return {name: self._seen(sets[name], wildcards.get(name, {})) for name in types}

    @staticmethod
    def _seen(sets: dict[str, Published], wildcard: dict[str, Published]) -> Seen:
        """What equals the wildcard's answer is the wildcard's: the name does not exist."""
        own = {rdtype: has for rdtype, has in sets.items() if set(has.values) != _values(wildcard.get(rdtype))}
        return Seen(own, tuple(wildcard))

    def _answers(self, questions: t.Sequence[Key]) -> list[Message]:
        answers = self._questions(questions)
        for (name, rdtype), answer in zip(questions, answers):
            if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                raise DnsError(f"{self.label}: {dns.rcode.to_text(answer.rcode())} for {name} {rdtype}")
            if not answer.flags & dns.flags.AA:
                raise DnsError(self._not_authoritative(name, answer))
        return answers

    def _wildcards(self, first: t.Mapping[str, str]) -> dict[str, dict[str, Published]]:
        """Return what wildcards answer in place of names that do not exist."""
        probes = [(name, probe) for name, probe in ((name, _probe(name)) for name in first) if probe]
        answers = self._questions([(probe, first[name]) for name, probe in probes])
        hits = [pair for pair, answer in zip(probes, answers) if answer.rcode() == dns.rcode.NOERROR]
        questions = [(name, probe, rdtype) for name, probe in hits for rdtype in _record.TYPES]
        found: dict[str, dict[str, Published]] = {}
        replies = self._questions([(probe, rdtype) for _name_, probe, rdtype in questions])
        for (name, probe, _type), answer in zip(questions, replies):
            found.setdefault(name, {}).update(_sets(answer, probe))
        return found

    def name_servers(self, zone: str) -> list[str]:
        """Return the names of the zone's servers, as its NS records say."""
        (answer,) = self._answers([(zone, "NS")])
        return sorted(value.text.rstrip(".").lower() for value in _sets(answer, zone).get("NS", _NONE).values)

    def addresses(self, host: str) -> list[str]:
        """Return the addresses of a host of which this server knows them; empty if it is not its business."""
        answers = self._questions([(host, "A"), (host, "AAAA")])
        sets = [_sets(answer, host) for answer in answers if answer.flags & dns.flags.AA]
        return [value.text for each in sets for rdtype in ("A", "AAAA") for value in each.get(rdtype, _NONE).values]

    # --- changes ---

    def update(self, plan: ZonePlan, trial: bool = False) -> None:
        """Change a zone, all or nothing.

        A trial has the server judge key and prerequisites, and changes nothing: it deletes the values that are to be
        added, which by the prerequisites are not there. So rules for single names and types are judged as well.
        """
        message = dns.update.UpdateMessage(_name(plan.zone))
        names = [change.name for change in plan.changes]
        aliases = {change.name for change in plan.changes if change.type == "CNAME"}
        for change in plan.changes:
            _require(message, change, change.name in aliases, names.count(change.name) == 1)
            if trial:
                for data in sorted(set(change.after) - set(change.before)):
                    message.delete(_name(change.name), _rdata(change, data))
                continue
            if change.before:
                message.delete(_name(change.name), change.type)
            for data in change.after:
                message.add(_name(change.name), change.ttl, change.type, data)
        (answer,) = self.connection.ask([message])
        if answer.rcode() != dns.rcode.NOERROR:
            raise DnsError(self._refusal(plan.zone, dns.rcode.to_text(answer.rcode())))

    def _refusal(self, zone: str, rcode: str) -> str:
        start = f"{zone}: {self.label} answered {rcode}: "
        if rcode == "REFUSED" or (rcode == "NOTAUTH" and self._is_authoritative(zone)):
            return self._denial(zone, rcode)
        if rcode in CHANGED_MEANWHILE:
            return f"{start}somebody changed its records meanwhile, and nothing was overwritten. Run again."
        return start + {
            "NOTAUTH": "it is not the primary of this zone. Look at server and zones.",
            "NOTZONE": "a record is not in this zone. Look at zones.",
            "NOTIMP": "it does not take updates. Look at server.",
            "SERVFAIL": "it failed. Look at its log: a frozen zone, a file it cannot write, a key it cannot sign with.",
        }.get(rcode, "it did not take the update. Look at its log.")


_NONE = Published(0, ())


def _values(published: Published | None) -> set[Value] | None:
    return None if published is None else set(published.values)


def _rdata(change: Change, data: str) -> Rdata:
    try:
        return dns.rdata.from_text("IN", change.type, data)
    except (dns.exception.DNSException, ValueError) as error:
        raise DnsError(f"{change.name} {change.type}: {data!r} is not accepted: {error}") from None


def _require(message: dns.update.UpdateMessage, change: Change, has_alias: bool, is_alone: bool) -> None:
    """Require that the server still has what the plan was made from (RFC 2136, 2.4)."""
    name = _name(change.name)
    if change.before:
        message.present(name, *(_rdata(change, data) for data in change.before))
    elif change.type == "CNAME" and is_alone:
        message.absent(name)
    else:
        message.absent(name, change.type)
    if change.after and not has_alias:
        message.absent(name, "CNAME")

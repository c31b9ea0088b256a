# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What has to change in the zones of a primary so that it has the wanted record sets, and whether that is safe.

Only sets that are named change. A *problem* forbids all changes, in all zones; a *warning* does not.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.mailops.relay.plugins.module_utils import _dns_loss, _record, _zone_file
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

Key = t.Tuple[str, str]


@dataclass(frozen=True)
class Value:
    """One value of a published set: its normal form to compare by, and its exact data as in a zone file."""

    text: str
    data: str


@dataclass(frozen=True)
class Published:
    """What a server has of one type at one name."""

    ttl: int
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Seen:
    """What a server has at a name: sets of its own, and the types that a wildcard answers in its place."""

    sets: t.Mapping[str, Published] = field(default_factory=dict)
    wildcard: tuple[str, ...] = ()


@dataclass(frozen=True)
class Removal:
    """Values of one type at one name that are to go; all of them if none is listed."""

    name: str
    type: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """One set before and after, in zone-file data; no data means that there is no set."""

    name: str
    type: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    ttl_before: int
    ttl: int

    @property
    def verb(self) -> str:
        if not self.before:
            return "add"
        return "replace" if self.after else "remove"

    @property
    def removed(self) -> int:
        return len(set(self.before) - set(self.after))

    @property
    def added(self) -> int:
        return len(set(self.after) - set(self.before))


@dataclass(frozen=True)
class ZonePlan:
    """The changes of one zone, which happen together or not at all."""

    zone: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Plan:
    """All changes, and why they must not happen, if so."""

    zones: tuple[ZonePlan, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


def removal(record: t.Mapping[str, t.Any]) -> Removal:
    """Return the removal that an item of an option describes, or raise ValueError."""
    values = record.get("values") or []
    rdtype = record["type"]
    return Removal(_record.owner(record["name"]), rdtype, tuple(_record.normalise(rdtype, value) for value in values))


def zone_of(name: str, zones: t.Iterable[str]) -> str | None:
    """Return the zone that is nearest to the name, or None if it is in none of them."""
    around = [zone for zone in zones if f".{name}".endswith(f".{zone}")]
    return max(around, key=len) if around else None


def _published(now: t.Mapping[str, Seen], key: Key) -> Published:
    name, rdtype = key
    return now.get(name, Seen()).sets.get(rdtype, Published(0, ()))


def _wanted_change(wanted: RecordSet, has: Published) -> Change:
    """Return what the wanted set makes of the present one; values that are right keep their exact data."""
    data = {value.text: value.data for value in has.values}
    rivals = set(_record.rivals(wanted, data))
    kept = [value.data for value in has.values if value.text not in rivals]
    after = (*kept, *(data.get(text) or _zone_file.data(wanted.type, text) for text in wanted.values))
    before = tuple(value.data for value in has.values)
    return Change(wanted.name, wanted.type, before, after, has.ttl, wanted.ttl)


def _removal_change(unwanted: Removal, has: Published) -> Change:
    after = tuple(v.data for v in has.values if unwanted.values and v.text not in unwanted.values)
    return Change(unwanted.name, unwanted.type, tuple(v.data for v in has.values), after, has.ttl, has.ttl)


def _is_needed(change: Change) -> bool:
    return set(change.before) != set(change.after) or (bool(change.after) and change.ttl != change.ttl_before)


def _both(change: Change, unwanted: Removal, has: Published) -> Change:
    """Return the change with the values left out that are to go from the same set."""
    gone = {value.data for value in has.values if value.text in unwanted.values}
    after = tuple(data for data in change.after if data not in gone)
    return Change(change.name, change.type, change.before, after, change.ttl_before, change.ttl)


def _changes(
    wanted: t.Sequence[RecordSet], unwanted: t.Sequence[Removal], now: t.Mapping[str, Seen]
) -> dict[Key, Change]:
    changes = {record.key: _wanted_change(record, _published(now, record.key)) for record in wanted}
    for item in unwanted:
        key = (item.name, item.type)
        has = _published(now, key)
        changes[key] = _both(changes[key], item, has) if key in changes else _removal_change(item, has)
    return changes


def _option_problems(wanted: t.Sequence[RecordSet], unwanted: t.Sequence[Removal]) -> t.Iterator[str]:
    yield from _record.conflicts(wanted)
    values = {record.key: set(record.values) for record in wanted}
    seen = set()
    for item in unwanted:
        key = (item.name, item.type)
        label = f"{item.name!r} {item.type}"
        if key in seen:
            yield f"{label} is to be removed twice; one item with all values is accepted"
        seen.add(key)
        if key in values and (not item.values or values[key] & set(item.values)):
            yield f"{label} is wanted and to be removed; other values of the same set are accepted"


def _alias_problems(changes: t.Mapping[Key, Change], now: t.Mapping[str, Seen]) -> t.Iterator[str]:
    """Yield each name that would have a CNAME beside other data: servers ignore such an update without a word."""
    for name in dict.fromkeys(name for name, _type in changes):
        before = now.get(name, Seen()).sets
        stays = [rdtype for rdtype in before if (name, rdtype) not in changes]
        after = stays + [rdtype for (owner, rdtype), change in changes.items() if owner == name and change.after]
        others = [rdtype for rdtype in after if rdtype != "CNAME"]
        if "CNAME" not in after or not others or not stays:
            continue
        there = ", ".join(f"{rdtype} {before[rdtype].values[0].data}" for rdtype in stays)
        new = ", ".join(rdtype for rdtype in after if rdtype not in stays)
        yield (
            f"{name}: there is {there}, so {new} cannot be put there: a CNAME is alone at its name (RFC 1034, 3.6.2)."
            " Accepted: another name, or the removal of what is there by naming it in remove."
        )


def _wildcard_warnings(changes: t.Iterable[Change], now: t.Mapping[str, Seen]) -> t.Iterator[str]:
    """Yield the names that lose answers: a wildcard does not answer for a name that exists (RFC 4592, 2.2.1)."""
    wanted = [(change.name, change.type) for change in changes if change.after]
    for name in dict.fromkeys(name for name, _type in wanted):
        lost = [rdtype for rdtype in now.get(name, Seen()).wildcard if (name, rdtype) not in wanted]
        if lost:
            yield (
                f"{name}: a wildcard answers for it now; with records of its own it has no {', '.join(lost)} any more"
            )


def _losses(
    wanted: t.Iterable[RecordSet], unwanted: t.Iterable[Removal], now: t.Mapping[str, Seen]
) -> t.Iterator[_dns_loss.Loss]:
    """Yield what others may miss; what is named in ``unwanted`` is not missed."""
    named = {(item.name, item.type): set(item.values) for item in unwanted}
    for record in wanted:
        there = (value.text for value in _published(now, record.key).values)
        yield from _dns_loss.losses(record, [text for text in there if text not in named.get(record.key, ())])


def _removal_problems(zones: t.Iterable[ZonePlan], judged: t.Container[str]) -> t.Iterator[str]:
    """Yield the zones that lose more values than they get. ``judged`` are names of which it was said already."""
    for zone in zones:
        changes = [change for change in zone.changes if change.name not in judged]
        removed, added = (sum(getattr(change, what) for change in changes) for what in ("removed", "added"))
        if removed > added:
            sets = ", ".join(f"{change.name} {change.type}" for change in changes if change.removed)
            yield (
                f"{zone.zone}: the plan removes {removed} values and adds {added} ({sets})."
                " Accepted: confirm_removal: true, if that is meant."
            )


def make(
    zones: t.Mapping[str, str],
    wanted: t.Sequence[RecordSet],
    unwanted: t.Sequence[Removal],
    now: t.Mapping[str, Seen],
    confirm_removal: bool = False,
    *,
    confirm_loss: t.Sequence[str] = (),
) -> Plan:
    """Plan the changes. ``zones`` has the zone of each name, ``now`` what the primary has at each name.

    ``confirm_loss`` has the names at which it is meant that others lose what they may rely on.
    """
    problems = list(_option_problems(wanted, unwanted))
    if problems:
        return Plan((), tuple(problems), ())
    changes = _changes(wanted, unwanted, now)
    problems += _alias_problems(changes, now)
    needed = [change for change in changes.values() if _is_needed(change)]
    by_zone: dict[str, list[Change]] = {}
    for change in needed:
        by_zone.setdefault(zones[change.name], []).append(change)
    plans = tuple(ZonePlan(zone, tuple(each)) for zone, each in by_zone.items())
    losses = [loss for loss in _losses(wanted, unwanted, now) if loss.name not in confirm_loss]
    problems += map(str, losses)
    if not confirm_removal:
        problems += _removal_problems(plans, {*confirm_loss, *(loss.name for loss in losses)})
    return Plan(plans, tuple(problems), tuple(_wildcard_warnings(needed, now)))


def not_served(
    wanted: t.Sequence[RecordSet], unwanted: t.Sequence[Removal], now: t.Mapping[str, Seen]
) -> tuple[Key, ...]:
    """Return the sets that a server does not serve as they are wanted; the TTL does not matter."""
    changes = _changes(wanted, unwanted, now).items()
    return tuple(key for key, change in changes if set(change.before) != set(change.after))


def zone_text(zone: ZonePlan) -> tuple[str, str]:
    """Return the changed sets as lines of a zone file, before and after."""
    return (
        "".join(f"{c.name}. {c.ttl_before} IN {c.type} {data}\n" for c in zone.changes for data in sorted(c.before)),
        "".join(f"{c.name}. {c.ttl} IN {c.type} {data}\n" for c in zone.changes for data in sorted(c.after)),
    )

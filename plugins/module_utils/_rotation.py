# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The life of a relay's DKIM selectors: which one signs, which one will, and the next safe step.

A selector is made (``next``), signs (``current``), is kept for the mail that is on its way (``retired``), tells that
it is not to be trusted any more (``revoked``, RFC 6376 section 3.6.1), and goes (``removed``). A relay has one current
selector for all of its domains. Times are seconds since 1970; nothing here knows what time it is.

The notes of a relay are a JSON text; :func:`parse_notes` and :func:`join_notes` are inverses.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

from ansible_collections.mailops.relay.plugins.module_utils import _dkim

STATES = ("next", "current", "retired", "revoked", "removed")

WITH_KEY = ("next", "current", "retired")
"""States in which the private half is kept: a retired one only until it is revoked."""

ACTIONS = ("switch", "revoke", "remove", "forget", "make")
"""Steps in the order in which they are taken where several are due."""

DAY = 86400

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_VERSION = 1
_LABEL_LENGTH = 63


@dataclass(frozen=True)
class Selector:
    """A selector and the time since when it has its state."""

    name: str
    state: str
    since: int


@dataclass(frozen=True)
class Policy:
    """How long each state lasts, in seconds; an ``interval`` of 0 means that no new key is made."""

    interval: int
    keep: int
    revoked: int
    settle: int


@dataclass(frozen=True)
class Evidence:
    """What the world sees: selectors of which every authoritative server has all records, or none of them.

    ``missing`` says of the others what was seen instead.
    """

    visible: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    missing: t.Mapping[str, str] = field(default_factory=dict)

    def why_not(self, selector: str) -> str:
        return self.missing.get(selector, "its records were not looked for")


@dataclass(frozen=True)
class Step:
    """A step that will be due at ``due``. ``blocked`` says what else has to be true before, empty for nothing."""

    action: str
    selector: str
    due: int
    blocked: str = ""


def time_text(seconds: int) -> str:
    """Return a time as ``2026-11-25T08:00:00Z``."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime(_FORMAT)


def _seconds(text: t.Any) -> int:
    return int(datetime.strptime(text, _FORMAT).replace(tzinfo=timezone.utc).timestamp())


def _selector(item: t.Any) -> Selector:
    try:
        selector = Selector(_dkim.selector(item["selector"]), item["state"], _seconds(item["since"]))
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError):
        raise ValueError(
            f"{str(item)[:120]} is no selector; accepted: selector, state and since, a time such as {time_text(0)}"
        ) from None
    if selector.state not in STATES:
        raise ValueError(f"{selector.name} has the state {selector.state!r}; accepted: {', '.join(STATES)}")
    return selector


def parse_notes(text: str) -> tuple[Selector, ...]:
    """Parse the notes of a relay, or raise ``ValueError``. Exactly one selector signs, at most one is next."""
    try:
        notes = json.loads(text)
        items = notes["selectors"] if notes["version"] == _VERSION else None
    except (KeyError, RecursionError, TypeError, ValueError):
        items = None
    if not isinstance(items, list):
        raise ValueError(f'these are no notes; accepted: {{"version": {_VERSION}, "selectors": [...]}}')
    selectors = tuple(map(_selector, items))
    names = [selector.name for selector in selectors]
    states = [selector.state for selector in selectors]
    if len(set(names)) < len(names):
        raise ValueError("a selector is there twice; accepted: each one once")
    if states.count("current") != 1 or states.count("next") > 1:
        raise ValueError(
            f"{states.count('current')} selectors are current and {states.count('next')} are next; accepted: one"
            " current, and one next at most"
        )
    return selectors


def describe(selectors: t.Iterable[Selector]) -> list[dict[str, str]]:
    """Return the selectors as notes and modules show them."""
    return [{"selector": each.name, "state": each.state, "since": time_text(each.since)} for each in selectors]


def join_notes(selectors: t.Iterable[Selector]) -> str:
    """Write the notes of a relay."""
    return json.dumps({"version": _VERSION, "selectors": describe(selectors)}, indent=2) + "\n"


def in_state(selectors: t.Iterable[Selector], *states: str) -> list[Selector]:
    return [selector for selector in selectors if selector.state in states]


def belongs(selector: str, base: str) -> bool:
    """Whether a selector is that of the description, or one that was made in its place."""
    return bool(re.fullmatch(rf"{re.escape(base.lower())}(-[0-9]{{8}}(-[0-9]+)?)?", selector.lower()))


def initial(base: str, existing: t.Mapping[str, int], now: int) -> tuple[Selector, ...]:
    """Return the selectors of a relay without notes: that of the description signs.

    ``existing`` has the time of each key. Raises ``ValueError`` where notes were lost: to sign with a key that is new,
    or revoked, would be worse than to stop.
    """
    name = _dkim.selector(base)
    others = sorted(selector for selector in existing if belongs(selector, name) and selector != name)
    if name not in existing and others:
        found = [Selector(others[-1], "current", existing[others[-1]])]
        raise ValueError(
            f"the notes of the selectors are lost, and there are keys of {', '.join(others)}. Accepted: the file from a"
            f" backup, or, if {others[-1]} is the one that signs, this as its content: {_one_line(found)}"
        )
    return (Selector(name, "current", existing.get(name, now)),)


def _one_line(selectors: t.Iterable[Selector]) -> str:
    return " ".join(join_notes(selectors).split())


def new_name(base: str, selectors: t.Iterable[Selector], now: int) -> str:
    """Return the name of a new selector: the description's with the day, which no other one has or had.

    Raises ``ValueError`` where that is too long for a label of the DNS (RFC 1035, 2.3.4).
    """
    taken = {selector.name for selector in selectors}
    dated = f"{base.lower()}-{datetime.fromtimestamp(now, timezone.utc):%Y%m%d}"
    name, number = dated, 2
    while name in taken:
        name, number = f"{dated}-{number}", number + 1
    if len(name.rpartition(".")[2]) > _LABEL_LENGTH:
        raise ValueError(
            f"the selector {base!r} is too long to get a date; accepted: a relay_dkim.selector of up to"
            f" {_LABEL_LENGTH - len('-20261125-99')} characters (RFC 1035, 2.3.4)"
        )
    return _dkim.selector(name)


def _pending(selector: Selector, policy: Policy, evidence: Evidence, current: str) -> Step | None:
    seen = "" if selector.name in evidence.visible else f"DNS: {evidence.why_not(selector.name)}"
    if selector.state == "next":
        return Step("switch", selector.name, selector.since + policy.settle, seen)
    if selector.state == "retired":
        # Without the current key in DNS the retired one may be all that receivers have.
        known = "" if current in evidence.visible else f"DNS: {evidence.why_not(current)}"
        return Step("revoke", selector.name, selector.since + policy.keep, known)
    if selector.state == "revoked":
        return Step("remove", selector.name, selector.since + policy.revoked)
    if selector.state == "removed":
        gone = "" if selector.name in evidence.absent else f"DNS: {evidence.why_not(selector.name)}"
        return Step("forget", selector.name, selector.since, gone)
    return None


def steps(selectors: t.Sequence[Selector], policy: Policy, evidence: Evidence) -> list[Step]:
    """Return all steps that lie ahead, the one that is due first at the front."""
    (current,) = in_state(selectors, "current")
    found = [step for step in (_pending(each, policy, evidence, current.name) for each in selectors) if step]
    if policy.interval and not in_state(selectors, "next"):
        found.append(Step("make", "", current.since + policy.interval))
    return sorted(found, key=lambda step: (step.due, ACTIONS.index(step.action)))


def due(pending: t.Iterable[Step], now: int) -> Step | None:
    """Return the step to take now: of those that are due and not blocked the first in the order of ``ACTIONS``."""
    ready = [step for step in pending if step.due <= now and not step.blocked]
    return min(ready, key=lambda step: ACTIONS.index(step.action), default=None)


def take(selectors: t.Sequence[Selector], step: Step, base: str, now: int) -> tuple[Selector, ...]:
    """Return the selectors after a step."""
    if step.action == "make":
        return (*selectors, Selector(new_name(base, selectors, now), "next", now))
    if step.action == "forget":
        return tuple(each for each in selectors if each.name != step.selector)
    after = {"switch": "current", "revoke": "revoked", "remove": "removed"}[step.action]
    states = {step.selector: after}
    if step.action == "switch":
        states.update((each.name, "retired") for each in in_state(selectors, "current"))
    return tuple(replace(e, state=states[e.name], since=now) if e.name in states else e for e in selectors)


_DOES = {
    "make": "make a new key",
    "switch": "sign with {selector}",
    "revoke": "revoke {selector}",
    "remove": "remove the records of {selector}",
    "forget": "forget {selector}, which is gone from DNS",
}
_DID = {
    "make": "A new key was made; it is published, and does not sign yet.",
    "switch": "Mail is signed with {selector} now; the records of the one before stay.",
    "revoke": "{selector} is revoked, and its private half is gone.",
    "remove": "The records of {selector} are removed.",
    "forget": "{selector} is gone from DNS, and forgotten.",
}


def describe_done(step: Step | None) -> str:
    """Return what was done, for the reader."""
    return _DID[step.action].format(selector=step.selector) if step else "Nothing was due."


def describe_next(pending: t.Sequence[Step], now: int) -> str:
    """Return what will be done next and when, for the reader."""
    if not pending:
        return "Nothing lies ahead: relay_dkim.rotation.interval is 0."
    first = due(pending, now) or next((step for step in pending if step.due > now), pending[0])
    what = _DOES[first.action].format(selector=first.selector)
    when = "in the next run" if first.due <= now else f"in the first run after {time_text(first.due)}"
    waiting = [
        f" Waiting to {_DOES[step.action].format(selector=step.selector)}: {step.blocked}."
        for step in pending
        if step.blocked and step.due <= now
    ]
    if first.blocked and first.due <= now:
        return "".join(waiting).strip()
    return f"Next: {what}, {when}.{''.join(waiting)}"

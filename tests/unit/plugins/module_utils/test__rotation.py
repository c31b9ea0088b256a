# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a selector, as tables, and as walks through time in which DNS does what it likes."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _rotation
from ansible_collections.mailops.relay.plugins.module_utils._rotation import DAY, Evidence, Policy, Selector, Step
from hypothesis import given
from hypothesis import strategies as st

NOW = _rotation._seconds("2026-11-25T08:00:00Z")
POLICY = Policy(interval=180 * DAY, keep=14 * DAY, revoked=30 * DAY, settle=3600)
BASE = "relay1"
NEW = "relay1-20261125"


def ago(state: str, seconds: int, name: str = BASE) -> Selector:
    return Selector(name, state, NOW - seconds)


def seen(*visible: str, absent: tuple[str, ...] = ()) -> Evidence:
    return Evidence(frozenset(visible), frozenset(absent))


ROWS = [
    ("young", [ago("current", 179 * DAY)], seen(BASE), ""),
    ("old enough", [ago("current", 180 * DAY)], seen(BASE), "make"),
    ("made, not settled", [ago("current", 200 * DAY), ago("next", 3599, NEW)], seen(BASE, NEW), ""),
    ("made, not visible", [ago("current", 200 * DAY), ago("next", 3600, NEW)], seen(BASE), ""),
    ("made and visible", [ago("current", 200 * DAY), ago("next", 3600, NEW)], seen(BASE, NEW), "switch"),
    ("just retired", [ago("retired", 14 * DAY - 1), ago("current", 14 * DAY - 1, NEW)], seen(BASE, NEW), ""),
    ("retired for long", [ago("retired", 14 * DAY), ago("current", 14 * DAY, NEW)], seen(NEW), "revoke"),
    ("retired, and the current one not seen", [ago("retired", 99 * DAY), ago("current", 99 * DAY, NEW)], seen(), ""),
    ("just revoked", [ago("revoked", 30 * DAY - 1), ago("current", DAY, NEW)], seen(NEW), ""),
    ("revoked for long", [ago("revoked", 30 * DAY), ago("current", DAY, NEW)], seen(NEW), "remove"),
    ("removed, still there", [ago("removed", 9 * DAY), ago("current", DAY, NEW)], seen(NEW), ""),
    ("removed and gone", [ago("removed", 0), ago("current", DAY, NEW)], seen(NEW, absent=(BASE,)), "forget"),
    (
        "several are due: what signs comes first",
        [ago("revoked", 99 * DAY, "old"), ago("current", 400 * DAY), ago("next", DAY, NEW)],
        seen(BASE, NEW),
        "switch",
    ),
    (
        "what is blocked does not keep the rest",
        [ago("revoked", 99 * DAY, "old"), ago("current", 400 * DAY), ago("next", DAY, NEW)],
        seen(BASE),
        "remove",
    ),
]


@pytest.mark.parametrize(("selectors", "evidence", "action"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_step_that_is_due(selectors: list[Selector], evidence: Evidence, action: str) -> None:
    step = _rotation.due(_rotation.steps(selectors, POLICY, evidence), NOW)
    assert (step.action if step else "") == action


def test_no_key_is_made_where_nobody_wants_it() -> None:
    never = Policy(interval=0, keep=0, revoked=0, settle=0)
    assert _rotation.steps([ago("current", 9999 * DAY)], never, seen()) == []
    assert "relay_dkim.rotation.interval is 0" in _rotation.describe_next([], NOW)


def test_a_whole_life() -> None:
    """Daily runs, with a world in which everything that is published is seen a day later."""
    selectors: tuple[Selector, ...] = (Selector(BASE, "current", NOW),)
    done = []
    for day in range(1, 240):
        now = NOW + day * DAY
        names = {each.name for each in selectors if each.state != "removed"}
        evidence = Evidence(frozenset(names), frozenset(each.name for each in selectors) - names)
        step = _rotation.due(_rotation.steps(selectors, POLICY, evidence), now)
        if step:
            selectors = _rotation.take(selectors, step, BASE, now)
            done.append((day, step.action, len(selectors)))
    assert done == [(180, "make", 2), (181, "switch", 2), (195, "revoke", 2), (225, "remove", 2), (226, "forget", 1)]
    assert [(each.name, each.state) for each in selectors] == [("relay1-20270524", "current")]


@given(
    st.lists(
        st.tuples(
            st.integers(min_value=0, max_value=40 * DAY),
            st.sets(st.integers(min_value=0, max_value=5)),
            st.sets(st.integers(min_value=0, max_value=5)),
        ),
        max_size=60,
    )
)
def test_whatever_dns_does_mail_is_signed_with_a_key_that_was_seen(
    runs: list[tuple[int, set[int], set[int]]],
) -> None:
    policy = Policy(interval=30 * DAY, keep=14 * DAY, revoked=5 * DAY, settle=3600)
    selectors: tuple[Selector, ...] = (Selector(BASE, "current", NOW),)
    now = NOW
    for seconds, visible, absent in runs:
        now += seconds
        names = [each.name for each in selectors]
        evidence = Evidence(
            frozenset(name for number, name in enumerate(names) if number in visible),
            frozenset(name for number, name in enumerate(names) if number in absent),
        )
        before = {each.name: each for each in selectors}
        step = _rotation.due(_rotation.steps(selectors, policy, evidence), now)
        if step is None:
            continue
        selectors = _rotation.take(selectors, step, BASE, now)
        assert _rotation.parse_notes(_rotation.join_notes(selectors)) == selectors
        (current,) = _rotation.in_state(selectors, "current")
        if before.get(current.name) != current:
            assert current.name in evidence.visible
            assert now - before[current.name].since >= policy.settle
        for each in selectors:
            was = before.get(each.name)
            if each.state == "revoked" and was and was.state != "revoked":
                assert was.state == "retired"
                assert now - was.since >= policy.keep
                assert current.name in evidence.visible
        changed = [name for name, each in before.items() if each not in selectors]
        assert len(changed) <= 2, "one step at a time: a switch changes two"


def test_names_of_new_selectors() -> None:
    taken = [ago("current", 0, NEW), ago("retired", 0, f"{NEW}-2")]
    assert _rotation.new_name("Relay1", [], NOW) == NEW
    assert _rotation.new_name(BASE, taken, NOW) == f"{NEW}-3"
    assert _rotation.new_name("a.b", [], NOW) == "a.b-20261125"
    with pytest.raises(ValueError, match="up to 51 characters"):
        _rotation.new_name("x" * 60, [], NOW)


@pytest.mark.parametrize(
    ("selector", "mine"),
    [(BASE, True), ("RELAY1", True), (NEW, True), (f"{NEW}-2", True), ("relay10", False), ("relay1-a", False)],
)
def test_whose_selector_it_is(selector: str, mine: bool) -> None:
    assert _rotation.belongs(selector, BASE) is mine


def test_the_first_notes() -> None:
    assert _rotation.initial(BASE, {}, NOW) == (Selector(BASE, "current", NOW),)
    assert _rotation.initial(BASE, {BASE: 5, NEW: 9, "other": 1}, NOW) == (Selector(BASE, "current", 5),)
    assert _rotation.initial(BASE, {"other": 1}, NOW) == (Selector(BASE, "current", NOW),)


def test_lost_notes_stop_everything() -> None:
    with pytest.raises(ValueError, match="are lost") as caught:
        _rotation.initial(BASE, {NEW: NOW}, NOW)
    told = str(caught.value).partition("content: ")[2]
    assert _rotation.parse_notes(told) == (Selector(NEW, "current", NOW),)


ITEM = {"selector": BASE, "state": "current", "since": "2026-11-25T08:00:00Z"}


@pytest.mark.parametrize(
    ("notes", "reason"),
    [
        ("", "no notes"),
        ("[]", "no notes"),
        ("[" * 100000, "no notes"),
        ({"version": 2, "selectors": [ITEM]}, "no notes"),
        ({"version": 1, "selectors": {}}, "no notes"),
        ({"version": 1, "selectors": []}, "0 selectors are current"),
        ({"version": 1, "selectors": [ITEM, {**ITEM, "selector": "b"}]}, "2 selectors are current"),
        ({"version": 1, "selectors": [ITEM, {**ITEM, "state": "next"}]}, "twice"),
        ({"version": 1, "selectors": [{**ITEM, "state": "x"}]}, "has the state 'x'"),
        ({"version": 1, "selectors": [{**ITEM, "since": "now"}]}, "is no selector"),
        ({"version": 1, "selectors": [{**ITEM, "since": 5}]}, "is no selector"),
        ({"version": 1, "selectors": [{**ITEM, "selector": "a b"}]}, "is no selector"),
        ({"version": 1, "selectors": [{**ITEM, "selector": 1}]}, "is no selector"),
        ({"version": 1, "selectors": ["x"]}, "is no selector"),
    ],
)
def test_notes_that_are_none(notes: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _rotation.parse_notes(notes if isinstance(notes, str) else json.dumps(notes))


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_any_text_is_notes_or_a_value_error(text: str) -> None:
    try:
        _rotation.parse_notes(text)
    except ValueError:
        return


@pytest.mark.parametrize(
    ("pending", "text"),
    [
        ([Step("make", "", NOW + DAY)], "Next: make a new key, in the first run after 2026-11-26T08:00:00Z."),
        ([Step("switch", NEW, NOW)], f"Next: sign with {NEW}, in the next run."),
        (
            [Step("switch", NEW, NOW - 5, "DNS: ns2 does not have it")],
            f"Waiting to sign with {NEW}: DNS: ns2 does not have it.",
        ),
        (
            [Step("switch", NEW, NOW - 5, "DNS: ns2 does not have it"), Step("revoke", "old", NOW + DAY)],
            "Next: revoke old, in the first run after 2026-11-26T08:00:00Z."
            f" Waiting to sign with {NEW}: DNS: ns2 does not have it.",
        ),
    ],
)
def test_it_says_what_comes_next(pending: list[Step], text: str) -> None:
    assert _rotation.describe_next(pending, NOW) == text

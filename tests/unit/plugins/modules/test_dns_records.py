# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of the module's steps, on a primary that is a dictionary."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._dns_plan import Published, Seen, Value
from ansible_collections.mailops.relay.plugins.module_utils._dns_tcp import DnsError, UnansweredError
from ansible_collections.mailops.relay.plugins.modules import dns_records
from ansible_collections.mailops.relay.plugins.modules.dns_records import PublishError

DEFAULTS: dict[str, t.Any] = {
    "remove": [],
    "zones": [],
    "state": "present",
    "confirm_removal": False,
    "confirm_loss": [],
    "timeout": 1,
    "wait": 0,
    "servers": [],
}


class Primary:
    """Has ``sets``; every name's zone is its last two labels. ``refuse`` are (zone, trial) that fail with ``error``."""

    def __init__(
        self,
        sets: dict[tuple[str, str], str] | None = None,
        refuse: t.Container[t.Any] = (),
        error: type[DnsError] = DnsError,
    ) -> None:
        self.sets = sets or {}
        self.refuse = refuse
        self.error = error
        self.steps: list[tuple[str, bool]] = []

    def zones(self, names, given):
        return {name: ".".join(name.split(".")[-2:]) for name in names}

    def observe(self, keys):
        now: dict[str, Seen] = {}
        for name, rdtype in keys:
            data = self.sets.get((name, rdtype))
            has = {rdtype: Published(3600, (Value(data, data),))} if data else {}
            now[name] = Seen({**now.get(name, Seen()).sets, **has})
        return now

    def update(self, plan, trial=False):
        self.steps.append((plan.zone, trial))
        if (plan.zone, trial) in self.refuse:
            raise self.error(f"{plan.zone}: no")


def record(name, rdtype="A", *values):
    return {"name": name, "type": rdtype, "values": list(values or ("192.0.2.1",))}


def run(primary, *records, check_mode=False, **options):
    return dns_records.run({**DEFAULTS, "records": list(records), **options}, primary, check_mode)[0]


BOTH = (record("x.a.test"), record("x.b.test"))


def test_all_zones_are_tried_before_the_first_is_changed() -> None:
    primary = Primary()
    assert run(primary, *BOTH)["changed"]
    assert primary.steps == [("a.test", True), ("b.test", True), ("a.test", False), ("b.test", False)]


def test_one_zone_needs_no_trial() -> None:
    primary = Primary()
    run(primary, BOTH[0])
    assert primary.steps == [("a.test", False)]


@pytest.mark.parametrize(
    ("refuse", "published", "last"),
    [
        ([("b.test", True)], [], "Nothing was changed."),
        ([("a.test", False)], [], "Nothing was changed."),
        ([("b.test", False)], ["a.test"], "Published: a.test. Nothing else was changed."),
    ],
)
def test_a_failure_says_what_was_published(refuse, published, last) -> None:
    with pytest.raises(PublishError) as caught:
        run(Primary(refuse=refuse), *BOTH)
    assert caught.value.published == published
    assert str(caught.value).splitlines()[-1] == last


@pytest.mark.parametrize(
    ("refuse", "changed", "last"),
    [
        (("a.test", True), False, "Nothing was changed."),
        (("a.test", False), True, "It is not known whether a.test was changed, .* that completes it. Nothing else was"),
        (("b.test", False), True, "It is not known whether b.test was changed, .* Published: a.test. Nothing else was"),
    ],
)
def test_a_lost_answer_is_no_proof_of_nothing(refuse, changed, last) -> None:
    with pytest.raises(PublishError) as caught:
        run(Primary(refuse=[refuse], error=UnansweredError), *BOTH)
    assert caught.value.changed is changed
    assert re.match(last, str(caught.value).splitlines()[-1])


@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_is_sent_where_nothing_changes(check_mode) -> None:
    primary = Primary({("x.a.test", "A"): "192.0.2.1"})
    assert run(primary, BOTH[0], check_mode=check_mode) == {"changed": False, "zones": []}
    assert not primary.steps


def test_check_mode_returns_the_same_and_sends_nothing() -> None:
    primary = Primary()
    assert run(primary, *BOTH, check_mode=True, wait=60) == run(Primary(), *BOTH)
    assert not primary.steps


def test_nothing_is_sent_if_one_zone_has_a_problem() -> None:
    primary = Primary({("x.b.test", "A"): "192.0.2.9"})
    with pytest.raises(PublishError, match=r"b.test: the plan removes 1 values and adds 0"):
        run(primary, BOTH[0], remove=[{"name": "x.b.test", "type": "A", "values": []}])
    assert not primary.steps


def test_a_loss_is_refused_or_confirmed_by_name() -> None:
    sets = {("b.test", "MX"): "10 mx.b.test."}
    primary = Primary(sets)
    with pytest.raises(PublishError) as caught:
        run(primary, BOTH[0], record("b.test", "MX", "10 mx.a.test"), confirm_loss=["x.a.test"])
    (line, end) = str(caught.value).splitlines()
    assert line.startswith("b.test MX: it would lose the mail servers mx.b.test (there is 10 mx.b.test.). Accepted: ")
    assert end == "Nothing was changed."
    assert not primary.steps
    assert run(Primary(sets), record("b.test", "MX", "10 mx.a.test"), confirm_loss=["B.test."])["changed"]


def test_absent_removes_what_is_listed() -> None:
    primary = Primary({("x.a.test", "A"): "192.0.2.1"})
    gone = {"name": "X.a.test.", "type": "A", "values": None}
    (zone,) = run(primary, gone, state="absent", confirm_removal=True)["zones"]
    assert zone["changes"][0]["action"] == "remove"
    assert primary.steps == [("a.test", False)]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"records": [record("a..b")]}, "records: "),
        ({"records": [record("a.test", "A", "x")]}, "records: "),
        ({"records": [{"name": "a.test", "type": "A", "values": None}]}, "records: the record 'a.test' A has 0 values"),
        ({"remove": [record("a.test", "MX", "x")]}, "remove: 'x' is not"),
        ({"zones": ["a..b"]}, "zones: "),
        ({"confirm_loss": ["a..b"]}, "confirm_loss: "),
        ({"servers": ["ns@x"]}, "servers: 'ns@x' is not a server; accepted: "),
        ({"servers": ["@53"]}, "servers: '@53' is not a server; accepted: "),
    ],
)
def test_wrong_options_are_named(options, problem) -> None:
    with pytest.raises(PublishError) as caught:
        run(Primary(), **options)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(problem)


def test_every_wrong_record_is_named_at_once() -> None:
    with pytest.raises(PublishError) as caught:
        run(Primary(), record("a..b"), record("b.test", "A", "x"), zones=[".."])
    assert len(str(caught.value).splitlines()) == 4

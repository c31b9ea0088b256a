# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dns_plan, _zone_file
from ansible_collections.mailops.relay.plugins.module_utils._dns_plan import Published, Removal, Seen, Value
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

ZONE = "example.com"
SPF = "v=spf1 ip4:192.0.2.1 -all"
OLD_SPF = "v=spf1 -all"
SITE = "google-site-verification=abc"
LONG = "v=DKIM1; k=rsa; p=" + "A" * 400


def txt(*texts: str, ttl: int = 3600) -> Published:
    return Published(ttl, tuple(Value(text, _zone_file.quoted(text)) for text in texts))


def plain(*texts: str, ttl: int = 3600) -> Published:
    return Published(ttl, tuple(Value(text, text) for text in texts))


def make(
    wanted: list[RecordSet],
    sets: dict[str, Published] | None = None,
    unwanted: t.Sequence[Removal] = (),
    confirm: bool = False,
    wildcard: tuple[str, ...] = (),
) -> _dns_plan.Plan:
    """Plan for one zone, in which all names have the same sets."""
    names = [each.name for each in (*wanted, *unwanted)]
    now = {name: Seen(sets or {}, wildcard) for name in names}
    return _dns_plan.make(dict.fromkeys(names, ZONE), wanted, unwanted, now, confirm)


def rset(rdtype: str, *values: str, name: str = ZONE, ttl: int = 3600) -> RecordSet:
    return RecordSet(name, rdtype, values, ttl)


def outcome(plan: _dns_plan.Plan) -> list[tuple[str, str, list[str]]]:
    return [(change.verb, change.type, sorted(change.after)) for zone in plan.zones for change in zone.changes]


@pytest.mark.parametrize(
    ("wanted", "sets", "expected"),
    [
        (rset("TXT", SPF), {}, [("add", "TXT", [f'"{SPF}"'])]),
        (rset("TXT", SPF), {"TXT": txt(SPF)}, []),
        (rset("TXT", SPF), {"TXT": txt(SITE, SPF)}, []),
        (rset("TXT", SPF), {"TXT": txt(SITE)}, [("replace", "TXT", [f'"{SITE}"', f'"{SPF}"'])]),
        (rset("TXT", SPF), {"TXT": txt(SITE, OLD_SPF)}, [("replace", "TXT", [f'"{SITE}"', f'"{SPF}"'])]),
        (rset("TXT", SPF, ttl=60), {"TXT": txt(SPF)}, [("replace", "TXT", [f'"{SPF}"'])]),
        (rset("TXT", "free text"), {"TXT": txt(SPF)}, [("replace", "TXT", ['"free text"', f'"{SPF}"'])]),
        (rset("MX", "10 mx.example.com"), {"MX": plain("10 mx.example.com.")}, []),
        (
            rset("MX", "5 mx.example.com"),
            {"MX": plain("0 mx.example.com.")},
            [("replace", "MX", ["5 mx.example.com."])],
        ),
        (rset("A", "192.0.2.1"), {"AAAA": plain("2001:db8::1")}, [("add", "A", ["192.0.2.1"])]),
        (rset("A", "192.0.2.2", "192.0.2.1"), {"A": plain("192.0.2.1", "192.0.2.2")}, []),
        (
            rset("CNAME", "b.example.com"),
            {"CNAME": plain("a.example.com.")},
            [("replace", "CNAME", ["b.example.com."])],
        ),
    ],
)
def test_only_what_is_wanted_changes(wanted, sets, expected) -> None:
    plan = make([wanted], sets)
    assert not plan.problems
    assert outcome(plan) == expected


def test_a_key_gives_way_to_a_key_and_a_policy_to_a_policy() -> None:
    key = rset("TXT", LONG, name="s1._domainkey.example.com")
    policy = rset("TXT", "v=DMARC1; p=reject", name="_dmarc.example.com")
    plan = make([key, policy], {"TXT": txt("v=DMARC1; p=none", "p=")})
    first, second = plan.zones[0].changes
    assert [len(first.after), len(second.after)] == [1, 2]
    assert '"p="' in second.after


def test_foreign_data_is_kept_to_the_byte() -> None:
    has = Published(60, (Value("ab", '"a" "b"'), Value("\\255", '"\\255"')))
    (zone,) = make([rset("TXT", SPF)], {"TXT": has}).zones
    assert zone.changes[0].after == ('"a" "b"', '"\\255"', f'"{SPF}"')


def test_an_own_value_that_is_split_elsewhere_is_no_change() -> None:
    has = Published(3600, (Value(LONG, f'"{LONG[:100]}" "{LONG[100:300]}" "{LONG[300:]}"'),))
    assert not make([rset("TXT", LONG)], {"TXT": has}).zones


@pytest.mark.parametrize(
    ("wanted", "sets", "problem"),
    [
        ([rset("A", "192.0.2.1")], {"CNAME": plain("a.example.com.")}, "there is CNAME a.example.com., so A cannot"),
        ([rset("CNAME", "a.example.com")], {"MX": plain("0 .")}, "there is MX 0 ., so CNAME cannot"),
        ([rset("CNAME", "a.example.com"), rset("A", "192.0.2.1")], {}, "a CNAME beside A"),
        ([rset("A", "192.0.2.1"), rset("A", "192.0.2.2")], {}, "listed twice"),
        (
            [rset("A", "192.0.2.1")],
            {"A": plain("192.0.2.2", "192.0.2.3")},
            "removes 2 values and adds 1 (example.com A)",
        ),
        (
            [rset("MX", "0 .")],
            {"MX": plain("1 a.", "2 b.")},
            "it would lose the mail servers a, b (there is 1 a., 2 b.). ",
        ),
    ],
)
def test_what_is_refused(wanted, sets, problem) -> None:
    (found,) = make(wanted, sets).problems
    assert problem in found
    assert "ccepted" in found or "alone" in found


@pytest.mark.parametrize(
    ("removal", "expected"),
    [
        (Removal(ZONE, "TXT"), [("remove", "TXT", [])]),
        (Removal(ZONE, "TXT", (OLD_SPF,)), [("replace", "TXT", [f'"{SITE}"'])]),
        (Removal(ZONE, "TXT", ("not there",)), []),
        (Removal(ZONE, "A"), []),
    ],
)
def test_removal_is_of_what_is_named(removal, expected) -> None:
    sets = {"TXT": txt(SITE, OLD_SPF)}
    assert outcome(make([], sets, [removal], confirm=True)) == expected
    assert bool(make([], sets, [removal]).problems) == bool(expected)


def test_an_alias_gives_way_when_told() -> None:
    plan = make([rset("A", "192.0.2.1")], {"CNAME": plain("a.example.com.")}, [Removal(ZONE, "CNAME")])
    assert not plan.problems
    assert outcome(plan) == [("add", "A", ["192.0.2.1"]), ("remove", "CNAME", [])]


def test_a_value_is_added_and_another_removed_at_one_name() -> None:
    plan = make([rset("TXT", "new")], {"TXT": txt(SITE, "old")}, [Removal(ZONE, "TXT", ("old",))])
    assert outcome(plan) == [("replace", "TXT", [f'"{SITE}"', '"new"'])]


def test_wanted_and_unwanted_at_once_is_refused() -> None:
    (problem,) = make([rset("TXT", "new")], {}, [Removal(ZONE, "TXT")]).problems
    assert "wanted and to be removed" in problem


def test_a_zone_is_not_emptied_under_cover_of_another() -> None:
    names = {"a.test": "a.test", "b.test": "b.test"}
    wanted = [rset("A", *(f"192.0.2.{n}" for n in range(9)), name="a.test"), rset("A", "192.0.2.1", name="b.test")]
    now = {"b.test": Seen({"A": plain("192.0.2.2", "192.0.2.3")})}
    (problem,) = _dns_plan.make(names, wanted, [], now).problems
    assert problem.startswith("b.test: ")


def lossy(confirm_loss: t.Sequence[str] = (), unwanted: t.Sequence[Removal] = ()) -> tuple[str, ...]:
    """Return the problems where a record with an include is replaced by one without, and two MX by one."""
    wanted = [rset("TXT", SPF), rset("MX", "1 c.test")]
    seen = Seen({"TXT": txt("v=spf1 include:b.test -all"), "MX": plain("1 a.test.", "1 b.test.")})
    return _dns_plan.make({ZONE: ZONE}, wanted, unwanted, {ZONE: seen}, confirm_loss=confirm_loss).problems


def test_each_loss_is_a_problem_and_said_once() -> None:
    spf, mx = lossy()
    assert "it would lose include:b.test (" in spf
    assert "it would lose the mail servers a.test, b.test (" in mx


def test_a_loss_that_is_confirmed_needs_no_second_confirmation() -> None:
    assert len(lossy(["b.test"])) == 2
    assert not lossy([ZONE])


def test_what_is_named_to_be_removed_is_no_loss() -> None:
    (mx,) = lossy(unwanted=[Removal(ZONE, "TXT", ("v=spf1 include:b.test -all",))])
    assert " MX: " in mx


def test_a_wildcard_that_stops_answering_is_a_warning() -> None:
    plan = make([rset("TXT", SPF)], {}, wildcard=("A", "TXT"))
    (warning,) = plan.warnings
    assert "no A any more" in warning
    assert outcome(plan) == [("add", "TXT", [f'"{SPF}"'])]
    assert not make([rset("TXT", SPF)], {"TXT": txt(SPF)}, wildcard=("A",)).warnings


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("example.com", "example.com"),
        ("a.example.com", "example.com"),
        ("a.sub.example.com", "sub.example.com"),
        ("badexample.com", None),
        ("com", None),
    ],
)
def test_zone_of(name, zone) -> None:
    assert _dns_plan.zone_of(name, ["example.com", "sub.example.com"]) == zone


def test_zone_text_shows_both_sides() -> None:
    (zone,) = make([rset("TXT", SPF, ttl=60)], {"TXT": txt(OLD_SPF)}).zones
    assert _dns_plan.zone_text(zone) == (
        'example.com. 3600 IN TXT "v=spf1 -all"\n',
        f'example.com. 60 IN TXT "{SPF}"\n',
    )


def test_what_is_not_served() -> None:
    wanted = [rset("TXT", SPF, ttl=60), rset("MX", "0 .")]
    now = {ZONE: Seen({"TXT": txt(SPF, SITE), "MX": plain("1 a.")})}
    assert _dns_plan.not_served(wanted, [Removal(ZONE, "A")], now) == ((ZONE, "MX"),)

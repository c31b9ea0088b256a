# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The limits of an evaluation of SPF: RFC 7208, 4.6.4."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.tests.unit.plugins.module_utils.test__spf_check import (
    DOWN,
    HERE,
    HERE_6,
    REVERSE,
    Zone,
    case,
    check,
    spf,
)


def names(count: int) -> list[str]:
    return [f"n{i}.example.com" for i in range(1, count + 1)]


CASES = [
    case("4.6.4 ten terms", f"v=spf1 {' '.join(['a'] * 10)} -all", "fail", {"example.com A": ["192.0.2.9"]}),
    case("4.6.4 eleven terms", f"v=spf1 {' '.join(['a'] * 11)} -all", "permerror", {"example.com A": ["192.0.2.9"]}),
    case("4.6.4 eleven terms, a match at the tenth", f"v=spf1 {' '.join(['a'] * 9)} exists:x.example a -all", "pass",
         {"example.com A": ["192.0.2.9"], "x.example A": ["127.0.0.2"]}),
    case("4.6.4 terms without lookups do not count", f"v=spf1 {'ip4:192.0.2.9 ip6::: ' * 20} x=y exp=x.example -all",
         "fail"),
    *(
        case(f"4.6.4 {term} counts", f"v=spf1 {' '.join(['a'] * 10)} {term}", "permerror", {
            "example.com A": ["192.0.2.9"], "x.example TXT": spf("+all"), "x.example A": ["127.0.0.2"],
            "example.com MX": ["x.example"], REVERSE: ["x.example"]})
        for term in ("include:x.example", "a:x.example", "mx", "ptr", "exists:x.example", "redirect=x.example")
    ),
    case("4.6.4 one count through includes", "v=spf1 include:x.example include:x.example -all", "permerror",
         {"x.example TXT": spf(" ".join(["a"] * 5)), "x.example A": ["192.0.2.9"]}),
    case("4.6.4 one count through redirects", "v=spf1 a a a a a redirect=x.example", "permerror",
         {"x.example TXT": spf("a a a a a -all"), "x.example A": ["192.0.2.9"], "example.com A": ["192.0.2.9"]}),
    case("4.6.4 redirect as the tenth", f"v=spf1 {' '.join(['a'] * 9)} redirect=x.example", "pass",
         {"x.example TXT": spf("ip4:192.0.2.1"), "example.com A": ["192.0.2.9"]}),
    case("4.6.4 an include of itself", "v=spf1 include:example.com -all", "permerror"),
    case("4.6.4 a redirect to itself", "v=spf1 redirect=example.com", "permerror"),
    case("4.6.4 ten mail exchangers", "v=spf1 mx -all", "pass",
         {"example.com MX": names(10), **{f"{n} A": ["192.0.2.9"] for n in names(9)}, "n10.example.com A": [HERE]}),
    case("4.6.4 eleven mail exchangers", "v=spf1 mx -all", "permerror",
         {"example.com MX": names(11), **{f"{n} A": [HERE] for n in names(11)}}),
    case("4.6.4 ten names of the client", "v=spf1 ptr -all", "pass",
         {REVERSE: names(10), **{f"{n} A": ["192.0.2.9"] for n in names(9)}, "n10.example.com A": [HERE]}),
    case("4.6.4 the eleventh name is ignored", "v=spf1 ptr -all", "fail",
         {REVERSE: names(11), **{f"{n} A": ["192.0.2.9"] for n in names(10)}, "n11.example.com A": [HERE]}),
    case("4.6.4 the eleventh name is ignored for p", "v=spf1 exists:%{p}.x.example -all", "pass",
         {REVERSE: names(11), **{f"{n} A": ["192.0.2.9"] for n in names(10)}, "n11.example.com A": [HERE],
          "unknown.x.example A": ["127.0.0.2"]}),
    case("4.6.4 two void terms", "v=spf1 a:x.example exists:y.example -all", "fail"),
    case("4.6.4 three void terms", "v=spf1 a:x.example mx:x.example exists:y.example -all", "permerror"),
    case("4.6.4 no data is void as no name is", "v=spf1 a mx exists:%{d} -all", "permerror"),
    case("4.6.4 void terms through includes", "v=spf1 a:v.example include:x.example -all", "permerror",
         {"x.example TXT": spf("a:v.example a:v.example")}),
    case("4.6.4 ptr without data is void", "v=spf1 a:v.example a:v.example ptr -all", "permerror"),
    case("4.6.4 p without data is void", "v=spf1 a:v.example a:v.example exists:%{p}.x.example +all", "permerror",
         {"unknown.x.example A": ["127.0.0.2"]}),
    case("4.6.4 a term is void once", "v=spf1 mx -all", "fail", {"example.com MX": names(5)}),
    case("4.6.4 a failure is not void", "v=spf1 a:v.example a:v.example ptr -all", "fail", {REVERSE: DOWN}),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "ip", "result"), CASES)
def test_result(zone: Zone, ip: str, result: str) -> None:
    outcome = check(zone, ip)
    assert outcome.result == result, outcome
    assert ("4.6.4" in outcome.problem) == (result == "permerror")
    assert outcome.lookup_terms <= 11
    assert outcome.void_terms <= 3


def test_receivers_that_count_each_void_lookup_can_be_told_of() -> None:
    zone: Zone = {"example.com TXT": spf("mx -all"), "example.com MX": names(3)}
    zone.update({f"{name} A": [HERE] for name in names(3)})
    outcome = check(zone, HERE_6)
    assert (outcome.result, outcome.void_terms, outcome.void_lookups) == ("fail", 1, 3)

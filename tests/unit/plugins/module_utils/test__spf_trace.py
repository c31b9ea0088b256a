# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explanations, traces and drivers of the evaluation of SPF; the numbers are sections of RFC 7208."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _spf_check, _spf_model
from ansible_collections.mailops.relay.plugins.module_utils._spf_model import Arguments
from ansible_collections.mailops.relay.tests.unit.plugins.module_utils.test__spf_check import (
    DOWN,
    HERE,
    HERE_6,
    Dns,
    Zone,
    check,
    spf,
)

# 6.2: explanations.


def explanation(zone: Zone, record: str = "-all exp=why.%{d}", ip: str = HERE) -> tuple[str, str]:
    arguments = Arguments(ip, "example.com", "me@example.com", "relay.example.com", "mx.rcpt.example", 1700000000)
    outcome = _spf_check.check_host(arguments, Dns({"example.com TXT": spf(record), **zone}))
    return outcome.result, outcome.explanation


WHY = "why.example.com TXT"


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        pytest.param("Ask us.", "Ask us.", id="6.2 constant"),
        pytest.param("%{i} is not one of %{d}'s", "192.0.2.1 is not one of example.com's", id="6.2 macros"),
        pytest.param("See http://%{d}/why.html?s=%{S}&i=%{I}",
                     "See http://example.com/why.html?s=me%40example.com&i=192.0.2.1", id="6.2 a URL"),
        pytest.param("%{c} %{r} %{t} %{h} %{p} %%", "192.0.2.1 mx.rcpt.example 1700000000 relay.example.com unknown %",
                     id="7.2 c, r and t"),
    ],
)  # fmt: skip
def test_explanation(text: str, expanded: str) -> None:
    assert explanation({WHY: [text]}) == ("fail", expanded)


def test_c_is_readable_for_ipv6() -> None:
    assert explanation({WHY: ["%{c}"]}, ip="2001:DB8:0:0::1") == ("fail", HERE_6)


def test_an_explanation_is_limited_to_ascii() -> None:
    dns = Dns({"example.com TXT": spf("-all exp=why.%{d}"), WHY: ["%{l} %{L}"]})
    arguments = _spf_model.mail_from_identity(HERE, "\u00fc@example.com", "h.example")
    assert _spf_check.check_host(arguments, dns).explanation == ""
    dns.zone[WHY.lower()] = ["%{L}"]
    assert _spf_check.check_host(arguments, dns).explanation == "%C3%BC"


@pytest.mark.parametrize(
    "zone",
    [
        pytest.param({}, id="6.2 no such name"),
        pytest.param({"why.example.com A": [HERE]}, id="6.2 no TXT record"),
        pytest.param({WHY: DOWN}, id="6.2 lookup failed"),
        pytest.param({WHY: ["a", "b"]}, id="6.2 more than one TXT record"),
        pytest.param({WHY: ["%{x}"]}, id="6.2 syntax error"),
        pytest.param({WHY: ["sch\u00f6n"]}, id="6.2 not US-ASCII"),
    ],
)
def test_an_explanation_that_cannot_be_had_changes_nothing(zone: Zone) -> None:
    assert explanation(zone) == ("fail", "")


@pytest.mark.parametrize(
    ("record", "zone", "result"),
    [
        pytest.param("-all", {WHY: ["x"]}, ("fail", ""), id="6.2 no exp"),
        pytest.param("~all exp=why.%{d}", {WHY: ["x"]}, ("softfail", ""), id="6.2 no fail"),
        pytest.param("-all exp=a..%{d}", {}, ("fail", ""), id="6.2 a name that cannot be"),
        pytest.param("include:x.example -all", {"x.example TXT": spf("-all exp=why.example.com"), WHY: ["x"]},
                     ("fail", ""), id="6.2 not that of an include"),
        pytest.param("-include:x.example exp=why.%{d}", {"x.example TXT": spf("all exp=y.example"), WHY: ["x"]},
                     ("fail", "x"), id="6.2 a fail by an include"),
        pytest.param("redirect=x.example exp=why.%{d}",
                     {"x.example TXT": spf("-all exp=why.%{d}"), "why.x.example TXT": ["%{d} %{o}"], WHY: ["x"]},
                     ("fail", "x.example example.com"), id="6.2 that of a redirect"),
        pytest.param("redirect=x.example exp=why.%{d}", {"x.example TXT": spf("-all"), WHY: ["x"]},
                     ("fail", ""), id="6.2 not that of the original domain"),
        pytest.param("include:x.example -all exp=why.%{d}", {"x.example TXT": spf("redirect=y.example"),
                     "y.example TXT": spf("-all exp=y.example"), WHY: ["mine"]}, ("fail", "mine"),
                     id="6.2 not that of a redirect inside an include"),
        pytest.param("a:v.example a:v.example a:w.example -all exp=%{p}.%{d}", {"w.example A": ["192.0.2.9"],
                     "unknown.example.com TXT": ["%{p}"]}, ("fail", "unknown"),
                     id="4.6.4 lookups for exp are not limited"),
        pytest.param(f"{' '.join(['exists:x.example'] * 10)} -all exp=why.%{{d}}", {"x.example A": ["127.0.0.1"],
                     WHY: ["x"]}, ("pass", ""), id="6.2 nothing to explain"),
    ],
)  # fmt: skip
def test_which_explanation(record: str, zone: Zone, result: tuple[str, str]) -> None:
    assert explanation(zone, record) == result


# The trace.


def test_the_trace_shows_what_led_to_the_result() -> None:
    zone: Zone = {
        "example.com TXT": spf("a include:x.example redirect=y.%{d}"),
        "example.com A": ["192.0.2.9"],
        "x.example TXT": spf("ip4:198.51.100.1 -all"),
        "y.example.com TXT": spf("include:z.example ~all"),
        "z.example TXT": spf("mx:%{o}/24"),
        "example.com MX": ["m.example"],
        "m.example A": ["192.0.2.77"],
    }
    outcome = check(zone)
    assert outcome.result == "pass"
    assert outcome.path == ("redirect=y.%{d}", "include:z.example", "mx:%{o}/24")
    assert [(step.term, step.outcome, step.target) for step in outcome.steps] == [
        ("a", "no match", "example.com"),
        ("include:x.example", "no match", "x.example"),
        ("redirect=y.%{d}", "pass", "y.example.com"),
    ]
    included = outcome.steps[1].evaluation
    assert included is not None
    assert (included.result, included.domain, included.path) == ("fail", "x.example", ("-all",))
    assert (outcome.lookup_terms, outcome.void_terms) == (5, 0)
    assert outcome.record == zone["example.com TXT"][0]


def test_the_trace_of_an_error_ends_where_the_error_is() -> None:
    zone: Zone = {"example.com TXT": spf("include:x.example -all"), "x.example TXT": spf("a exists:%{l}.x.example")}
    zone["me.x.example A"] = DOWN
    outcome = check(zone)
    assert outcome.result == "temperror"
    assert outcome.path == ("include:x.example", "exists:%{l}.x.example")
    assert "me.x.example A: timed out" in outcome.problem
    assert outcome.void_terms == 1


def test_the_default_result_has_no_term() -> None:
    outcome = check({"example.com TXT": spf("a")})
    assert (outcome.result, outcome.decided_by, outcome.path) == ("neutral", None, ())


def test_why_an_explanation_is_ignored_is_in_the_trace() -> None:
    outcome = check({"example.com TXT": spf("-all exp=why.%{d}"), WHY: ["a", "b"]})
    assert (outcome.steps[-1].term, outcome.steps[-1].outcome) == ("exp=why.%{d}", "ignored")
    assert "2 TXT records" in outcome.steps[-1].detail
    assert outcome.path == ("-all",)


def test_a_problem_names_the_term_and_the_section() -> None:
    outcome = check({"example.com TXT": spf("ip4:192.0.2.256 -all")})
    assert outcome.problem == (
        "example.com: the term 'ip4:192.0.2.256': '192.0.2.256' is not an IPv4 network such as 192.0.2.0/24"
        " (RFC 7208, 5.6)"
    )


@pytest.mark.parametrize(
    ("record", "ip", "asked"),
    [
        ("ip4:192.0.2.1 -all", HERE, []),
        ("+all a mx include:x.example", HERE, []),
        ("a mx:x.example -all", HERE, ["example.com A", "x.example MX"]),
        ("a exists:x.example -all", HERE_6, ["example.com AAAA", "x.example A"]),
        ("ptr -all", HERE, ["1.2.0.192.in-addr.arpa PTR"]),
        ("?all exp=x.example", HERE, []),
        ("a:a..x.example exists:%{l}..x.example -all", HERE, []),
        ("include:y.example ?all", HERE, ["y.example TXT"]),
    ],
)
def test_no_question_is_asked_in_vain(record: str, ip: str, asked: list[str]) -> None:
    dns = Dns({"example.com TXT": spf(record), "y.example TXT": spf("-all exp=why.y.example")})
    _spf_check.check_host(_spf_model.mail_from_identity(ip, "me@example.com", "h.example"), dns)
    assert dns.asked == ["example.com TXT", *asked]


def test_another_driver_can_answer_when_it_likes() -> None:
    dns = Dns({"example.com TXT": spf("mx -all"), "example.com MX": ["m.example"], "m.example A": [HERE]})
    evaluation = _spf_check.evaluate(_spf_model.mail_from_identity(HERE, "me@example.com", "h.example"))
    asked = [next(evaluation)]
    asked.append(evaluation.send(dns(asked[-1])))
    asked.append(evaluation.send(dns(asked[-1])))
    with pytest.raises(StopIteration) as stop:
        evaluation.send(dns(asked[-1]))
    assert stop.value.value.result == "pass"
    assert [question.rdtype for question in asked] == ["TXT", "MX", "A"]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every SPF record and every zone, tried with generated ones."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _spf, _spf_check, _spf_macro, _spf_model
from ansible_collections.mailops.relay.plugins.module_utils._spf_macro import MacroExpand
from ansible_collections.mailops.relay.plugins.module_utils._spf_model import Answer, Arguments, Outcome
from ansible_collections.mailops.relay.plugins.module_utils._spf_term import (
    A,
    All,
    Directive,
    DualCidrLength,
    Exists,
    Explanation,
    Include,
    Ip4,
    Ip6,
    Mx,
    Ptr,
    Record,
    Redirect,
    Term,
    UnknownModifier,
)
from ansible_collections.mailops.relay.tests.unit.plugins.module_utils.test__spf_check import Dns, Zone
from hypothesis import event, given, settings
from hypothesis import strategies as st

# The same examples on each run, and no clock: a slow machine is no fault of the grammar.
examples = settings(database=None, deadline=None, derandomize=True, max_examples=200)

LETTERS = "slodipvh"
TOPLABELS = st.from_regex(r"[a-z0-9]{0,3}[a-z][a-z0-9]{0,3}|[0-9]-[0-9]", fullmatch=True)


def macros(letters: str) -> st.SearchStrategy[str]:
    expands = st.builds(
        MacroExpand,
        st.sampled_from(letters + letters.upper()),
        st.none() | st.integers(1, 200),
        st.booleans(),
        st.text(".-+,/_=", max_size=3),
    )
    return expands.map(str) | st.sampled_from(["%%", "%_", "%-"])


VISIBLE = st.text([chr(code) for code in range(0x21, 0x7F) if chr(code) != "%"], min_size=1, max_size=8)
STRINGS = st.lists(VISIBLE | macros(LETTERS), max_size=4).map("".join)
DOMAIN_ENDS = st.builds(".{}{}".format, TOPLABELS, st.sampled_from(["", "."])) | macros(LETTERS)
DOMAIN_SPECS = st.builds("{}{}".format, STRINGS, DOMAIN_ENDS).map(_spf_macro.domain_spec)
CIDR = st.builds(DualCidrLength, st.integers(0, 32), st.integers(0, 128))
MECHANISMS = st.one_of(
    st.builds(All),
    st.builds(Include, DOMAIN_SPECS),
    st.builds(A, st.just(()) | DOMAIN_SPECS, CIDR),
    st.builds(Mx, st.just(()) | DOMAIN_SPECS, CIDR),
    st.builds(Ptr, st.just(()) | DOMAIN_SPECS),
    st.builds(Ip4, st.ip_addresses(v=4), st.integers(0, 32)),
    st.builds(Ip6, st.ip_addresses(v=6), st.integers(0, 128)),
    st.builds(Exists, DOMAIN_SPECS),
)
NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,5}", fullmatch=True).filter(lambda name: name not in ("redirect", "exp"))
VALUES = st.lists(VISIBLE | macros(LETTERS + "crt"), max_size=4).map("".join).map(_spf_macro.macro_string)
DIRECTIVES = st.builds(Directive, MECHANISMS, st.sampled_from("+-~?"))
TERMS = DIRECTIVES | st.builds(UnknownModifier, NAMES, VALUES)
RECORD = st.tuples(
    st.lists(TERMS, max_size=6),
    st.lists(st.builds(Redirect, DOMAIN_SPECS), max_size=1),
    st.lists(st.builds(Explanation, DOMAIN_SPECS), max_size=1),
)


@examples
@given(RECORD)
def test_generated_records_survive_join_and_parse(parts: tuple[list[Term], list[Term], list[Term]]) -> None:
    terms, redirect, explanation = parts
    record = Record((*terms[:3], *redirect, *terms[3:], *explanation))
    assert _spf.parse(_spf.join(record)) == record


def value_or_error(text: str) -> None:
    for read, write in (
        (_spf.parse, _spf.join),
        (_spf_macro.macro_string, _spf_macro.join),
        (_spf_macro.domain_spec, _spf_macro.join),
        (_spf_macro.explain_string, _spf_macro.join),
    ):
        try:
            value = read(text)
        except ValueError:
            continue
        assert read(write(value)) == value


@examples
@given(st.text())
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    value_or_error(text)
    value_or_error(f"v=spf1 {text}")


@examples
@given(st.binary())
def test_any_bytes_are_a_value_or_a_value_error(octets: bytes) -> None:
    value_or_error(octets.decode("latin-1"))
    value_or_error(f"v=spf1 {octets.decode('latin-1')}")


PIECES = "v=spf1|all|a|mx|ptr|ip4|ip6|include|exists|redirect|exp|192.0.2.1|2001:db8::|x.example|%{d}|%{|}|%%|r|9"
NEARLY = st.lists(st.sampled_from([*PIECES.split("|"), *"|:/=-+~?.% \t\x00\u00e4"]), max_size=12).map("".join)


@examples
@given(NEARLY)
def test_what_is_nearly_a_record_is_a_value_or_a_value_error(text: str) -> None:
    value_or_error(text)
    value_or_error(f"v=spf1 {text}")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a:" + "a." * 32000, id="labels"),
        pytest.param("a:x." + "a" * 64000 + "!", id="a long label"),
        pytest.param("a:%{d" + "9" * 64000, id="digits"),
        pytest.param("a:%{d" + "9" * 64000 + "}", id="a number of parts"),
        pytest.param("a:%{d" + "." * 64000, id="delimiters"),
        pytest.param("a" + "/1" * 32000, id="prefix lengths"),
        pytest.param("ip6:" + ":" * 64000, id="colons"),
        pytest.param("a" * 64000, id="a name"),
        pytest.param("a " * 32000, id="terms"),
    ],
)
def test_the_longest_txt_record_is_parsed_in_no_time(text: str) -> None:
    value_or_error(f"v=spf1 {text}")


# Zones of four domains that name each other, and themselves.

DOMAINS = ["a.example", "b.example", "c.a.example", "d.example"]
ADDRESSES = {"A": ["192.0.2.1", "192.0.2.2"], "AAAA": ["2001:db8::1", "2001:db8::2"]}
REVERSES = [
    "1.2.0.192.in-addr.arpa",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
]
TARGETS = st.sampled_from(
    [*DOMAINS, "none.example", "%{d}", "%{o}", "%{h}", "%{p}", "%{d1}", "%{l}.%{d}", "a..b.example"]
)
ZONE_TERMS = st.one_of(
    st.builds("{}{}:{}".format, st.sampled_from(["", "-"]), st.sampled_from(["include", "exists"]), TARGETS),
    st.builds("{}{}:{}{}".format, st.sampled_from("+-~?"), st.sampled_from(["a", "mx"]), TARGETS,
              st.sampled_from(["", "/31", "//64"])),
    st.builds("ptr:{}".format, TARGETS),
    st.sampled_from(["a", "mx", "ptr", "ip4:192.0.2.2", "ip6:2001:db8::2", "ip4:192.0.2.1", "nonsense", "x=y"]),
    st.builds("exp={}".format, TARGETS),
    st.builds("redirect={}".format, TARGETS),
    st.sampled_from(["-all", "~all", "?all"]),
)  # fmt: skip
FAILURES = st.sampled_from([_spf_model.NO_DATA, _spf_model.NO_NAME, Answer(failure="timed out")])
TXT = st.lists(st.lists(ZONE_TERMS, max_size=8).map(lambda terms: " ".join(["v=spf1", *terms])), min_size=1, max_size=1)
EXCHANGERS = st.lists(st.sampled_from([*DOMAINS, "none.example", "."]), max_size=12)


def rarely(values: st.SearchStrategy[t.Any], others: st.SearchStrategy[t.Any]) -> st.SearchStrategy[t.Any]:
    return st.integers(0, 9).flatmap(lambda number: others if number == 0 else values)


ZONES = st.fixed_dictionaries(
    {
        **{f"{name} TXT": rarely(TXT, FAILURES | st.just(["%{c} %{p} %%"])) for name in DOMAINS},
        **{f"{name} MX": rarely(EXCHANGERS, FAILURES) for name in DOMAINS},
        **{
            f"{name} {rdtype}": rarely(st.lists(st.sampled_from(addresses), max_size=2), FAILURES)
            for name in DOMAINS
            for rdtype, addresses in ADDRESSES.items()
        },
        **{f"{name} PTR": rarely(EXCHANGERS, FAILURES) for name in REVERSES},
    }
)
CLIENTS = st.sampled_from(["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "203.0.113.7"])


def outcomes(outcome: Outcome) -> t.Iterator[Outcome]:
    yield outcome
    for step in outcome.steps:
        if step.evaluation:
            yield from outcomes(step.evaluation)


def check_within_limits(zone: Zone, arguments: Arguments) -> Outcome:
    dns = Dns(zone)
    outcome = _spf_check.check_host(arguments, dns)
    assert outcome.result in _spf_model.RESULTS
    assert outcome.lookup_terms <= 10 or (outcome.lookup_terms, outcome.result) == (11, "permerror")
    assert outcome.void_terms <= 2 or (outcome.void_terms, outcome.result) == (3, "permerror")
    # Each term asks for p (11 questions) and then for 1 + 10 names at most; exp asks for p twice, and for its text.
    assert len(dns.asked) <= 1 + 10 * (11 + 11) + 2 * 11 + 1
    assert (outcome.explanation == "") or outcome.result == "fail"
    assert outcome.problem or outcome.result in ("pass", "fail", "softfail", "neutral")
    assert len(list(outcomes(outcome))) <= 11
    return outcome


@examples
@given(ZONES, CLIENTS, st.sampled_from(["me@a.example", "", "a.example", "\u00fc@a.example"]))
def test_any_zone_has_a_result_within_the_limits(zone: Zone, ip: str, mail_from: str) -> None:
    outcome = check_within_limits(zone, _spf_model.mail_from_identity(ip, mail_from, "b.example"))
    event(outcome.result)


@examples
@given(ZONES, st.text(), st.text())
def test_any_sender_and_helo_have_a_result(zone: Zone, mail_from: str, helo: str) -> None:
    check_within_limits(zone, _spf_model.mail_from_identity("192.0.2.1", mail_from, helo))
    check_within_limits(zone, Arguments("2001:db8::1", "a.example", mail_from, helo))


@examples
@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_txt_records_have_a_result(text: str, others: list[str]) -> None:
    zone: Zone = {"a.example TXT": [f"v=spf1 {text}", *others], "b.example TXT": ["v=spf1 -all exp=c.b.example"]}
    zone["c.b.example TXT"] = [text]
    for domain in DOMAINS[:2]:
        check_within_limits(zone, _spf_model.helo_identity("192.0.2.1", domain))

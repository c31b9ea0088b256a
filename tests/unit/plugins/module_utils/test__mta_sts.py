# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 8461 where no other RFC is named."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _mta_sts
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts import Policy, Record
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=200, deadline=None, database=None)

RECORDS = [
    pytest.param("v=STSv1; id=20160831085700Z;", Record("20160831085700Z"), id="3.1: example"),
    pytest.param("v=STSv1;id=a", Record("a"), id="3.1: shortest id"),
    pytest.param("v=STSv1; id=" + "Z" * 32, Record("Z" * 32), id="3.1: longest id"),
    pytest.param("v=STSv1; x=1; id=1 ; y=2", Record("1"), id="3.1: extensions"),
    pytest.param("v=STSv1; id=1; id=2", Record("1"), id="3.2: the first of two counts"),
]
NOT_RECORDS = [
    pytest.param("", "v=STSv1; is accepted", id="3.1: empty"),
    pytest.param("v=STSv1", "v=STSv1; is accepted", id="3.1: version alone"),
    pytest.param("v=STSv1 ;id=1", "v=STSv1; is accepted", id="3.1: space behind the version"),
    pytest.param("id=1; v=STSv1;", "v=STSv1; is accepted", id="3.1: version not first"),
    pytest.param("v=stsv1; id=1", "v=STSv1; is accepted", id="3.1: case of the version"),
    pytest.param("v=STSv1;", "id is missing", id="3.1: no field"),
    pytest.param("v=STSv1; ID=1", "id is missing", id="3.1: case of id"),
    pytest.param("v=STSv1; id=", "1 to 32 letters and digits", id="3.1: empty id"),
    pytest.param("v=STSv1; id=" + "1" * 33, "1 to 32 letters and digits", id="3.1: id of 33"),
    pytest.param("v=STSv1; id=2016-08-31", "1 to 32 letters and digits", id="3.1: hyphen in the id"),
    pytest.param("v=STSv1; id=\u0661", "1 to 32 letters and digits", id="3.1: digit that is not ASCII"),
    pytest.param("v=STSv1; id=1; x=", "the field x has the value ''", id="3.1: extension without a value"),
]

EXAMPLE = """version: STSv1
mode: enforce
mx: mail.example.com
mx: *.example.net
mx: backupmx.example.com
max_age: 604800
"""
EXAMPLE_POLICY = Policy("enforce", 604800, ("mail.example.com", "*.example.net", "backupmx.example.com"))
START = "version: STSv1\nmode: enforce\nmax_age: 1\n"
POLICY = Policy("enforce", 1, ("a.example",))

POLICIES = [
    pytest.param(EXAMPLE, EXAMPLE_POLICY, id="3.2: example, LF"),
    pytest.param(EXAMPLE.replace("\n", "\r\n"), EXAMPLE_POLICY, id="3.2: example, CRLF"),
    pytest.param(EXAMPLE.rstrip("\n"), EXAMPLE_POLICY, id="3.2: no end of the last line"),
    pytest.param(
        "version: STSv1\nmode: none\nmax_age: 86400\n", Policy("none", 86400), id="3.2: mode none needs no mx"
    ),
    pytest.param("mx:a.example\nmax_age:1\nmode:\tenforce \t\nversion:STSv1", POLICY, id="3.2: order and white space"),
    pytest.param(START + "mx: A.Example.", POLICY, id="4.1: case of names"),
    pytest.param(START + "mx: a.example\nx.y-z_1: \u00fc b \u20ac", POLICY, id="3.2: extension in UTF-8"),
    pytest.param(
        START + "mx: a.example\nmode: none\nversion: 2\nmax_age: x", POLICY, id="3.2: the first of two counts"
    ),
    pytest.param(START + "mx: *.example", Policy("enforce", 1, ("*.example",)), id="3.2: wildcard above one label"),
    pytest.param(
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 31557600",
        Policy("testing", 31557600, ("a.example",)),
        id="3.2: longest max_age",
    ),
    pytest.param(
        "version: STSv1\nmode: testing\nmx: a.example\nmax_age: 0000000000",
        Policy("testing", 0, ("a.example",)),
        id="3.2: ten digits",
    ),
]
NOT_POLICIES = [
    pytest.param("", "version is missing", id="3.2: empty"),
    pytest.param("mode: none\nmax_age: 1", "version is missing", id="3.2: no version"),
    pytest.param("version: STSv1\nmax_age: 1", "mode is missing", id="3.2: no mode"),
    pytest.param("version: STSv1\nmode: none", "max_age is missing", id="3.2: no max_age"),
    pytest.param(START, "mx is missing; at least one is needed in mode enforce", id="3.2: no mx"),
    pytest.param("version: STSv2\nmode: none\nmax_age: 1", "'STSv2'; STSv1 is accepted", id="3.2: version"),
    pytest.param("version: stsv1\nmode: none\nmax_age: 1", "STSv1 is accepted", id="3.2: case of the version"),
    pytest.param("version: STSv1\nmode: None\nmax_age: 1", "enforce or testing or none", id="3.2: case of the mode"),
    pytest.param("version: STSv1\nmode: report\nmax_age: 1", "mode has the value 'report'", id="3.2: mode"),
    pytest.param("Version: STSv1\nmode: none\nmax_age: 1", "version is missing", id="3.2: case of names"),
    pytest.param("version: STSv1\nmode: none\nmax_age: 31557601", "0 to 31557600", id="3.2: max_age above a year"),
    pytest.param("version: STSv1\nmode: none\nmax_age: -1", "0 to 31557600", id="3.2: negative max_age"),
    pytest.param("version: STSv1\nmode: none\nmax_age: 1d", "0 to 31557600", id="3.2: unit in max_age"),
    pytest.param("version: STSv1\nmode: none\nmax_age: 00000000001", "0 to 31557600", id="3.2: eleven digits"),
    pytest.param("version STSv1\n", "line 1 of the policy", id="3.2: no colon"),
    pytest.param("version : STSv1\n", "line 1 of the policy", id="3.2: space in front of the colon"),
    pytest.param(" version: STSv1\n", "line 1 of the policy", id="3.2: space in front of the name"),
    pytest.param(START + "\nmx: a.example", "line 4 of the policy is ''", id="3.2: empty line"),
    pytest.param(START + "mx:", "line 4 of the policy is 'mx:'", id="3.2: empty value"),
    pytest.param(START + "x: a\tb", "line 4 of the policy", id="3.2: tab in a value"),
    pytest.param(START.replace("\n", "\r"), "line 1 of the policy", id="3.2: CR is no line end"),
    pytest.param(START + "mx: a.example\r", "line 4 of the policy", id="3.2: CR at the end"),
    pytest.param(START + "mx: a.*.example", "mx has the value", id="3.2: wildcard inside"),
    pytest.param(START + "mx: *a.example", "mx has the value", id="3.2: wildcard for a part of a label"),
    pytest.param(START + "mx: *", "mx has the value", id="3.2: wildcard alone"),
    pytest.param(START + "mx: *.*.example", "mx has the value", id="3.2: two wildcards"),
    pytest.param(START + "mx: .example", "mx has the value", id="3.2: dot in front"),
    pytest.param(START + "mx: 192.0.2.1", "mx has the value", id="3.2: address"),
    pytest.param(START + "mx: m\u00fc.example", "mx has the value", id="3.2: U-label"),
    pytest.param(START + "mx: a.example, b.example", "mx has the value", id="3.2: two on a line"),
]


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_parse(text: str, record: Record) -> None:
    assert _mta_sts.is_record(text)
    assert _mta_sts.parse(text) == record
    assert _mta_sts.parse(_mta_sts.join(record)) == record


@pytest.mark.parametrize(("text", "message"), NOT_RECORDS)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _mta_sts.parse(text)


def test_join() -> None:
    assert _mta_sts.join(Record("1")) == "v=STSv1; id=1;"
    with pytest.raises(ValueError, match="the field id has the value '1; x=2'"):
        _mta_sts.join(Record("1; x=2"))


def test_only_record() -> None:
    assert _mta_sts.only_record(["v=spf1 -all", "v=STSv1; id=1"]) == Record("1")
    assert _mta_sts.only_record(["v=STSv1; id=1", "v=STSv1; id=1"]) is None
    with pytest.raises(ValueError, match="id is missing"):
        _mta_sts.only_record(["v=STSv1;"])


@pytest.mark.parametrize(("text", "policy"), POLICIES)
def test_parse_policy(text: str, policy: Policy) -> None:
    assert _mta_sts.parse_policy(text) == policy
    assert _mta_sts.parse_policy(_mta_sts.join_policy(policy)) == policy


@pytest.mark.parametrize(("text", "message"), NOT_POLICIES)
def test_parse_policy_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _mta_sts.parse_policy(text)


def test_join_policy() -> None:
    assert _mta_sts.join_policy(EXAMPLE_POLICY) == EXAMPLE.replace("\n", "\r\n")
    assert _mta_sts.join_policy(Policy("enforce", 1, ("A.example.",))) == _mta_sts.join_policy(POLICY)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (Policy("report", 1, ("a.example",)), "mode has the value 'report'"),
        (Policy("none\nx: y", 1), "the mode is"),
        (Policy("enforce", 1), "mx is missing"),
        (Policy("enforce", 31557601, ("a.example",)), "max_age has the value '31557601'"),
        (Policy("enforce", 1, ("a.example\nmode: none",)), "mx has the value"),
        (Policy("enforce", 1, tuple(f"mx{i}.example.com" for i in range(4000))), "up to 65536 are accepted"),
    ],
)
def test_join_policy_refuses(policy: Policy, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _mta_sts.join_policy(policy)


def test_the_id_changes_with_the_policy() -> None:
    first = _mta_sts.policy_id(POLICY)
    assert _mta_sts.parse(f"v=STSv1; id={first}") == Record(first)
    assert first == _mta_sts.policy_id(Policy("enforce", 1, ("A.EXAMPLE",)))
    assert len({first, _mta_sts.policy_id(Policy("testing", 1, POLICY.mx)), _mta_sts.policy_id(EXAMPLE_POLICY)}) == 3


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("mail.example.com", True, id="name"),
        pytest.param("MAIL.example.com.", True, id="case, dot of the root"),
        pytest.param("other.example.com", False, id="another name"),
        pytest.param("mx1.example.net", True, id="4.1: wildcard for one label"),
        pytest.param("example.net", False, id="4.1: wildcard is not for no label"),
        pytest.param("foo.bar.example.net", False, id="4.1: wildcard is not for two labels"),
        pytest.param("mx1.badexample.net", False, id="4.1: whole labels"),
    ],
)
def test_matches(host: str, expected: bool) -> None:
    assert _mta_sts.matches(EXAMPLE_POLICY, host) is expected


def test_matches_nothing_without_patterns() -> None:
    assert not _mta_sts.matches(Policy("none", 1), "mail.example.com")
    with pytest.raises(ValueError, match="is not a host name"):
        _mta_sts.matches(EXAMPLE_POLICY, "*.example.net")


def test_names() -> None:
    assert _mta_sts.record_name("Example.com") == "_mta-sts.example.com"
    assert _mta_sts.policy_host("example.com") == "mta-sts.example.com"
    assert _mta_sts.policy_url("example.com") == "https://mta-sts.example.com/.well-known/mta-sts.txt"


@QUICK
@given(st.text() | st.lists(st.sampled_from(["id=", "1", ";", " ", "x=", "\t", "="])).map("".join))
def test_any_text_is_a_record_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        record = _mta_sts.parse(f"v=STSv1;{text}")
        assert _mta_sts.parse(_mta_sts.join(record)) == record


LINES = st.sampled_from(
    ["mode: none", "mx: *.a.example", "mx: b", "max_age: 9", "x: y", "max_age:9 ", "version: STSv1"]
)


@QUICK
@given(
    st.text()
    | st.lists(st.tuples(LINES | st.text(max_size=4), st.sampled_from(["\n", "\r\n", "\r"]))).map(
        lambda lines: START + "".join(map("".join, lines))
    )
)
def test_any_text_is_a_policy_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        policy = _mta_sts.parse_policy(text)
        assert _mta_sts.parse_policy(_mta_sts.join_policy(policy)) == policy

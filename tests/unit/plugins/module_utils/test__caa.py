# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 8659 where no other RFC is named."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _caa
from ansible_collections.mailops.relay.plugins.module_utils._caa import Issue, Property
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=300, deadline=None, database=None)

RECORDS = [
    pytest.param('0 issue "ca1.example.net"', Property(0, "issue", "ca1.example.net"), id="4.2: issuer"),
    pytest.param('0 issue ";"', Property(0, "issue", ";"), id="4.2: nobody"),
    pytest.param('0 issue ""', Property(0, "issue", ""), id="4.2: nobody, empty"),
    pytest.param(
        '0 issue "ca1.example.net; account=230123"',
        Property(0, "issue", "ca1.example.net; account=230123"),
        id="4.2: parameter",
    ),
    pytest.param('0 issuewild "ca2.example.org"', Property(0, "issuewild", "ca2.example.org"), id="4.3: wildcards"),
    pytest.param(
        '0 iodef "mailto:security@example.com"', Property(0, "iodef", "mailto:security@example.com"), id="4.4: mailto"
    ),
    pytest.param(
        '0 iodef "https://iodef.example.com/"', Property(0, "iodef", "https://iodef.example.com/"), id="4.4: https"
    ),
    pytest.param('128 tbs "Unknown"', Property(128, "tbs", "Unknown"), id="4.5: critical"),
    pytest.param('0 ISSUE "CA.example"', Property(0, "issue", "CA.example"), id="4.1: case of tags"),
    pytest.param(" 0\tissue   ca1.example.net ", Property(0, "issue", "ca1.example.net"), id="4.1.1: no quotes"),
    pytest.param('255 a1 "x"', Property(255, "a1", "x"), id="4.1: all flags"),
    pytest.param(r'0 x "a\"b\\c\059\255"', Property(0, "x", 'a"b\\c;\xff'), id="RFC 1035 5.1: escapes in quotes"),
    pytest.param(r"0 x a\;\032b", Property(0, "x", "a; b"), id="RFC 1035 5.1: escapes without quotes"),
    pytest.param('0 issuemail "ca1.example.net"', Property(0, "issuemail", "ca1.example.net"), id="RFC 9495 3"),
]
NOT_RECORDS = [
    pytest.param("", "is not a CAA record", id="empty"),
    pytest.param('issue "ca1.example.net"', "is not a CAA record", id="4.1.1: no flags"),
    pytest.param("0 issue", "is not a CAA record", id="4.1.1: no value"),
    pytest.param('0 issue "a" "b"', "is not a CAA record", id="4.1.1: two values"),
    pytest.param('0 issue "a', "is not a CAA record", id="4.1.1: quote not closed"),
    pytest.param("0 issue a b", "is not a CAA record", id="4.1.1: space without quotes"),
    pytest.param('0 is-sue "a"', "is not a CAA record", id="4.1: hyphen in a tag"),
    pytest.param('256 issue "a"', "flags of the CAA record are 256; 0 or 128", id="4.1: one octet"),
    pytest.param('0 {} "a"'.format("x" * 256), "has 256 characters; up to 255", id="4.1: length of a tag"),
    pytest.param(r'0 x "\256"', "is not an octet", id="RFC 1035 5.1: above an octet"),
    pytest.param('0 x "\u00e4"', "is not ASCII", id="4.1.1: not ASCII"),
    pytest.param('0 issue "%%%%%"', "the issuer is '%%%%%'; .* nothing, is accepted", id="4.2: malformed"),
    pytest.param('0 iodef "ftp://example.com/"', "mailto:, http: or https: is accepted", id="4.4: scheme"),
    pytest.param('0 iodef "security@example.com"', "is not a URI", id="4.4: no URI"),
]

ACCOUNT = "https://example.com/acct/1234"
ISSUES = [
    pytest.param("ca1.example.net", Issue("ca1.example.net"), id="4.2: issuer"),
    pytest.param(" CA1.Example.net\t; ", Issue("ca1.example.net"), id="4.2: white space, case"),
    pytest.param("", Issue(), id="4.2: empty"),
    pytest.param(" ; ", Issue(), id="4.2: nobody"),
    pytest.param("; a=1", Issue("", (("a", "1"),)), id="4.2: parameter of nobody"),
    pytest.param("a;b=;c = x=y ", Issue("a", (("b", ""), ("c", "x=y"))), id="4.2: values"),
    pytest.param("a; b=1; b=2", Issue("a", (("b", "1"), ("b", "2"))), id="4.2: twice"),
    pytest.param("a1--b.example", Issue("a1--b.example"), id="4.2: hyphens inside"),
    pytest.param(f"a; accounturi={ACCOUNT}", Issue("a", (("accounturi", ACCOUNT),)), id="RFC 8657 3"),
    pytest.param(
        "a; validationmethods=dns-01,ca-foo", Issue("a", (("validationmethods", "dns-01,ca-foo"),)), id="RFC 8657 4"
    ),
]
NOT_ISSUES = [
    pytest.param("a b", "the issuer is 'a b'", id="4.2: two names"),
    pytest.param("a.", "the issuer is 'a.'", id="4.2: dot of the root"),
    pytest.param("a..b", "the issuer is", id="4.2: empty label"),
    pytest.param("-a", "the issuer is", id="4.2: hyphen first"),
    pytest.param("a-", "the issuer is", id="4.2: hyphen last"),
    pytest.param("\u00fc.example", "the issuer is", id="4.2: U-label"),
    pytest.param("a; b", "'b' is not a parameter; tag=value", id="4.2: no equals sign"),
    pytest.param("a; b=1;", "'' is not a parameter", id="4.2: semicolon behind parameters"),
    pytest.param("a; b=1;; c=2", "'' is not a parameter", id="4.2: empty parameter"),
    pytest.param("a; b_c=1", "'b_c' is not made of letters", id="4.2: name of a parameter"),
    pytest.param("a; b=1 2", "the parameter b has the value '1 2'", id="4.2: space in a value"),
    pytest.param("a; b=\u00e4", "the parameter b has the value", id="4.2: not ASCII"),
    pytest.param("a; accounturi=1234", "is not a URI", id="RFC 8657 3: no URI"),
    pytest.param(f"a; accounturi={ACCOUNT}; accounturi={ACCOUNT}", "accounturi occurs twice", id="RFC 8657 3: twice"),
    pytest.param("a; validationmethods=a; validationmethods=b", "occurs twice", id="RFC 8657 4: twice"),
    pytest.param("a; validationmethods=dns-01,", "validationmethods has the value", id="RFC 8657 4: empty method"),
    pytest.param("a; validationmethods=dns_01", "dns-01,http-01 is accepted", id="RFC 8657 4: underscore"),
]


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_parse(text: str, record: Property) -> None:
    assert _caa.parse(text) == record
    assert _caa.parse(_caa.join(record)) == record


@pytest.mark.parametrize(("text", "message"), NOT_RECORDS)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _caa.parse(text)


def test_join() -> None:
    assert _caa.join(Property(0, "x", 'a"b\\c;\xff\n')) == r'0 x "a\"b\\c;\255\010"'
    assert _caa.join(Property(128, "issue", ";")) == '128 issue ";"'


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Property(-1, "issue", ";"), "flags of the CAA record are -1"),
        (Property(0, "Issue", ";"), "the tag is 'Issue'; lower-case letters"),
        (Property(0, "", ";"), "the tag is ''"),
        (Property(0, "x", "\u20ac"), "is not made of octets"),
        (Property(0, "issue", "%"), "the issuer is '%'"),
    ],
)
def test_join_refuses(record: Property, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _caa.join(record)


def test_critical() -> None:
    assert _caa.parse('128 tbs "Unknown"').critical
    assert not _caa.parse('127 issue "ca1.example.net"').critical


@pytest.mark.parametrize(("value", "issue"), ISSUES)
def test_parse_issue(value: str, issue: Issue) -> None:
    assert _caa.parse_issue(value) == issue
    assert _caa.parse_issue(_caa.join_issue(issue)) == issue


@pytest.mark.parametrize(("value", "message"), NOT_ISSUES)
def test_parse_issue_refuses(value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _caa.parse_issue(value)


def test_join_issue() -> None:
    issue = Issue("ca1.example.net", (("accounturi", ACCOUNT), ("validationmethods", "dns-01")))
    assert _caa.join_issue(issue) == f"ca1.example.net; accounturi={ACCOUNT}; validationmethods=dns-01"
    assert _caa.join_issue(Issue()) == ";"
    with pytest.raises(ValueError, match="the parameter b has the value '1; c=2'"):
        _caa.join_issue(Issue("a", (("b", "1; c=2"),)))


@pytest.mark.parametrize(
    ("value", "accounturi", "validationmethods"),
    [
        ("a", None, None),
        (f"a; accounturi={ACCOUNT}", ACCOUNT, None),
        ("a; validationmethods=dns-01,http-01", None, ("dns-01", "http-01")),
        ("a; validationmethods=", None, ()),
    ],
)
def test_who_may_issue_and_how(
    value: str, accounturi: t.Optional[str], validationmethods: t.Optional[tuple[str, ...]]
) -> None:
    issue = _caa.parse_issue(value)
    assert (issue.accounturi, issue.validationmethods) == (accounturi, validationmethods)


PIECES = st.sampled_from(
    ["0 ", "issue ", "x ", "iodef ", '"', "\\", "\\1", "09", ";", "a", "=", " ", "mailto:", "\n", "(", "\xff"]
)


@QUICK
@given(st.text() | st.lists(PIECES).map("".join) | st.lists(PIECES).map(lambda pieces: f'0 x "{"".join(pieces)}"'))
def test_any_text_is_a_record_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        record = _caa.parse(text)
        assert _caa.parse(_caa.join(record)) == record


@QUICK
@given(st.text() | st.lists(st.sampled_from(["a", ".", "-", ";", " ", "b=", "accounturi=", "x:", "%"])).map("".join))
def test_any_text_is_an_issue_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        issue = _caa.parse_issue(text)
        assert _caa.parse_issue(_caa.join_issue(issue)) == issue
        record = Property(0, "issue", text)
        assert _caa.parse(_caa.join(record)) == record

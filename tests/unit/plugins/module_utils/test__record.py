# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _record
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=200, deadline=None, database=None)
NAME = "example.com"
HEX = "ab" * 32


def made(rdtype="TXT", values=("x",), **other):
    return RecordSet(other.pop("name", NAME), rdtype, tuple(values), **other)


@pytest.mark.parametrize(
    ("rdtype", "value", "expected"),
    [
        ("A", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "2001:DB8:0::1", "2001:db8::1"),
        ("MX", "010 Mail.Example.com", "10 mail.example.com."),
        ("MX", "0 .", "0 ."),
        ("PTR", "Relay1.Example.com", "relay1.example.com."),
        ("CNAME", "Other.Example.com.", "other.example.com."),
        ("SRV", "0  1 0587 Relay1.example.com", "0 1 587 relay1.example.com."),
        ("SRV", "0 0 0 .", "0 0 0 ."),
        ("TLSA", f"3 1 1 {HEX.upper()[:10]} {HEX.upper()[10:]}", f"3 1 1 {HEX}"),
        ("CAA", "0 ISSUE ca.example.net", '0 issue "ca.example.net"'),
        ("TXT", "v=spf1  -all", "v=spf1  -all"),
        ("TXT", "", ""),
    ],
)
def test_values_have_a_normal_form(rdtype, value, expected):
    assert made(rdtype, [value]).values == (expected,)
    assert _record.normalise(rdtype, expected) == expected


@pytest.mark.parametrize(
    ("rdtype", "value", "text"),
    [
        ("A", "2001:db8::1", "Expected 4 octets"),
        ("A", "192.0.2.01", "192.0.2.01"),
        ("AAAA", "192.0.2.1", "192.0.2.1"),
        ("AAAA", "fe80::1%eth0", "without a zone"),
        ("MX", "mail.example.com", "is not an MX record"),
        ("PTR", "192.0.2.1", "is no host name"),
        ("CNAME", "a..b", "is not a domain name"),
        ("SRV", "0 1 70000 a.example", "0 1 587 mail.example.com. is accepted"),
        ("SRV", "a.example", "0 1 587 mail.example.com. is accepted"),
        ("TLSA", "3 1 1 ab", "octets"),
        ("CAA", "issue", "is not a CAA record"),
        ("TXT", "x" * 65535, "up to 65535"),
        ("TXT", "\udc80", "surrogates"),
        ("NS", "a.example.", "accepted: A, AAAA, CAA, CNAME, MX, PTR, SRV, TLSA, TXT"),
    ],
)
def test_wrong_values_are_named(rdtype, value, text):
    with pytest.raises(ValueError, match=r"^the record 'example.com' ") as caught:
        made(rdtype, [value])
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Example.COM.", "example.com"),
        ("*.Example.com", "*.example.com"),
        ("_25._tcp.mail.example.com", "_25._tcp.mail.example.com"),
        ("example.com.", "example.com"),
    ],
)
def test_names_have_a_normal_form(name, expected):
    assert made(name=name).name == expected


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "*", "a.*.b", "münchen.example", "x" * 64 + ".example", "a b.example"]
)
def test_wrong_names_are_named(name):
    with pytest.raises(ValueError, match="is not a domain name"):
        made(name=name)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"values": ()}, "has 0 values; one value or more are accepted"),
        ({"rdtype": "CNAME", "values": ("a.example", "b.example")}, "has 2 values; one value is accepted"),
        ({"rdtype": "MX", "values": ("0 .", "10 a.example")}, "it is accepted alone (RFC 7505, 3)"),
        ({"ttl": -1}, "has the TTL -1"),
        ({"ttl": 2**31}, "2147483647 seconds"),
        ({"grade": "must"}, "has the grade 'must'; accepted: required, recommended, optional"),
    ],
)
def test_wrong_sets_are_named(changes, text):
    with pytest.raises(ValueError, match=r"^the record 'example.com'") as caught:
        made(**changes)
    assert text in str(caught.value)


def test_parse_and_join_are_inverses():
    record = made("MX", ["20 b.example.", "10 a.example."], ttl=60, grade="optional", reason="why")
    assert _record.parse(_record.join(record)) == record
    assert _record.parse({"name": NAME, "type": "A", "values": ["192.0.2.1"], "ttl": None}).ttl == 3600


@pytest.mark.parametrize(
    ("first", "second", "same", "same_meaning"),
    [
        (made("A", ["192.0.2.1", "192.0.2.2"]), made("A", ["192.0.2.2", "192.0.2.1", "192.0.2.1"], ttl=5), True, True),
        (made("A", ["192.0.2.1"]), made("A", ["192.0.2.2"]), False, False),
        (made("A", ["192.0.2.1"]), made("A", ["192.0.2.1"], name="b.example"), False, False),
        (made(values=["v=spf1 a -all"]), made(values=["V=SPF1  +A -all"]), False, True),
        (made(values=["v=spf1 a -all"]), made(values=["v=spf1 a ~all"]), False, False),
        (made(values=["v=spf1 nonsense"]), made(values=["v=spf1  nonsense"]), False, False),
        (
            made(values=["v=DKIM1; k=rsa; p=YWJj"], name="s._domainkey.a.example"),
            made(values=["p=YW Jj"], name="s._domainkey.a.example"),
            False,
            True,
        ),
        (
            made(values=["v=DMARC1; p=none"], name="_dmarc.a.example"),
            made(values=["v=DMARC1;p=none;"], name="_dmarc.a.example"),
            False,
            True,
        ),
        (made(values=["v=DMARC1; p=none"]), made(values=["v=DMARC1;p=none;"]), False, False),
    ],
)
def test_same_data_and_same_meaning(first, second, same, same_meaning):
    assert _record.same(first, second) is _record.same(second, first) is same
    assert _record.same_meaning(first, second) is _record.same_meaning(second, first) is same_meaning


SPF = "v=spf1 -all"
OTHERS = ["google-site-verification=x", "v=spf1 include:old.example ~all", "V=spf1", "v=spf10", SPF]


@pytest.mark.parametrize(
    ("record", "present", "expected"),
    [
        (made(values=[SPF]), OTHERS, [OTHERS[1], OTHERS[2], SPF]),
        (made(values=["v=verify-me"]), ["v=verify-me", "other"], ["v=verify-me"]),
        (made("A", ["192.0.2.1"]), ["192.0.2.2"], ["192.0.2.2"]),
        (made(values=["p="], name="s._domainkey.a.example"), ["anything", "p=YWJj"], ["anything", "p=YWJj"]),
        (
            made(values=["v=DMARC1; p=none"], name="_dmarc.a.example"),
            ["v=DMARC1;p=reject", "v=DMARC2"],
            ["v=DMARC1;p=reject"],
        ),
        (made(values=["v=STSv1; id=2;"], name="_mta-sts.a.example"), ["v=STSv1; id=1;", "x"], ["v=STSv1; id=1;"]),
        (
            made(values=["v=TLSRPTv1; rua=mailto:a@b.example"], name="_smtp._tls.a.example"),
            ["v=TLSRPTv1; rua=mailto:c@b.example", "x"],
            ["v=TLSRPTv1; rua=mailto:c@b.example"],
        ),
    ],
)
def test_only_rivals_give_way(record, present, expected):
    assert _record.rivals(record, present) == expected


def test_conflicts():
    records = [made("A", ["192.0.2.1"]), made("A", ["192.0.2.2"]), made("CNAME", ["a.example"]), made(name="b.example")]
    first, second = _record.conflicts(records)
    assert first == "'example.com' A is listed twice; one record set with all values is accepted"
    assert second.startswith("'example.com' has a CNAME beside A;")
    assert _record.conflicts(records[1:2] + records[3:]) == []


@pytest.mark.parametrize(
    ("text", "lengths"), [("", [0]), ("x" * 255, [255]), ("x" * 256, [255, 1]), ("ü" * 128, [255, 1])]
)
def test_txt_is_split_at_255_octets(text, lengths):
    strings = _record.txt_strings(text)
    assert [len(string) for string in strings] == lengths
    assert _record.txt_text(strings) == text


def test_octets_that_are_no_text_are_shown():
    assert _record.txt_text([b"a\xff", b"b"]) == "a\\xffb"


@QUICK
@given(rdtype=st.sampled_from(_record.TYPES), text=st.text())
def test_arbitrary_text_gives_a_value_or_value_error(rdtype, text):
    with contextlib.suppress(ValueError):
        record = made(rdtype, [text])
        assert made(rdtype, record.values) == record
    with contextlib.suppress(ValueError):
        assert made(name=text).name == _record.owner(_record.owner(text))
    with contextlib.suppress(ValueError):
        assert isinstance(_record.purpose(text, "TXT", text), str)


@QUICK
@given(strings=st.lists(st.binary(max_size=255)))
def test_arbitrary_octets_are_text(strings):
    assert isinstance(_record.txt_text(strings), str)

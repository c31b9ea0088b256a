# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 6698 where no other RFC is named."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _tlsa
from ansible_collections.mailops.relay.plugins.module_utils._tlsa import Association
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=200, deadline=None, database=None)

# The associations of the examples in 2.3.
SHA256 = "d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"
SHA512 = (
    "92003ba34942dc74152e2f2c408d29eca5a520e7f2e06bb944f4dca346baf63c"
    "1b177615d466f6c4b71c216a50292bd58c9ebdd2f74e38fe51ffd48c43326cbc"
)
DIGEST = bytes.fromhex(SHA256)

RECORDS = [
    pytest.param(f"0 0 1 {SHA256}", Association(0, 0, 1, DIGEST), id="2.3: SHA-256"),
    pytest.param(f"1 1 2 {SHA512}", Association(1, 1, 2, bytes.fromhex(SHA512)), id="2.3: SHA-512"),
    pytest.param("3 0 0 30820307308201ef", Association(3, 0, 0, bytes.fromhex("30820307308201ef")), id="2.3: Full"),
    pytest.param(f"3 1 1 {SHA256.upper()}", Association(3, 1, 1, DIGEST), id="2.2: upper case"),
    pytest.param(
        f" 3\t1  1 {SHA256[:32]} \t{SHA256[32:33]} {SHA256[33:]} ", Association(3, 1, 1, DIGEST), id="2.2: white space"
    ),
    pytest.param("255 255 255 00", Association(255, 255, 255, b"\0"), id="2.1: private use"),
    pytest.param("4 2 3 00ff", Association(4, 2, 3, b"\0\xff"), id="4.1: unassigned"),
]
NOT_RECORDS = [
    pytest.param("", "is not a TLSA record", id="empty"),
    pytest.param("3 1 1", "is not a TLSA record", id="2.2: no data"),
    pytest.param(f"3 1 {SHA256}", "is not a TLSA record", id="2.2: two numbers"),
    pytest.param("3 1 0 abc", "is not a TLSA record", id="2.2: half an octet"),
    pytest.param("3 1 0 xy", "is not a TLSA record", id="2.2: not hexadecimal"),
    pytest.param("DANE-EE SPKI SHA2-256 00", "is not a TLSA record", id="2.2: names"),
    pytest.param("256 1 0 00", "the usage of the TLSA record is 256; 0 to 255", id="2.1.1: one octet"),
    pytest.param("3 256 0 00", "the selector of the TLSA record is 256; 0 to 255", id="2.1.2: one octet"),
    pytest.param("3 1 256 00", "the matching_type of the TLSA record is 256; 0 to 255", id="2.1.3: one octet"),
    pytest.param(f"3 1 1 {SHA256[2:]}", "has 31 octets; with matching type 1, 32", id="2.1.3: short SHA-256"),
    pytest.param(f"3 1 2 {SHA256}", "has 32 octets; with matching type 2, 64", id="2.1.3: short SHA-512"),
]

CERTIFICATE, PUBLIC_KEY = b"DER of a certificate", b"DER of its key"


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_parse(text: str, record: Association) -> None:
    assert _tlsa.parse(text) == record
    assert _tlsa.parse(_tlsa.join(record)) == record


@pytest.mark.parametrize(("text", "message"), NOT_RECORDS)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _tlsa.parse(text)


def test_join() -> None:
    assert _tlsa.join(Association(3, 1, 1, DIGEST)) == f"3 1 1 {SHA256}"
    with pytest.raises(ValueError, match="has 0 octets; with matching type 0, 1 and more are accepted"):
        _tlsa.join(Association(3, 1, 0, b""))


@pytest.mark.parametrize(
    ("matching_type", "data"),
    [
        pytest.param(0, PUBLIC_KEY, id="2.1.3: Full"),
        pytest.param(1, hashlib.sha256(PUBLIC_KEY).digest(), id="2.1.3: SHA-256"),
        pytest.param(2, hashlib.sha512(PUBLIC_KEY).digest(), id="2.1.3: SHA-512"),
    ],
)
def test_associate(matching_type: int, data: bytes) -> None:
    record = _tlsa.associate(3, 1, matching_type, PUBLIC_KEY)
    assert record == Association(3, 1, matching_type, data)
    assert _tlsa.matches(record, CERTIFICATE, PUBLIC_KEY)
    assert _tlsa.matches(record, b"renewed", PUBLIC_KEY)
    assert not _tlsa.matches(record, CERTIFICATE, b"another key")


def test_a_record_of_a_certificate_matches_no_other_one_of_the_same_key() -> None:
    record = _tlsa.associate(3, 0, 1, CERTIFICATE)
    assert _tlsa.matches(record, CERTIFICATE, PUBLIC_KEY)
    assert not _tlsa.matches(record, b"renewed", PUBLIC_KEY)


def test_nothing_matches_what_no_rfc_assigns() -> None:
    assert not _tlsa.matches(Association(3, 2, 0, CERTIFICATE), CERTIFICATE, CERTIFICATE)
    assert not _tlsa.matches(Association(3, 0, 3, CERTIFICATE), CERTIFICATE, CERTIFICATE)
    with pytest.raises(ValueError, match="the matching type is 3; 0, 1 or 2 is accepted"):
        _tlsa.associate(3, 1, 3, PUBLIC_KEY)


@pytest.mark.parametrize(
    ("numbers", "problems"),
    [
        pytest.param(_tlsa.RECOMMENDED, [], id="RFC 7672 3.1.1: DANE-EE"),
        pytest.param((2, 0, 1), [], id="RFC 7672 3.1.2: DANE-TA"),
        pytest.param((3, 0, 0), [], id="Full"),
        pytest.param((0, 0, 1), ["the usage is 0, PKIX-TA; 3 or 2"], id="RFC 7672 3.1.3: PKIX-TA"),
        pytest.param((1, 1, 1), ["the usage is 1, PKIX-EE; 3 or 2"], id="RFC 7672 3.1.3: PKIX-EE"),
        pytest.param((4, 2, 3), ["4, unassigned", "the selector is 2", "the matching type is 3"], id="4.1: unassigned"),
    ],
)
def test_smtp_problems(numbers: tuple[int, int, int], problems: list[str]) -> None:
    found = _tlsa.smtp_problems(Association(*numbers, DIGEST))
    assert len(found) == len(problems)
    assert all(problem in text for problem, text in zip(problems, found))


def test_record_name() -> None:
    assert _tlsa.record_name("MX1.example.com.") == "_25._tcp.mx1.example.com"
    assert _tlsa.record_name("mx1.example.com", 465) == "_465._tcp.mx1.example.com"
    with pytest.raises(ValueError, match="the port is 0; 1 to 65535"):
        _tlsa.record_name("mx1.example.com", 0)
    with pytest.raises(ValueError, match="is not a host name"):
        _tlsa.record_name("*.example.com")


@QUICK
@given(
    st.text() | st.lists(st.sampled_from(["3 ", "1 ", "0 ", "256 ", "ab", "c", " ", "\t", "\n", SHA256])).map("".join)
)
def test_any_text_is_a_record_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        record = _tlsa.parse(text)
        assert _tlsa.parse(_tlsa.join(record)) == record

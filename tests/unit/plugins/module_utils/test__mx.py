# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _mx
from ansible_collections.mailops.relay.plugins.module_utils._mx import NULL_MX, MailExchange
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=200, deadline=None, database=None)

RECORDS = [
    pytest.param("10 mail.example.com.", MailExchange(10, "mail.example.com"), id="RFC 1035 3.3.9"),
    pytest.param(" 10 \t mail.example.com ", MailExchange(10, "mail.example.com"), id="white space"),
    pytest.param("0 Mail.Example.COM.", MailExchange(0, "mail.example.com"), id="lowest preference, case"),
    pytest.param("65535 a.example", MailExchange(65535, "a.example"), id="highest preference"),
    pytest.param("0 .", NULL_MX, id="RFC 7505 3: null MX"),
]
NOT_RECORDS = [
    pytest.param("", "is not an MX record", id="empty"),
    pytest.param("mail.example.com", "is not an MX record", id="no preference"),
    pytest.param("10", "is not an MX record", id="no exchange"),
    pytest.param("10 a.example b.example", "is not an MX record", id="two exchanges"),
    pytest.param("-1 a.example", "is not an MX record", id="negative preference"),
    pytest.param("\u0661 a.example", "is not an MX record", id="digit that is not ASCII"),
    pytest.param("65536 a.example", "the preference is 65536; 0 to 65535", id="RFC 1035 3.3.9: 16 bits"),
    pytest.param("10 192.0.2.1", "'192.0.2.1' is no host name", id="RFC 5321 5.1: address"),
    pytest.param("10 2001:db8::1", "is no host name", id="RFC 5321 5.1: IPv6 address"),
    pytest.param("10 mail", "'mail' is no host name", id="RFC 5321 2.3.5: one label"),
    pytest.param("10 a_b.example", "is no host name", id="RFC 1123 2.1: underscore"),
    pytest.param("10 *.example", "is no host name", id="RFC 1123 2.1: wildcard"),
    pytest.param("10 .", "the preference of the null MX is 10; 0", id="RFC 7505 3: preference"),
]


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_parse(text: str, record: MailExchange) -> None:
    assert _mx.parse(text) == record
    assert _mx.parse(_mx.join(record)) == record


@pytest.mark.parametrize(("text", "message"), NOT_RECORDS)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _mx.parse(text)


def test_join() -> None:
    assert _mx.join(MailExchange(10, "Mail.example.com")) == "10 mail.example.com."
    assert _mx.join(NULL_MX) == "0 ."
    for record in (MailExchange(-1, "a.example"), MailExchange(0, "a"), MailExchange(1, "."), MailExchange(0, "")):
        with pytest.raises(ValueError, match="RFC"):
            _mx.join(record)


def test_a_set_is_in_the_order_of_preference() -> None:
    records = _mx.parse_set(["20 b.example.", "10 c.example.", "10 a.example.", "20 B.example."])
    assert list(map(_mx.join, records)) == ["10 a.example.", "10 c.example.", "20 b.example."]
    assert _mx.parse_set([]) == []


def test_the_null_mx_is_alone() -> None:
    assert _mx.parse_set(["0 ."]) == [NULL_MX]
    with pytest.raises(ValueError, match=r"the null MX '0 \.' stands beside 10 a\.example\.; .* alone \(RFC 7505, 3\)"):
        _mx.parse_set(["10 a.example.", "0 ."])


@QUICK
@given(st.text() | st.lists(st.sampled_from(["0", "10", " ", "a", ".", "example", "\t", "_"])).map("".join))
def test_any_text_is_a_record_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        record = _mx.parse(text)
        assert _mx.parse(_mx.join(record)) == record

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 8460 where no other RFC is named."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _tlsrpt, _uri
from ansible_collections.mailops.relay.plugins.module_utils._tlsrpt import Record
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=200, deadline=None, database=None)


def to(*uris: str) -> Record:
    return Record(tuple(map(_uri.parse, uris)))


MAIL = "mailto:reports@example.com"
HTTPS = "https://reporting.example.com/v1/tlsrpt"

RECORDS = [
    pytest.param(f"v=TLSRPTv1;rua={MAIL}", to(MAIL), id="3.1.1: mailto"),
    pytest.param(f"v=TLSRPTv1; rua={HTTPS}", to(HTTPS), id="3.1.2: https"),
    pytest.param(f"v=TLSRPTv1; rua={MAIL} , {HTTPS};", to(MAIL, HTTPS), id="3: several URIs"),
    pytest.param(f"v=TLSRPTv1; rua={MAIL}; rua={HTTPS}", to(MAIL, HTTPS), id="3: several rua"),
    pytest.param(f"v=TLSRPTv1; x-y.z_1=a; rua={MAIL}", to(MAIL), id="3: extension"),
    pytest.param(f"v=TLSRPTv1; rua={MAIL}?subject=a", to(f"{MAIL}?subject=a"), id="3: equals sign in a URI"),
    pytest.param("v=TLSRPTv1; rua=tel:+1", to("tel:+1"), id="3: any scheme is a URI"),
]
NOT_RECORDS = [
    pytest.param("", "v=TLSRPTv1; is accepted", id="3: empty"),
    pytest.param(f"v=TLSRPTv1 ; rua={MAIL}", "v=TLSRPTv1; is accepted", id="3: space behind the version"),
    pytest.param(f"v=tlsrptv1; rua={MAIL}", "v=TLSRPTv1; is accepted", id="3: case of the version"),
    pytest.param(f"rua={MAIL}; v=TLSRPTv1;", "v=TLSRPTv1; is accepted", id="3: version not first"),
    pytest.param("v=TLSRPTv1;", "rua is missing", id="3: no field"),
    pytest.param("v=TLSRPTv1; x=1", "rua is missing", id="3: no rua"),
    pytest.param(f"v=TLSRPTv1; RUA={MAIL}", "rua is missing", id="3: case of rua"),
    pytest.param("v=TLSRPTv1; rua=", "is not a URI", id="3: empty rua"),
    pytest.param("v=TLSRPTv1; rua=reports@example.com", "is not a URI", id="3: no scheme"),
    pytest.param(f"v=TLSRPTv1; rua={MAIL},", "is not a URI", id="3: comma at the end"),
    pytest.param(f"v=TLSRPTv1; rua={MAIL}!10m", "%21 is accepted", id="3: size as in RFC 7489"),
    pytest.param(f"v=TLSRPTv1; rua = {MAIL}", "is not a field", id="3: space around the equals sign"),
    pytest.param(f"v=TLSRPTv1; rua={MAIL}; x=a=b", "the field x has the value", id="3: value of an extension"),
    pytest.param(f"v=TLSRPTv1;; rua={MAIL}", "'' is not a field", id="3: empty field"),
]


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_parse(text: str, record: Record) -> None:
    assert _tlsrpt.is_record(text)
    assert _tlsrpt.parse(text) == record
    assert _tlsrpt.parse(_tlsrpt.join(record)) == record


@pytest.mark.parametrize(("text", "message"), NOT_RECORDS)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _tlsrpt.parse(text)


def test_join() -> None:
    assert _tlsrpt.join(to(MAIL, HTTPS)) == f"v=TLSRPTv1; rua={MAIL},{HTTPS}"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (Record(()), "at least one URI"),
        (to("https://example.com/a,b"), "%2C is accepted"),
        (to("https://example.com/a;b"), "%3B is accepted"),
        (Record((_uri.Uri("x", "https"),)), "is not a URI"),
    ],
)
def test_join_refuses(record: Record, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _tlsrpt.join(record)


def test_what_senders_of_reports_use() -> None:
    assert to("tel:+1", MAIL, "http://example.com/", HTTPS).usable == to(MAIL, HTTPS).rua


def test_record_name() -> None:
    assert _tlsrpt.record_name("Example.com") == "_smtp._tls.example.com"


def test_only_record() -> None:
    text = f"v=TLSRPTv1; rua={MAIL}"
    assert _tlsrpt.only_record(["v=spf1 -all", text]) == to(MAIL)
    assert _tlsrpt.only_record([text, text]) is None
    assert _tlsrpt.only_record([]) is None
    with pytest.raises(ValueError, match="rua is missing"):
        _tlsrpt.only_record(["v=TLSRPTv1;"])


@QUICK
@given(st.text() | st.lists(st.sampled_from(["rua=", MAIL, HTTPS, ",", ";", " ", "x=1", "!"])).map("".join))
def test_any_text_is_a_record_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        record = _tlsrpt.parse(f"v=TLSRPTv1;{text}")
        assert _tlsrpt.parse(_tlsrpt.join(record)) == record

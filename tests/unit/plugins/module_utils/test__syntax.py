# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _syntax
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=200, deadline=None, database=None)
LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])

DOMAIN_NAMES = [
    pytest.param("example.com", "example.com", id="plain"),
    pytest.param("example.com.", "example.com", id="RFC 1035 3.1: the dot of the root"),
    pytest.param("Mail.EXAMPLE.com", "mail.example.com", id="RFC 4343 2: case does not matter"),
    pytest.param("com", "com", id="one label"),
    pytest.param("_dmarc.example.com", "_dmarc.example.com", id="RFC 8552: underscored"),
    pytest.param("xn--mgbh0fb.example", "xn--mgbh0fb.example", id="RFC 5890: A-label"),
    pytest.param("a" * 63 + ".example", "a" * 63 + ".example", id="RFC 1035 2.3.4: label of 63"),
    pytest.param(LONGEST, LONGEST, id="RFC 1035 2.3.4: name of 253"),
    pytest.param("1.0.0.127.in-addr.arpa", "1.0.0.127.in-addr.arpa", id="digits"),
]
NOT_DOMAIN_NAMES = [
    pytest.param("", "is not a domain name", id="empty"),
    pytest.param(".", "is not a domain name", id="root"),
    pytest.param("a..b", "is not a domain name", id="empty label"),
    pytest.param("a.b..", "is not a domain name", id="two final dots"),
    pytest.param("a" * 64 + ".example", "1 to 63", id="RFC 1035 2.3.4: label of 64"),
    pytest.param(LONGEST + "b", "up to 253", id="RFC 1035 2.3.4: name of 254"),
    pytest.param("-a.example", "is not a domain name", id="hyphen first"),
    pytest.param("a-.example", "is not a domain name", id="hyphen last"),
    pytest.param("a b.example", "is not a domain name", id="space"),
    pytest.param("*.example", "is not a domain name", id="wildcard"),
    pytest.param("\u00fc.example", "is not a domain name", id="RFC 5890: U-label"),
    pytest.param("\u212a.example", "is not a domain name", id="the Kelvin sign is no k"),
    pytest.param("example.com\n", "is not a domain name", id="line end"),
]
NOT_HOST_NAMES = [
    pytest.param("a_b.example", "is not a host name", id="RFC 1123 2.1: underscore"),
    pytest.param("localhost", "a full name", id="RFC 5321 2.3.5: one label"),
    pytest.param("192.0.2.1", "is an address", id="RFC 1123 2.1: address"),
    pytest.param("2001:db8::1", "is not a host name", id="IPv6 address"),
    pytest.param("[192.0.2.1]", "is not a host name", id="RFC 5321 4.1.3: address literal"),
]
VERSION = "v=Xv1"
FIELDS = [
    pytest.param("v=Xv1;", [], id="nothing but the version"),
    pytest.param("v=Xv1; a=1", [("a", "1")], id="one"),
    pytest.param("v=Xv1;a=1;b=2;", [("a", "1"), ("b", "2")], id="a delimiter at the end"),
    pytest.param("v=Xv1; \ta=1 \t;\t b=2 ; ", [("a", "1"), ("b", "2")], id="white space around delimiters"),
    pytest.param("v=Xv1; 9_-.z=<>", [("9_-.z", "<>")], id="name of other signs"),
    pytest.param("v=Xv1; " + "n" * 32 + "=1", [("n" * 32, "1")], id="name of 32"),
    pytest.param("v=Xv1; k=a=b c", [("k", "a=b c")], id="known fields are looked at elsewhere"),
]
NOT_FIELDS = [
    pytest.param("", "v=Xv1; is accepted", id="empty"),
    pytest.param("v=Xv1", "v=Xv1; is accepted", id="no delimiter"),
    pytest.param("v=Xv1 ; a=1", "v=Xv1; is accepted", id="white space behind the version"),
    pytest.param("V=Xv1; a=1", "v=Xv1; is accepted", id="case of the name"),
    pytest.param("v=XV1; a=1", "v=Xv1; is accepted", id="case of the version"),
    pytest.param("a=1; v=Xv1;", "v=Xv1; is accepted", id="version not first"),
    pytest.param("v=Xv1; a=1;; b=2", "'' is not a field", id="empty field"),
    pytest.param("v=Xv1; a", "'a' is not a field", id="no equals sign"),
    pytest.param("v=Xv1; a =1", "without spaces", id="space in front of the equals sign"),
    pytest.param("v=Xv1; a= 1", "the field a has the value ' 1'", id="space behind the equals sign"),
    pytest.param("v=Xv1; a=b=c", "the field a has the value", id="equals sign in the value"),
    pytest.param("v=Xv1; a=", "the field a has the value ''", id="empty value"),
    pytest.param("v=Xv1; a=\u00e4", "the field a has the value", id="not ASCII"),
    pytest.param("v=Xv1; _a=1", "is not a field", id="name starts with an underscore"),
    pytest.param("v=Xv1; " + "n" * 33 + "=1", "is not a field", id="name of 33"),
]


def fields(text: str) -> list[tuple[str, str]]:
    return list(_syntax.fields(text, VERSION, ("k",), "RFC 0"))


@pytest.mark.parametrize(("text", "name"), DOMAIN_NAMES)
def test_domain_name(text: str, name: str) -> None:
    assert _syntax.domain_name(text) == name


@pytest.mark.parametrize(("text", "message"), NOT_DOMAIN_NAMES)
def test_domain_name_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _syntax.domain_name(text)


@pytest.mark.parametrize("text", ["mail.example.com", "3com.example", "xn--mgbh0fb.example", "a.b.c.d.example"])
def test_host_name(text: str) -> None:
    assert _syntax.host_name(text.upper() + ".") == text


@pytest.mark.parametrize(("text", "message"), NOT_DOMAIN_NAMES + NOT_HOST_NAMES)
def test_host_name_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("domain name", "host name")):
        _syntax.host_name(text)


def test_a_host_name_of_one_label_where_it_is_allowed() -> None:
    assert _syntax.host_name("com", labels=1) == "com"


def test_owner_name() -> None:
    assert _syntax.owner_name("_dmarc", "Example.com.") == "_dmarc.example.com"
    with pytest.raises(ValueError, match="up to 253"):
        _syntax.owner_name("_dmarc", LONGEST)
    with pytest.raises(ValueError, match="is not a domain name"):
        _syntax.owner_name("_dmarc", "")


@pytest.mark.parametrize(("text", "found"), FIELDS)
def test_fields(text: str, found: list[tuple[str, str]]) -> None:
    assert fields(text) == found


@pytest.mark.parametrize(("text", "message"), NOT_FIELDS)
def test_fields_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fields(text)


@QUICK
@given(st.text())
def test_any_text_is_a_name_or_a_value_error(text: str) -> None:
    for function in (_syntax.domain_name, _syntax.host_name):
        with contextlib.suppress(ValueError):
            name = function(text)
            assert function(name) == name


@QUICK
@given(st.lists(st.sampled_from([";", " ", "\t", "a=1", "k=", "=", "b", "\u00e4", "\n"])).map("".join))
def test_any_text_is_fields_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        found = fields(f"{VERSION};{text}")
        assert fields("; ".join([VERSION + ";"[: not found], *(f"{name}={value}" for name, value in found)])) == found

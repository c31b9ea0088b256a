# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import ipaddress

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _ptr
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=200, deadline=None, database=None)

NAMES = [
    pytest.param("10.2.0.52", "52.0.2.10.in-addr.arpa", id="RFC 1035 3.5"),
    pytest.param(
        "4321:0:1:2:3:4:567:89ab",
        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa",
        id="RFC 3596 2.5",
    ),
    pytest.param("0.0.0.0", "0.0.0.0.in-addr.arpa", id="lowest"),
    pytest.param("255.255.255.255", "255.255.255.255.in-addr.arpa", id="highest"),
]
NOT_NAMES = [
    pytest.param("", id="empty"),
    pytest.param("example.com", id="another name"),
    pytest.param("in-addr.arpa", id="the zone"),
    pytest.param("2.0.192.in-addr.arpa", id="network"),
    pytest.param("1.0/25.2.0.192.in-addr.arpa", id="RFC 2317 4: delegation"),
    pytest.param("01.2.0.192.in-addr.arpa", id="leading zero"),
    pytest.param("256.2.0.192.in-addr.arpa", id="above an octet"),
    pytest.param("0.1.2.0.192.in-addr.arpa", id="five octets"),
    pytest.param("8.b.d.0.1.0.0.2.ip6.arpa", id="IPv6 network"),
    pytest.param("10." + "0." * 30 + "ip6.arpa", id="two nibbles in a label"),
    pytest.param("g." + "0." * 31 + "ip6.arpa", id="not hexadecimal"),
    pytest.param("::1.ip6.arpa", id="colons"),
    pytest.param("1.2.0.192.in-addr.arpa..", id="two final dots"),
    pytest.param("1.2.0.192.ip6.arpa", id="IPv4 in the wrong zone"),
]
NOT_ADDRESSES = [
    pytest.param("", "is not an IP address", id="empty"),
    pytest.param("192.0.2.0/24", "is not an IP address", id="network"),
    pytest.param("192.0.2.01", "is not an IP address", id="leading zero"),
    pytest.param("fe80::1%eth0", "has a zone", id="RFC 4007 11: zone"),
    pytest.param("::ffff:192.0.2.1", "192.0.2.1 is accepted", id="RFC 4291 2.5.5.2: IPv4 in IPv6"),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_address_and_name(text: str, name: str) -> None:
    address = _ptr.address(text)
    assert _ptr.join(address) == name
    assert _ptr.parse(name) == address
    assert _ptr.parse(name.upper() + ".") == address


@pytest.mark.parametrize("name", NOT_NAMES)
def test_parse_refuses(name: str) -> None:
    with pytest.raises(ValueError, match="is not the reverse name of an address"):
        _ptr.parse(name)


@pytest.mark.parametrize(("text", "message"), NOT_ADDRESSES)
def test_address_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _ptr.address(text)


def test_join_refuses_what_has_no_name() -> None:
    with pytest.raises(ValueError, match="has a zone"):
        _ptr.join(ipaddress.ip_address("fe80::1%eth0"))


def test_target() -> None:
    assert _ptr.target("Mail.Example.com.") == "mail.example.com"
    for text in ("192.0.2.1", "mail", "a_b.example", ""):
        with pytest.raises(ValueError, match=f"the PTR target '{text}' is no host name"):
            _ptr.target(text)


def test_confirmed_names() -> None:
    ours, other = _ptr.address("192.0.2.1"), _ptr.address("192.0.2.2")
    found = {"a.example": [other, ours], "b.example": [other], "c.example": []}
    assert _ptr.confirmed_names(ours, found) == ["a.example"]
    assert _ptr.confirmed_names(_ptr.address("2001:db8::1"), found) == []


@QUICK
@given(st.ip_addresses())
def test_every_address_has_a_name(address: _ptr.Address) -> None:
    with contextlib.suppress(ValueError):
        assert _ptr.parse(_ptr.join(address)) == address


@QUICK
@given(
    st.text()
    | st.lists(st.sampled_from(["1", "0", "f", ".", ":", "255", "%"])).map("".join).map(lambda text: f"{text}.ip6.arpa")
    | st.lists(st.sampled_from(["1", "0", "256", ".", "/"])).map("".join).map(lambda text: f"{text}.in-addr.arpa")
)
def test_any_text_is_a_name_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        address = _ptr.parse(text)
        assert _ptr.parse(_ptr.join(address)) == address
    with contextlib.suppress(ValueError):
        assert str(_ptr.address(text))

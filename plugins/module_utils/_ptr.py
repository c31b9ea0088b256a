# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Reverse names: ``in-addr.arpa`` of RFC 1035 section 3.5, ``ip6.arpa`` of RFC 3596 section 2.5.

:func:`parse` and :func:`join` are inverses. Both raise nothing but ``ValueError``.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _syntax

Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

IPV4_SUFFIX = ".in-addr.arpa"
IPV6_SUFFIX = ".ip6.arpa"


def address(text: str) -> Address:
    """Return an IP address that can have a reverse name: without a zone, and no IPv4 address inside of IPv6."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address; such as 192.0.2.1 or 2001:db8::1 is accepted") from None
    if getattr(found, "scope_id", None):
        raise ValueError(
            f"{text!r} has a zone, which no reverse name has; the address alone is accepted (RFC 4007, 11)"
        )
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        raise ValueError(f"{text!r} is an IPv4 address in IPv6; {found.ipv4_mapped} is accepted (RFC 4291, 2.5.5.2)")
    return found


def join(of_address: Address) -> str:
    """Return the reverse name of an address, without the final dot.

    The octets of IPv4 in decimal (RFC 1035, 3.5), the 32 nibbles of IPv6 in hexadecimal (RFC 3596, 2.5), last one
    first.
    """
    return address(str(of_address)).reverse_pointer


def parse(name: str) -> Address:
    """Return the address of a reverse name.

    Names of networks, with fewer labels, and names of delegations as in RFC 2317, 4 are not reverse names of an
    address; octets have no leading zeros.
    """
    folded = name.lower() if name.isascii() else name
    folded = folded[:-1] if folded.endswith(".") else folded
    labels = folded.split(".")[:-2]
    try:
        if folded.endswith(IPV4_SUFFIX):
            found = address(".".join(reversed(labels)))
        else:
            digits = "".join(reversed(labels))
            found = address(":".join(digits[i : i + 4] for i in range(0, len(digits), 4)))
    except ValueError:
        found = None
    if found is None or found.reverse_pointer != folded:
        raise ValueError(
            f"{name!r} is not the reverse name of an address; such as 1.2.0.192.in-addr.arpa, or 32 nibbles in "
            "front of ip6.arpa is accepted (RFC 1035, 3.5; RFC 3596, 2.5)"
        )
    return found


def target(text: str) -> str:
    """Return the name that a PTR record points to: the primary name of a host (RFC 1035, 3.5; RFC 1912, 2.1)."""
    try:
        return _syntax.host_name(text)
    except ValueError as error:
        raise ValueError(f"the PTR target {text!r} is no host name: {error} (RFC 1035, 3.5)") from None


def confirmed_names(of_address: Address, addresses_by_name: t.Mapping[str, t.Iterable[Address]]) -> list[str]:
    """Return those of an address' names that have the address in turn: with one of them, iprev passes (RFC 8601, 3).

    ``addresses_by_name`` holds the names that the PTR records of the address point to, with what A and AAAA say.
    """
    return [name for name, addresses in addresses_by_name.items() if of_address in addresses]

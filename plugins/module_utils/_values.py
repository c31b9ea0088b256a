# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the description of a relay is made of: names, addresses, networks, ports.

A *problem* is a text for the user: the variable, its value, and what would be accepted.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
Description = t.Dict[str, t.Any]
Problems = t.Iterator[str]

LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE)
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def is_fqdn(name: str) -> bool:
    """Whether ``name`` is a host name of at least two labels (RFC 1123 section 2.1), without a dot at its end."""
    labels = name.split(".")
    return (
        len(labels) >= 2
        and len(name) <= 253
        and all(LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def is_address(text: str) -> bool:
    """Whether ``text`` is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_mail_address(text: str) -> bool:
    """Whether ``text`` is a mail address without quotes at a fully qualified domain (RFC 5321 section 4.1.2)."""
    local, at, domain = text.rpartition("@")
    return bool(at) and bool(_DOT_ATOM.fullmatch(local)) and is_fqdn(domain)


def parse_network(variable: str, text: str) -> Network:
    """Return the network; raise ``ValueError`` with a problem of ``variable`` where it is none."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        loose = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f"{variable}: {text!r} is not a network. Accepted: CIDR notation such as 10.20.0.0/16 or 2001:db8:20::/64."
        ) from None
    raise ValueError(
        f"{variable}: {text!r} has host bits set. Accepted: {loose} for the whole network,"
        f" or {text.split('/', maxsplit=1)[0]}/{loose.max_prefixlen} for the one host."
    )


def check_ports(variable: str, ports: t.Iterable[int]) -> Problems:
    """Yield a problem for each number that is no TCP port."""
    for port in ports:
        if not 1 <= port <= 65535:
            yield f"{variable}: {port} is not a TCP port. Accepted: 1 to 65535."

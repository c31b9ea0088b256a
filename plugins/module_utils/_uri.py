# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""URIs that reports go to: RFC 3986 section 3, with ``mailto`` of RFC 6068 section 2.

:func:`parse` and :func:`join` are inverses. Both raise nothing but ``ValueError``.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
import urllib.parse
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _syntax

Item = t.TypeVar("Item")

_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_REG_NAME = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
_USERINFO = r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*"
_URI = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):"
    rf"(?://(?:{_USERINFO}@)?(?P<host>\[[0-9A-Fa-f:.]+\]|{_REG_NAME})(?::[0-9]*)?(?=[/?#]|$))?"
    rf"(?!//)(?P<path>(?:{_PCHAR}|/)*)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?"
    rf"(?:#(?:{_PCHAR}|[/?])*)?"
)
_IPV4 = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_DOT_ATOM_TEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


@dataclass(frozen=True)
class Uri:
    """A URI. ``text`` is the URI as it was written, ``scheme`` is in lower case (RFC 3986, 3.1).

    ``host`` is where it leads to: the host of the authority (RFC 3986, 3.2.2), the domain of the address of a
    ``mailto`` (RFC 6068, 2), empty for a scheme that has neither. ``address`` is the address of a ``mailto``.
    """

    text: str
    scheme: str
    host: str = ""
    address: str = ""


def _host(text: str, host: str) -> str:
    """Return a host in lower case: a name, an IPv4 address, or an IPv6 address without its brackets."""
    try:
        if host.startswith("["):
            return str(ipaddress.IPv6Address(host[1:-1]))
        if _IPV4.fullmatch(host):
            return str(ipaddress.IPv4Address(host))
        return _syntax.host_name(host, labels=1)
    except ValueError as error:
        raise ValueError(f"the URI {text!r} has no host: {error} (RFC 3986, 3.2.2)") from None


def _address(text: str, path: str) -> tuple[str, str]:
    """Return the address of a ``mailto`` and its domain; the lists of RFC 6068, 2 are for a URI each."""
    address = urllib.parse.unquote(path)
    local_part, at, domain = address.rpartition("@")
    if not at or not _DOT_ATOM_TEXT.fullmatch(local_part):
        raise ValueError(f"the URI {text!r} holds no address; mailto:name@example.com is accepted (RFC 6068, 2)")
    try:
        domain = _syntax.host_name(domain)
    except ValueError as error:
        raise ValueError(f"the URI {text!r} holds no address: {error} (RFC 6068, 2)") from None
    return f"{local_part}@{domain}", domain


def parse(text: str) -> Uri:
    """Parse a URI with its scheme; relative references are not URIs (RFC 3986, 3).

    ``http`` and ``https`` have a host (RFC 9110, 4.2), ``mailto`` has one address.
    """
    match = _URI.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not a URI; mailto:name@example.com is accepted (RFC 3986, 3)")
    scheme = match["scheme"].lower()
    if scheme == "mailto":
        address, domain = _address(text, match["path"])
        return Uri(text, scheme, domain, address)
    if match["host"] or scheme in ("http", "https"):
        return Uri(text, scheme, _host(text, match["host"] or ""))
    return Uri(text, scheme)


def join(uri: Uri) -> str:
    """Write a URI."""
    if parse(uri.text) != uri:
        raise ValueError(f"the URI {uri.text!r} does not have the scheme, host and address given with it")
    return uri.text


def mailto(address: str) -> Uri:
    """Return the ``mailto`` of an address.

    What would end the URI or an item of a list is percent-encoded (RFC 6068, 2; RFC 9989, 4.8; RFC 8460, 3).
    """
    return parse("mailto:" + urllib.parse.quote(address, safe="@$'*+-._~"))


def parse_list(text: str, item: t.Callable[[str], Item]) -> list[Item]:
    """Parse what has commas and white space between its items, as RFC 9989, 4.8 and RFC 8460, 3 write lists of URIs."""
    return [item(part.strip(_syntax.WSP)) for part in text.split(",")]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""MX records: RFC 1035 section 3.3.9 with the rules of RFC 5321 section 5, and the null MX of RFC 7505.

:func:`parse` and :func:`join` are inverses. Both raise nothing but ``ValueError``.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _syntax

MAX_PREFERENCE = 65535
"""A preference has 16 bits; the lowest one is tried first (RFC 1035, 3.3.9; RFC 5321, 5.1)."""

_RDATA = re.compile(r"(?P<preference>[0-9]{1,5})[ \t]+(?P<exchange>[^ \t]+)")


@dataclass(frozen=True, order=True)
class MailExchange:
    """An MX record. ``exchange`` is a host name in lower case without a final dot, or ``.`` for the null MX."""

    preference: int
    exchange: str


NULL_MX = MailExchange(0, ".")
"""This domain takes no mail (RFC 7505, 3)."""


def _checked(preference: int, exchange: str) -> MailExchange:
    if not 0 <= preference <= MAX_PREFERENCE:
        raise ValueError(f"the preference is {preference}; 0 to {MAX_PREFERENCE} is accepted (RFC 1035, 3.3.9)")
    if exchange == ".":
        if preference:
            raise ValueError(f"the preference of the null MX is {preference}; 0 is accepted (RFC 7505, 3)")
        return NULL_MX
    try:
        return MailExchange(preference, _syntax.host_name(exchange))
    except ValueError as error:
        raise ValueError(f"the exchange {exchange!r} is no host name: {error} (RFC 5321, 5.1)") from None


def parse(text: str) -> MailExchange:
    """Parse the data of an MX record: ``preference exchange`` (RFC 1035, 3.3.9).

    The exchange is the name of a host, not an address; that it is no alias and has an address is a matter of its own
    (RFC 2181, 10.3; RFC 5321, 5.1). ``0 .`` is the null MX (RFC 7505, 3).
    """
    match = _RDATA.fullmatch(text.strip(_syntax.WSP))
    if not match:
        raise ValueError(f"{text!r} is not an MX record; 10 mail.example.com. is accepted (RFC 1035, 3.3.9)")
    return _checked(int(match["preference"]), match["exchange"])


def join(record: MailExchange) -> str:
    """Write an MX record as in a zone file, the name with its final dot."""
    checked = _checked(record.preference, record.exchange)
    return f"{checked.preference} {checked.exchange.rstrip('.')}."


def parse_set(texts: t.Iterable[str]) -> list[MailExchange]:
    """Parse all MX records of a name, in the order in which they are tried (RFC 5321, 5.1)."""
    return check_set(map(parse, texts))


def check_set(records: t.Iterable[MailExchange]) -> list[MailExchange]:
    """Return all MX records of a name in the order in which they are tried; the null MX is alone (RFC 7505, 3)."""
    found = sorted(set(records))
    if NULL_MX in found and len(found) > 1:
        others = ", ".join(join(record) for record in found if record != NULL_MX)
        raise ValueError(f"the null MX '0 .' stands beside {others}; it is accepted alone (RFC 7505, 3)")
    return found

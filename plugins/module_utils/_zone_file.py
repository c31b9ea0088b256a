# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Records as lines of a zone file: RFC 1035 section 5.1. All names are absolute, so the lines fit into any zone."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _record, _syntax
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet


def _octet(octet: int, escape: str) -> str:
    if octet in b'"\\':
        return f"\\{chr(octet)}"
    return chr(octet) if 0x20 <= octet <= 0x7E else escape.format(octet)


def quoted(text: str, escape: str = "\\{:03d}") -> str:
    """Return the text of a TXT record as quoted strings of up to 255 octets, on one line.

    ``escape`` is how octets are written that are not printable ASCII.
    """
    strings = ("".join(_octet(octet, escape) for octet in string) for string in _record.txt_strings(text))
    return " ".join(f'"{string}"' for string in strings)


def data(rdtype: str, value: str) -> str:
    """Return a value as a zone file has it."""
    return quoted(value) if rdtype == "TXT" else value


def render(records: t.Iterable[RecordSet], comments: bool = True) -> str:
    """Return a line for each record, and above each record set its grade and reason as a comment."""
    lines = []
    for record in records:
        if comments and record.reason:
            lines.append(f"; {record.grade}: {' '.join(record.reason.split())}")
        lines += [f"{record.name}. {record.ttl} IN {record.type} {data(record.type, value)}" for value in record.values]
    return "".join(f"{line}\n" for line in lines)


def in_zone(records: t.Iterable[RecordSet], zone: str) -> list[RecordSet]:
    """Return the records whose names are in a zone, or below it; ValueError where there is none."""
    name = _syntax.domain_name(zone)
    found = [record for record in records if f".{record.name}".endswith(f".{name}")]
    if not found:
        raise ValueError(f"zone: no record has a name in {zone!r}. Accepted: the zone of one record at least.")
    return found


def relative(name: str, zone: str) -> str:
    """Return a name as forms for one zone want it: without the zone, and ``@`` for the zone itself."""
    origin = _syntax.domain_name(zone)
    return "@" if name == origin else name[: -len(origin) - 1]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Records as lines of a zone file: RFC 1035 section 5.1. All names are absolute, so the lines fit into any zone."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _record
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet


def _octet(octet: int) -> str:
    if octet in b'"\\':
        return f"\\{chr(octet)}"
    return chr(octet) if 0x20 <= octet <= 0x7E else f"\\{octet:03d}"


def quoted(text: str) -> str:
    """Return the text of a TXT record as quoted strings of up to 255 octets, on one line."""
    return " ".join(f'"{"".join(map(_octet, string))}"' for string in _record.txt_strings(text))


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

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Records as a table for people, who fill in the form of a DNS provider from it."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _zone_file
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

HEADER = ("grade", "name", "type", "ttl", "priority", "value")

WITH_PRIORITY = ("MX", "SRV")
"""Types whose first number forms ask for separately (RFC 1035, 3.3.9; RFC 2782)."""


def render(records: t.Iterable[RecordSet], zone: str = "") -> str:
    """Return a line for each value; values come last, so that they stay whole. Names are absolute without a zone."""
    rows = [HEADER, *(row for record in records for row in _rows(record, zone))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER) - 1)]
    return "".join(f"{_line(row, widths)}\n" for row in rows)


def _line(row: t.Sequence[str], widths: t.Sequence[int]) -> str:
    return "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]])


def _rows(record: RecordSet, zone: str) -> t.Iterator[tuple[str, ...]]:
    name = _zone_file.relative(record.name, zone) if zone else f"{record.name}."
    for value in record.values:
        priority, _space, rest = value.partition(" ") if record.type in WITH_PRIORITY else ("", "", value)
        # What would break the line, or cannot be seen, is shown as in a zone file.
        shown = rest if rest.isprintable() and rest else _zone_file.quoted(rest)
        yield record.grade, name, record.type, str(record.ttl), priority, shown

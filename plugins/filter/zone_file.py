# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: records as lines of a zone file, to paste where DNS is kept somewhere else."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _record, _zone_file
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

_KEYS: dict[str, tuple[type, bool]] = {
    "name": (str, True),
    "type": (str, True),
    "values": (list, True),
    "ttl": (int, False),
    "grade": (str, False),
    "reason": (str, False),
}
_NAMES: dict[type, str] = {str: "text", int: "a number", list: "a list"}


def _parse(item: t.Any) -> RecordSet:
    if not isinstance(item, t.Mapping):
        raise ValueError(f"an item is {type(item).__name__}. Accepted: records with name, type and values.")
    for key, (kind, required) in _KEYS.items():
        value = item.get(key)
        if (value is None and required) or not isinstance(value, (kind, type(None))):
            raise ValueError(f"the record {item.get('name')!r} has {key}: {value!r}. Accepted: {_NAMES[kind]}.")
    for value in item["values"]:
        if not isinstance(value, str):
            raise ValueError(f"the record {item['name']!r} has the value {value!r}. Accepted: text.")
    return _record.parse(item)


def zone_file(records: t.Any, comments: bool = True) -> str:
    """Return the records as text."""
    try:
        if not isinstance(records, list):
            raise ValueError(f"its input is {type(records).__name__}. Accepted: a list, such as relay_records returns.")
        parsed = [_parse(item) for item in records]
        conflicts = _record.conflicts(parsed)
        if conflicts:
            raise ValueError("; ".join(conflicts))
        return _zone_file.render(parsed, comments)
    except ValueError as error:
        raise AnsibleFilterError(f"zone_file: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"zone_file": zone_file}

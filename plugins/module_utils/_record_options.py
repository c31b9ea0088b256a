# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of modules that hold records, and the input of filters; ``doc_fragments/records.py`` documents them."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _record
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

_SET: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": sorted(_record.TYPES), "required": True},
    "values": {"type": "list", "elements": "str", "default": []},
}

REMOVAL: dict[str, t.Any] = {"type": "list", "elements": "dict", "default": [], "options": _SET}
"""Sets to remove, or some of their values."""

RECORDS: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": {
        **_SET,
        "ttl": {"type": "int", "default": _record.DEFAULT_TTL},
        "grade": {"type": "str", "choices": list(_record.GRADES), "default": _record.GRADES[0]},
        "reason": {"type": "str", "default": ""},
    },
}
"""The option ``records``."""


def parse(item: t.Mapping[str, t.Any]) -> RecordSet:
    """Return the record set of an item of the option ``records``; ValueError says what is wrong with it."""
    return _record.parse({**item, "values": item["values"] or []})


_KEYS: dict[str, tuple[type, bool]] = {
    "name": (str, True),
    "type": (str, True),
    "values": (list, True),
    "ttl": (int, False),
    "grade": (str, False),
    "reason": (str, False),
}
_NAMES: dict[type, str] = {str: "text", int: "a number", list: "a list"}


def _read(item: t.Any) -> RecordSet:
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


def read(items: t.Any) -> list[RecordSet]:
    """Return the records that the input of a filter holds, or raise ValueError with what is wrong with it."""
    if not isinstance(items, list):
        raise ValueError(f"its input is {type(items).__name__}. Accepted: a list, such as relay_records returns.")
    records = [_read(item) for item in items]
    conflicts = _record.conflicts(records)
    if conflicts:
        raise ValueError("; ".join(conflicts))
    return records


def text(option: str, value: t.Any) -> str:
    """Return the text that an option of a filter holds."""
    if not isinstance(value, str):
        raise ValueError(f"{option} is {value!r}. Accepted: text.")
    return value

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the relays, and records, to what is published where."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _publication
from ansible_collections.mailops.relay.plugins.plugin_utils._description import read_relays


def _items(option: str, items: t.Any) -> list[t.Any]:
    if not isinstance(items, list) or not all(
        isinstance(i, t.Mapping) and isinstance(i.get("name"), str) for i in items
    ):
        raise ValueError(f"{option} is no list of records. Accepted: items with name, type and values.")
    return items


def relay_publication(hosts: t.Any, hostvars: t.Any, records: t.Any, remove: t.Any = None) -> dict[str, t.Any]:
    """Return what goes to which primary, and what is to be put somewhere else by hand."""
    try:
        items = _items("records", records), _items("remove", [] if remove is None else remove)
        return _publication.assign(read_relays(hosts, hostvars), *items)
    except ValueError as error:
        raise AnsibleFilterError(f"relay_publication: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"relay_publication": relay_publication}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: records as a table, to fill in the form of a DNS provider from it."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _record_options, _record_table, _zone_file


def records_table(records: t.Any, zone: t.Any = None) -> str:
    """Return the table as text."""
    try:
        found = _record_options.read(records)
        if zone is None:
            return _record_table.render(found)
        return _record_table.render(_zone_file.in_zone(found, _record_options.text("zone", zone)), str(zone))
    except ValueError as error:
        raise AnsibleFilterError(f"records_table: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"records_table": records_table}

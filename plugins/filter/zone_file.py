# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: records as lines of a zone file, to paste where DNS is kept somewhere else."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _record_options, _zone_file


def zone_file(records: t.Any, comments: bool = True) -> str:
    """Return the records as text."""
    try:
        return _zone_file.render(_record_options.read(records), comments)
    except ValueError as error:
        raise AnsibleFilterError(f"zone_file: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"zone_file": zone_file}

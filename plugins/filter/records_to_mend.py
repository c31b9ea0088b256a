# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: records and findings to the records that are not as they should be."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _publication


def records_to_mend(records: t.Any, findings: t.Any) -> list[t.Any]:
    """Return the records that findings are about."""
    try:
        return list(_publication.to_mend(records, findings))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(
            f"records_to_mend: {type(error).__name__}: {error}. Accepted: records as relay_records returns them, and"
            " findings as dns_records_info returns them."
        ) from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"records_to_mend": records_to_mend}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: DKIM keys to what is published and removed of them."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _record, _records


def dkim_publication(keys: t.Any, ttl: t.Any = _record.DEFAULT_TTL) -> dict[str, t.Any]:
    """Return records to publish, to remove, and to ask for."""
    try:
        found = _records.of_keys(keys, ttl)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(
            f"dkim_publication: {type(error).__name__}: {error}. Accepted: records of dkim_keys, and a TTL."
        ) from None
    lists = {name: [_record.join(record) for record in found[name]] for name in ("records", "questions")}
    return {**found, **lists}


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"dkim_publication": dkim_publication}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: records as arguments of the modules that keep zones at a provider."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _provider_records, _record_options


def provider_records(records: t.Any, provider: t.Any, zone: t.Any, overwrite: bool = False) -> list[dict[str, t.Any]]:
    """Return the arguments of one call each."""
    try:
        found = _record_options.read(records)
        names = _record_options.text("provider", provider), _record_options.text("zone", zone)
        return _provider_records.arguments(found, *names, overwrite=bool(overwrite))
    except ValueError as error:
        raise AnsibleFilterError(f"provider_records: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"provider_records": provider_records}

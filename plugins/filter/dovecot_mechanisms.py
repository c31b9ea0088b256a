# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: users to the mechanisms by which all of them can log in."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _dovecot


def dovecot_mechanisms(users: t.Any, other_sources: t.Any) -> list[str]:
    """Return the names of the mechanisms."""
    try:
        return _dovecot.mechanisms(users, bool(other_sources))
    except (AttributeError, KeyError, TypeError):
        raise AnsibleFilterError("dovecot_mechanisms: its input is no list of users. Accepted: relay_users.") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"dovecot_mechanisms": dovecot_mechanisms}

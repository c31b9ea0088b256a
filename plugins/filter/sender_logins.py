# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: users to the logins that may send as each address."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _sender_logins


def sender_logins(users: t.Any) -> dict[str, list[str]]:
    """Return the logins by sender."""
    try:
        return _sender_logins.owners(users)
    except (AttributeError, KeyError, TypeError):
        raise AnsibleFilterError("sender_logins: its input is no list of users. Accepted: relay_users.") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"sender_logins": sender_logins}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: users to a passwd-file of Dovecot."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _dovecot


def dovecot_users(users: t.Any, hostname: t.Any) -> str:
    """Return the text of the passwd-file. No error shows a value of the users."""
    try:
        return _dovecot.users_file(users, hostname)
    except ValueError as problem:
        raise AnsibleFilterError(f"dovecot_users: {problem}") from None
    except (AttributeError, KeyError, TypeError):
        raise AnsibleFilterError("dovecot_users: its input is no list of users. Accepted: relay_users.") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"dovecot_users": dovecot_users}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.sender_logins import FilterModule

sender_logins = FilterModule().filters()["sender_logins"]


def test_logins_by_sender() -> None:
    assert sender_logins([{"name": "Shop", "senders": ["a@example.com"]}]) == {"a@example.com": ["shop"]}


@pytest.mark.parametrize("users", [None, ["x"], [{"name": "x"}], [{"name": 1, "senders": ["a@example.com"]}]])
def test_what_is_no_list_of_users_is_an_error(users: object) -> None:
    with pytest.raises(AnsibleFilterError, match="Accepted: relay_users"):
        sender_logins(users)

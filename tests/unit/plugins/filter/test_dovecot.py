# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter import dovecot_mechanisms, dovecot_users

mechanisms = dovecot_mechanisms.FilterModule().filters()["dovecot_mechanisms"]
users_file = dovecot_users.FilterModule().filters()["dovecot_users"]

USER = {"name": "Shop", "password": None, "hash": "{PLAIN}x"}


def test_users() -> None:
    assert users_file([USER], "relay.example") == "shop:{PLAIN}x\n"


@pytest.mark.parametrize("source", [None, {}, False])
def test_mechanisms_without_other_sources(source: object) -> None:
    assert mechanisms([USER], source) == ["PLAIN", "LOGIN", "SCRAM-SHA-256"]


def test_mechanisms_with_other_sources() -> None:
    assert mechanisms([USER], {"uris": ["ldaps://ds.example.net"]}) == ["PLAIN", "LOGIN"]


def test_a_password_that_cannot_be_used() -> None:
    with pytest.raises(AnsibleFilterError, match=r"^dovecot_users: relay_users: 'shop': the password \(not shown\)"):
        users_file([{"name": "shop", "password": "a\u00a0b"}], "relay.example")


@pytest.mark.parametrize("users", [None, ["x"], [{"name": "x", "password": 1}], [{"name": "x"}]])
def test_what_is_no_list_of_users_is_an_error(users: object) -> None:
    with pytest.raises(AnsibleFilterError, match="Accepted: relay_users"):
        users_file(users, "relay.example")

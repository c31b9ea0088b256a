# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _sender_logins


def user(name: str, *senders: str) -> dict[str, object]:
    return {"name": name, "senders": list(senders)}


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        ([], {}),
        ([user("a")], {}),
        ([user("a", "x@example.com"), user("b", "X@Example.COM")], {"x@example.com": ["a", "b"]}),
        ([user("Shop", "@example.org")], {"@example.org": ["shop"]}),
        (
            [user("b", "x@example.org"), user("a", "@example.org"), user("c", "x@sub.example.org")],
            {"@example.org": ["a"], "x@example.org": ["a", "b"], "x@sub.example.org": ["c"]},
        ),
        ([user("a", "@example.org", "x@example.org")], {"@example.org": ["a"], "x@example.org": ["a"]}),
    ],
)
def test_owners(users: list[dict[str, object]], expected: dict[str, list[str]]) -> None:
    assert _sender_logins.owners(users) == expected

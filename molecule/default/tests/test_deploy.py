# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of deploy on relays that are as they are described."""

from __future__ import annotations

import re

from lab import RELAYS
from plays import succeed

MOST_TASKS = 6
"""How many tasks a run without changes has on a host, with those that are skipped: each costs a process per host."""


def test_a_run_without_changes_is_a_few_tasks() -> None:
    recap = succeed("deploy").output.rpartition("PLAY RECAP")[2]
    for relay in RELAYS:
        found = re.search(rf"^{relay.name} .*ok=(\d+) +changed=(\d+) .*skipped=(\d+)", recap, re.MULTILINE)
        assert found, recap
        done, changed, skipped = map(int, found.groups())
        assert changed == 0
        assert done + skipped <= MOST_TASKS

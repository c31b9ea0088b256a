# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._ruleset import Connection
from ansible_collections.mailops.relay.plugins.module_utils._ssh_connection import find_connection

SSH = b"LANG=C\0SSH_CONNECTION=198.51.100.7 50000 198.51.100.12 2222\0HOME=/root\0"
OLDER = b"SSH_CONNECTION=198.51.100.9 1 198.51.100.12 22\0"


@pytest.mark.parametrize(
    ("processes", "found"),
    [
        # module, sudo, the shell of the login, sshd
        ({9: (8, "python3", b""), 8: (7, "sudo", b""), 7: (6, "sh", SSH), 6: (1, "sshd", b"")}, True),
        # A name that looks like the fields after it.
        ({9: (7, "a) R 5 (b", b""), 7: (1, "sh", SSH)}, True),
        # The nearest one counts, and what cannot be read does not.
        ({9: (7, "python3", SSH), 7: (1, "sh", OLDER)}, True),
        ({9: (7, "python3", b"SSH_CONNECTION=\0"), 7: (1, "sh", SSH)}, True),
        ({9: (7, "python3", b"XSSH_CONNECTION=1 2 3 4\0"), 7: (1, "cron", b"")}, False),
        # Some ancestor is hidden.
        ({9: (8, "python3", b"")}, False),
        ({}, False),
    ],
)
def test_the_nearest_ancestor_tells(tmp_path, processes, found):
    for pid, (parent, name, environment) in processes.items():
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0 -1\n")
        (folder / "environ").write_bytes(environment)
    assert find_connection(9, str(tmp_path)) == (Connection(2222, "198.51.100.7") if found else None)

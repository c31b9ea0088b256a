# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""By which connection of ssh this process was started."""

from __future__ import annotations

import os

from ansible_collections.mailops.relay.plugins.module_utils._ruleset import Connection, parse_connection

_VARIABLE = b"SSH_CONNECTION="


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _parent(proc: str, pid: int) -> int:
    # The name of the command, in parentheses, may hold anything; after its last one come state and parent.
    fields = _read(f"{proc}/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0


def find_connection(pid: int | None = None, proc: str = "/proc") -> Connection | None:
    """Return the connection in whose session the process is, or None where it is in none.

    sudo and its like take SSH_CONNECTION out of the environment, but not out of that of the shell they were called
    from: the nearest ancestor that has it tells.
    """
    pid = os.getpid() if pid is None else pid
    while pid > 1:
        for entry in _read(f"{proc}/{pid}/environ").split(b"\0"):
            if entry.startswith(_VARIABLE):
                connection = parse_connection(entry[len(_VARIABLE) :].decode("ascii", "replace"))
                if connection:
                    return connection
        pid = _parent(proc, pid)
    return None

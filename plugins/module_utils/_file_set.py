# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Files as a task names them, as the set that is activated."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile


def managed_files(files: t.Iterable[t.Mapping[str, str]]) -> list[ManagedFile]:
    """Return the files of a set, or raise ValueError."""
    wanted: dict[str, ManagedFile] = {}
    for file in files:
        path = file["path"]
        if not path.startswith("/") or path.endswith("/"):
            raise ValueError(f"files: {path!r} is not the absolute path of a file")
        managed = ManagedFile(path, file["content"].encode())
        if managed.name in wanted:
            raise ValueError(f"files: {path} has the name of {wanted[managed.name].path}; accepted: names that differ")
        wanted[managed.name] = managed
    return list(wanted.values())

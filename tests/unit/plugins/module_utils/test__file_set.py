# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a task, as they are activated."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._file_set import managed_files
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile


def test_files() -> None:
    assert managed_files([{"path": "/etc/a/b", "content": "x\n"}]) == [ManagedFile("/etc/a/b", b"x\n")]


@pytest.mark.parametrize("paths", [["b"], ["/etc/a/"], ["/etc/a/b", "/etc/c/b"]], ids=str)
def test_what_is_refused(paths: list[str]) -> None:
    with pytest.raises(ValueError, match="files: "):
        managed_files({"path": path, "content": ""} for path in paths)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of the module dovecot_auth_config, and what it does with them."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._activation import NotInstalled, activate, stop
from ansible_collections.mailops.relay.plugins.module_utils._dovecot_service import Dovecot
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile, group_number
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError
from ansible_collections.mailops.relay.plugins.module_utils._task import Task, judges

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "directory": {"type": "path", "default": "/etc/dovecot-auth"},
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True},
        },
    },
    # Not in "files": the log of the invocation leaves out whole options only.
    "secret_files": {"type": "dict", "no_log": True},
    "group": {"type": "str", "default": "dovecot"},
    "socket": {"type": "path", "default": "/var/spool/postfix/private/auth"},
    "mechanisms": {"type": "list", "elements": "str", "default": ["PLAIN", "LOGIN"]},
}

REQUIRED_IF = [("state", "started", ["files", "secret_files"])]


def wanted_files(
    files: t.Iterable[t.Mapping[str, str]], secret_files: t.Mapping[str, str], directory: str, gid: int
) -> list[ManagedFile]:
    """Return the files of the set, or raise ``ValueError``."""
    given = [ManagedFile(file["path"], file["content"].encode()) for file in files]
    given += [
        ManagedFile(os.path.join(directory, name), content.encode(), 0o640, gid=gid)
        for name, content in secret_files.items()
    ]
    wanted: dict[str, ManagedFile] = {}
    for file in given:
        if not file.path.startswith("/") or file.path.endswith("/"):
            raise ValueError(f"files: {file.path!r} is not the absolute path of a file")
        if file.name in wanted:
            other = wanted[file.name].path
            raise ValueError(f"files: {file.path} has the name of {other}; accepted: names that differ")
        wanted[file.name] = file
    for name, option in (("dovecot.conf", "files"), ("users", "secret_files")):
        if os.path.join(directory, name) not in [file.path for file in wanted.values()]:
            raise ValueError(f"{option}: {os.path.join(directory, name)} is missing")
    return list(wanted.values())


def run(task: Task) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = task.params
    directory = params["directory"]
    installed = task.get_bin_path("dovecot", opt_dirs=["/usr/sbin"]) is not None
    files = []
    if params["state"] == "started":
        files = wanted_files(params["files"], params["secret_files"], directory, group_number(params["group"]))
    service = Dovecot(
        task.run_command,
        os.path.join(directory, "dovecot.conf"),
        os.path.join(directory, "users"),
        [file.path for file in files],
        address=params["socket"],
        mechanisms=params["mechanisms"],
    )
    if params["state"] == "stopped":
        return stop(service, task.check_mode)
    if not installed and not task.check_mode:
        raise StoreError("Dovecot is not installed on this host. Accepted: the package dovecot-core, before this task.")
    if installed and service.is_somebody_elses():
        raise StoreError(
            f"Dovecot runs on this host with another configuration than the one in {directory}. Accepted: a host on"
            " which nothing else needs Dovecot, where it is stopped."
        )
    outcome = activate(
        Generations(directory), files, service if installed else NotInstalled(), task.check_mode, judge=judges(task)
    )
    for warning in service.warnings:
        task.warn(warning)
    return outcome.result()

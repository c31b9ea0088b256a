# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of the module opendkim_config, and what it does with them."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ansible_collections.mailops.relay.plugins.module_utils import _opendkim
from ansible_collections.mailops.relay.plugins.module_utils._activation import NotInstalled, activate, stop
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError
from ansible_collections.mailops.relay.plugins.module_utils._opendkim_service import Opendkim
from ansible_collections.mailops.relay.plugins.module_utils._task import Task, judges

EXTRA = "config_extra (of the role: opendkim_extra)"

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0644"},
        },
    },
    "config": {"type": "path", "default": "/etc/opendkim/opendkim.conf"},
    "config_extra": {"type": "str", "default": ""},
    "config_protected": {"type": "dict", "default": {}},
    "user": {"type": "str", "default": "opendkim"},
    "shortest": {"type": "int", "choices": [1024, 2048, 3072, 4096], "default": 2048},
}

REQUIRED_IF = [("state", "started", ["files"])]


def wanted_files(files: t.Iterable[t.Mapping[str, str]], config: str) -> list[ManagedFile]:
    """Return the files of the set, or raise ``ValueError``."""
    wanted: dict[str, ManagedFile] = {}
    for file in files:
        path, mode = file["path"], file["mode"]
        if not path.startswith("/") or path.endswith("/"):
            raise ValueError(f"files: {path!r} is not the absolute path of a file")
        if not mode.isdigit() or not set(mode) <= set("01234567") or int(mode, 8) > 0o777:
            raise ValueError(f"files: mode {mode!r} of {path}; accepted: an octal number such as '0644'")
        managed = ManagedFile(path, file["content"].encode(), int(mode, 8))
        if managed.name in wanted:
            raise ValueError(f"files: {path} has the name of {wanted[managed.name].path}; accepted: names that differ")
        wanted[managed.name] = managed
    if config not in [file.path for file in wanted.values()]:
        raise ValueError(f"files: the configuration file {config} is missing (option config)")
    return list(wanted.values())


def with_extra(files: list[ManagedFile], config: str, extra: str, protected: t.Mapping[str, str]) -> list[ManagedFile]:
    """Return the files with ``extra`` at the end of ``config``, or raise ``ValueError`` for what may not be in it."""
    given = _opendkim.settings(extra)
    for name, reason in protected.items():
        if name.lower() in given:
            raise ValueError(f"{EXTRA}: {name} {given[name.lower()]!r} is not accepted; {reason}")
    if not extra.strip():
        return files
    text = f"\n{extra.rstrip()}\n".encode()
    return [replace(file, content=file.content + text) if file.path == config else file for file in files]


def run(task: Task) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = task.params
    installed = task.get_bin_path("opendkim", opt_dirs=["/usr/sbin"]) is not None
    files = []
    if params["state"] == "started":
        files = wanted_files(params["files"], params["config"])
        files = with_extra(files, params["config"], params["config_extra"], params["config_protected"])
    service = Opendkim(
        task.run_command,
        params["config"],
        [file.path for file in files],
        params["user"],
        shortest=params["shortest"],
        keys_may_be_missing=task.check_mode,
    )
    if params["state"] == "stopped":
        return stop(service, task.check_mode)
    if not installed and not task.check_mode:
        raise StoreError("OpenDKIM is not installed on this host. Accepted: the package opendkim, before this task.")
    generations = Generations(os.path.dirname(params["config"]))
    outcome = activate(
        generations, files, service if installed else NotInstalled(), task.check_mode, judge=judges(task)
    )
    return outcome.result()

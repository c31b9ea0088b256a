# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of the module rspamd_config, and what it does with them."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ansible_collections.mailops.relay.plugins.module_utils._activation import NotInstalled, activate, stop
from ansible_collections.mailops.relay.plugins.module_utils._file_set import managed_files
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile, group_number
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError
from ansible_collections.mailops.relay.plugins.module_utils._rspamd_service import Rspamd
from ansible_collections.mailops.relay.plugins.module_utils._task import Task, judges

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}},
    },
    # Not in "files": the log of the invocation leaves out whole options only.
    "secret_files": {"type": "dict", "default": {}, "no_log": True},
    "key_files": {"type": "dict", "default": {}, "no_log": False},
    "signing": {"type": "dict", "default": {}},
    "config": {"type": "path", "default": "/etc/rspamd-relay/rspamd.conf"},
    "socket": {"type": "path"},
    "hostname": {"type": "str", "default": ""},
    "store_servers": {"type": "list", "elements": "str", "default": []},
    "store_password": {"type": "str", "default": "", "no_log": True},
    "group": {"type": "str", "default": "_rspamd"},
}

REQUIRED_IF = [("state", "started", ["files", "socket"])]


def key_text(path: str, may_be_missing: bool) -> str:
    """Return the text of a private key, or raise ``OSError``."""
    try:
        with open(path, encoding="ascii") as stream:
            return stream.read()
    except FileNotFoundError:
        if may_be_missing:
            return ""
        raise


def wanted_files(params: t.Mapping[str, t.Any], check_mode: bool) -> list[ManagedFile]:
    """Return the files of the set, or raise ``ValueError`` or ``OSError``."""
    folder, group = os.path.dirname(params["config"]), group_number(params["group"])
    keys = {name: key_text(path, check_mode) for name, path in params["key_files"].items()}
    secret = {os.path.join(folder, name): content for name, content in {**params["secret_files"], **keys}.items()}
    files = managed_files([*params["files"], *({"path": path, "content": content} for path, content in secret.items())])
    if params["config"] not in [file.path for file in files]:
        raise ValueError(f"files: the configuration file {params['config']} is missing (option config)")
    return [replace(file, mode=0o640, gid=group) if file.path in secret else file for file in files]


def run(task: Task) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = task.params
    installed = task.get_bin_path("rspamd", opt_dirs=["/usr/bin"]) is not None
    files = wanted_files(params, task.check_mode) if params["state"] == "started" else []
    service = Rspamd(
        task.run_command,
        params["config"],
        [file.path for file in files],
        params["socket"] or "",
        hostname=params["hostname"],
        store=params["store_servers"],
        password=params["store_password"],
        signing=params["signing"],
    )
    if params["state"] == "stopped":
        return stop(service, task.check_mode)
    if not installed and not task.check_mode:
        raise StoreError("rspamd is not installed on this host. Accepted: the package rspamd, before this task.")
    generations = Generations(os.path.dirname(params["config"]))
    outcome = activate(
        generations, files, service if installed else NotInstalled(), task.check_mode, judge=judges(task)
    )
    for text in service.away:
        task.warn(text)
    return outcome.result()

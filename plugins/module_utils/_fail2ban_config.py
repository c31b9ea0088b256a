# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of the module fail2ban_config, and what it does with them."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._activation import NotInstalled, activate, stop
from ansible_collections.mailops.relay.plugins.module_utils._fail2ban import Fail2ban
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError
from ansible_collections.mailops.relay.plugins.module_utils._task import Task, judges

UNITS = "/etc/systemd/system"

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "service": {"type": "str", "default": "mailops-relay-fail2ban"},
    "directory": {"type": "path", "default": "/etc/mailops-relay-fail2ban"},
    "files": {"type": "dict"},
    "unit": {"type": "str"},
    "jail": {"type": "str", "default": "mailops-relay"},
    "table": {"type": "str", "default": "inet mailops_relay_bans"},
}

REQUIRED_IF = [("state", "started", ["files", "unit"])]


def check_options(params: t.Mapping[str, t.Any]) -> None:
    """Raise ValueError for an option that no argument specification can judge."""
    for option, pattern, accepted in (
        ("service", r"[A-Za-z0-9][A-Za-z0-9_-]*", "letters, digits, '_' and '-'"),
        ("directory", r"/[A-Za-z0-9_./-]*[A-Za-z0-9_-]", "an absolute path of letters, digits, '_', '.', '-'"),
        ("jail", r"[A-Za-z0-9][A-Za-z0-9_-]*", "letters, digits, '_' and '-'"),
        ("table", r"(?:ip|ip6|inet) [A-Za-z][A-Za-z0-9_]*", "a family and a name, such as 'inet bans'"),
    ):
        if not re.fullmatch(pattern, params[option]):
            raise ValueError(f"{option}: {params[option]!r} is not one. Accepted: {accepted}.")
    for name in params["files"] or {}:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise ValueError(f"files: {name!r} is no name of a file. Accepted: letters, digits, '.', '_' and '-'.")


def wanted_files(params: t.Mapping[str, t.Any]) -> list[ManagedFile]:
    """Return the files of the set, with the unit."""
    texts = {f"{params['directory']}/{name}": text for name, text in params["files"].items()}
    texts[f"{UNITS}/{params['service']}.service"] = params["unit"]
    return [ManagedFile(path, text.encode()) for path, text in texts.items()]


def run(task: Task) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = task.params
    check_options(params)
    service = Fail2ban(
        task.run_command, params["service"], params["directory"], params["jail"], params["table"].split()
    )
    if params["state"] == "stopped":
        return stop(service, task.check_mode)
    installed = task.get_bin_path("fail2ban-client") and task.get_bin_path("nft", opt_dirs=["/usr/sbin"])
    if not installed and not task.check_mode:
        raise StoreError("fail2ban or nft is missing. Accepted: the packages fail2ban and nftables, before this task.")
    generations = Generations(params["directory"])
    outcome = activate(
        generations, wanted_files(params), service if installed else NotInstalled(), task.check_mode, judge=judges(task)
    )
    return outcome.result()

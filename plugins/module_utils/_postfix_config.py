# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of the module postfix_config, and what it does with them."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _main_cf
from ansible_collections.mailops.relay.plugins.module_utils._activation import NotInstalled, activate
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile, group_number
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError
from ansible_collections.mailops.relay.plugins.module_utils._postfix import Listener, Postfix, known_parameters
from ansible_collections.mailops.relay.plugins.module_utils._task import Task, judges
from ansible_collections.mailops.relay.plugins.module_utils._vantage import vantages

ARGUMENTS: dict[str, t.Any] = {
    "directory": {"type": "path", "default": "/etc/postfix"},
    "files": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "content": {"type": "str", "required": True},
        },
    },
    # Not in "files": the log of the invocation leaves out whole options only.
    "secret_files": {"type": "dict", "default": {}, "no_log": True},
    "shared_secret_files": {"type": "dict", "default": {}, "no_log": True},
    "main_cf_extra": {"type": "str", "default": ""},
    "main_cf_protected": {"type": "dict", "default": {}},
    "optional_parameters": {"type": "list", "elements": "str", "default": []},
    "listeners": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "default": "smtp"},
            "port": {"type": "int", "required": True},
            "tls": {"type": "str", "choices": ["may", "encrypt", "wrapper"], "default": "may"},
        },
    },
    "addresses": {"type": "list", "elements": "str", "default": []},
    "trusted_networks": {"type": "list", "elements": "str", "default": []},
    "families": {"type": "list", "elements": "int", "choices": [4, 6], "default": [4, 6]},
}

REQUIRED_IF: list[t.Any] = []

EXTRA = "main_cf_extra (of the role: postfix_extra.main_cf)"

# What Debian's package and this module keep in the configuration directory beside the configuration.
NOT_CONFIGURATION = (
    "dynamicmaps.cf",
    "dynamicmaps.cf.d",
    "main.cf.proto",
    "master.cf.proto",
    "post-install",
    "postfix-files",
    "postfix-files.d",
    "postfix-script",
    "sasl",
    "tls",
)


def final_main_cf(text: str, extra: str, protected: t.Mapping[str, str], unknown: t.Collection[str]) -> str:
    """Return main.cf without ``unknown`` parameters, with ``extra``; raise ValueError where that may not be."""
    try:
        own = _main_cf.parse(extra)
    except ValueError as error:
        raise ValueError(f"{EXTRA}, {error}. Accepted: entries of main.cf, 'name = value'.") from None
    for block in own:
        if block.name and block.name in protected:
            raise ValueError(
                f"{EXTRA}, line {block.line}: {block.name} cannot be set there. Accepted: {protected[block.name]}."
            )
    return _main_cf.override(_main_cf.without(text, unknown), extra)


def check_names(names: t.Sequence[str]) -> None:
    """Raise ValueError for a file name that is not one, that is Postfix's own, or that stands twice."""
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
            raise ValueError(f"files: {name!r} is not a file name. Accepted: letters, digits, dots, hyphens, '_'.")
        if name in NOT_CONFIGURATION:
            raise ValueError(f"files: {name!r} belongs to Postfix or to this task. Accepted: another name.")
        if names.count(name) > 1:
            raise ValueError(f"files: {name!r} is listed twice. Accepted: each name once.")


def wanted_files(params: t.Mapping[str, t.Any], known: t.Collection[str] | None) -> list[ManagedFile]:
    """Return the files of the set. ``known`` are the parameters that Postfix has, None where it is not installed."""
    unknown = [name for name in params["optional_parameters"] if known is not None and name not in known]
    secret, shared = params["secret_files"], params["shared_secret_files"]
    check_names([*(file["name"] for file in params["files"]), *secret, *shared])
    files = []
    for file in params["files"]:
        content = file["content"]
        if file["name"] == "main.cf":
            content = final_main_cf(content, params["main_cf_extra"], params["main_cf_protected"], unknown)
        files.append(ManagedFile(os.path.join(params["directory"], file["name"]), content.encode()))
    for name, content in secret.items():
        files.append(ManagedFile(os.path.join(params["directory"], name), content.encode(), mode=0o600))
    for name, content in shared.items():
        path = os.path.join(params["directory"], name)
        files.append(ManagedFile(path, content.encode(), mode=0o640, gid=group_number("postfix")))
    return files


def run(task: Task) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = task.params
    installed = task.get_bin_path("postfix", opt_dirs=["/usr/sbin"]) is not None
    if not installed and not task.check_mode:
        raise StoreError("Postfix is not installed on this host. Accepted: the package postfix, before this task.")
    files = wanted_files(params, known_parameters(task.run_command) if installed else None)
    places = vantages(params["addresses"], params["trusted_networks"], params["families"])
    listeners = [Listener(**listener) for listener in params["listeners"]]
    service = Postfix(task.run_command, params["directory"], listeners, places, files_may_be_missing=task.check_mode)
    outcome = activate(
        Generations(params["directory"]),
        files,
        service if installed else NotInstalled(),
        task.check_mode,
        judge=judges(task),
    )
    strangers = [place.source for place in places if place.stranger]
    if listeners and not strangers:
        task.warn("trusted_networks hold every address of this host: that a stranger is refused was not seen from it")
    return {
        **outcome.result(),
        "checked": installed and bool(outcome.changed_paths),
        "stranger_vantages": strangers,
    }

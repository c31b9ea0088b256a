# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The options of the module nftables_ruleset, and what it does with them."""

from __future__ import annotations

import pwd
import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._firewall import Persistent, Probation, identify
from ansible_collections.mailops.relay.plugins.module_utils._nftables import Nft, NftError
from ansible_collections.mailops.relay.plugins.module_utils._ruleset import (
    Connection,
    Ruleset,
    Table,
    compose,
    connection_statement,
)
from ansible_collections.mailops.relay.plugins.module_utils._ssh_connection import find_connection
from ansible_collections.mailops.relay.plugins.module_utils._task import Task, judges

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["loaded", "confirmed"], "default": "loaded"},
    "family": {"type": "str", "choices": ["ip", "ip6", "inet", "arp", "bridge", "netdev"], "default": "inet"},
    "table": {"type": "str", "default": "mailops_relay"},
    "content": {"type": "str"},
    "extra": {"type": "str", "default": ""},
    "users": {"type": "list", "elements": "str", "default": []},
    "connection": {
        "type": "dict",
        "options": {
            "chain": {"type": "str", "required": True},
            "ports": {"type": "list", "elements": "int", "default": []},
            "networks": {"type": "list", "elements": "str", "default": []},
            "fallback_port": {"type": "int"},
        },
    },
    "path": {"type": "path", "default": "/etc/mailops-relay/firewall.nft"},
    "service": {"type": "str", "default": "mailops-relay-firewall"},
    "confirm_within": {"type": "int", "default": 60},
    "confirmation": {"type": "str"},
}

REQUIRED_IF = [("state", "loaded", ["content"]), ("state", "confirmed", ["confirmation"])]


def check_options(params: t.Mapping[str, t.Any]) -> None:
    """Raise ValueError for an option that no argument specification can judge."""
    for option, pattern, accepted in (
        ("table", r"[A-Za-z][A-Za-z0-9_]*", "letters, digits and '_'"),
        ("service", r"[A-Za-z0-9][A-Za-z0-9_-]*", "letters, digits, '_' and '-'"),
        ("path", r"/[A-Za-z0-9_./-]+", "an absolute path of letters, digits, '_', '.', '-'"),
    ):
        if not re.fullmatch(pattern, params[option]):
            raise ValueError(f"{option}: {params[option]!r} is not one. Accepted: {accepted}.")
    for name in params["users"]:
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            raise ValueError(f"users: {name!r} is no name for a variable. Accepted: lower-case letters, digits, '_'.")
    if not 1 <= params["confirm_within"] <= 3600:
        raise ValueError(f"confirm_within: {params['confirm_within']} seconds. Accepted: 1 to 3600.")


def uid_of(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def connection_facts(options: t.Mapping[str, t.Any], found: Connection | None) -> dict[str, t.Any]:
    """Return the connection to let in, and the statement that does so where it takes one."""
    connection = found
    if connection is None and options["fallback_port"]:
        connection = Connection(options["fallback_port"])
    return {
        "connection": found and {"address": found.address, "port": found.port},
        "connection_rule": connection_statement(connection, options["ports"], options["networks"]),
    }


def wanted_ruleset(params: t.Mapping[str, t.Any], facts: t.Mapping[str, t.Any]) -> Ruleset:
    """Put the file for nft together."""
    rule = facts.get("connection_rule")
    if rule:
        rule = f"add rule {params['family']} {params['table']} {params['connection']['chain']} {rule}"
    return compose(params["content"], params["extra"], {name: uid_of(name) for name in params["users"]}, rule)


def diff_of(persistent: Persistent, text: str, loaded: str, listing: str) -> dict[str, str]:
    """Return the difference of the files; where there is none, that of the listings."""
    path = persistent.path
    if persistent.text != text:
        return {"before_header": path, "after_header": path, "before": persistent.text, "after": text}
    return {"before_header": "loaded", "after_header": path, "before": f"{loaded}\n", "after": f"{listing}\n"}


def load(
    params: t.Mapping[str, t.Any], nft: Nft, persistent: Persistent, probation: Probation, *, judge: bool = True
) -> dict[str, t.Any]:
    """Bring the rules to use, and return the result. In check mode ``probation`` is not given a lock, nor used.

    Without ``judge`` rules that are new are not tried, and nothing but ``changed`` is in the result.
    """
    facts = connection_facts(params["connection"], find_connection()) if params["connection"] else {}
    ruleset = wanted_ruleset(params, facts)
    listing, loaded = probation.tried(ruleset.text), nft.loaded()
    if listing != loaded:
        if not judge:
            return {"changed": True}
        listing = nft.check(ruleset)
        if not params["check_mode"]:
            probation.note_trial(ruleset.text, listing)
    new = loaded != listing or probation.is_armed()
    changed = new or persistent.is_due(ruleset.text)
    result = {"changed": changed, "checked": True, "confirmation": "", **facts}
    if changed:
        result["diff"] = diff_of(persistent, ruleset.text, loaded, listing)
    if params["check_mode"]:
        return result
    if new:
        probation.load(ruleset.text, listing, loaded, params["confirm_within"])
        result["confirmation"] = identify(ruleset.text)
    elif changed:
        persistent.keep(ruleset.text)
    return result


def not_installed(params: t.Mapping[str, t.Any], persistent: Persistent) -> dict[str, t.Any]:
    """Return the result of check mode on a host without nftables."""
    facts = connection_facts(params["connection"], find_connection()) if params["connection"] else {}
    difference = diff_of(persistent, wanted_ruleset(params, facts).text, "", "")
    return {"changed": True, "checked": False, "confirmation": "", "diff": difference, **facts}


def run(task: Task) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = dict(task.params, check_mode=task.check_mode)
    check_options(params)
    nft = Nft(task.run_command, Table(params["family"], params["table"]), task.tmpdir)
    persistent = Persistent(task.run_command, nft, params["path"], params["service"])
    probation = Probation(task.run_command, nft, params["service"])
    if task.get_bin_path("nft", opt_dirs=["/usr/sbin"]) is None:
        if not task.check_mode:
            raise NftError("nft is not installed on this host. Accepted: the package nftables, before this task.")
        return not_installed(params, persistent)
    if task.check_mode:
        if params["state"] != "loaded":
            return {"changed": False}
        return load(params, nft, persistent, probation, judge=judges(task))
    with probation.locked():
        if params["state"] == "loaded":
            return load(params, nft, persistent, probation)
        persistent.keep(probation.confirm(params["confirmation"]))
        return {"changed": True, "confirmation": ""}

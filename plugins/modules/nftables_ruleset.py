#!/usr/bin/python
# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_ruleset
short_description: Load one nftables table, and take it back unless it is confirmed
version_added: 0.1.0
description:
  - Takes the whole of one table, tries it, loads it in one transaction, and keeps it over reboots. Other tables stay
    as they are.
  - Rules that were loaded are on probation. Unless a second call with O(state=confirmed) comes over a fresh connection
    within O(confirm_within) seconds, a timer of systemd on the host brings back what was loaded before. Until then the
    persistent file stays as it was too, so that a reboot brings back the old rules as well.
  - Nothing is remembered about what was loaded. The rules are loaded into an empty network namespace, and its listing
    is compared with that of the host. So a table that was changed by hand, or lost to C(flush ruleset), is noticed
    and loaded again.
  - What the trial cannot notice is a statement that does nothing unless a set, chain or rule of a certain name is in
    another table; such statements of C(destroy) are refused by their words.
author:
  - Mailops contributors (@mailops)
attributes:
  check_mode:
    support: full
    description: Does all but loading. Where nftables is not installed yet, the rules are not tried either.
  diff_mode:
    support: full
    description: Shows the persistent file; or the listing of the table where only that differs.
  platform:
    platforms: posix
    support: full
    description: Needs systemd and, for the trial, CAP_SYS_ADMIN.
requirements:
  - nftables 1.0.6 or later
options:
  state:
    type: str
    choices: [loaded, confirmed]
    default: loaded
    description:
      - V(loaded) loads the rules and arms the undo, if the host does not have them.
      - V(confirmed) makes rules that were loaded before permanent.
  family:
    type: str
    choices: [ip, ip6, inet, arp, bridge, netdev]
    default: inet
    description: Family of the table.
  table:
    type: str
    default: mailops_relay
    description: Name of the table.
  content:
    type: str
    description:
      - The rules as a file for nft, which replaces the table. It begins with C(table inet NAME {}) and
        C(delete table inet NAME), for the table to be replaced within the transaction.
      - Required with O(state=loaded).
  extra:
    type: str
    default: ''
    description: More statements for the same table, which come last.
  users:
    type: list
    elements: str
    default: []
    description:
      - Users of the host whose numbers the rules need. Each is available as C($uid_NAME), and the number is what
        stands in the persistent file, so that it can be loaded whatever becomes of the user.
      - For a user who does not exist, it is a number that no process has.
  connection:
    type: dict
    description:
      - How to let in the connection by which this module was started. It is looked up on the host, in the
        environment of the processes that have started the module.
      - No rule is added for a connection that is let in by the rules for O(connection.ports) anyway.
    suboptions:
      chain:
        type: str
        required: true
        description: Chain of O(content) that gets the rule.
      ports:
        type: list
        elements: int
        default: []
        description: TCP ports that the rules open for management.
      networks:
        type: list
        elements: str
        default: []
        description: Networks from which they open them; empty means from everywhere.
      fallback_port:
        type: int
        description: Port to let in, from everywhere, where the connection cannot be found.
  path:
    type: path
    default: /etc/mailops-relay/firewall.nft
    description: The persistent file.
  service:
    type: str
    default: mailops-relay-firewall
    description: Name of the service of systemd that loads O(path) at boot. The module makes and enables it.
  confirm_within:
    type: int
    default: 60
    description: Seconds after which rules that nobody has confirmed are taken back.
  confirmation:
    type: str
    description: The RV(confirmation) of the call that loaded the rules. Required with O(state=confirmed).
"""

EXAMPLES = r"""
- name: Load the rules
  mailops.relay.nftables_ruleset:
    table: example
    content: |
      table inet example {}
      delete table inet example
      table inet example {
          chain input {
              type filter hook input priority filter; policy drop;
              iif lo accept
              ct state established,related accept
              tcp dport { 22, 25 } accept
          }
      }
    path: /etc/example.nft
    service: example-firewall
  register: firewall

# A list of tasks in a file of its own, as meta tasks know no condition:
#   - ansible.builtin.meta: reset_connection
#   - mailops.relay.nftables_ruleset:
#       state: confirmed
#       table: example
#       path: /etc/example.nft
#       service: example-firewall
#       confirmation: "{{ firewall.confirmation }}"
- name: Confirm the rules over a fresh connection
  ansible.builtin.include_tasks: confirm.yml
  when: firewall.confirmation | default('') | length > 0
"""

RETURN = r"""
confirmation:
  description:
    - What the call with O(state=confirmed) has to be given. Empty where nothing waits for its confirmation.
  returned: success
  type: str
  sample: 3c9a6f41d2b07e58
connection:
  description: The connection by which the module was started, as the host sees it; null where it is none of ssh.
  returned: with O(connection)
  type: dict
  contains:
    address:
      description: Address from which it comes.
      type: str
      sample: 198.51.100.7
    port:
      description: Port of the host.
      type: int
      sample: 22
connection_rule:
  description: The statement that was added for the connection; null where none was needed.
  returned: with O(connection)
  type: str
  sample: ip saddr 198.51.100.7 tcp dport 22 accept
checked:
  description: Whether the rules were tried; V(false) where nftables is not installed yet.
  returned: with O(state=loaded)
  type: bool
"""

import pwd
import re
import typing as t

from ansible.module_utils.basic import AnsibleModule
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


def load(params: t.Mapping[str, t.Any], nft: Nft, persistent: Persistent, probation: Probation) -> dict[str, t.Any]:
    """Bring the rules to use, and return the result. In check mode ``probation`` is not given a lock, nor used."""
    facts = connection_facts(params["connection"], find_connection()) if params["connection"] else {}
    ruleset = wanted_ruleset(params, facts)
    listing, loaded = probation.tried(ruleset.text), nft.loaded()
    if listing != loaded:
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


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = dict(module.params, check_mode=module.check_mode)
    check_options(params)
    nft = Nft(module.run_command, Table(params["family"], params["table"]), module.tmpdir)
    persistent = Persistent(module.run_command, nft, params["path"], params["service"])
    probation = Probation(module.run_command, nft, params["service"])
    if module.get_bin_path("nft", opt_dirs=["/usr/sbin"]) is None:
        if not module.check_mode:
            raise NftError("nft is not installed on this host. Accepted: the package nftables, before this task.")
        return not_installed(params, persistent)
    if module.check_mode:
        return load(params, nft, persistent, probation) if params["state"] == "loaded" else {"changed": False}
    with probation.locked():
        if params["state"] == "loaded":
            return load(params, nft, persistent, probation)
        persistent.keep(probation.confirm(params["confirmation"]))
        return {"changed": True, "confirmation": ""}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS,
        required_if=[("state", "loaded", ["content"]), ("state", "confirmed", ["confirmation"])],
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except (NftError, ValueError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The system refused a step: {error}.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()

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

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _nftables_ruleset
from ansible_collections.mailops.relay.plugins.module_utils._nftables import NftError


def main() -> None:
    module = AnsibleModule(
        argument_spec=_nftables_ruleset.ARGUMENTS,
        required_if=_nftables_ruleset.REQUIRED_IF,
        supports_check_mode=True,
    )
    try:
        result = _nftables_ruleset.run(module)
    except (NftError, ValueError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The system refused a step: {error}.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()

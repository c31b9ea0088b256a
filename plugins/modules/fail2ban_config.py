#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fail2ban_config
short_description: Check, swap and prove an instance of fail2ban of its own
version_added: 0.1.0
description:
  - Takes the whole configuration of one instance of fail2ban in one call, and puts it to use or leaves everything as it
    was. The instance has a folder and a service of its own. What is in C(/etc/fail2ban), and its service, are not
    touched.
  - The candidate is judged before it replaces anything, by C(fail2ban-client -t) and C(nft -c).
  - The files are swapped by one rename, and the service is restarted and enabled. Then fail2ban has to say that the
    jail is there, and nft that the table is. If not, the previous set is brought back and the task fails with the
    reason. Where there was no previous set, the service is left stopped and disabled.
author:
  - Mailops contributors (@mailops)
extends_documentation_fragment:
  - mailops.relay.activation
attributes:
  check_mode:
    support: full
    description: Does all but the swap. Where fail2ban is not installed yet, the candidate is not judged.
  platform:
    platforms: posix
    support: full
    description: Needs systemd and nftables.
options:
  state:
    description:
      - V(started) puts O(files) to use and has the service running, now and after a boot.
      - V(stopped) stops and disables the service and removes O(table), which ends all bans. The files stay.
    type: str
    choices: [started, stopped]
    default: started
  service:
    description: Name of the service.
    type: str
    default: mailops-relay-fail2ban
  directory:
    description: Folder of the configuration. It is exchanged as a whole.
    type: path
    default: /etc/mailops-relay-fail2ban
  files:
    description:
      - All files of the set, by their names in O(directory). C(jail.conf) and C(fail2ban.conf) are those that fail2ban
        reads first; C(bans.nft) makes O(table).
      - There are no folders in it. Filters and actions are named by their path, which begins with fail2ban's variable
        C(fail2ban_confpath).
      - Required with O(state=started).
    type: dict
  unit:
    description:
      - Text of the service's unit for systemd. Required with O(state=started).
    type: str
  jail:
    description: Name of the jail in C(jail.conf).
    type: str
    default: mailops-relay
  table:
    description: Family and name of the nftables table of the bans, with a space between.
    type: str
    default: inet mailops_relay_bans
seealso:
  - module: mailops.relay.nftables_ruleset
"""

EXAMPLES = r"""
- name: Ban who guesses passwords
  mailops.relay.fail2ban_config:
    files:
      fail2ban.conf: "{{ lookup('ansible.builtin.template', 'fail2ban.conf.j2') }}"
      jail.conf: "{{ lookup('ansible.builtin.template', 'jail.conf.j2') }}"
      filter.conf: "{{ lookup('ansible.builtin.template', 'filter.conf.j2') }}"
      action.conf: "{{ lookup('ansible.builtin.template', 'action.conf.j2') }}"
      bans.nft: "{{ lookup('ansible.builtin.template', 'bans.nft.j2') }}"
    unit: "{{ lookup('ansible.builtin.template', 'service.j2') }}"

- name: Ban nobody any more
  mailops.relay.fail2ban_config:
    state: stopped
"""

RETURN = r"""
action:
  description: What the service was told; V(none) where nothing was due. In check mode what it would be told.
  returned: success
  type: str
  sample: restart
changed_files:
  description: Paths of the files that changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/mailops-relay-fail2ban/jail.conf]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _fail2ban_config
from ansible_collections.mailops.relay.plugins.module_utils._activation import REFUSALS, explain


def main() -> None:
    module = AnsibleModule(
        argument_spec=_fail2ban_config.ARGUMENTS, required_if=_fail2ban_config.REQUIRED_IF, supports_check_mode=True
    )
    try:
        result = _fail2ban_config.run(module)
    except REFUSALS as error:
        module.fail_json(msg=explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postfix_config
short_description: Check, swap and prove the whole configuration of Postfix
version_added: 0.1.0
description:
  - Takes all files of a Postfix configuration in one call, and puts them to use together or not at all.
  - The candidate is judged by Postfix itself before it replaces anything. Whatever C(postconf), C(postmap) or
    C(postfix check) write as an error or a warning fails the task, and the running relay is not touched.
  - The files of a set are swapped in one step. A host that loses power, or a task that is killed, has either the
    old or the new set, and the next run completes what was begun.
  - After the swap Postfix is started, reloaded or restarted, whichever is due. Then each listener has to greet and to
    refuse a foreign recipient from a stranger. If one does not, the previous set is brought back and the task fails
    with what it has seen.
  - The swap exchanges O(directory) with a complete copy of it in which the files are replaced. The way back lies in
    C(/etc/mailops-relay/postfix/previous), and what the host had before the first run stays in
    C(/etc/mailops-relay/postfix/original) for good.
author:
  - Mailops contributors (@mailops)
extends_documentation_fragment:
  - mailops.relay.activation
attributes:
  check_mode:
    support: full
    description: Does all but the swap. Where Postfix is not installed yet, the candidate is not judged either.
requirements:
  - Postfix 3.6 or later
options:
  directory:
    type: path
    default: /etc/postfix
    description: Configuration directory of the Postfix instance.
  files:
    type: list
    elements: dict
    required: true
    description: All files of the set. A file of the previous set that is not named here is removed.
    suboptions:
      name:
        type: str
        required: true
        description: File name in O(directory), such as V(main.cf).
      content:
        type: str
        required: true
        description: Text of the file, which everybody on the host may read.
  secret_files:
    type: dict
    default: {}
    description:
      - Further files of the set, the text of each by its name in O(directory).
      - Only root may read them, and they stay out of the diff and of all logs.
  shared_secret_files:
    type: dict
    default: {}
    description:
      - The same for files that programs of Postfix open when they have given up the rights of root, as proxymap(8) does
        with those of C(ldap:) and C(pgsql:) tables. The group C(postfix) may read them.
  main_cf_extra:
    type: str
    default: ''
    description:
      - More entries for C(main.cf). They come last, and take the place of entries with the same name.
  main_cf_protected:
    type: dict
    default: {}
    description:
      - Parameters that O(main_cf_extra) must not set, each with what to use instead.
  optional_parameters:
    type: list
    elements: str
    default: []
    description: Parameters of C(main.cf) that are left out where the installed Postfix does not know them.
  listeners:
    type: list
    elements: dict
    default: []
    description: Listeners that have to work and be closed after the swap.
    suboptions:
      name:
        type: str
        default: smtp
        description: Name of the listener, for messages.
      port:
        type: int
        required: true
        description: TCP port.
      tls:
        type: str
        choices: [may, encrypt, wrapper]
        default: may
        description: V(encrypt) for STARTTLS before mail, V(wrapper) for TLS from the first byte.
  addresses:
    type: list
    elements: str
    default: []
    description: The host's own addresses from which its listeners may be looked at, in order of preference.
  trusted_networks:
    type: list
    elements: str
    default: []
    description: Networks that may relay; an address outside of them is a stranger's.
  families:
    type: list
    elements: int
    choices: [4, 6]
    default: [4, 6]
    description: IP versions over which to look.
"""

EXAMPLES = r"""
- name: Configure Postfix
  mailops.relay.postfix_config:
    files:
      - name: main.cf
        content: "{{ lookup('ansible.builtin.template', 'main.cf.j2') }}"
      - name: master.cf
        content: "{{ lookup('ansible.builtin.template', 'master.cf.j2') }}"
    secret_files:
      sasl_passwd: "{{ lookup('ansible.builtin.template', 'sasl_passwd.j2') }}"
    listeners:
      - port: 25
      - port: 465
        tls: wrapper
    trusted_networks: [10.20.0.0/16]
"""

RETURN = r"""
action:
  description: What Postfix was told; V(none) where nothing was due. In check mode what it would be told.
  returned: success
  type: str
  sample: reload
changed_files:
  description: Paths of the files that changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/postfix/main.cf]
checked:
  description: Whether Postfix has judged the files; V(false) where nothing changed or Postfix is not installed yet.
  returned: success
  type: bool
stranger_vantages:
  description:
    - Addresses from which the listeners were seen as a stranger sees them. Empty where every address of the host is
      trusted.
  returned: success
  type: list
  elements: str
  sample: [198.51.100.12]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _postfix_config
from ansible_collections.mailops.relay.plugins.module_utils._activation import REFUSALS, explain


def main() -> None:
    module = AnsibleModule(
        argument_spec=_postfix_config.ARGUMENTS, required_if=_postfix_config.REQUIRED_IF, supports_check_mode=True
    )
    try:
        result = _postfix_config.run(module)
    except REFUSALS as error:
        module.fail_json(msg=explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

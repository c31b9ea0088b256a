#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: settled_info
short_description: See at once which modules of this collection would change nothing on a host
version_added: 0.1.0
description:
  - Has several modules look at the host as they do in check mode, in one call, and returns which of them have nothing
    to do. A run without changes then needs no call for each of them.
  - The looks are those of the modules themselves, at files, services and rules as they are now. Nothing is remembered
    from an earlier run.
author:
  - Mailops contributors (@mailops)
attributes:
  platform:
    platforms: posix
    support: full
    description: Needs what the modules need that are asked for.
extends_documentation_fragment:
  - mailops.relay.info
options:
  modules:
    description:
      - The options of each module, by its name without that of the collection. Accepted are C(dovecot_auth_config),
        C(fail2ban_config), C(nftables_ruleset), C(opendkim_config), C(postfix_config) and C(rspamd_config).
      - A module that would refuse its options, or what it finds on the host, is not settled.
    type: dict
    required: true
  secrets:
    description: More options of the same modules, which stay out of all logs.
    type: dict
    default: {}
seealso:
  - module: mailops.relay.deploy_info
"""

EXAMPLES = r"""
- name: See whether Postfix and the firewall are as they shall be
  mailops.relay.settled_info:
    modules:
      postfix_config:
        files: "{{ postfix_files }}"
      nftables_ruleset:
        content: "{{ lookup('ansible.builtin.template', 'firewall.nft.j2') }}"
    secrets:
      postfix_config:
        secret_files:
          sasl_passwd: "{{ lookup('ansible.builtin.template', 'sasl_passwd.j2') }}"
  register: settled
"""

RETURN = r"""
settled:
  description: For each of O(modules), whether it has nothing to do.
  returned: success
  type: dict
  sample: {"postfix_config": true, "nftables_ruleset": false}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _settled


def check(option: str, modules: t.Mapping[str, t.Any]) -> None:
    """Raise ``ValueError`` for a module that cannot be asked for, or what are no options."""
    for name, options in modules.items():
        if name not in _settled.CODE:
            raise ValueError(f"{option}: {name!r} cannot be asked for. Accepted: {', '.join(_settled.CODE)}.")
        if not isinstance(options, dict):
            raise ValueError(f"{option}.{name}: this is no dictionary. Accepted: the options of the module.")


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look and return the result; what it raises is for the user to read."""
    modules, secrets = module.params["modules"], module.params["secrets"]
    check("modules", modules)
    check("secrets", secrets)
    answers = {name: _settled.look(module, name, {**modules[name], **secrets.get(name, {})}) for name in modules}
    for answer in answers.values():
        for warning in answer.warnings:
            module.warn(warning)
    return {"changed": False, "settled": {name: answer.settled for name, answer in answers.items()}}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "modules": {"type": "dict", "required": True},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deploy_info
short_description: See at once what decides what is to be done on a host
version_added: 0.1.0
description:
  - Returns what the roles of this collection need to know of a host before they change anything, in one call instead of
    one for each of them, so that a run without changes is over soon.
  - With O(releases) it tells what is there. It needs nothing on the host for that but Python and what every Debian has.
  - With O(modules) it tells which modules have nothing to do. Each of them looks at the host as it does in check mode,
    at files, services and rules as they are now. Nothing is remembered from an earlier run.
author:
  - Mailops contributors (@mailops)
attributes:
  platform:
    platforms: posix
    support: full
    description: Made for Debian. Of other systems it says which they are.
extends_documentation_fragment:
  - mailops.relay.info
options:
  releases:
    description:
      - Releases of Debian, as in C(/etc/os-release). On a host that runs none of them the task fails.
      - Without any, nothing of the host is looked at but O(dkim_keys) and O(modules).
    type: list
    elements: str
    default: []
  questions:
    description: Names of questions that debconf may have an answer to (debconf(7)).
    type: list
    elements: str
    default: []
  paths:
    description: Paths of files that may be there.
    type: list
    elements: path
    default: []
  dkim_keys:
    description:
      - Which keys there shall be. The suboptions are those of M(mailops.relay.dkim_keys), and mean the same.
      - An owner or a group that the host does not know is not compared.
    type: dict
    suboptions:
      directory:
        description: The directory that holds one folder per domain.
        type: path
        default: /etc/dkimkeys
      domains:
        description: The signing domains.
        type: list
        elements: str
        required: true
      selector:
        description: The selector of the first keys.
        type: str
        required: true
      bits:
        description: The length of keys that are made.
        type: int
        choices: [2048, 3072, 4096]
        default: 2048
      shortest:
        description: The shortest existing key that is accepted.
        type: int
        choices: [1024, 2048, 3072, 4096]
        default: 2048
      owner:
        description: The user that owns the keys.
        type: str
        default: opendkim
      group:
        description: The group of the keys.
        type: str
        default: opendkim
  modules:
    description:
      - Modules of this collection, by their names in it, each with its options. Accepted are C(dovecot_auth_config),
        C(fail2ban_config), C(nftables_ruleset), C(opendkim_config), C(postfix_config) and C(rspamd_config).
    type: dict
  secrets:
    description: More options of the same modules, which stay out of all logs.
    type: dict
    default: {}
seealso:
  - module: mailops.relay.dkim_keys
  - module: mailops.relay.relay_host_info
"""

EXAMPLES = r"""
- name: Look at the host
  mailops.relay.deploy_info:
    releases: ["12", "13"]
    questions: [postfix/main_mailer_type]
  register: host

- name: See whether Postfix and the firewall are as they shall be
  mailops.relay.deploy_info:
    modules:
      postfix_config:
        files: "{{ postfix_files }}"
      nftables_ruleset:
        content: "{{ lookup('ansible.builtin.template', 'firewall.nft.j2') }}"
    secrets:
      postfix_config:
        secret_files:
          sasl_passwd: "{{ lookup('ansible.builtin.template', 'sasl_passwd.j2') }}"
  register: look
"""

RETURN = r"""
release:
  description: The release of Debian, as in C(/etc/os-release).
  returned: success, with O(releases)
  type: str
  sample: "13"
packages:
  description: Names of the packages that are installed.
  returned: success, with O(releases)
  type: list
  elements: str
  sample: [adduser, apt, postfix]
addresses:
  description: Addresses of the host without those of its loopback, of IPv4 first.
  returned: success, with O(releases)
  type: list
  elements: str
  sample: [198.51.100.12, "2001:db8::12", "fe80::12"]
processors:
  description: How many processors there are.
  returned: success, with O(releases)
  type: int
  sample: 2
answers:
  description: What debconf has for O(questions). Those that nobody has answered are left out.
  returned: success, with O(releases)
  type: dict
  sample: {"postfix/main_mailer_type": "No configuration"}
present:
  description: Those of O(paths) that are there.
  returned: success, with O(releases)
  type: list
  elements: str
dkim_keys:
  description:
    - What M(mailops.relay.dkim_keys) would return in check mode. C(changed) tells whether it has anything to do.
    - Where it would fail, C(changed) is V(true), and nothing else is there.
  returned: success, with O(dkim_keys)
  type: dict
  contains:
    changed:
      description: Whether anything is missing or to be mended.
      type: bool
    records:
      description: See RV(mailops.relay.dkim_keys#module:records).
      type: list
      elements: dict
    selectors:
      description: See RV(mailops.relay.dkim_keys#module:selectors).
      type: list
      elements: dict
settled:
  description:
    - Whether each of O(modules) has nothing to do.
    - It is V(false) for a module that would refuse its options, or what it finds on the host.
  returned: success, with O(modules)
  type: dict
  sample: {"postfix_config": true, "nftables_ruleset": false}
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailops.relay.plugins.module_utils import _deploy_look, _dkim_key_plan

OS_RELEASE = "/etc/os-release"
ANSWERS = "/var/cache/debconf/config.dat"


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def _keys(params: dict[str, t.Any]) -> dict[str, t.Any]:
    try:
        seen = _dkim_key_plan.look(params, int(time.time()))
    except (_dkim_key_plan.KeysError, OSError):
        # It is for the module dkim_keys to say what is wrong, when its turn comes.
        return {"changed": True}
    return {name: seen[name] for name in ("changed", "records", "selectors")}


def validated(
    arguments: t.Mapping[str, t.Any], required_if: t.Sequence[t.Any], options: t.Mapping[str, t.Any]
) -> dict[str, t.Any] | None:
    """Return options as a module gets them, or None where Ansible would refuse them."""
    result = ArgumentSpecValidator(arguments, required_if=required_if).validate(dict(options))
    params: dict[str, t.Any] = result.validated_parameters
    return None if result.error_messages else params


def _settled(module: AnsibleModule) -> dict[str, bool]:
    # Not at the top: the code of six modules takes its time to read, and the first look at a host does not need it.
    from ansible_collections.mailops.relay.plugins.module_utils import _settled  # noqa: PLC0415

    return _settled.looks(module, module.params["modules"], module.params["secrets"], validated)


def _host(module: AnsibleModule) -> dict[str, t.Any]:
    name, release = _deploy_look.system(_text(OS_RELEASE))
    releases = module.params["releases"]
    if name != "debian" or release not in releases:
        raise ValueError(f"This host runs {name} {release}".rstrip() + f". Accepted: Debian {' or '.join(releases)}.")
    query = ["dpkg-query", "--show", "--showformat", _deploy_look.PACKAGES_FORMAT]
    _code, packages, _errors = module.run_command(query, check_rc=True)
    _code, links, _errors = module.run_command([module.get_bin_path("ip", True), "-json", "address"], check_rc=True)
    return {
        "release": release,
        "packages": _deploy_look.installed(packages),
        "addresses": _deploy_look.addresses(links),
        "processors": os.cpu_count() or 1,
        "answers": _deploy_look.answers(_text(ANSWERS), module.params["questions"]),
        "present": [path for path in module.params["paths"] if os.path.exists(path)],
    }


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look and return the result; what it raises is for the user to read."""
    params = module.params
    return {
        "changed": False,
        **(_host(module) if params["releases"] else {}),
        **({"dkim_keys": _keys(params["dkim_keys"])} if params["dkim_keys"] else {}),
        **({"settled": _settled(module)} if params["modules"] else {}),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "releases": {"type": "list", "elements": "str", "default": []},
            "questions": {"type": "list", "elements": "str", "default": []},
            "paths": {"type": "list", "elements": "path", "default": []},
            # Public halves and names of files.
            "dkim_keys": {"type": "dict", "options": _dkim_key_plan.OPTIONS, "no_log": False},
            "modules": {"type": "dict"},
            "secrets": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

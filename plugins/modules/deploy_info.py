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
  - It needs nothing on the host but Python and what every Debian has.
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
    description: Releases of Debian, as in C(/etc/os-release). On a host that runs none of them the task fails.
    type: list
    elements: str
    required: true
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
"""

RETURN = r"""
release:
  description: The release of Debian, as in C(/etc/os-release).
  returned: success
  type: str
  sample: "13"
packages:
  description: Names of the packages that are installed.
  returned: success
  type: list
  elements: str
  sample: [adduser, apt, postfix]
addresses:
  description: Addresses of the host without those of its loopback, of IPv4 first.
  returned: success
  type: list
  elements: str
  sample: [198.51.100.12, "2001:db8::12", "fe80::12"]
processors:
  description: How many processors there are.
  returned: success
  type: int
  sample: 2
answers:
  description: What debconf has for O(questions). Those that nobody has answered are left out.
  returned: success
  type: dict
  sample: {"postfix/main_mailer_type": "No configuration"}
present:
  description: Those of O(paths) that are there.
  returned: success
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
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
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


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look and return the result; what it raises is for the user to read."""
    name, release = _deploy_look.system(_text(OS_RELEASE))
    releases = module.params["releases"]
    if name != "debian" or release not in releases:
        raise ValueError(f"This host runs {name} {release}".rstrip() + f". Accepted: Debian {' or '.join(releases)}.")
    query = ["dpkg-query", "--show", "--showformat", _deploy_look.PACKAGES_FORMAT]
    _code, packages, _errors = module.run_command(query, check_rc=True)
    _code, links, _errors = module.run_command([module.get_bin_path("ip", True), "-json", "address"], check_rc=True)
    return {
        "changed": False,
        "release": release,
        "packages": _deploy_look.installed(packages),
        "addresses": _deploy_look.addresses(links),
        "processors": os.cpu_count() or 1,
        "answers": _deploy_look.answers(_text(ANSWERS), module.params["questions"]),
        "present": [path for path in module.params["paths"] if os.path.exists(path)],
        **({"dkim_keys": _keys(module.params["dkim_keys"])} if module.params["dkim_keys"] else {}),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "releases": {"type": "list", "elements": "str", "required": True},
            "questions": {"type": "list", "elements": "str", "default": []},
            "paths": {"type": "list", "elements": "path", "default": []},
            # Public halves and names of files.
            "dkim_keys": {"type": "dict", "options": _dkim_key_plan.OPTIONS, "no_log": False},
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

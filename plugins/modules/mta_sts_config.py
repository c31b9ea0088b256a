#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mta_sts_config
short_description: Put MTA-STS policies to use in Postfix, after DANE, and prove that they are
version_added: 0.1.0
description:
  - Takes the configuration of mta-sts-daemon, the program of the map between it and Postfix, and the files of their
    units in one call, and puts them to use together or not at all.
  - The daemon's own code has to read the configuration before it replaces anything. The files are swapped by one
    rename.
  - Then the daemon is restarted, and has to answer through the map. If it does not, the previous set comes back, and
    the task fails with what it has seen.
author:
  - Mailops contributors (@mailops)
extends_documentation_fragment:
  - mailops.relay.activation
attributes:
  check_mode:
    support: full
    description: Does all but the swap. Where mta-sts-daemon is not installed yet, the candidate is not judged.
options:
  state:
    description:
      - V(started) puts O(files) to use and has both running, now and after a boot.
      - V(stopped) takes back what this module did before. A daemon that it has not configured is left alone.
    type: str
    choices: [started, stopped]
    default: started
  files:
    description:
      - All files of the set. A file of the previous set that is not named here is removed.
      - Their names must differ, not only their folders. The owner is root, and everybody may read them.
      - Required with O(state=started).
    type: list
    elements: dict
    suboptions:
      path:
        description: Absolute path of the file.
        type: path
        required: true
      content:
        description: Text of the file.
        type: str
        required: true
  config:
    description:
      - Which of O(files) is the configuration of the daemon. The files are in its folder; those with other paths are
        links to files there.
    type: path
    default: /etc/mailops-mta-sts/mta-sts-daemon.yml
  unit:
    description: Name of the map's units, a socket and its service.
    type: str
    default: mailops-tls-policy
  socket:
    description: Unix socket at which Postfix asks the map.
    type: path
    default: /var/spool/postfix/mta-sts/tls-policy.sock
"""

EXAMPLES = r"""
- name: Take MTA-STS out of use
  mailops.relay.mta_sts_config:
    state: stopped
"""

RETURN = r"""
action:
  description: What was done; V(none) where nothing was due. In check mode what would be done.
  returned: success
  type: str
  sample: restart
changed_files:
  description: Paths of the files that changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/mailops-mta-sts/mta-sts-daemon.yml]
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils._activation import (
    REFUSALS,
    NotInstalled,
    activate,
    explain,
)
from ansible_collections.mailops.relay.plugins.module_utils._file_set import managed_files
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts_service import MtaSts

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}},
    },
    "config": {"type": "path", "default": "/etc/mailops-mta-sts/mta-sts-daemon.yml"},
    "unit": {"type": "str", "default": "mailops-tls-policy"},
    "socket": {"type": "path", "default": "/var/spool/postfix/mta-sts/tls-policy.sock"},
}


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = module.params
    in_use = params["state"] == "started"
    files = managed_files(params["files"]) if in_use else []
    if in_use and params["config"] not in [file.path for file in files]:
        raise ValueError(f"files: the configuration file {params['config']} is missing (option config)")
    generations = Generations(os.path.dirname(params["config"]))
    if not files and not generations.managed_paths():
        return {"changed": False, "action": "none", "changed_files": []}
    installed = module.get_bin_path("mta-sts-daemon") is not None
    if not installed and not module.check_mode:
        raise StoreError("mta-sts-daemon is not installed. Accepted: postfix-mta-sts-resolver, before this task.")
    service = MtaSts(module.run_command, params["config"], params["unit"], params["socket"], in_use=in_use)
    outcome = activate(generations, files, service if installed else NotInstalled(), module.check_mode)
    if outcome.changed and not module.check_mode:
        # The links to files that are no longer in the set go last.
        service.daemon.systemctl("daemon-reload")
    return outcome.result()


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_if=[("state", "started", ["files"])], supports_check_mode=True
    )
    try:
        result = run(module)
    except REFUSALS as error:
        module.fail_json(msg=explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rspamd_config
short_description: Check, swap and prove the whole configuration of rspamd as a milter
version_added: 0.1.0
description:
  - Takes all files of an rspamd configuration in one call, and puts them to use together or not at all.
  - The candidate is judged before it replaces anything. C(rspamadm configtest) has to accept it, and with it the Lua
    rules that it names, and each server in O(store_servers) that can be reached has to accept O(store_password).
  - The files of a set are swapped by one rename. A host that loses power, or a task that is killed, has either the old
    or the new set, and the next run completes what was begun.
  - After the swap rspamd is enabled and reloaded, so that no message is deferred meanwhile, or restarted where files
    outside of that folder changed. Then its milter has to let a notice of this host pass; with
    O(hostname) it has to refuse one whose From header is not of that host; and one of each domain of O(signing) has to
    come back with the signature. The probes are sent nowhere. If it does not,
    the previous set is brought back and the task fails with what it has seen. Where there was no previous set, rspamd
    is left stopped and disabled.
  - The files are in the folder of O(config), which is exchanged as a whole, and files elsewhere, such as a drop-in of
    the service, are symbolic links to it. The package's own C(/etc/rspamd) is left alone; a drop-in has to name
    O(config) to the daemon.
author:
  - Mailops contributors (@mailops)
extends_documentation_fragment:
  - mailops.relay.activation
attributes:
  check_mode:
    support: full
    description: Does all but the swap. Where rspamd is not installed yet, the candidate is not judged.
options:
  state:
    description:
      - V(started) puts O(files) to use and has rspamd running, now and after a boot.
      - V(stopped) stops and disables rspamd where it is installed, and leaves all files alone.
    type: str
    choices: [started, stopped]
    default: started
  files:
    description:
      - All files of the set, but for O(secret_files). A file of the previous set that is not named here is removed.
      - Their names must differ, not only their folders. Everybody may read them.
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
  secret_files:
    description: Files in the folder of O(config) that nobody but rspamd may read, their texts by their names.
    type: dict
    default: {}
  key_files:
    description:
      - Private keys on this host, their paths by the names of their copies in the folder of O(config), which nobody but
        rspamd may read. In check mode a key may be missing.
    type: dict
    default: {}
  signing:
    description: Domains whose mail has to come back signed, each with the selector of its key.
    type: dict
    default: {}
  config:
    description: Which of O(files) is the configuration file that the service reads.
    type: path
    default: /etc/rspamd-relay/rspamd.conf
  socket:
    description: The milter socket of the configuration. Required with O(state=started).
    type: path
  hostname:
    description: Name of this host, where rspamd has to hold its notices to it.
    type: str
    default: ""
  store_servers:
    description:
      - Servers of Redis or Valkey, each as C(HOST:PORT), that have to accept O(store_password). One that cannot be
        reached is no error, since mail has to flow without it.
    type: list
    elements: str
    default: []
  store_password:
    description: The password of the servers, empty where they ask for none.
    type: str
    default: ""
  group:
    description: The group that rspamd runs as, which may read O(secret_files).
    type: str
    default: _rspamd
"""

EXAMPLES = r"""
- name: Have rspamd refuse nothing
  mailops.relay.rspamd_config:
    socket: /run/rspamd/milter.sock
    files:
      - path: /etc/systemd/system/rspamd.service.d/milter.conf
        content: |
          [Service]
          ExecStart=
          ExecStart=/usr/bin/rspamd -c /etc/rspamd-relay/rspamd.conf -f
      - path: /etc/rspamd-relay/rspamd.conf
        content: |
          options { pidfile = "/run/rspamd/rspamd.pid"; filters = ""; }
          logging { type = "syslog"; level = "notice"; }
          worker "rspamd_proxy" {
            bind_socket = "/run/rspamd/milter.sock mode=0660";
            milter = yes;
            upstream "local" { self_scan = yes; default = yes; }
          }
"""

RETURN = r"""
action:
  description: What rspamd was told; V(none) where nothing was due. In check mode what it would be told.
  returned: success
  type: str
  sample: reload
changed_files:
  description: Paths of the files that changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/rspamd-relay/settings.json]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _rspamd_config
from ansible_collections.mailops.relay.plugins.module_utils._activation import REFUSALS, explain


def main() -> None:
    module = AnsibleModule(
        argument_spec=_rspamd_config.ARGUMENTS, required_if=_rspamd_config.REQUIRED_IF, supports_check_mode=True
    )
    try:
        result = _rspamd_config.run(module)
    except REFUSALS as error:
        module.fail_json(msg=explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: opendkim_config
short_description: Check, swap and prove the whole configuration of OpenDKIM
version_added: 0.1.0
description:
  - Takes all files of an OpenDKIM configuration in one call, and puts them to use together or not at all.
  - The candidate is judged before it replaces anything. C(opendkim -n) has to accept it without a word, each target of
    the SigningTable has to be in the KeyTable, and each key of the KeyTable has to be a private RSA key that is long
    enough, that the daemon's user can read and nobody else, and that is the one recorded in the C(.txt) file beside
    it, where there is one.
  - The files of a set are swapped by one rename. A host that loses power, or a task that is killed, has either the old
    or the new set, and the next run completes what was begun.
  - After the swap OpenDKIM is restarted and enabled. Then its milter has to answer and to sign one probe message of
    each key's domain, which is sent nowhere. If it does not, the previous set is brought back and the task fails with
    what it has seen. Where there was no previous set, OpenDKIM is left stopped and disabled.
  - The files are in the folder of O(config), which is exchanged as a whole, and files elsewhere, such as a drop-in of
    the service, are symbolic links to it. The package's own C(/etc/opendkim.conf) is left alone; a drop-in has to name
    O(config) to the daemon.
author:
  - Mailops contributors (@mailops)
extends_documentation_fragment:
  - mailops.relay.activation
attributes:
  check_mode:
    support: full
    description: Does all but the swap. Keys that do not exist are no error then, since nobody has made them. Where
      OpenDKIM is not installed yet, the candidate is not judged.
options:
  state:
    description:
      - V(started) puts O(files) to use and has OpenDKIM running, now and after a boot.
      - V(stopped) stops and disables OpenDKIM where it is installed, and leaves all files alone.
    type: str
    choices: [started, stopped]
    default: started
  files:
    description:
      - All files of the set. A file of the previous set that is not named here is removed.
      - Their names must differ, not only their folders.
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
      mode:
        description: Permissions, as an octal number. The owner is root.
        type: str
        default: "0644"
  config:
    description: Which of O(files) is the configuration file that the service reads.
    type: path
    default: /etc/opendkim/opendkim.conf
  config_extra:
    description: More lines for the file O(config). They come last, so they win over the ones before.
    type: str
    default: ""
  config_protected:
    description: Settings that O(config_extra) must not hold, each with the reason, or what to use instead.
    type: dict
    default: {}
  user:
    description: The user that the daemon runs as, and that has to read the keys.
    type: str
    default: opendkim
  shortest:
    description: The shortest key to sign with, in bits.
    type: int
    choices: [1024, 2048, 3072, 4096]
    default: 2048
seealso:
  - module: mailops.relay.dkim_keys
"""

EXAMPLES = r"""
- name: Sign for example.com
  mailops.relay.opendkim_config:
    files:
      - path: /etc/systemd/system/opendkim.service.d/signer.conf
        content: |
          [Service]
          ExecStart=
          ExecStart=/usr/sbin/opendkim -x /etc/opendkim/opendkim.conf
      - path: /etc/opendkim/opendkim.conf
        content: |
          PidFile /run/opendkim/opendkim.pid
          Mode s
          UserID opendkim
          UMask 007
          Socket local:/run/opendkim/opendkim.sock
          KeyTable file:/etc/opendkim/KeyTable
          SigningTable file:/etc/opendkim/SigningTable
      - path: /etc/opendkim/KeyTable
        content: |
          example.com example.com:s1:/etc/dkimkeys/example.com/s1.private
      - path: /etc/opendkim/SigningTable
        content: |
          example.com example.com
"""

RETURN = r"""
action:
  description: What OpenDKIM was told; V(none) where nothing was due. In check mode what it would be told.
  returned: success
  type: str
  sample: restart
changed_files:
  description: Paths of the files that changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/opendkim/KeyTable]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _opendkim_config
from ansible_collections.mailops.relay.plugins.module_utils._activation import REFUSALS, explain


def main() -> None:
    module = AnsibleModule(
        argument_spec=_opendkim_config.ARGUMENTS, required_if=_opendkim_config.REQUIRED_IF, supports_check_mode=True
    )
    try:
        result = _opendkim_config.run(module)
    except REFUSALS as error:
        module.fail_json(msg=explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

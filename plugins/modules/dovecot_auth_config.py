#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dovecot_auth_config
short_description: Check, swap and prove the whole configuration of Dovecot's auth service
version_added: 0.1.0
description:
  - Takes all files of a Dovecot that judges logins for a mail server, and puts them to use together or not at all.
  - The candidate is judged before it replaces anything. C(doveconf) has to accept it without a word, and Dovecot has to
    know the scheme of each hash in the file of users.
  - The files of a set are swapped by one rename. A host that loses power, or a task that is killed, has either the old
    or the new set, and the next run completes what was begun.
  - After the swap Dovecot is restarted and enabled, unless nothing but users has changed, whose file it reads again by
    itself. Then it has to offer O(mechanisms) at O(socket), and to refuse a user whom nobody knows. If it does not, the
    previous set is brought back and the task fails with what it has seen. Where there was no previous set, Dovecot is
    left stopped and disabled.
  - A directory or database that is away when Dovecot is asked fails the task if anything but users has changed.
    Otherwise it is a warning, so that a user can be taken away at any time.
  - The files are in O(directory), which is exchanged as a whole, and files elsewhere, such as a drop-in of the service,
    are symbolic links to it. The package's own C(/etc/dovecot) is left alone; a drop-in has to name the configuration
    file to Dovecot.
author:
  - Mailops contributors (@mailops)
extends_documentation_fragment:
  - mailops.relay.activation
attributes:
  check_mode:
    support: full
    description: Does all but the swap. Where Dovecot is not installed yet, the candidate is not judged.
requirements:
  - Dovecot 2.3 or 2.4
options:
  state:
    description:
      - V(started) puts the files to use and has Dovecot running, now and after a boot.
      - V(stopped) stops and disables Dovecot where it uses the configuration in O(directory), and leaves all files
        alone.
    type: str
    choices: [started, stopped]
    default: started
  directory:
    description: Folder of the configuration file C(dovecot.conf) and of the passwd-file C(users).
    type: path
    default: /etc/dovecot-auth
  files:
    description:
      - Files of the set that everybody on the host may read, C(dovecot.conf) among them. A file of the previous set
        that is not named here or in O(secret_files) is removed.
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
  secret_files:
    description:
      - Further files of the set, the text of each by its name in O(directory), C(users) among them.
      - Only root and O(group) may read them, and they stay out of the diff and of all logs.
      - Required with O(state=started).
    type: dict
  group:
    description: The group that Dovecot's auth processes run as.
    type: str
    default: dovecot
  socket:
    description: Unix socket at which Dovecot serves the mail server.
    type: path
    default: /var/spool/postfix/private/auth
  mechanisms:
    description: Mechanisms that have to be offered there.
    type: list
    elements: str
    default: [PLAIN, LOGIN]
seealso:
  - plugin: mailops.relay.dovecot_users
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Judge logins for Postfix
  mailops.relay.dovecot_auth_config:
    files:
      - path: /etc/systemd/system/dovecot.service.d/auth.conf
        content: |
          [Service]
          ExecStart=
          ExecStart=/usr/sbin/dovecot -F -c /etc/dovecot-auth/dovecot.conf
      - path: /etc/dovecot-auth/dovecot.conf
        content: |
          protocols =
          ssl = no
          auth_mechanisms = plain login
          passdb {
            driver = passwd-file
            args = /etc/dovecot-auth/users
          }
          service auth {
            unix_listener /var/spool/postfix/private/auth {
              user = postfix
            }
          }
    secret_files:
      users: "{{ relay_users | mailops.relay.dovecot_users(relay_hostname) }}"
"""

RETURN = r"""
action:
  description: What Dovecot was told; V(none) where nothing was due. In check mode what it would be told.
  returned: success
  type: str
  sample: restart
changed_files:
  description: Paths of the files that changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/dovecot-auth/users]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _dovecot_auth_config
from ansible_collections.mailops.relay.plugins.module_utils._activation import REFUSALS, explain


def main() -> None:
    module = AnsibleModule(
        argument_spec=_dovecot_auth_config.ARGUMENTS,
        required_if=_dovecot_auth_config.REQUIRED_IF,
        supports_check_mode=True,
    )
    try:
        result = _dovecot_auth_config.run(module)
    except REFUSALS as error:
        module.fail_json(msg=explain(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

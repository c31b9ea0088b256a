#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_keys
short_description: Make the DKIM keys that are missing
version_added: 0.1.0
author:
  - Mailops contributors (@mailops)
description:
  - Makes, in one call, one RSA key for each domain that has none under the selector that signs, or under the next one,
    and returns the public half of all of them as TXT records.
  - Which selector signs stands in the notes, C(<directory>/selectors.json), which M(mailops.relay.dkim_rotation)
    changes. Without notes it is O(selector), and notes are made that say so. The private keys of selectors that are
    revoked are removed.
  - An existing key is never touched, whatever O(bits) says. Its owner and mode are mended.
  - Keys that exist are judged first. If one is not a private key, too short or too long, not the key that was recorded
    when it was made, or the key of a second domain, the module names all of them and changes nothing.
  - A key is C(<directory>/<domain>/<selector>.private). Beside it C(<selector>.txt) holds the public half as a line for
    a zone file. The private half never leaves the host.
  - Each key appears whole and at once; killed at any moment, the module leaves no half key.
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return what would be made, also before O(owner) or the Python library
      cryptography are on the host.
  diff_mode:
    support: full
    description: Shows the names of the files that are made or mended, never their content.
  platform:
    support: full
    platforms: posix
    description: Target OS/families that can be operated against.
options:
  directory:
    description:
      - The directory that holds one folder per domain.
      - Made with mode V(0700) where it is missing; the owner and mode of an existing one are left alone.
    type: path
    default: /etc/dkimkeys
  domains:
    description:
      - The signing domains. International names are written as A-labels (V(xn--...)).
    type: list
    elements: str
    required: true
  selector:
    description:
      - The selector under which the first keys are published, and with which the names of later ones begin. It belongs
        to one host, since a private key does.
    type: str
    required: true
  bits:
    description:
      - The length of keys that are made.
    type: int
    choices: [2048, 3072, 4096]
    default: 2048
  shortest:
    description:
      - The shortest existing key that is accepted. RFC 8301 forbids fewer than 1024 bits and wants at least 2048.
    type: int
    choices: [1024, 2048, 3072, 4096]
    default: 2048
  owner:
    description:
      - The user that signs, and owns the keys.
    type: str
    default: opendkim
  group:
    description:
      - The group of the keys.
    type: str
    default: opendkim
requirements:
  - cryptography (on the host, for making keys)
seealso:
  - module: mailops.relay.dkim_rotation
  - module: mailops.relay.opendkim_config
"""

EXAMPLES = r"""
- name: Have a key for each domain
  mailops.relay.dkim_keys:
    domains: [example.com, example.org]
    selector: relay1-example-net
  register: keys

- name: Show what to publish
  ansible.builtin.debug:
    msg: "{{ keys.records | map(attribute='name') | zip(keys.records | map(attribute='value')) }}"
"""

RETURN = r"""
records:
  description: The public half of each key, those of the selector that signs first, in the order of O(domains).
  returned: success
  type: list
  elements: dict
  contains:
    domain:
      description: The signing domain.
      type: str
      sample: example.com
    selector:
      description: The selector.
      type: str
      sample: relay1
    state:
      description: V(current), V(next), V(retired), V(revoked) or V(removed). Only the current one signs.
      type: str
      sample: current
    name:
      description: Where to publish the record.
      type: str
      sample: relay1._domainkey.example.com
    type:
      description: The type of the record.
      type: str
      sample: TXT
    value:
      description:
        - The text of the record, in one piece. It is for the publisher to split it into strings of 255 octets.
        - V(none) in check mode for a key that would be made, and where the record is to be removed.
      type: str
      sample: "v=DKIM1; k=rsa; p=MIIBIjANBgkq..."
    key_file:
      description: The file of the private key.
      type: str
      sample: /etc/dkimkeys/example.com/relay1.private
    bits:
      description: The length of the key, V(none) where there is none any more.
      type: int
      sample: 2048
    created:
      description: Whether this run has made the key, or in check mode would make it.
      type: bool
selectors:
  description: The selectors as the notes have them.
  returned: success
  type: list
  elements: dict
  contains:
    selector:
      description: The selector.
      type: str
      sample: relay1
    state:
      description: V(current), V(next), V(retired), V(revoked) or V(removed).
      type: str
    since:
      description: Since when it has the state, in UTC.
      type: str
      sample: "2026-11-25T08:00:00Z"
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _dkim_key_plan
from ansible_collections.mailops.relay.plugins.module_utils._dkim_key_plan import KeysError
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyStore


def exit_with(module: AnsibleModule, result: dict[str, t.Any]) -> None:
    for line in result.pop("mended"):
        module.warn(f"{line}; this {'would be' if module.check_mode else 'was'} mended")
    module.exit_json(**result)


def main() -> None:
    module = AnsibleModule(argument_spec=_dkim_key_plan.OPTIONS, supports_check_mode=True)
    now = int(time.time())
    try:
        if module.check_mode:
            exit_with(module, _dkim_key_plan.look(module.params, now))
        params = _dkim_key_plan.normal(module.params)
        store = KeyStore(params["directory"], _dkim_key_plan.owner_of(params, check_mode=False))
        with store.locked():
            result = _dkim_key_plan.run(params, store, check_mode=False, now=now)
    except (KeysError, OSError) as error:
        module.fail_json(msg=str(error))
    exit_with(module, result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: resolver_config
short_description: Have Postfix ask a resolver that validates, and prove it
version_added: 0.1.0
description:
  - Takes the configuration of unbound, the drop-ins of its unit and of Postfix's, and the C(resolv.conf) that Postfix
    is to see, in one call, and puts them to use together or not at all.
  - C(unbound-checkconf) has to accept the candidate before it replaces anything. The files are swapped by one rename.
  - Then unbound is restarted and enabled, and has to answer O(signed_name) with AD (RFC 4035, 3.2.3) and to refuse what
    is bogus. Only then Postfix is restarted, if it runs, so that it asks this resolver. If anything fails, the previous
    set comes back, and the task fails with what it has seen.
  - A run that changes nothing asks for O(signed_name) all the same, and fails where the resolver does not validate any
    more.
  - The resolution of the host itself stays as it is.
author:
  - Mailops contributors (@mailops)
extends_documentation_fragment:
  - mailops.relay.activation
attributes:
  check_mode:
    support: full
    description: Does all but the swap. Where unbound is not installed yet, the candidate is not judged.
options:
  state:
    description:
      - V(started) puts O(files) to use.
      - V(stopped) takes back what this module did before, and has Postfix ask the resolvers of the host again. An
        unbound that this module has not configured is left alone.
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
  folder:
    description: Folder in which the files are; those with other paths are links to files in it.
    type: path
    default: /etc/unbound/mailops-resolver
  config:
    description:
      - Which of O(files) is the configuration of unbound.
      - Without it somebody else runs the resolver. It is only proven, and Postfix is told to ask it.
    type: path
  postfix_files:
    description:
      - Which of O(files) concern Postfix, which is restarted when one of them changes. One of them is named
        C(resolv.conf).
    type: list
    elements: path
    default: []
  address:
    description: IP address of the resolver.
    type: str
    default: 127.0.0.1
  signed_name:
    description: Name whose SOA record is signed, by which the resolver is seen to validate.
    type: str
    default: .
"""

EXAMPLES = r"""
- name: Have Postfix ask a validating resolver that is already there
  mailops.relay.resolver_config:
    address: 127.0.0.1
    files:
      - path: /etc/unbound/mailops-resolver/resolv.conf
        content: |
          nameserver 127.0.0.1
          options trust-ad edns0
      - path: /etc/systemd/system/postfix.service.d/mailops-resolver-postfix.conf
        content: |
          [Service]
          StateDirectory=mailops-relay/postfix-etc
          BindPaths=/var/lib/mailops-relay/postfix-etc:/var/spool/postfix/etc
          ExecStartPre=+/usr/bin/install -m 0644 /etc/unbound/mailops-resolver/resolv.conf /var/spool/postfix/etc/
    postfix_files:
      - /etc/unbound/mailops-resolver/resolv.conf
      - /etc/systemd/system/postfix.service.d/mailops-resolver-postfix.conf
"""

RETURN = r"""
action:
  description:
    - What was done; V(none) where nothing was due. In check mode what would be done.
    - V(reload) concerns unbound alone, V(restart) Postfix, too.
  returned: success
  type: str
  sample: restart
changed_files:
  description: Paths of the files that changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/unbound/mailops-resolver/unbound.conf]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils._activation import (
    REFUSALS,
    ActivationError,
    NotInstalled,
    Outcome,
    activate,
    explain,
)
from ansible_collections.mailops.relay.plugins.module_utils._file_set import managed_files
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError
from ansible_collections.mailops.relay.plugins.module_utils._resolver_service import Resolver

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {"path": {"type": "path", "required": True}, "content": {"type": "str", "required": True}},
    },
    "folder": {"type": "path", "default": "/etc/unbound/mailops-resolver"},
    "config": {"type": "path"},
    "postfix_files": {"type": "list", "elements": "path", "default": []},
    "address": {"type": "str", "default": "127.0.0.1"},
    "signed_name": {"type": "str", "default": "."},
}


def make_service(module: AnsibleModule, generations: Generations) -> Resolver:
    """Return the service of the task's options."""
    params = module.params
    texts = {file["path"]: file["content"].encode() for file in params["files"]}
    missing = [path for path in [*params["postfix_files"], params["config"]] if path and path not in texts]
    if missing:
        raise ValueError(f"files: {missing[0]} is not among them. Accepted: all that config and postfix_files name.")
    return Resolver(
        module.run_command,
        params["address"],
        params["signed_name"],
        config=params["config"],
        was_ours=any(path.endswith("/unbound.conf") for path in generations.managed_paths()),
        in_use=params["state"] == "started",
        postfix_files={path: texts[path] for path in params["postfix_files"]},
    )


def prove_again(service: Resolver, outcome: Outcome) -> None:
    """See that the resolver still validates where nothing was due."""
    problems = service.answer_problems(10) if service.in_use and outcome.action == "none" else []
    if problems:
        raise ActivationError("\n".join([*problems, "Nothing was changed."]))


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Carry out the task and return its result; what it raises is for the user to read."""
    params = module.params
    if params["state"] == "stopped":
        params.update(files=[], postfix_files=[], config=None)
    generations = Generations(params["folder"])
    service = make_service(module, generations)
    installed = not params["config"] or module.get_bin_path("unbound-checkconf", opt_dirs=["/usr/sbin"]) is not None
    if not installed and not module.check_mode:
        raise StoreError("unbound is not installed on this host. Accepted: the package unbound, before this task.")
    files = managed_files(params["files"])
    if not files and not generations.managed_paths():
        return {"changed": False, "action": "none", "changed_files": []}
    outcome = activate(generations, files, service if installed else NotInstalled(), module.check_mode)
    if installed and not module.check_mode:
        prove_again(service, outcome)
    if outcome.changed and not module.check_mode:
        # The links to files that are no longer in the set go last.
        service.unbound.systemctl("daemon-reload")
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

#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_certificate
short_description: Have a relay's certificate by ACME, and have it renewed without Ansible
version_added: 0.1.0
author:
  - Mailops contributors (@mailops)
description:
  - Puts a program, its configuration and its units on the host, in one call. Then it has the program do what is due.
    The program does the same when its timer runs.
  - An order that fails does not fail the task. The certificate in use stays, and a warning says why there is no other.
  - The role P(mailops.relay.acme#role) has the program.
attributes:
  check_mode:
    support: full
    description: Shows which files would change. Whether a certificate is due is known where the program is there.
  diff_mode:
    support: full
    description: Shows each file that changes.
  platform:
    support: full
    platforms: posix
    description: Needs systemd.
options:
  state:
    description:
      - V(started) for a certificate that is renewed, V(stopped) for a timer that does not run. With V(stopped) nothing
        is removed.
    type: str
    choices: [started, stopped]
    default: started
  files:
    description:
      - Files of the program. Needed with O(state=started).
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Absolute path.
        type: path
        required: true
      content:
        description:
          - Text of the file.
        type: str
        required: true
      mode:
        description:
          - Permission bits, as an octal number.
        type: str
        default: '0644'
  order:
    description:
      - Whether a certificate that is due is ordered, now and by the timer. With V(false) the timer does not run.
    type: bool
    default: true
  program:
    description:
      - The program among the files.
    type: path
    default: /usr/local/sbin/mailops-relay-acme
  timer:
    description:
      - The unit among the files that runs it.
    type: str
    default: mailops-relay-acme.timer
"""

EXAMPLES = r"""
- name: Renew nothing any more
  mailops.relay.acme_certificate:
    state: stopped
"""

RETURN = r"""
changed_files:
  description: Paths of the files that changed.
  returned: success
  type: list
  elements: str
  sample: [/etc/mailops-relay/acme/config.json]
due:
  description: Why a certificate is due, empty for nothing. Empty, too, where the program is not there yet.
  returned: success
  type: str
  sample: it is self-signed
order:
  description: What came of the order, empty where there was none.
  returned: success
  type: str
  sample: "a new certificate for the same key, until 2026-12-24 08:00 UTC (it is self-signed)"
error:
  description: Why an order has failed, empty for nothing.
  returned: success
  type: str
  sample: ""
"""

import json
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile, read_file, write_file

ARGUMENTS: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0644"},
        },
    },
    "order": {"type": "bool", "default": True},
    "program": {"type": "path", "default": "/usr/local/sbin/mailops-relay-acme"},
    "timer": {"type": "str", "default": "mailops-relay-acme.timer"},
}

UNITS = "/etc/systemd/system/"


class Host:
    """The host on which the program is; with ``check_mode`` nothing changes there."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.check_mode = module.check_mode

    def put(self, files: t.Iterable[t.Mapping[str, str]]) -> dict[str, tuple[str, str]]:
        """Write the files that differ, and return each one's text before and after by its path."""
        changes = {}
        for file in files:
            wanted = ManagedFile(file["path"], file["content"].encode(), int(file["mode"], 8))
            found = read_file(wanted.path)
            if found == wanted:
                continue
            changes[wanted.path] = (found.content.decode("utf-8", "replace") if found else "", file["content"])
            if not self.check_mode:
                os.makedirs(os.path.dirname(wanted.path), exist_ok=True)
                write_file(wanted.path, wanted)
        if any(path.startswith(UNITS) for path in changes) and not self.check_mode:
            self.module.run_command(["systemctl", "daemon-reload"], check_rc=True)
        return changes

    def time(self, timer: str, wanted: bool) -> bool:
        """Have the timer run, or not; return whether that is a change."""
        states = [self.module.run_command(["systemctl", f"is-{what}", timer])[0] == 0 for what in ("enabled", "active")]
        changed = not all(states) if wanted else any(states)
        if changed and not self.check_mode:
            self.module.run_command(["systemctl", "enable" if wanted else "disable", "--now", timer], check_rc=True)
        return changed

    def ask(self, program: str, command: str) -> dict[str, t.Any]:
        """Return the answer of the program, which says itself what went wrong; raise ValueError where it does not."""
        code, output, errors = self.module.run_command([program, command])
        try:
            answer: dict[str, t.Any] = json.loads(output)
        except ValueError:
            reason = (errors.strip().splitlines() or [f"it ended with status {code}"])[-1]
            raise ValueError(f"{program} {command}: {reason}") from None
        if answer.get("error") and command != "renew":
            raise ValueError(answer["error"])
        return answer


def _have(host: Host, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Have program and certificate, and return what was done."""
    changes = host.put(params["files"])
    timed = host.time(params["timer"], params["order"])
    result = {
        "changed": bool(changes) or timed,
        "changed_files": sorted(changes),
        "due": "",
        "order": "",
        "error": "",
        "diff": [{"before_header": p, "after_header": p, "before": b, "after": a} for p, (b, a) in changes.items()],
    }
    if host.check_mode and (changes or not os.path.exists(params["program"])):
        return result
    due = host.ask(params["program"], "status")["due"]
    if host.check_mode:
        return {**result, "due": due, "changed": result["changed"] or bool(due and params["order"])}
    if not params["order"]:
        made = host.ask(params["program"], "prepare")["changed"]
        return {**result, "due": due, "changed": result["changed"] or made}
    outcome = host.ask(params["program"], "renew")
    done, error = outcome["done"], outcome["error"]
    if error:
        host.module.warn(error)
    return {**result, "due": due, "order": done, "error": error, "changed": result["changed"] or bool(done)}


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_if=[("state", "started", ["files"])], supports_check_mode=True
    )
    host = Host(module)
    try:
        if module.params["state"] == "stopped":
            changed = host.time(module.params["timer"], wanted=False)
            result: dict[str, t.Any] = {"changed": changed, "changed_files": [], "due": "", "order": "", "error": ""}
        else:
            result = _have(host, module.params)
    except ValueError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The system refused a step: {error}. The certificate in use stays.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()

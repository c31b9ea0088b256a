#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: relay_host_info
short_description: Look at a relay from inside
version_added: 0.1.0
description:
  - Looks at the services, the queue, the clock, the certificates, the DKIM keys and the firewall of a mail relay, and
    returns what is seen and what is wrong about it.
  - It also works on a host that was not deployed by this collection, and on one without any mail server.
  - What cannot be seen, without the rights of root or because a program is missing or hangs, is a finding whose ID ends
    in C(_not_checked), and never passes for being in order.
  - Of people, only the domains of their addresses are returned; of keys, nothing that is secret.
author:
  - Mailops contributors (@mailops)
attributes:
  platform:
    support: full
    platforms: posix
    description: Made for Debian, with systemd.
extends_documentation_fragment:
  - mailops.relay.info
options:
  services:
    description:
      - The services that the relay is made of. What belongs to one that is not listed is not looked at.
      - That is V(opendkim) or V(rspamd), the one that signs.
      - Of nftables, its table has to be loaded; Debian's own service of that name need not run.
    type: list
    elements: str
    choices: [postfix, opendkim, rspamd, nftables]
    default: [postfix, opendkim, nftables]
  hostname:
    description: The name that certificates have to be for. Without it, that is C(myhostname) of Postfix.
    type: str
  now:
    description:
      - Seconds since 1970 on the controller, just before the module runs. Without it, the clocks are not compared.
      - What the module needs to get to the host is part of the difference. So a clock that is ahead is ahead by that
        much at most, and one that is behind is so by that much at least.
    type: float
  clock_offset:
    description: Seconds that the clock of the host may differ from that of the controller.
    type: int
    default: 30
  queue_age:
    description: Seconds that the oldest message may have waited. Those on hold do not count.
    type: int
    default: 14400
  queue_deferred:
    description: How many messages may be deferred.
    type: int
    default: 500
  queue_incoming:
    description: How many messages may have arrived and not be taken by the queue manager yet.
    type: int
    default: 200
  free_space:
    description: Per cent of the queue's file system, and of its inodes, that have to be free.
    type: int
    default: 10
  certificate_days:
    description: Days that certificates have to be valid for.
    type: int
    default: 14
  shortest:
    description: The shortest length in bits of a DKIM key.
    type: int
    choices: [1024, 2048, 3072, 4096]
    default: 2048
  restarts:
    description: How often systemd may have restarted a service by itself since it was started.
    type: int
    default: 3
  lists_days:
    description: How old the package lists may be, in days, for updates to be seen in them. Nothing is fetched.
    type: int
    default: 7
  table:
    description: The table of nftables that has to be loaded, with its family.
    type: str
    default: inet mailops_relay
  firewall_service:
    description: Name of the service of systemd that loads the table at boot.
    type: str
    default: mailops-relay-firewall
  timeout:
    description: Seconds that each program may take, and each milter to answer, 1 to 300. Eight programs are run.
    type: float
    default: 20
seealso:
  - module: mailops.relay.dns_records_info
"""

EXAMPLES = r"""
- name: Look at the relay
  mailops.relay.relay_host_info:
    hostname: relay1.example.com
    now: "{{ '%s' | strftime }}"
  become: true
  register: host

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ host.findings }}"

- name: Look at a relay that signs nothing and has no firewall of its own
  mailops.relay.relay_host_info:
    services: [postfix]
    queue_age: 3600
  become: true
"""

RETURN = r"""
results:
  description: What was checked, as items for a report.
  returned: success
  type: list
  elements: dict
  contains:
    check:
      description: V(host), V(clock), V(queue), V(certificate), V(signing) or V(keys).
      type: str
    state:
      description: V(done), or V(not_checked) where part of it, or all, could not be seen.
      type: str
    note:
      description: Why it was not checked.
      type: str
    findings:
      description: The findings of this check.
      type: list
      elements: dict
findings:
  description: What is wrong, worst first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What kind of finding it is.
      type: str
      sample: queue_old
    severity:
      description: V(error), V(warning) or V(notice).
      type: str
    subject:
      description: What it is about.
      type: str
      sample: queue
    message:
      description: What was seen.
      type: str
    remedy:
      description: What to do.
      type: str
    reference:
      description: Where the rule is stated.
      type: str
seen:
  description: What was seen, as far as it could be; a key is missing where nothing was.
  returned: success
  type: dict
  contains:
    services:
      description: Name, C(installed), C(state), C(enabled) and C(restarts) of each service.
      type: list
      elements: dict
    failed_units:
      description: Units of systemd that failed.
      type: list
      elements: str
    postfix_version:
      description: Version of Postfix.
      type: str
      sample: 3.10.13
    packages:
      description: Name, C(installed), C(candidate), C(security) and C(outdated) of each package.
      type: list
      elements: dict
    reboot_required:
      description: Whether an update waits for a reboot.
      type: bool
    firewall_tables:
      description: The tables of nftables, each with its family; V(none) where they cannot be listed.
      type: list
      elements: str
    clock:
      description: Whether the clock is C(synchronised), its C(time), and its C(offset) in seconds.
      type: dict
    queue:
      description:
        - C(messages) by queue, C(oldest_age) of what waits and C(oldest) by queue in seconds, the most frequent
          C(reasons) and C(destinations), C(space) in octets and inodes, and what was C(unseen).
      type: dict
    certificates:
      description: >-
        C(files), C(subject), C(names), C(not_after), C(days_left), C(covers_hostname), C(key), C(self_signed) and
        C(key_matches) of each certificate.
      type: list
      elements: dict
    milters:
      description: The milters that Postfix uses.
      type: list
      elements: str
    keys:
      description: C(path), C(domain), C(selector), C(exists) and C(bits) of each DKIM key.
      type: list
      elements: dict
    signer_config:
      description: The configuration that the signer is started with.
      type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _finding, _host_look
from ansible_collections.mailops.relay.plugins.module_utils._host_look import Look, Part
from ansible_collections.mailops.relay.plugins.module_utils._host_programs import Programs

_RANGES = {
    "clock_offset": (1, 86400),
    "queue_age": (60, 30 * 86400),
    "queue_deferred": (0, 10**7),
    "queue_incoming": (0, 10**7),
    "free_space": (0, 90),
    "certificate_days": (0, 365),
    "restarts": (0, 10**6),
    "lists_days": (1, 365),
    "timeout": (1, 300),
}


def check_options(params: t.Mapping[str, t.Any]) -> None:
    """Raise ValueError with all values that make no sense."""
    problems = [
        f"{name}: {params[name]:g} is not accepted; {least} to {most} are"
        for name, (least, most) in _RANGES.items()
        if not least <= params[name] <= most
    ]
    if params["now"] is not None and not 10**9 < params["now"] < 10**11:
        problems.append(f"now: {params['now']:g} is no time of these days; accepted: seconds since 1970")
    if problems:
        raise ValueError("\n".join(problems))


def result_of(parts: t.Sequence[Part]) -> dict[str, t.Any]:
    """Return all parts as the module returns them."""
    findings = [finding for part in parts for finding in part.findings]
    return {
        "changed": False,
        "results": [part.result() for part in parts],
        "findings": [_finding.join(finding) for finding in _finding.ordered(findings)],
        "seen": {name: value for part in parts for name, value in part.seen.items()},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "services": {
                "type": "list",
                "elements": "str",
                "choices": list(_host_look.SERVICES),
                "default": ["postfix", "opendkim", "nftables"],
            },
            "hostname": {"type": "str"},
            "now": {"type": "float"},
            "clock_offset": {"type": "int", "default": 30},
            "queue_age": {"type": "int", "default": 14400},
            "queue_deferred": {"type": "int", "default": 500},
            "queue_incoming": {"type": "int", "default": 200},
            "free_space": {"type": "int", "default": 10},
            "certificate_days": {"type": "int", "default": 14},
            "shortest": {"type": "int", "choices": [1024, 2048, 3072, 4096], "default": 2048},
            "restarts": {"type": "int", "default": 3},
            "lists_days": {"type": "int", "default": 7},
            "table": {"type": "str", "default": "inet mailops_relay"},
            "firewall_service": {"type": "str", "default": "mailops-relay-firewall"},
            "timeout": {"type": "float", "default": 20},
        },
        supports_check_mode=True,
    )
    try:
        check_options(module.params)
        result = result_of(Look(module.params, Programs(module.params["timeout"])).parts())
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

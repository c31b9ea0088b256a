#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_rotation
short_description: Take the next step in the rotation of a relay's DKIM keys
version_added: 0.1.0
author:
  - Mailops contributors (@mailops)
description:
  - A selector is made (V(next)), signs (V(current)), is kept for mail that is on its way (V(retired)), says that it is
    not to be trusted any more (V(revoked), RFC 6376 section 3.6.1), and goes (V(removed)). This module takes one step,
    the first that is due, and says which one comes next and when.
  - It changes the notes in C(<directory>/selectors.json), by which M(mailops.relay.dkim_keys) makes and removes keys.
    Killed at any moment, it leaves the old notes or the new ones.
  - No selector begins to sign before O(evidence) shows its records on every authoritative server, and none is revoked
    while those of the current one are not there.
  - The playbook C(mailops.relay.rotate_dkim) does all of it.
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return the step that would be taken.
  diff_mode:
    support: full
    description: Shows the notes.
  platform:
    support: full
    platforms: posix
    description: Target OS/families that can be operated against.
options:
  directory:
    description:
      - The directory with the keys and the notes.
    type: path
    default: /etc/dkimkeys
  domains:
    description:
      - The signing domains.
    type: list
    elements: str
    required: true
  selector:
    description:
      - The selector of the description. New ones are called after it and the day, such as V(relay1-20261125).
    type: str
    required: true
  interval:
    description:
      - Days for which a key signs before the next one is made. V(0) makes none.
    type: int
    default: 180
  keep:
    description:
      - Days for which the records of a key stay after it has ceased to sign, since mail with its signatures is still on
        its way. More than mail is queued for.
    type: int
    default: 14
  revoked:
    description:
      - Days for which records say that a key is revoked, before they are removed.
    type: int
    default: 30
  settle:
    description:
      - Seconds from the making of a key to its first signature, so that no resolver still holds that it has no record.
    type: int
    default: 3600
  evidence:
    description:
      - What was seen in DNS, as the filter P(mailops.relay.dkim_evidence#filter) returns it. Without it no step is
        taken that needs to know.
    type: dict
    default: {}
    suboptions:
      visible:
        description:
          - Selectors of which every authoritative server has all records.
        type: list
        elements: str
        default: []
      absent:
        description:
          - Selectors of which no authoritative server has a record any more.
        type: list
        elements: str
        default: []
      missing:
        description:
          - What was seen instead, by selector.
        type: dict
        default: {}
seealso:
  - module: mailops.relay.dkim_keys
  - plugin: mailops.relay.dkim_evidence
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Take the step that is due
  mailops.relay.dkim_rotation:
    domains: [example.com, example.org]
    selector: relay1-example-net
    evidence: "{{ keys.records | mailops.relay.dkim_evidence(dns.answers) }}"
"""

RETURN = r"""
step:
  description: The step that was taken, or would be in check mode.
  returned: success
  type: dict
  contains:
    action:
      description: V(make), V(switch), V(revoke), V(remove) or V(forget), empty for none.
      type: str
      sample: switch
    selector:
      description: The selector that it was about, empty for a new one.
      type: str
    message:
      description: The same for the reader.
      type: str
next:
  description: What will be done next and when, for the reader.
  returned: success
  type: str
  sample: "Next: revoke relay1-example-net, in the first run after 2026-12-09T08:00:00Z."
steps:
  description: All steps that lie ahead, the one that is due first at the front.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: What will be done.
      type: str
    selector:
      description: The selector that it is about.
      type: str
    due:
      description: When, in UTC.
      type: str
    blocked:
      description: What has to be true before, empty for nothing.
      type: str
selectors:
  description: The selectors after the step, as RV(mailops.relay.dkim_keys#module:selectors).
  returned: success
  type: list
  elements: dict
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _rotation
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyStore
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner
from ansible_collections.mailops.relay.plugins.module_utils._rotation import DAY, Evidence, Policy, Selector, Step


def policy_of(params: t.Mapping[str, t.Any]) -> Policy:
    """Return the times in seconds, or raise ``ValueError``."""
    for name in ("interval", "keep", "revoked", "settle"):
        if params[name] < 0:
            raise ValueError(f"{name}: {params[name]} is accepted from 0 on")
    return Policy(
        interval=params["interval"] * DAY,
        keep=params["keep"] * DAY,
        revoked=params["revoked"] * DAY,
        settle=params["settle"],
    )


def evidence_of(params: t.Mapping[str, t.Any]) -> Evidence:
    given = params["evidence"]
    visible, absent = (frozenset(map(str.lower, given.get(name) or [])) for name in ("visible", "absent"))
    return Evidence(visible, absent, given.get("missing") or {})


def describe(step: Step) -> dict[str, str]:
    """Return a step that lies ahead as the module returns it."""
    return {
        "action": step.action,
        "selector": step.selector,
        "due": _rotation.time_text(step.due),
        "blocked": step.blocked,
    }


def forget(store: KeyStore, domains: t.Iterable[str], selector: str) -> None:
    """Remove what is left of a selector's keys."""
    for domain in domains:
        for name in store.files(domain, selector):
            store.discard(domain, name)


def run(params: dict[str, t.Any], store: KeyStore, check_mode: bool, now: int) -> dict[str, t.Any]:
    """Take the step that is due; ``ValueError`` says why that cannot be known."""
    domains = [_dkim.domain(domain) for domain in params["domains"]]
    policy, seen = policy_of(params), evidence_of(params)
    noted = store.notes()
    before: tuple[Selector, ...] = noted or _rotation.initial(params["selector"], store.existing(domains), now)
    step = _rotation.due(_rotation.steps(before, policy, seen), now)
    after = _rotation.take(before, step, params["selector"], now) if step else before
    if not check_mode and step:
        if step.action == "forget":
            forget(store, domains, step.selector)
        store.note(after)
    ahead = _rotation.steps(after, policy, seen)
    texts = [_rotation.join_notes(each) for each in (before, after)]
    return {
        "changed": bool(step),
        "step": {
            "action": step.action if step else "",
            "selector": step.selector if step else "",
            "message": _rotation.describe_done(step),
        },
        "next": _rotation.describe_next(ahead, now),
        "steps": [describe(each) for each in ahead],
        "selectors": _rotation.describe(after),
        **({"diff": {"before": texts[0], "after": texts[1]}} if step else {}),
    }


def main() -> None:
    seen = {
        "visible": {"type": "list", "elements": "str", "default": []},
        "absent": {"type": "list", "elements": "str", "default": []},
        "missing": {"type": "dict", "default": {}},
    }
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "default": "/etc/dkimkeys"},
            "domains": {"type": "list", "elements": "str", "required": True},
            "selector": {"type": "str", "required": True},
            "interval": {"type": "int", "default": 180},
            "keep": {"type": "int", "default": 14},
            "revoked": {"type": "int", "default": 30},
            "settle": {"type": "int", "default": 3600},
            "evidence": {"type": "dict", "default": {}, "options": seen},
        },
        supports_check_mode=True,
    )
    store = KeyStore(module.params["directory"], Owner(None, None))
    now = int(time.time())
    try:
        if module.check_mode:
            module.exit_json(**run(dict(module.params), store, check_mode=True, now=now))
        with store.locked():
            result = run(dict(module.params), store, check_mode=False, now=now)
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"{error}\nNothing was changed.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()

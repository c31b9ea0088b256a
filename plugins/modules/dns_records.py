#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_records
short_description: Publish DNS records by dynamic updates
version_added: 0.1.0
author:
  - Mailops contributors (@mailops)
description:
  - Makes the record sets of a list so, with one signed update for each zone (RFC 2136, RFC 8945), over TCP.
  - Only record sets that are named change. At a name with several TXT records, only those of the same purpose are
    replaced, such as SPF by SPF; the others are kept to the byte. A record set has one TTL, so theirs follows.
  - All zones are read and judged before the first one is changed. Where several zones change, each server rule and
    prerequisite is tried before the first one is changed.
  - Each update requires that the zone still has what the plan was made from. If somebody has changed it meanwhile,
    nothing is overwritten, and the module fails.
  - A zone changes as a whole or not at all. If a later zone fails, the error says which ones were changed, and if the
    answer to an update is lost, of which one it is not known. To run again is always safe.
  - What others rely on is not taken away unless O(confirm_loss) says so. Records are compared by what they mean, so an
    address that a wider network covers is not lost, and added terms never are a loss.
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return what would change, without sending any update.
  diff_mode:
    support: full
    description: Shows the record sets that change as lines of a zone file.
  platform:
    support: full
    platforms: posix
    description: Target OS/families that can be operated against.
extends_documentation_fragment:
  - mailops.relay.records
options:
  server:
    description:
      - The name or address of the primary server, which may be a hidden one.
    type: str
    required: true
  port:
    description:
      - Its TCP port.
    type: int
    default: 53
  key_name:
    description:
      - The name of the TSIG key.
    type: str
    required: true
  key_secret:
    description:
      - The secret of the TSIG key, in base64.
    type: str
    required: true
  key_algorithm:
    description:
      - The algorithm of the TSIG key.
    type: str
    choices: [hmac-sha256, hmac-sha384, hmac-sha512]
    default: hmac-sha256
  remove:
    description:
      - Record sets to remove in the same updates, or some values of them; what else they have is kept.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - The full name.
        type: str
        required: true
      type:
        description:
          - The type.
        type: str
        choices: [A, AAAA, CAA, CNAME, MX, PTR, SRV, TLSA, TXT]
        required: true
      values:
        description:
          - The values to remove. No value means the whole record set.
        type: list
        elements: str
        default: []
  zones:
    description:
      - The zones that may be changed. A name outside of them is an error.
      - Without it, the server's SOA records say in which zone a name is.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) publishes O(records), V(absent) removes them like those of O(remove). No value means the whole record
        set then.
    type: str
    choices: [present, absent]
    default: present
  confirm_removal:
    description:
      - Whether a zone may lose more values than it gets. Without it, such a plan is refused.
    type: bool
    default: false
  confirm_loss:
    description:
      - Names at which records may lose what is there. They need no O(confirm_removal).
      - "At other names, this is refused. In SPF: terms without which senders pass no longer, and a weaker C(all)."
      - "In DMARC: a lower policy, addresses for reports that are left out, another alignment."
      - "In TLSRPT: addresses for reports that are left out."
      - "In DKIM: another key in place of one that is not revoked, and tags that make fewer signatures count."
      - "In MX: hosts that are left out."
      - What O(remove) names is no loss.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds in which a server must answer.
    type: float
    default: 10
  wait:
    description:
      - Seconds to wait until every authoritative server of the zones serves the records, also when nothing changed.
        V(0) does not wait.
    type: int
    default: 0
  servers:
    description:
      - The servers to wait for, by name or address, with another port than 53 as V(HOST@PORT). Without it, the NS
        records of each zone name them.
    type: list
    elements: str
    default: []
requirements:
  - dnspython >= 2.3 (on the host that sends the updates)
seealso:
  - module: mailops.relay.dns_records_info
"""

EXAMPLES = r"""
- name: Publish what a domain needs
  mailops.relay.dns_records:
    server: ns1.example.net
    key_name: mailops
    key_secret: "{{ vault_mailops_tsig }}"
    records:
      - name: example.com
        type: TXT
        values: ["v=spf1 ip4:192.0.2.25 -all"]
      - name: example.com
        type: MX
        values: [10 mx1.example.com., 20 mx2.example.com.]
        ttl: 86400
    wait: 60
  delegate_to: localhost

- name: Publish it although an old relay loses its right to send
  mailops.relay.dns_records:
    server: ns1.example.net
    key_name: mailops
    key_secret: "{{ vault_mailops_tsig }}"
    records:
      - name: example.com
        type: TXT
        values: ["v=spf1 ip4:192.0.2.26 -all"]
    confirm_loss: [example.com]
  delegate_to: localhost

- name: Remove the record of a retired key
  mailops.relay.dns_records:
    server: ns1.example.net
    key_name: mailops
    key_secret: "{{ vault_mailops_tsig }}"
    records:
      - name: old._domainkey.example.com
        type: TXT
    state: absent
    confirm_removal: true
  delegate_to: localhost
"""

RETURN = r"""
zones:
  description: The zones that were changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    zone:
      description: The zone.
      type: str
      sample: example.com
    changes:
      description: The record sets that changed.
      type: list
      elements: dict
      contains:
        action:
          description: One of V(add), V(replace) and V(remove).
          type: str
          sample: replace
        name:
          description: The name.
          type: str
          sample: example.com
        type:
          description: The type.
          type: str
          sample: TXT
        ttl:
          description: The new TTL in seconds.
          type: int
          sample: 3600
        before:
          description: The data before, as in a zone file.
          type: list
          elements: str
          sample: ['"v=spf1 -all"']
        after:
          description: The data now, as in a zone file.
          type: list
          elements: str
          sample: ['"v=spf1 ip4:192.0.2.25 -all"']
published:
  description: The zones that were changed before the failure.
  returned: failure
  type: list
  elements: str
  sample: [example.com]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.mailops.relay.plugins.module_utils import (
    _dns_plan,
    _dns_tcp,
    _dns_wait,
    _record,
    _record_options,
    _syntax,
)
from ansible_collections.mailops.relay.plugins.module_utils._dns_plan import Plan, Removal
from ansible_collections.mailops.relay.plugins.module_utils._dns_tcp import (
    Connection,
    DnsError,
    TsigKey,
    UnansweredError,
)
from ansible_collections.mailops.relay.plugins.module_utils._dns_update import Primary
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet


class PublishError(Exception):
    """Not all was published. ``published`` has the zones that were, ``unsure`` the one of which it is not known."""

    def __init__(
        self, problems: t.Iterable[str], published: t.Sequence[str] = (), *, waited: bool = False, unsure: str = ""
    ) -> None:
        rest = "" if waited else " Nothing else was changed."
        done = f"Published: {', '.join(published)}.{rest}" if published else "Nothing was changed."
        if unsure:
            done = (
                f"It is not known whether {unsure} was changed, as a whole or not at all. Run again: that completes it."
                + (f" {done}" if published else rest)
            )
        super().__init__("\n".join([*problems, done]))
        self.published = list(published)
        self.changed = bool(published or unsure)


def _parsed(option: str, items: t.Iterable[t.Any], parse: t.Callable[[t.Any], t.Any]) -> tuple[list[t.Any], list[str]]:
    values, problems = [], []
    for item in items:
        try:
            values.append(parse(item))
        except ValueError as error:
            problems.append(f"{option}: {error}")
    return values, problems


class Order(t.NamedTuple):
    """What the options say, in normal form."""

    wanted: list[RecordSet]
    unwanted: list[Removal]
    zones: list[str]
    servers: list[tuple[str, int]]
    confirm_loss: list[str]


def order(params: dict[str, t.Any]) -> Order:
    """Return what the options say, or raise with all that is wrong with them."""
    absent = params["state"] == "absent"
    wanted, problems = _parsed("records", [] if absent else params["records"], _record_options.parse)
    unwanted, more = _parsed("records", params["records"] if absent else [], _dns_plan.removal)
    removals, still_more = _parsed("remove", params["remove"], _dns_plan.removal)
    zones, zone_problems = _parsed("zones", params["zones"], _syntax.domain_name)
    servers, server_problems = _parsed("servers", params["servers"], _dns_wait.server)
    confirmed, loss_problems = _parsed("confirm_loss", params["confirm_loss"], _record.owner)
    problems += [*more, *still_more, *zone_problems, *server_problems, *loss_problems]
    if problems:
        raise PublishError(problems)
    return Order(wanted, [*unwanted, *removals], zones, servers, confirmed)


def describe(plan: Plan) -> dict[str, t.Any]:
    """Return what changes, as the module returns it."""
    diff = []
    zones = []
    for zone in plan.zones:
        before, after = _dns_plan.zone_text(zone)
        diff.append({"before_header": zone.zone, "after_header": zone.zone, "before": before, "after": after})
        changes = [
            {
                "action": change.verb,
                "name": change.name,
                "type": change.type,
                "ttl": change.ttl,
                "before": list(change.before),
                "after": list(change.after),
            }
            for change in zone.changes
        ]
        zones.append({"zone": zone.zone, "changes": changes})
    result: dict[str, t.Any] = {"changed": bool(zones), "zones": zones}
    return {**result, "diff": diff} if zones else result


def publish(plan: Plan, primary: Primary) -> list[str]:
    """Send one update for each zone; with several, all are tried before the first one changes. Return the zones."""
    published: list[str] = []
    try:
        for zone in plan.zones if len(plan.zones) > 1 else ():
            primary.update(zone, trial=True)
    except DnsError as error:
        raise PublishError([str(error)]) from None
    for zone in plan.zones:
        try:
            primary.update(zone)
        except UnansweredError as error:
            raise PublishError([str(error)], published, unsure=zone.zone) from None
        except DnsError as error:
            raise PublishError([str(error)], published) from None
        published.append(zone.zone)
    return published


def run(params: dict[str, t.Any], primary: Primary, check_mode: bool) -> tuple[dict[str, t.Any], tuple[str, ...]]:
    """Read and judge all zones, then change them. Return the result and warnings."""
    wanted, unwanted, given, servers, confirm_loss = order(params)
    keys = [record.key for record in wanted] + [(item.name, item.type) for item in unwanted]
    try:
        zones = primary.zones([name for name, _type in keys], given)
        now = primary.observe(keys)
        plan = _dns_plan.make(zones, wanted, unwanted, now, params["confirm_removal"], confirm_loss=confirm_loss)
    except DnsError as error:
        raise PublishError([str(error)]) from None
    if plan.problems:
        raise PublishError(plan.problems)
    if not check_mode:
        published = publish(plan, primary)
        if params["wait"]:
            try:
                _wait(params, primary, _dns_wait.orders(zones, wanted, unwanted), servers)
            except DnsError as error:
                late = f"Not every server serves the records after {params['wait']} s of waiting."
                raise PublishError([late, str(error)], published, waited=True) from None
    return describe(plan), plan.warnings


def _wait(
    params: dict[str, t.Any], primary: Primary, orders: list[_dns_wait.Order], servers: list[tuple[str, int]]
) -> None:
    targets = [target for each in orders for target in _dns_wait.targets(primary, each, servers)]
    _dns_wait.wait(targets, params["wait"], params["timeout"])


def argument_spec() -> dict[str, t.Any]:
    return {
        "server": {"type": "str", "required": True},
        "port": {"type": "int", "default": 53},
        "key_name": {"type": "str", "required": True, "no_log": False},
        "key_secret": {"type": "str", "required": True, "no_log": True},
        "key_algorithm": {"type": "str", "choices": list(_dns_tcp.ALGORITHMS), "default": "hmac-sha256"},
        "records": _record_options.RECORDS,
        "remove": _record_options.REMOVAL,
        "zones": {"type": "list", "elements": "str", "default": []},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "confirm_removal": {"type": "bool", "default": False},
        "confirm_loss": {"type": "list", "elements": "str", "default": []},
        "timeout": {"type": "float", "default": 10},
        "wait": {"type": "int", "default": 0},
        "servers": {"type": "list", "elements": "str", "default": []},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    if not _dns_tcp.HAS_DNSPYTHON:
        module.fail_json(msg=missing_required_lib("dnspython"))
    params = dict(module.params)
    key = TsigKey(params["key_name"], params["key_secret"], params["key_algorithm"])
    try:
        with Connection(params["server"], params["port"], key, params["timeout"]) as connection:
            result, warnings = run(params, Primary(connection), module.check_mode)
    except DnsError as error:
        module.fail_json(msg=str(error), published=[])
    except PublishError as error:
        module.fail_json(msg=str(error), published=error.published, changed=error.changed)
    for warning in warnings:
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()

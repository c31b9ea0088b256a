#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_records_info
short_description: Ask whether DNS holds the records that it should
version_added: 0.1.0
author:
  - Mailops contributors (@mailops)
description:
  - Asks every authoritative server of each record, by IPv4 and IPv6, with many questions in flight, and returns what
    they say and what is wrong about it.
  - The servers are found by a resolver, by the NS records of the zone, or are listed in O(servers).
  - A question is sent by UDP, and again by TCP where the answer does not fit. A server that lets one question time out
    is not asked any more, so that all dead servers together delay a run by about one O(timeout).
  - The TTL of O(records) is shown with what to publish; a different one is no finding. Their grade decides how severe a
    finding is. Of TXT, only values with the same purpose, such as SPF, are compared; others are left to others.
  - Of DKIM it is told whether the key is the one that should be there, revoked, too short, in test mode or restricted;
    of DMARC whether the policy is weaker, whether mail is aligned, and whether others agree to get the reports.
  - What follows from a record that is missing or wrong, such as SPF that does not pass, is no finding of its own; what
    would not pass with the records in place is.
  - Hosts that MX and SRV records point to need an address and may be no alias; those of PTR records need the address
    that they are the name of.
  - It looks where records lead as well, at the certificates that TLSA records are about (RFC 7672) and at the
    O(policies) of MTA-STS, unless O(connect=false); and it looks for the senders in O(block_lists).
  - That there is no record, and that a server has refused, timed out, or answered with something else, are different
    states and different findings.
attributes:
  platform:
    support: full
    platforms: posix
    description: Runs best on the controller. The host it runs on asks.
extends_documentation_fragment:
  - mailops.relay.info
  - mailops.relay.records
  - mailops.relay.dns_beyond
options:
  servers:
    description:
      - The servers to ask instead of those that NS records name, such as hidden primaries.
      - Each is an IP address, or V(ADDRESS@PORT).
    type: list
    elements: str
    default: []
  resolver:
    description:
      - The resolver that finds servers, an IP address or V(ADDRESS@PORT). Without it, that of the host is used.
      - Where it is given, it is asked for each record as well, to find data that are forged or still in its cache. It
        has to be a validating resolver for this; one that does not validate finds everything insecure.
    type: str
  senders:
    description:
      - Hosts that mail leaves from. SPF is evaluated for each address with HELO and with each MAIL FROM.
      - The name in HELO has to have each of the addresses.
    type: list
    elements: dict
    default: []
    suboptions:
      helo:
        description: The name that the host says in HELO.
        type: str
        required: true
      addresses:
        description: The addresses that it sends from.
        type: list
        elements: str
        required: true
      mail_from:
        description:
          - The domains or addresses that it sends mail from, in MAIL FROM and in the header field From.
        type: list
        elements: str
        default: []
      dkim:
        description:
          - The domains that its signatures name (the tag d), those of subdomains included.
          - They have to be aligned with those of O(senders[].mail_from) where DMARC is asked for.
          - Without any, alignment is not judged.
        type: list
        elements: str
        default: []
  timeout:
    description:
      - Seconds to wait for the answer to one question, its repetitions included.
    type: float
    default: 5
  in_flight:
    description:
      - How many questions may be on their way at once, 1 to 512.
    type: int
    default: 64
requirements:
  - dnspython >= 2.3 (on the host that asks)
seealso:
  - module: mailops.relay.dkim_keys
"""

EXAMPLES = r"""
- name: See whether the SPF record is there, and passes the relay
  mailops.relay.dns_records_info:
    records:
      - name: example.com
        type: TXT
        values: ["v=spf1 ip4:192.0.2.25 -all"]
    senders:
      - helo: relay1.example.com
        addresses: [192.0.2.25]
        mail_from: [example.com]
        dkim: [example.com]
  delegate_to: localhost
  register: dns

- name: See how the relay stands elsewhere too, and what senders find where the records lead them
  mailops.relay.dns_records_info:
    records: "{{ groups['relays'] | mailops.relay.relay_records(hostvars) }}"
    resolver: 127.0.0.1
    senders:
      - helo: relay1.example.com
        addresses: [192.0.2.25]
    block_lists: [zen.example.org]
    policies: "{{ groups['relays'] | mailops.relay.mta_sts_policies(hostvars) }}"
  delegate_to: localhost

- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ dns.findings }}"
"""

RETURN = r"""
answers:
  description: What each server says of each record.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name that was asked for.
      type: str
    type:
      description: The type that was asked for.
      type: str
    server:
      description: The server that was asked, an address with its name and port where they are of interest.
      type: str
      sample: ns1.example.com (192.0.2.53)
    kind:
      description: V(authoritative) or V(resolver).
      type: str
    state:
      description: >-
        V(present), V(no_name), V(no_data), V(refused), V(not_authoritative), V(failed), V(bogus), V(malformed),
        V(timed_out) or V(unreachable).
      type: str
    values:
      description: The values, in order.
      type: list
      elements: str
    ttl:
      description: Seconds.
      type: int
    cnames:
      description: The aliases that were followed.
      type: list
      elements: str
    dnssec:
      description: V(secure), V(insecure), V(bogus) or V(unknown). Only of a resolver.
      type: str
    detail:
      description: More about what went wrong.
      type: str
findings:
  description: What is wrong, worst first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What kind of finding it is.
      type: str
      sample: dns_record_missing
    severity:
      description: V(error), V(warning) or V(notice).
      type: str
    subject:
      description: What it is about.
      type: str
      sample: example.com TXT
    message:
      description: What is there.
      type: str
    remedy:
      description: What to do, with the record to publish.
      type: str
    reference:
      description: Where the rule is stated.
      type: str
spf:
  description: The result of SPF for each sender, as DNS is now.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The address that mail leaves from.
      type: str
    identity:
      description: V(helo) or V(mail_from).
      type: str
    sender:
      description: The sender that was evaluated.
      type: str
    result:
      description: V(pass), V(fail), V(softfail), V(neutral), V(none), V(permerror) or V(temperror).
      type: str
    path:
      description: The terms that led to the result, from the outermost record to the innermost.
      type: list
      elements: str
    problem:
      description: Why there is no better result.
      type: str
    lookup_terms:
      description: How many terms have caused lookups. At most 10 are accepted.
      type: int
block_lists:
  description: What each of O(block_lists) says of each address.
  returned: success
  type: list
  elements: dict
  contains:
    list:
      description: The list.
      type: str
    address:
      description: The address that mail leaves from.
      type: str
    state:
      description: V(listed), V(not_listed), V(refused) or V(unknown).
      type: str
    codes:
      description: What the list answers.
      type: list
      elements: str
    reason:
      description: The text beside a listing.
      type: str
policies:
  description: What each address of a policy host serves.
  returned: success
  type: list
  elements: dict
  contains:
    domain:
      description: The domain that the policy is for.
      type: str
    address:
      description: The address that was asked.
      type: str
    state:
      description: V(fetched), V(unreachable), V(timed_out), V(certificate) or V(malformed).
      type: str
    status:
      description: The status code of HTTP, V(0) where there is none.
      type: int
    content_type:
      description: The type that was sent.
      type: str
    content:
      description: The policy in its normal form, empty where senders take none.
      type: str
    id:
      description: The id that DNS names.
      type: str
    detail:
      description: More about what went wrong, or where a redirect leads.
      type: str
certificates:
  description: What servers that TLSA records are about show.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the records.
      type: str
    host:
      description: The host.
      type: str
    port:
      description: The port.
      type: int
    address:
      description: The address that was connected to.
      type: str
    state:
      description: V(shown), V(no_starttls) or V(not_seen).
      type: str
    tlsa:
      description: The recommended record for the certificate that is shown.
      type: str
      sample: 3 1 1 0b9fa5a59eed715c26c1020c711b4f6ec42d58b0015e14337a39dad301c5afc3
    detail:
      description: Why nothing was seen.
      type: str
questions:
  description: How many questions were asked.
  returned: success
  type: int
"""

import asyncio
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.mailops.relay.plugins.module_utils import (
    _dns,
    _dns_answer,
    _dns_beyond,
    _dns_client,
    _dns_consequences,
    _dns_judgement,
    _dns_survey,
    _finding,
    _record,
    _record_options,
    _sender,
    _target_judgement,
)
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Observation, Server
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._sender import Sender

MAX_IN_FLIGHT = 512

OPTIONS: t.Dict[str, t.Any] = {
    "records": _record_options.RECORDS,
    "servers": {"type": "list", "elements": "str", "default": []},
    "resolver": {"type": "str"},
    "senders": _sender.OPTION,
    "timeout": {"type": "float", "default": 5},
    "in_flight": {"type": "int", "default": 64},
    **_dns_beyond.OPTIONS,
}

_T = t.TypeVar("_T")


class Plan(t.NamedTuple):
    """What to ask of whom."""

    records: t.List[RecordSet]
    servers: t.List[Server]
    resolver: t.Optional[Server]
    validating: bool
    senders: t.List[Sender]
    timeout: float
    in_flight: int
    beyond: t.Optional[_dns_beyond.Asked] = None


def _each(option: str, items: t.Iterable[t.Any], parse: t.Callable[[t.Any], _T], problems: list[str]) -> list[_T]:
    parsed = []
    for item in items:
        try:
            parsed.append(parse(item))
        except ValueError as error:
            problems.append(f"{option}: {error}")
    return parsed


def plan(params: t.Mapping[str, t.Any], system_resolvers: t.Callable[[], list[Server]]) -> Plan:
    """Return what the options mean, or raise ValueError with all that is wrong with them."""
    problems: list[str] = []
    records = _each("records", params["records"], _record_options.parse, problems)
    servers = _each("servers", params["servers"], _dns_answer.parse_server, problems)
    given = [params["resolver"]] if params["resolver"] else []
    resolvers = _each("resolver", given, _dns_answer.parse_server, problems)
    senders = _each("senders", params["senders"], _sender.parse, problems)
    problems += [f"records: {problem}" for problem in _record.conflicts(records)]
    if not 1 <= params["in_flight"] <= MAX_IN_FLIGHT:
        problems.append(f"in_flight: {params['in_flight']} is not accepted; 1 to {MAX_IN_FLIGHT} are")
    if not 0 < params["timeout"] <= 60:
        problems.append(f"timeout: {params['timeout']:g} is not accepted; more than 0 and up to 60 seconds are")
    beyond = None
    try:
        beyond = _dns_beyond.parse(params)
    except ValueError as error:
        problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    if not resolvers:
        try:
            resolvers = system_resolvers()
        except ValueError as error:
            if not servers:
                raise ValueError(f"resolver: {error}") from None
    resolver = resolvers[0] if resolvers else None
    return Plan(records, servers, resolver, bool(given), senders, params["timeout"], params["in_flight"], beyond)


def describe(answer: Answer, kind: str) -> dict[str, t.Any]:
    """Return an answer as the module returns it."""
    result = {
        "name": answer.name,
        "type": answer.rdtype,
        "server": str(answer.server),
        "kind": kind,
        "state": answer.state,
        "values": list(answer.values),
        "ttl": answer.ttl,
        "cnames": list(answer.cnames),
        "detail": answer.detail,
    }
    return {**result, "dnssec": answer.security} if kind == "resolver" else result


class Seen(t.NamedTuple):
    """What was seen of the records, of what follows from them, and of where they lead."""

    observations: t.List[Observation]
    consequences: _dns_consequences.Seen
    beyond: _dns_beyond.Seen = _dns_beyond.NOTHING


def result_of(seen_of: Seen) -> dict[str, t.Any]:
    """Judge what was seen, and return all of it."""
    observations, consequences, beyond = seen_of
    findings = _dns_judgement.judge(observations)
    findings += [finding for observation in observations for finding in _target_judgement.judge(observation)]
    findings += _dns_consequences.judge(consequences)
    findings = _dns_beyond.with_cause(findings, _dns_beyond.judge(beyond))
    answers = [describe(answer, "authoritative") for seen in observations for answer in seen.answers]
    answers += [describe(seen.resolved, "resolver") for seen in observations if seen.resolved]
    return {
        "changed": False,
        "answers": answers,
        "findings": [_finding.join(finding) for finding in _finding.ordered(findings)],
        **_dns_consequences.describe(consequences),
        **_dns_beyond.describe(beyond),
    }


async def run(asked: Plan) -> dict[str, t.Any]:
    """Ask and judge."""
    client = _dns_client.Client(asked.timeout, asked.in_flight)
    survey = _dns_survey.Survey(client, asked.servers, asked.resolver, asked.records, validating=asked.validating)
    observations = await survey.observe_all(asked.records)
    consequences = await _dns_consequences.observe(survey, asked.senders, asked.records)
    beyond = _dns_beyond.NOTHING
    if asked.beyond:
        beyond = await _dns_beyond.observe(survey, asked.resolver, asked.beyond, observations)
    questions = client.asked + beyond.questions
    return {**result_of(Seen(observations, consequences, beyond)), "questions": questions}


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    if not _dns.HAS_DNSPYTHON:
        module.fail_json(msg=missing_required_lib("dnspython", reason="to ask DNS (Debian: python3-dnspython)"))
    try:
        asked = plan(module.params, _dns.system_resolvers)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**asyncio.run(run(asked)))


if __name__ == "__main__":
    main()

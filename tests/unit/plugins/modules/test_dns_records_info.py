# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Server
from ansible_collections.mailops.relay.plugins.modules import dns_records_info

RECORD = {"name": "example.com", "type": "A", "values": ["192.0.2.1"], "ttl": 3600, "grade": "required", "reason": ""}
SENDER = {
    "helo": "relay.example.com",
    "addresses": ["192.0.2.1", "2001:db8::1"],
    "mail_from": ["example.com"],
    "dkim": ["example.com"],
}


def params(**other):
    defaults = {"records": [RECORD], "servers": [], "resolver": None, "senders": [], "timeout": 5.0, "in_flight": 64}
    beyond = {"block_lists": [], "policies": [], "ca_file": None, "connect": True}
    return {**defaults, **beyond, **other}


def system():
    return [Server("192.0.2.1")]


def no_system():
    raise ValueError("this machine has no resolver")


def test_plan():
    plan = dns_records_info.plan(params(senders=[SENDER]), system)
    assert (plan.resolver, plan.validating, len(plan.senders)) == (Server("192.0.2.1"), False, 1)
    plan = dns_records_info.plan(params(resolver="::1@5353", servers=["192.0.2.9"]), no_system)
    assert (plan.resolver, plan.validating, plan.servers) == (Server("::1", 5353), True, [Server("192.0.2.9")])
    assert dns_records_info.plan(params(servers=["192.0.2.9"]), no_system).resolver is None


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"servers": ["ns1"]}, "servers: 'ns1' is not a name server"),
        ({"resolver": "x"}, "resolver: 'x' is not a name server"),
        ({"records": [{**RECORD, "values": ["x"]}]}, "records: the record 'example.com' A"),
        ({"records": [RECORD, RECORD]}, "records: 'example.com' A is listed twice"),
        ({"senders": [{**SENDER, "addresses": ["x"]}]}, "senders: 'x' does not appear to be an IPv4 or IPv6 address"),
        ({"senders": [{**SENDER, "helo": "x"}]}, "senders: 'x' is not a host name"),
        ({"senders": [{**SENDER, "mail_from": ["a@b..c"]}]}, "senders: 'b..c' is not a domain name"),
        ({"senders": [{**SENDER, "dkim": ["x"]}]}, "senders: 'x' is not a domain"),
        ({"in_flight": 0}, "in_flight: 0 is not accepted; 1 to 512 are"),
        ({"timeout": 0.0}, "timeout: 0 is not accepted"),
        ({"block_lists": ["bl..example.org"]}, "block_lists: 'bl..example.org' is not a domain name"),
        ({"block_lists": ["bl.example.org"], "senders": [{**SENDER, "addresses": ["fe80::1%x"]}]}, "has a zone"),
        ({"policies": [{"domain": "example.com", "url": None, "content": "x"}]}, "policies: line 1 of the policy is"),
        ({"ca_file": "/dev/null/x"}, "ca_file: '/dev/null/x' cannot be read: Not a directory"),
    ],
)
def test_plan_refuses(given, text):
    with pytest.raises(ValueError, match=text):
        dns_records_info.plan(params(**given), system)


def test_all_problems_are_told():
    with pytest.raises(ValueError) as error:
        dns_records_info.plan(params(servers=["x", "y"], resolver="z"), system)
    assert len(str(error.value).splitlines()) == 3


def test_what_lies_beyond_the_records():
    policy = {"domain": "example.com", "url": None, "content": "version: STSv1\nmode: none\nmax_age: 1\n"}
    plan = dns_records_info.plan(
        params(senders=[SENDER] * 2, block_lists=["BL.example.org"], policies=[policy]), system
    )
    assert plan.beyond.block_lists == ("bl.example.org",)
    assert plan.beyond.senders == ("192.0.2.1", "2001:db8::1")
    assert [wanted.domain for wanted in plan.beyond.policies] == ["example.com"]


def test_no_resolver():
    with pytest.raises(ValueError, match="resolver: this machine has no resolver"):
        dns_records_info.plan(params(), no_system)

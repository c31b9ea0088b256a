# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.mta_sts_policies import FilterModule
from ansible_collections.mailops.relay.plugins.filter.relay_records import relay_records

mta_sts_policies = FilterModule().filters()["mta_sts_policies"]


def hosts(**domain):
    return {
        f"host{number}": {
            "relay_hostname": f"relay{number}.example.net",
            "relay_addresses": [f"192.0.2.{number}"],
            "relay_postmaster": "mailops@example.org",
            "relay_domains": [{"name": "Example.org", **domain}, {"name": "example.com"}],
        }
        for number in (1, 2)
    }


MX = ["10 mx1.example.org", "20 MX2.example.org."]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ({}, []),
        ({"mx": MX, "mta_sts": {}}, []),
        (
            {"mx": MX, "mta_sts": {"mode": "enforce"}},
            ["version: STSv1", "mode: enforce", "mx: mx1.example.org", "mx: mx2.example.org", "max_age: 604800", ""],
        ),
        ({"mta_sts": {"mode": "none", "max_age": 60}}, ["version: STSv1", "mode: none", "max_age: 60", ""]),
        ({"mx": ["0 ."], "mta_sts": {"mode": "none"}}, ["version: STSv1", "mode: none", "max_age: 604800", ""]),
    ],
)
def test_policies(domain, expected):
    policies = mta_sts_policies(["host1", "host2"], hosts(**domain))
    assert [line for policy in policies for line in policy["content"].split("\r\n")] == expected
    for policy in policies:
        assert policy["domain"] == "example.org"
        assert policy["url"] == "https://mta-sts.example.org/.well-known/mta-sts.txt"


def record_of(**domain):
    records = relay_records(["host1"], hosts(**domain))
    return [record["values"] for record in records if record["name"] == "_mta-sts.example.org"]


def test_the_record_changes_exactly_with_the_policy():
    plain = record_of(mx=MX, mta_sts={"mode": "testing"})
    assert plain[0][0].startswith("v=STSv1; id=")
    assert record_of(mx=MX, mta_sts={"mode": "testing", "max_age": 604800}, srv=False) == plain
    assert record_of(mx=MX[::-1], mta_sts={"mode": "testing"}) == plain
    assert record_of(mx=MX, mta_sts={"mode": "enforce"}) != plain
    assert record_of(mx=MX[:1], mta_sts={"mode": "testing"}) != plain
    assert record_of(mx=MX) == []


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        ({"mta_sts": {"mode": "testing"}}, "mode testing without mail servers. Accepted: the domain's servers in mx"),
        ({"mx": ["0 ."], "mta_sts": {"mode": "enforce"}}, "mode enforce without mail servers."),
        ({"mx": MX, "mta_sts": {"mode": "enforce", "max_age": -1}}, "max_age has the value '-1'"),
        ({"mta_sts": {"mode": "on"}}, "value of mode must be one of: enforce, testing, none, got: on"),
    ],
)
def test_errors(domain, text):
    with pytest.raises(AnsibleFilterError) as caught:
        mta_sts_policies(["host1"], hosts(**domain))
    assert str(caught.value).startswith("mta_sts_policies: The description of host1 has 1 problem")
    assert text in str(caught.value)


def test_contradictions_are_named():
    variables = {"host1": hosts(mta_sts={"mode": "none"})["host1"], "host2": hosts()["host2"]}
    with pytest.raises(AnsibleFilterError, match=r"has mta_sts: .*'mode': None") as caught:
        mta_sts_policies(["host1", "host2"], variables)
    assert "on relay2.example.net, and " in str(caught.value)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.relay_records import FilterModule

relay_records = FilterModule().filters()["relay_records"]

KEY = {"name": "relay1-example-net._domainkey.example.org", "value": "v=DKIM1; k=rsa; p=YWJj"}


ELEVEN = ["mx", *(f"include:spf{number}.example.net" for number in range(10))]


def host(number=1, **changes):
    return {
        "relay_hostname": f"relay{number}.example.net",
        "relay_addresses": [f"192.0.2.{number}"],
        "relay_postmaster": "mailops@example.org",
        "relay_domains": [{"name": "example.org"}, {"name": "example.com"}, {"name": "example.info"}],
        "unrelated": object(),
        **changes,
    }


HOSTS = {"one": host(1), "two": host(2)}


def names(records):
    return [(record["name"], record["type"]) for record in records]


def test_defaults_are_filled_in_and_the_result_is_what_modules_take():
    records = relay_records(["one", "two"], HOSTS, [KEY, {**KEY, "name": "x._domainkey.example.org", "value": None}])
    (spf,) = [record for record in records if record["name"] == "example.org"]
    assert spf == {
        "name": "example.org",
        "type": "TXT",
        "values": ["v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ~all"],
        "ttl": 3600,
        "grade": "required",
        "reason": "Receivers look here which addresses may send for the domain (RFC 7208, 3).",
    }
    assert (KEY["name"], "TXT") in names(records)
    assert ("x._domainkey.example.org", "TXT") not in names(records)


def test_the_order_of_the_hosts_does_not_change_a_value():
    def by_name(hosts):
        return {(record["name"], record["type"]): record for record in relay_records(hosts, HOSTS)}

    assert by_name(["one", "two"]) == by_name(["two", "one"])


def test_no_host_no_record():
    assert relay_records([], {}) == []


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("one", HOSTS), ["its input is str. Accepted: a list of host names"]),
        ((["one"], []), ["hostvars is list. Accepted: the variable hostvars"]),
        ((["one"], HOSTS, {}), ["keys is dict. Accepted: a list of items with name and value"]),
        ((["one"], HOSTS, ["x"]), ["keys: 'x' has no name and value."]),
        ((["one"], HOSTS, [{"name": "a.example"}]), ["has no name and value."]),
        ((["one"], HOSTS, [{"name": "a.example", "value": 1}]), ["keys: 'a.example' has a value that is no text."]),
        (
            (["one"], HOSTS, [{**KEY, "value": "x"}]),
            ["keys: 'relay1-example-net._domainkey.example.org': 'x' is not a tag"],
        ),
        ((["three"], HOSTS), ["The description of three has 1 problem", "- there is no such host. Accepted: "]),
        (
            (["one"], {"one": {}}),
            ["The description of one has ", "missing required arguments: relay_addresses, relay_hostname"],
        ),
        (
            (["one", "two"], {"one": host(relay_hostnam="x"), "two": host(relay_addresses=["x"])}),
            [
                "one has 1 problem",
                "relay_hostnam: no such variable",
                "two has 1 problem",
                "relay_addresses: 'x' is not",
            ],
        ),
        (
            (["one", "two"], {"one": host(), "two": host(2, relay_domains=[{"name": "example.org", "mx": ["0 ."]}])}),
            ["relay_domains: 'example.org' has mx: ['0 .'] on relay2.example.net, and [] on relay1.example.net."],
        ),
        (
            (["one"], {"one": host(relay_domains=[{"name": "example.org", "spf": {"all": "none"}}])}),
            ["value of all must be one of: fail, softfail, neutral, got: none"],
        ),
        (
            (["one"], {"one": host(relay_domains=[{"name": "example.org", "spf": {"terms": ELEVEN}}])}),
            ["relay_domains: 'example.org': spf: 11 terms cost a DNS lookup each"],
        ),
    ],
)
def test_errors_name_host_variable_value_and_what_is_accepted(arguments, texts):
    with pytest.raises(AnsibleFilterError) as caught:
        relay_records(*arguments)
    for text in texts:
        assert text in str(caught.value)

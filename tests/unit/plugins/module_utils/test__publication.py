# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where records go, and what is wrong with what ``relay_dns`` says about it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _publication

SECRET = "c2VjcmV0IHNlY3JldA=="  # noqa: S105
PRIMARY = {
    "server": "ns1.example.net",
    "port": 53,
    "zones": ["example.com", "sub.example.com", "2.0.192.in-addr.arpa"],
    "key_name": "mailops",
    "key_secret": SECRET,
    "key_algorithm": "hmac-sha256",
    "servers": [],
}
OTHER = {**PRIMARY, "server": "192.0.2.53", "zones": ["Example.ORG."]}
DNS = {"primaries": [PRIMARY, OTHER], "wait": 300, "resolver": None, "block_lists": []}


def relay(**changes: t.Any) -> dict[str, t.Any]:
    return {
        "hostname": "Relay1.example.com",
        "addresses": ["192.0.2.25", "2001:db8::25"],
        "domains": [{"name": "Example.com"}],
        "dkim": {"enabled": True, "domains": ["example.com"]},
        "services": [{"name": "submissions", "port": 465, "tls": "wrapper"}],
        "networks": ["10.0.0.0/8"],
        "dns": DNS,
        "verify": {"fail_from": "error"},
        **changes,
    }


def record(name: str) -> dict[str, t.Any]:
    return {"name": name, "type": "TXT", "values": ["x"]}


def test_a_good_description_has_no_problem() -> None:
    assert list(_publication.check({"relay_dns": DNS})) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"primaries": [{**PRIMARY, "server": " "}]}, "' ' is no server"),
        ({"primaries": [{**PRIMARY, "port": 0}]}, "port: 0 is not a TCP port"),
        ({"primaries": [{**PRIMARY, "zones": []}]}, "has no zones"),
        ({"primaries": [{**PRIMARY, "zones": ["exa mple"]}]}, "zones: 'exa mple' is not"),
        ({"primaries": [PRIMARY, {**OTHER, "zones": ["EXAMPLE.com"]}]}, "is that of 'ns1.example.net' too"),
        ({"primaries": [{**PRIMARY, "key_secret": "not base64: hidden"}]}, "no base64 text (not shown)"),
        ({"primaries": [{**PRIMARY, "key_secret": ""}]}, "no base64 text (not shown)"),
        ({"wait": -1}, "wait: -1"),
        ({"wait": 100000}, "wait: 100000"),
        ({"resolver": "resolver.example"}, "resolver: 'resolver.example' is no address"),
        ({"resolver": "192.0.2.53@x"}, "is no address"),
        ({"resolver": "192.0.2.53@70000"}, "is no address"),
        ({"block_lists": ["a b"]}, "block_lists: 'a b'"),
    ],
)
def test_problems_name_what_is_accepted(changes: dict[str, t.Any], problem: str) -> None:
    (found,) = _publication.check({"relay_dns": {**DNS, **changes}})
    assert found.startswith("relay_dns.")
    assert problem in found
    assert "Accepted: " in found
    assert "hidden" not in found


@pytest.mark.parametrize("resolver", ["192.0.2.53", "2001:db8::53", "192.0.2.53@5353"])
def test_resolvers(resolver: str) -> None:
    assert list(_publication.check({"relay_dns": {**DNS, "resolver": resolver}})) == []


def test_records_go_to_the_zone_that_is_nearest() -> None:
    names = ["a.example.com", "example.com", "a.sub.Example.com.", "1.2.0.192.in-addr.arpa", "a.example.org", "b.test"]
    found = _publication.assign(
        [relay()], [record(name) for name in names], [record("old.example.org"), record("c.test")]
    )
    first, second = found["primaries"]
    assert [item["name"] for item in first["records"]] == names[:4]
    assert (first["server"], first["wait"], first["key_secret"], first["remove"]) == (
        "ns1.example.net",
        300,
        SECRET,
        [],
    )
    assert [item["name"] for item in second["records"]] == ["a.example.org"]
    assert [item["name"] for item in second["remove"]] == ["old.example.org"]
    assert {kind: [item["name"] for item in items] for kind, items in found["elsewhere"].items()} == {
        "records": ["b.test"],
        "remove": ["c.test"],
    }


def test_nothing_to_do_is_no_task() -> None:
    assert _publication.assign([relay()], [record("a.example.com")], [])["primaries"][0]["server"] == "ns1.example.net"
    assert len(_publication.assign([relay()], [record("a.example.com")], [])["primaries"]) == 1
    assert _publication.assign([], [record("a.test")], [])["elsewhere"]["records"] == [record("a.test")]


def test_questions() -> None:
    sender = {
        "helo": "relay1.example.com",
        "addresses": ["192.0.2.25", "2001:db8::25"],
        "mail_from": ["example.com"],
        "dkim": ["example.com"],
    }
    found = _publication.questions([relay()])
    assert (found["senders"], found["block_lists"], found["verify"]) == ([sender], [], {"fail_from": "error"})
    assert "resolver" not in found
    quiet = relay(dkim={"enabled": False, "domains": ["example.com"]}, dns={**DNS, "resolver": "192.0.2.53"})
    found = _publication.questions([quiet])
    assert (found["senders"], found["resolver"]) == ([{**sender, "dkim": []}], "192.0.2.53")


def test_what_is_looked_at_from_outside() -> None:
    found = _publication.questions([relay(), relay(hostname="null.example.com", services=[])])
    assert found["targets"] == [
        {
            "relay": "relay1.example.com",
            "addresses": ["192.0.2.25", "2001:db8::25"],
            "services": [{"name": "submissions", "port": 465, "tls": "wrapper"}],
            "trusted": ["10.0.0.0/8"],
        }
    ]
    assert found["canary_relays"] == [{"relay": "relay1.example.com", "port": 465, "tls": "wrapper"}]


def test_records_that_findings_say_to_publish() -> None:
    records = [record("a.test"), record("b.test"), record("c.test"), record("d.test")]
    line = '{}. 3600 IN TXT "x"'
    findings = [
        {"subject": "a.test TXT", "remedy": f"Publish: {line.format('a.test')}"},
        {"subject": "b.test A", "remedy": line.format("b.test")},
        {"subject": "c.test", "remedy": "Look at the delegation."},
        {"subject": "d.test TXT", "remedy": "Wait."},
    ]
    assert [item["name"] for item in _publication.to_mend(records, findings)] == ["a.test", "c.test"]

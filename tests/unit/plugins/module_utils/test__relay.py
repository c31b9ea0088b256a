# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _relay

SERVICES = {"smtp": {"port": 25, "tls": "may"}, "submission": {"port": 587, "tls": "encrypt"}}
HOP = {"host": "smtp.example.net", "port": 587, "tls": "secure", "ca_file": None, "user": None, "password": None}
DOMAIN = {
    "spf": {"terms": [], "all": "softfail"},
    "dmarc": {
        "policy": "none",
        "subdomain_policy": "same",
        "nonexistent_policy": "same",
        "adkim": "relaxed",
        "aspf": "relaxed",
        "rua": [],
        "ruf": [],
    },
    "tlsrpt": {"rua": []},
    "mta_sts": {"mode": None, "max_age": 604800},
    "mx": [],
    "srv": False,
}
ROTATION = {"interval": 180, "keep": 14, "revoked": 30}
ACME = {
    "directory": None,
    "email": None,
    "challenge": "http-01",
    "ca_file": None,
    "key_type": "ecdsa",
    "renew_before": 30,
}
LDAP = {
    "uris": [],
    "start_tls": True,
    "ca_file": None,
    "base": None,
    "bind_dn": None,
    "bind_password": None,
    "user_attribute": "uid",
    "sender_attribute": "mail",
    "filter": "(objectClass=inetOrgPerson)",
}
SQL = {
    "hosts": [],
    "port": 5432,
    "database": None,
    "user": None,
    "password": None,
    "tls": "verify-full",
    "ca_file": None,
    "password_query": None,
    "senders_query": None,
}
NO_LIMITS = dict.fromkeys(
    ("messages_per_hour", "messages_per_day", "recipients_per_hour", "recipients_per_day", "burst"), 0
)
GOOD = {
    "relay_hostname": "relay1.example.com",
    "relay_addresses": ["198.51.100.12", "2001:db8:51:0::12"],
    "relay_networks": ["10.20.0.0/16", "198.51.100.128/28", "2001:db8:20::/64"],
    "relay_unsafe_networks": [],
    "relay_domains": [{**DOMAIN, "name": "example.org"}, {**DOMAIN, "name": "Example.NET"}],
    "relay_services": ["smtp", "submission"],
    "relay_next_hops": [],
    "relay_postmaster": "mailops@example.org",
    "relay_tls": {"certificate": None, "key": None, "minimum": "1.2", "acme": ACME},
    "relay_tls_policy": {
        "level": "may",
        "resolver": {
            "manage": True,
            "address": "127.0.0.1",
            "forwarders": [],
            "trust_anchors": [],
            "signed_name": ".",
        },
        "mta_sts": False,
        "destinations": [],
        "tlsrpt": False,
    },
    "relay_users": [],
    "relay_auth": {
        "from_header": False,
        "hide_client": True,
        "local_senders": {},
        "ldap": LDAP,
        "sql": SQL,
        "ban": {"attempts": 10, "window": 600, "time": 3600, "exempt": []},
    },
    "relay_quotas": {
        "user": NO_LIMITS,
        "client": NO_LIMITS,
        "store": {"servers": [], "password": None},
        "without_store": "accept",
    },
    "relay_dkim": {
        "enabled": True,
        "selector": None,
        "bits": 2048,
        "rotation": ROTATION,
    },
    "relay_limits": {
        "message_size": 1000,
        "recipients": 10,
        "connections": 1,
        "connection_rate": 1,
        "queue_lifetime": 5,
    },
    "relay_firewall": {"management_ports": [22], "management_networks": []},
    "relay_dns": {
        "ttl": 3600,
        "primaries": [],
        "wait": 300,
        "resolver": None,
        "block_lists": [],
        "tlsa": False,
        "caa": [],
    },
}


def described(**changes):
    values = copy.deepcopy(GOOD)
    values.update(changes)
    return values


def test_a_good_description_has_no_problem():
    assert _relay.check(GOOD) == []


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("0.0.0.0/0", "whole Internet"),
        ("::/0", "whole Internet"),
        ("198.18.0.0/23", "wider than /24"),
        ("8.0.0.0/6", "wider than /24"),
        ("2001:db8::/47", "wider than /48"),
        ("2000::/3", "wider than /48"),
        ("10.0.0.0/7", "wider than /24"),
        ("10.20.0.1/16", "has host bits set. Accepted: 10.20.0.0/16 for the whole network, or 10.20.0.1/32"),
        ("2001:db8::1/64", "has host bits set. Accepted: 2001:db8::/64 for the whole network, or 2001:db8::1/128"),
        ("198.51.100.0/24", "holds 198.51.100.12"),
        ("198.51.100.12/31", "holds 198.51.100.12"),
        ("2001:db8:51::/63", "holds 2001:db8:51:0::12"),
        ("10.20.0.0/33", "is not a network"),
        ("my office", "is not a network"),
        ("", "is not a network"),
    ],
)
def test_unsafe_trust_is_refused(network, reason):
    (problem,) = _relay.check(described(relay_networks=[network]))
    assert problem.startswith(f"relay_networks: {network!r} ")
    assert reason in problem
    assert "Accepted: " in problem


@pytest.mark.parametrize(
    "network",
    [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "127.0.0.1/32",
        "::1/128",
        "198.51.100.0/28",
        "198.51.100.12/32",
        "198.18.0.0/24",
        "2001:db8:51::/64",
        "2001:db8:52::/48",
        "198.18.0.1",
    ],
)
def test_narrow_and_private_trust_is_accepted(network):
    expected = [] if network != "198.51.100.0/28" else ["holds"]
    problems = _relay.check(described(relay_networks=[network]))
    assert len(problems) == len(expected)


def test_trust_that_is_meant_needs_a_reason_and_is_still_a_network():
    assert _relay.check(described(relay_unsafe_networks=[{"network": "0.0.0.0/0", "reason": "closed lab"}])) == []
    (problem,) = _relay.check(described(relay_unsafe_networks=[{"network": "0.0.0.0/0", "reason": " "}]))
    assert "empty reason" in problem
    (problem,) = _relay.check(described(relay_unsafe_networks=[{"network": "10.0.0.1/8", "reason": "x"}]))
    assert "host bits" in problem


HOSTNAMES = [
    "relay1",
    "relay1.example.com.",
    "re_lay.example.com",
    "-a.example.com",
    "a..b",
    "10.0.0.1",
    "",
    "a b.c",
    "x" * 64 + ".com",
]


@pytest.mark.parametrize(
    ("changes", "variable", "text"),
    [
        *[({"relay_hostname": name}, "relay_hostname", "not a fully qualified domain name") for name in HOSTNAMES],
        ({"relay_addresses": []}, "relay_addresses", "empty"),
        ({"relay_addresses": ["198.51.100.300"]}, "relay_addresses", "'198.51.100.300' is not an IP address"),
        ({"relay_addresses": ["198.51.100.1/32"]}, "relay_addresses", "is not an IP address"),
        ({"relay_addresses": ["127.0.0.1"]}, "relay_addresses", "no address that the world can see"),
        ({"relay_addresses": ["fe80::1"]}, "relay_addresses", "no address that the world can see"),
        ({"relay_addresses": ["2001:db8::1", "2001:db8:0::1"]}, "relay_addresses", "listed twice"),
        (
            {"relay_domains": [{**DOMAIN, "name": "example.org"}, {**DOMAIN, "name": "EXAMPLE.org"}]},
            "relay_domains",
            "'EXAMPLE.org' is listed twice",
        ),
        ({"relay_domains": [{**DOMAIN, "name": "exa mple.org"}]}, "relay_domains", "not a domain name"),
        ({"relay_domains": [{**DOMAIN, "name": "münchen.example"}]}, "relay_domains", "A-label"),
        ({"relay_postmaster": "mailops"}, "relay_postmaster", "cannot get"),
        ({"relay_postmaster": "a@relay1.example.com"}, "relay_postmaster", "another domain"),
        ({"relay_postmaster": "a b@example.com"}, "relay_postmaster", "cannot get"),
        ({"relay_dkim": {**GOOD["relay_dkim"], "selector": "a_b"}}, "relay_dkim.selector", "not a selector"),
        *[
            ({"relay_dkim": {**GOOD["relay_dkim"], "rotation": {**ROTATION, **days}}}, "relay_dkim.rotation", text)
            for days, text in (
                ({"interval": -1}, "interval: -1"),
                ({"revoked": 4000}, "revoked: 4000"),
                ({"keep": 5}, "queue_lifetime, which is 5"),
            )
        ],
        ({"relay_tls": {**GOOD["relay_tls"], "key": "/k"}}, "relay_tls.key", "without a certificate"),
        ({"relay_tls": {**GOOD["relay_tls"], "certificate": "c.pem"}}, "relay_tls.certificate", "absolute"),
        ({"relay_limits": {**GOOD["relay_limits"], "recipients": 0}}, "relay_limits.recipients", "too small"),
        (
            {"relay_firewall": {"management_ports": [0], "management_networks": []}},
            "relay_firewall.management_ports",
            "0 is not",
        ),
        (
            {"relay_firewall": {"management_ports": [], "management_networks": ["x"]}},
            "relay_firewall.management_networks",
            "'x'",
        ),
        ({"relay_next_hops": [{**HOP, "host": "a_b"}]}, "relay_next_hops", "'a_b' port 587 is no host"),
        ({"relay_next_hops": [{**HOP, "host": "198.18.0.1"}]}, "relay_next_hops", "verifies a name"),
        ({"relay_next_hops": [{**HOP, "port": 70000}]}, "relay_next_hops", "70000 is not a TCP port"),
        ({"relay_next_hops": [HOP, {**HOP, "host": "SMTP.example.net"}]}, "relay_next_hops", "listed twice"),
        ({"relay_next_hops": [{**HOP, "user": "u"}]}, "relay_next_hops", "without the other"),
        ({"relay_next_hops": [{**HOP, "user": "u:v", "password": "x"}]}, "relay_next_hops", "the user has a character"),
        (
            {"relay_next_hops": [{**HOP, "user": "u", "password": "hidden\n"}]},
            "relay_next_hops",
            "the password has a character",
        ),
        *[
            (
                {"relay_next_hops": [{**HOP, "tls": tls, "user": "u", "password": "hidden"}]},
                "relay_next_hops",
                f"tls: {tls}, to whoever",
            )
            for tls in ("none", "may", "encrypt")
        ],
    ],
)
def test_problems_name_variable_value_and_what_is_accepted(changes, variable, text):
    (problem,) = _relay.check(described(**changes))
    assert problem.startswith(variable)
    assert text in problem
    assert "Accepted: " in problem
    assert "hidden" not in problem
    assert "\n" not in problem


def test_all_problems_are_reported_at_once():
    problems = _relay.check(
        described(relay_hostname="relay1", relay_addresses=["x"], relay_networks=["0.0.0.0/0", "::/0"])
    )
    assert len(problems) == 4


def test_an_address_and_a_login_are_fine_where_they_are_safe():
    hops = [
        {**HOP, "user": "u", "password": "p", "tls": tls, "port": port}
        for port, tls in enumerate(("verify", "secure"), 25)
    ]
    assert _relay.check(described(relay_next_hops=[*hops, {**HOP, "host": "10.0.0.1", "tls": "encrypt"}])) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("relay_netwroks", "Did you mean relay_networks?"),
        ("relay_domain", "Did you mean relay_domains?"),
        ("relay_0123456789", "Accepted: relay_addresses, "),
    ],
)
def test_unknown_names(name, hint):
    (problem,) = _relay.unknown_names([name, "relay_hostname", "other_relay_x"], GOOD)
    assert problem.startswith(f"{name}: no such variable")
    assert hint in problem


def test_what_belongs_to_one_relay_alone():
    fine = {
        "a": {"relay_hostname": "a.example.com"},
        "b": {"relay_hostname": "b.example.com", "relay_dkim": {}},
        "c": {},
    }
    assert _relay.claimed_twice(fine) == []
    hostnames = {"a": {"relay_hostname": "a.example.com"}, "b": {"relay_hostname": "A.example.com"}}
    assert _relay.claimed_twice(hostnames) == [
        "relay_hostname: 'a.example.com' is claimed by a, b. Accepted: one of its own for each relay."
    ]
    selectors = {host: {"relay_dkim": {"selector": "one"}} for host in "ab"}
    assert _relay.claimed_twice(selectors) == [
        "relay_dkim.selector: 'one' is claimed by a, b. Accepted: one of its own for each relay."
    ]


@pytest.mark.parametrize(
    ("domains", "hostname", "expected"),
    [
        (["example.org"], "relay1.example.org", ["example.org"]),
        (["example.org"], "relay1.example.com", ["example.org", "relay1.example.com"]),
        (["ample.org"], "relay1.example.org", ["ample.org", "relay1.example.org"]),
        (["Example.ORG"], "Relay1.example.org", ["example.org"]),
        (["relay1.example.org"], "relay1.example.org", ["relay1.example.org"]),
        ([], "relay1.example.org", ["relay1.example.org"]),
    ],
)
def test_signing_domains(domains, hostname, expected):
    assert _relay.signing_domains(domains, hostname) == expected


def test_derive():
    relay = _relay.derive(
        described(
            relay_unsafe_networks=[{"network": "198.18.0.1", "reason": "x"}],
            relay_services=["submission", "smtp", "smtp"],
        ),
        SERVICES,
    )
    assert relay["hostname"] == "relay1.example.com"
    assert relay["addresses"] == ["198.51.100.12", "2001:db8:51::12"]
    assert relay["families"] == [4, 6]
    assert relay["networks"] == ["10.20.0.0/16", "198.51.100.128/28", "2001:db8:20::/64", "198.18.0.1/32"]
    assert relay["services"] == [
        {"name": "submission", "port": 587, "tls": "encrypt"},
        {"name": "smtp", "port": 25, "tls": "may"},
    ]
    assert relay["dkim"]["selector"] == "relay1-example-com"
    assert relay["dkim"]["domains"] == ["example.org", "example.net", "relay1.example.com"]

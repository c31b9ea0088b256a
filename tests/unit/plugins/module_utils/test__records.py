# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import hashlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _record, _records, _spf_check, _spf_model

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
KEY = "v=DKIM1; k=rsa; p=YWJj"


def domain(name="example.org", **changes):
    return {**copy.deepcopy(DOMAIN), "name": name, **changes}


DNS = {
    "ttl": 3600,
    "primaries": [],
    "wait": 300,
    "resolver": None,
    "block_lists": [],
    "tlsa": False,
    "caa": [],
}


def relay(number=1, *domains, **changes):
    hostname = changes.pop("hostname", f"relay{number}.example.net")
    selector = f"relay{number}"
    return {
        "hostname": hostname,
        "addresses": [f"192.0.2.{number}", f"2001:db8::{number}"],
        "domains": list(domains),
        "services": [{"name": "smtp", "port": 25}, {"name": "submissions", "port": 465}],
        "dkim": {"enabled": True, "selector": selector, "domains": [*(d["name"].lower() for d in domains), hostname]},
        "dns": DNS,
        "tls": {"acme": None},
        **changes,
    }


def table(relays, keys=()):
    assert _records.check(relays, keys) == []
    records = _records.derive(relays, keys)
    assert _record.conflicts(records) == []
    assert all(record.reason.endswith(".") for record in records)
    return {record.key: list(record.values) for record in records}


V6_1 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"


def test_a_relay_without_domains():
    assert table([relay()]) == {
        ("relay1.example.net", "A"): ["192.0.2.1"],
        ("1.2.0.192.in-addr.arpa", "PTR"): ["relay1.example.net."],
        ("relay1.example.net", "AAAA"): ["2001:db8::1"],
        (V6_1, "PTR"): ["relay1.example.net."],
        ("relay1.example.net", "TXT"): ["v=spf1 a -all"],
    }


def test_a_domain_has_the_addresses_of_all_its_relays_and_of_no_other():
    records = table([relay(2, domain()), relay(1, domain("Example.ORG")), relay(3, domain("example.com"))])
    assert records["example.org", "TXT"] == ["v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ip6:2001:db8::1 ip6:2001:db8::2 ~all"]
    assert records["example.com", "TXT"] == ["v=spf1 ip4:192.0.2.3 ip6:2001:db8::3 ~all"]
    assert records["_dmarc.example.org", "TXT"] == ["v=DMARC1; p=none"]


def test_the_order_of_the_hosts_does_not_matter():
    relays = [relay(1, domain()), relay(2, domain()), relay(3, domain())]
    assert table(relays) == table(relays[::-1])


@pytest.mark.parametrize(
    ("changes", "key", "values"),
    [
        (
            {"spf": {"terms": ["mx"], "all": "fail"}},
            ("example.org", "TXT"),
            ["v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 mx -all"],
        ),
        (
            {"dmarc": {**DOMAIN["dmarc"], "policy": "reject", "subdomain_policy": "none", "rua": ["a@example.org"]}},
            ("_dmarc.example.org", "TXT"),
            ["v=DMARC1; p=reject; sp=none; rua=mailto:a@example.org"],
        ),
        (
            {"tlsrpt": {"rua": ["https://example.org/tls", "a@example.org"]}},
            ("_smtp._tls.example.org", "TXT"),
            ["v=TLSRPTv1; rua=https://example.org/tls,mailto:a@example.org"],
        ),
        (
            {"mx": ["20 b.example.net", "10 A.example.net"]},
            ("example.org", "MX"),
            ["10 a.example.net.", "20 b.example.net."],
        ),
        ({"mx": ["0 ."]}, ("example.org", "MX"), ["0 ."]),
        ({"srv": True}, ("_submissions._tcp.example.org", "SRV"), ["0 1 465 relay1.example.net."]),
    ],
)
def test_what_a_domain_asks_for(changes, key, values):
    plain = table([relay(1, domain())])
    records = table([relay(1, domain(**changes))])
    assert records[key] == values
    assert set(records) - set(plain) <= {key}


def test_two_relays_that_take_submissions():
    records = table([relay(1, domain(srv=True)), relay(2, domain(srv=True)), relay(3, domain())])
    assert records["_submissions._tcp.example.org", "SRV"] == [
        "0 1 465 relay1.example.net.",
        "0 1 465 relay2.example.net.",
    ]


def test_a_relay_whose_name_is_the_domain_has_one_spf_record():
    records = table([relay(1, domain(), hostname="example.org")])
    assert records["example.org", "TXT"] == ["v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ~all"]


def test_relays_behind_one_address():
    records = table([relay(1, domain()), relay(2, domain(), addresses=["192.0.2.1"])])
    assert records["1.2.0.192.in-addr.arpa", "PTR"] == ["relay1.example.net.", "relay2.example.net."]
    assert records["example.org", "TXT"] == ["v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ~all"]


@pytest.mark.parametrize(
    ("name", "rua", "expected"),
    [
        ("example.org", "a@example.com", "example.org._report._dmarc.example.com"),
        ("example.org", "a@reports.example.com", "example.org._report._dmarc.reports.example.com"),
        ("example.org", "a@example.org", None),
        ("example.org", "a@reports.example.org", None),
        ("news.example.com", "a@example.com", None),
        ("example.org", "a@example.net", None),
    ],
)
def test_a_domain_of_ours_agrees_to_get_reports(name, rua, expected):
    dmarc = {**DOMAIN["dmarc"], "rua": [rua]}
    records = table([relay(1, domain(name, dmarc=dmarc), domain("example.com"))])
    assert [name for name, _type in records if "_report" in name] == ([expected] if expected else [])


RELAYS = [relay(1, domain()), relay(2, domain(), addresses=["192.0.2.2"]), relay(3, domain(), domain("example.com"))]


@pytest.mark.parametrize(
    ("ip", "mail_from", "helo", "expected"),
    [
        *[(address, "<a@example.org>", each["hostname"], "pass") for each in RELAYS for address in each["addresses"]],
        *[(address, "<>", each["hostname"], "pass") for each in RELAYS for address in each["addresses"]],
        ("2001:db8::3", "<a@example.com>", "relay3.example.net", "pass"),
        ("192.0.2.1", "<a@example.com>", "relay1.example.net", "softfail"),
        ("192.0.2.99", "<a@example.org>", "stranger.example", "softfail"),
        ("192.0.2.99", "<>", "relay1.example.net", "fail"),
        ("192.0.2.2", "<>", "relay1.example.net", "fail"),
    ],
)
def test_spf_of_what_is_published(ip, mail_from, helo, expected):
    records = table(RELAYS)

    def lookup(question):
        return _spf_model.Answer(tuple(records.get((question.name, question.rdtype), [])))

    outcome = _spf_check.check_host(_spf_model.mail_from_identity(ip, mail_from, helo), lookup)
    assert outcome.result == expected, outcome


def test_caa_and_the_shortest_ttl():
    relays = [relay(1, dns={**DNS, "ttl": 600, "caa": ["0 issue ca.example.net", '0 issuewild ";"']}), relay(2)]
    assert {record.ttl for record in _records.derive(relays)} == {600}
    assert table(relays)["relay1.example.net", "CAA"] == ['0 issue "ca.example.net"', '0 issuewild ";"']


def test_tlsa_binds_the_key_of_the_certificate():
    relays = [relay(1, dns={**DNS, "tlsa": True}), relay(2, dns={**DNS, "tlsa": True}), relay(3)]
    given = {"relay1.example.net": b"a public key", "relay3.example.net": b"another"}
    records = {record.key: record for record in _records.derive(relays, [], given)}
    (value,) = records["_25._tcp.relay1.example.net", "TLSA"].values
    assert value == f"3 1 1 {hashlib.sha256(b'a public key').hexdigest()}"
    assert [name for name, rdtype in records if rdtype == "TLSA"] == [
        "_25._tcp.relay1.example.net",
        "_465._tcp.relay1.example.net",
    ]
    assert _records.missing_public_keys(relays, given) == ["relay2.example.net"]


def test_tlsa_of_the_key_that_a_certificate_by_acme_may_have_next():
    relays = [relay(1, dns={**DNS, "tlsa": True}, tls={"acme": {"challenge": "http-01"}})]
    served, coming = {"relay1.example.net": b"served"}, {"relay1.example.net": b"coming"}
    digests = [hashlib.sha256(key).hexdigest() for key in (b"served", b"coming")]
    records = {record.key: record for record in _records.derive(relays, [], served, coming)}
    assert records["_25._tcp.relay1.example.net", "TLSA"].values == tuple(f"3 1 1 {digest}" for digest in digests)
    assert _records.missing_public_keys(relays, served, coming) == []
    # Records of one key alone would promise that the next certificate has it.
    assert not any(record.type == "TLSA" for record in _records.derive(relays, [], served))
    assert _records.missing_public_keys(relays, served) == ["relay1.example.net"]
    # Between the switch and the next preparation there is one key.
    (one,) = {r.key: r for r in _records.derive(relays, [], served, served)}[
        "_25._tcp.relay1.example.net", "TLSA"
    ].values
    assert one == f"3 1 1 {digests[0]}"


def test_keys_in_all_states():
    names = {state: f"{state}._domainkey.example.org" for state in ("current", "next", "retired", "revoked", "removed")}
    values = {"revoked": "v=DKIM1; k=rsa; p=", "removed": None}
    keys = [{"name": name, "value": values.get(state, KEY), "state": state} for state, name in names.items()]
    found = _records.of_keys(keys, 60)
    assert [record.name for record in found["records"]] == [names[state] for state in names if state != "removed"]
    assert {record.ttl for record in found["records"]} == {60}
    assert found["remove"] == [{"name": names["removed"], "type": "TXT"}]
    assert found["confirm_loss"] == [names["revoked"]]
    assert {record.name for record in found["questions"]} == set(names.values())


def test_a_key_that_came_later_is_no_missing_one():
    relays = [relay(1, domain())]
    keys = [
        {"name": "relay1-20261125._domainkey.example.org", "value": KEY},
        {"name": "relay10._domainkey.relay1.example.net", "value": KEY},
    ]
    assert _records.missing_keys(relays, keys) == ["relay1._domainkey.relay1.example.net"]


def test_what_relays_have_to_agree_on_is_not_shown():
    relays = [relay(1), relay(2, dns={**DNS, "primaries": [{"key_secret": "c2VjcmV0"}], "wait": 1})]
    problems = _records.check(relays)
    assert [problem.split(":")[0] for problem in problems] == ["relay_dns.primaries", "relay_dns.wait"]
    assert "c2VjcmV0" not in str(problems)


def test_keys():
    name = "relay1._domainkey.example.org"
    keys = [
        {"name": name, "value": KEY, "bits": 2048},
        {"name": name, "value": KEY},
        {"name": "old._domainkey.example.org", "value": "v=DKIM1; p="},
        {"name": "relay1._domainkey.relay1.example.net", "value": None},
    ]
    relays = [relay(1, domain())]
    records = {record.key: record for record in _records.derive(relays, keys)}
    assert records[name, "TXT"].values == (KEY,)
    assert records[name, "TXT"].grade == "required"
    assert records["old._domainkey.example.org", "TXT"].grade == "optional"
    assert _records.check(relays, keys) == []
    assert _records.missing_keys(relays, keys) == ["relay1._domainkey.relay1.example.net"]
    assert _records.missing_keys([relay(1, dkim={"enabled": False})], []) == []


@pytest.mark.parametrize(
    ("relays", "keys", "text"),
    [
        (
            [relay(1, domain()), relay(2, domain(mx=["0 ."]))],
            [],
            "relay_domains: 'example.org' has mx: ['0 .'] on relay2.example.net, and [] on relay1.example.net.",
        ),
        (
            [relay(1, domain()), relay(2, domain(spf={"terms": ["mx"], "all": "softfail"}))],
            [],
            "relay_domains: 'example.org' has spf: ",
        ),
        (
            [relay(1), relay(2, hostname="Relay1.example.net")],
            [],
            "relay_hostname: 'relay1.example.net' is claimed by 2 relays",
        ),
        ([relay()], [{"name": "s._domainkey.a.example", "value": "p=!"}], "keys: 's._domainkey.a.example': the tag p"),
        ([relay()], [{"name": "a b", "value": KEY}], "keys: 'a b': the record 'a b' TXT: 'a b' is not a domain name"),
        (
            [relay()],
            [{"name": "s._domainkey.a.example", "value": value} for value in (KEY, "p=")],
            "keys: 's._domainkey.a.example' has two keys",
        ),
    ],
)
def test_contradictions_are_named(relays, keys, text):
    (problem,) = _records.check(relays, keys)
    assert problem.startswith(text)
    assert "Accepted: " in problem


def test_no_relays_no_records():
    assert _records.derive([]) == []

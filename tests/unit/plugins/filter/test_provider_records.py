# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.provider_records import FilterModule

provider_records = FilterModule().filters()["provider_records"]

ROUTE53 = "amazon.aws.route53"
HETZNER = "community.dns.hetzner_dns_record_set"
HOSTTECH = "community.dns.hosttech_dns_record_set"
CLOUDFLARE = "community.general.cloudflare_dns"
ZONE = "example.org"


def record(rdtype="TXT", values=("x",), name="mail.example.org", **changes):
    return {"name": name, "type": rdtype, "values": list(values), **changes}


def only(provider, item, **options):
    (found,) = provider_records([item], provider, ZONE, **options)
    return found


def test_all_of_a_call_for_each_module():
    item = record("A", ["192.0.2.2", "192.0.2.1"], ttl=60)
    common = {"record": "mail.example.org", "type": "A", "ttl": 60, "value": ["192.0.2.2", "192.0.2.1"]}
    assert only(ROUTE53, item) == {"state": "present", "zone": ZONE, **common, "overwrite": False}
    for provider in (HETZNER, HOSTTECH):
        assert only(provider, item) == {
            "zone_name": ZONE,
            **common,
            "state": "present",
            "on_existing": "keep_and_fail",
            "txt_transformation": "unquoted",
        }
        assert provider_records([item], f"{provider}s", ZONE, overwrite=True) == [
            {"zone_name": ZONE, "record_sets": [common], "txt_transformation": "unquoted"}
        ]
    fixed = {"state": "present", "zone": ZONE, "ttl": 120, "type": "A", "record": "mail.example.org"}
    assert provider_records([item], CLOUDFLARE, ZONE) == [
        {**fixed, "value": "192.0.2.2"},
        {**fixed, "value": "192.0.2.1"},
    ]


@pytest.mark.parametrize(
    ("provider", "item", "value"),
    [
        (ROUTE53, record(values=["x" * 256]), [f'"{"x" * 255}" "x"']),
        (ROUTE53, record(values=['a"\\\u00fc']), ['"a\\"\\\\\\303\\274"']),
        (ROUTE53, record("CAA", ['0 issue "ca.example"']), ['0 issue "ca.example"']),
        (ROUTE53, record("MX", ["10 mail.example.org"]), ["10 mail.example.org."]),
        (HETZNER, record(values=["x" * 256]), ["x" * 256]),
        (HETZNER, record("MX", ["10 mail.example.org"]), ["10 mail.example.org."]),
        (HETZNER, record("TLSA", [f"3 1 1 {'ab' * 32}"]), [f"3 1 1 {'ab' * 32}"]),
        (HOSTTECH, record("MX", ["10 mail.example.org"]), ["10 mail.example.org"]),
        (HOSTTECH, record("MX", ["0 ."]), ["0 ."]),
        (HOSTTECH, record("CNAME", ["a.example.net"]), ["a.example.net"]),
        (HOSTTECH, record("SRV", ["0 1 587 a.example.net"], "_submission._tcp.example.org"), ["0 1 587 a.example.net"]),
        (HOSTTECH, record(values=["ends with a dot."]), ["ends with a dot."]),
        (CLOUDFLARE, record(values=["x" * 256]), "x" * 256),
        (CLOUDFLARE, record("CNAME", ["a.example.net"]), "a.example.net"),
        (CLOUDFLARE, record("PTR", ["a.example.net"]), "a.example.net"),
    ],
)
def test_values_as_each_module_wants_them(provider, item, value):
    assert only(provider, item)["value"] == value


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (record("MX", ["10 a.example.net"]), {"priority": 10, "value": "a.example.net"}),
        (
            record("SRV", ["5 1 587 a.example.net"], "_submission._tcp.example.org"),
            {
                "service": "_submission",
                "proto": "_tcp",
                "record": "example.org",
                "priority": 5,
                "weight": 1,
                "port": 587,
                "value": "a.example.net",
            },
        ),
        (
            record("TLSA", [f"3 1 1 {'AB' * 32}"], "_25._tcp.mail.example.org"),
            {
                "port": 25,
                "proto": "_tcp",
                "record": "mail.example.org",
                "cert_usage": 3,
                "selector": 1,
                "hash_type": 1,
                "value": "ab" * 32,
            },
        ),
        (record("CAA", ['0 issue "ca.example"']), {"flag": 0, "tag": "issue", "value": "ca.example"}),
    ],
)
def test_fields_of_cloudflare(item, expected):
    assert only(CLOUDFLARE, item).items() >= expected.items()


@pytest.mark.parametrize(
    ("provider", "values", "expected"),
    [
        (ROUTE53, ["x"], {"overwrite": True}),
        (HETZNER, ["x"], {"on_existing": "replace"}),
        (HOSTTECH, ["x"], {"on_existing": "replace"}),
        (CLOUDFLARE, ["x"], {"solo": True}),
        (CLOUDFLARE, ["x", "y"], {}),
    ],
)
def test_overwriting_is_asked_for(provider, values, expected):
    for found in provider_records([record(values=values)], provider, ZONE, overwrite=True):
        assert found.items() >= expected.items()
        assert "solo" in expected or "solo" not in found


def test_records_of_other_zones_are_left_out():
    items = [record(name=name) for name in ("example.org", "a.b.example.org", "badexample.org", "example.net")]
    found = provider_records(items, HETZNER, "Example.org.")
    assert [(each["zone_name"], each["record"]) for each in found] == [(ZONE, "example.org"), (ZONE, "a.b.example.org")]


@pytest.mark.parametrize(
    ("items", "provider", "zone", "text"),
    [
        ({}, HETZNER, ZONE, "its input is dict"),
        ([record()], "hetzner", ZONE, f"provider: 'hetzner' is not known. Accepted: {ROUTE53}, "),
        ([record()], None, ZONE, "provider is None. Accepted: text."),
        ([record()], HETZNER, "example.net", "zone: no record has a name in 'example.net'"),
        (
            [record()],
            f"{HETZNER}s",
            ZONE,
            f"overwrites what is there. Accepted: overwrite=true if that is meant, or {HETZNER},",
        ),
        (
            [record("PTR", ["a.example.net"])],
            HETZNER,
            ZONE,
            "does not take mail.example.org PTR: it does not know the type",
        ),
        ([record("TLSA", [f"3 1 1 {'ab' * 32}"])], ROUTE53, ZONE, "it does not know the type. Accepted: "),
        ([record("MX", ["0 ."])], CLOUDFLARE, ZONE, "the target . cannot be told to it"),
        ([record("SRV", ["0 0 0 ."], "_imap._tcp.example.org")], CLOUDFLARE, ZONE, "the target . cannot be told to it"),
        ([record("SRV", ["0 1 587 a.example.net"])], CLOUDFLARE, ZONE, "the name is not that of a service"),
        ([record("TLSA", ["3 1 0 abcd"], "_25._tcp.example.org")], CLOUDFLARE, ZONE, "matching type 1 or 2"),
        ([record("TLSA", [f"3 1 1 {'ab' * 32}"], "_x._tcp.example.org")], CLOUDFLARE, ZONE, "all it takes"),
        ([record("CAA", ['128 issue "ca.example"'])], CLOUDFLARE, ZONE, "flags 0"),
        ([record("CAA", ['0 issuemail "ca.example"'])], CLOUDFLARE, ZONE, "flags 0"),
    ],
)
def test_errors_say_what_is_accepted(items, provider, zone, text):
    with pytest.raises(AnsibleFilterError) as caught:
        provider_records(items, provider, zone)
    assert str(caught.value).startswith("provider_records: ")
    assert text in str(caught.value)


def test_all_records_that_cannot_be_taken_are_named_at_once():
    items = [record("PTR", ["a.example.net"]), record("A", ["192.0.2.1"]), record("TLSA", [f"3 1 1 {'ab' * 32}"])]
    with pytest.raises(AnsibleFilterError) as caught:
        provider_records(items, HOSTTECH, ZONE)
    assert len(str(caught.value).splitlines()) == 2

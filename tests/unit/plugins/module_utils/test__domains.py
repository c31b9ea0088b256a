# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import ipaddress

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dmarc, _domains, _spf

DOMAIN = {
    "name": "example.org",
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
ADDRESSES = [ipaddress.ip_address(text) for text in ("2001:db8::2", "192.0.2.10", "192.0.2.9", "192.0.2.10")]
TEN = [f"include:spf{number}.example.net" for number in range(10)]


def described(**changes):
    domain = copy.deepcopy(DOMAIN)
    for name, value in changes.items():
        domain[name] = {**domain[name], **value} if isinstance(value, dict) else value
    return domain


def problems(services=("smtp",), ttl=3600, caa=(), **changes):
    dns = {"ttl": ttl, "caa": list(caa)}
    return list(_domains.check({"relay_domains": [described(**changes)], "relay_services": services, "relay_dns": dns}))


@pytest.mark.parametrize(
    ("spf", "expected"),
    [
        ({}, "v=spf1 ip4:192.0.2.9 ip4:192.0.2.10 ip6:2001:db8::2 ~all"),
        ({"all": "fail"}, "v=spf1 ip4:192.0.2.9 ip4:192.0.2.10 ip6:2001:db8::2 -all"),
        ({"all": "neutral"}, "v=spf1 ip4:192.0.2.9 ip4:192.0.2.10 ip6:2001:db8::2 ?all"),
        (
            {"terms": ["include:b.example", "mx", "include:a.example", "ip4:192.0.2.9", "mx"]},
            "v=spf1 ip4:192.0.2.9 ip4:192.0.2.10 ip6:2001:db8::2 include:b.example mx include:a.example ~all",
        ),
        (
            {"terms": ["exp=why.example", "?a:old.example"]},
            "v=spf1 ip4:192.0.2.9 ip4:192.0.2.10 ip6:2001:db8::2 ?a:old.example ~all exp=why.example",
        ),
    ],
)
def test_spf_has_the_addresses_in_order_and_keeps_the_users_terms(spf, expected):
    assert _spf.join(_domains.spf(described(spf=spf), ADDRESSES)) == expected


@pytest.mark.parametrize(
    ("dmarc", "expected"),
    [
        ({}, "v=DMARC1; p=none"),
        ({"policy": "reject", "subdomain_policy": "none"}, "v=DMARC1; p=reject; sp=none"),
        ({"policy": "none", "nonexistent_policy": "reject"}, "v=DMARC1; p=none; np=reject"),
        ({"adkim": "strict", "aspf": "strict"}, "v=DMARC1; p=none; adkim=s; aspf=s"),
        (
            {"rua": ["a@example.org"], "ruf": ["mailto:b@example.org"]},
            "v=DMARC1; p=none; rua=mailto:a@example.org; ruf=mailto:b@example.org",
        ),
    ],
)
def test_dmarc_has_a_tag_for_what_is_asked_for(dmarc, expected):
    assert _dmarc.join(_domains.dmarc(described(dmarc=dmarc))) == expected


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"spf": {"terms": ["-all"]}}, "spf: '-all' would end the record. Accepted: spf.all with fail, softfail,"),
        ({"spf": {"terms": ["redirect=a.example"]}}, "has no effect in a record that ends with all"),
        ({"spf": {"terms": ["x=y"]}}, "has no effect in a record that ends with all"),
        ({"spf": {"terms": ["mx a"]}}, "'mx a' is not one term"),
        ({"spf": {"terms": [""]}}, "'' is not one term"),
        ({"spf": {"terms": ["includ:a.example"]}}, "Accepted: a term such as include:_spf.example.net"),
        ({"spf": {"terms": ["ip4:192.0.2.300"]}}, "is not an IPv4 network"),
        ({"spf": {"terms": ["exp=a.example", "exp=b.example"]}}, "more than once"),
        ({"spf": {"terms": [*TEN, "mx"]}}, "11 terms cost a DNS lookup each (include:spf0.example.net, "),
        ({"dmarc": {"rua": ["nobody"]}}, "dmarc: 'nobody' is not a URI"),
        ({"dmarc": {"rua": ["ftp://example.org/x"]}}, "is nowhere that reports go to"),
        ({"tlsrpt": {"rua": ["mailto:x"]}}, "tlsrpt: the URI 'mailto:x' holds no address"),
        ({"mx": ["mail.example.org"]}, "mx: 'mail.example.org' is not an MX record"),
        ({"mx": ["0 .", "10 mail.example.org"]}, "it is accepted alone"),
        ({"srv": True}, "srv would announce a service that relay_services does not have"),
    ],
)
def test_problems_name_domain_option_and_what_is_accepted(changes, text):
    (problem,) = problems(**changes)
    assert problem.startswith("relay_domains: 'example.org': ")
    assert text in problem
    assert "Accepted: " in problem
    assert problem.endswith(".")
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ttl": 59}, "relay_dns.ttl: 59 is no sensible time. Accepted: 60 to 604800 seconds"),
        ({"ttl": 604801}, "relay_dns.ttl: 604801"),
        ({"caa": ["issue ca.example.net"]}, "relay_dns.caa: 'issue ca.example.net' is not a CAA record"),
    ],
)
def test_problems_of_the_relays_own_records(changes, text):
    (problem,) = problems(**changes)
    assert problem.startswith(text)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"spf": {"terms": TEN}},
        {"dmarc": {"rua": ["dmarc@example.org", "mailto:a@example.net", "https://example.net/dmarc"]}},
        {"dmarc": {"policy": "reject", "subdomain_policy": "none"}},
        {"tlsrpt": {"rua": ["tls@example.org"]}},
        {"mx": ["0 ."]},
        {"mx": ["10 mx1.example.net", "20 mx2.example.net."]},
        {"srv": True, "services": ("submissions",)},
        {"caa": ['0 issue "ca.example.net"', "0 iodef mailto:a@example.org"]},
    ],
)
def test_a_good_description_has_no_problem(changes):
    assert problems(**changes) == []

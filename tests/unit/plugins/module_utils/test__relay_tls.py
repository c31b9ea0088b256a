# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _relay_tls

ACME = {
    "directory": "https://acme.example.net/directory",
    "email": "mailops@example.com",
    "challenge": "http-01",
    "ca_file": None,
    "key_type": "ecdsa",
    "renew_before": 30,
}
RESOLVER = {
    "manage": True,
    "address": "127.0.0.1",
    "forwarders": ["192.0.2.53", "192.0.2.53@5353", "2001:db8::53"],
    "trust_anchors": ["lab.test. IN DS 12345 13 2 00ff"],
    "signed_name": ".",
}
DESTINATION = {"domain": "example.net", "level": "secure", "ca_file": "/etc/ssl/ca.pem", "match": ["mail.example.net"]}
GOOD = {
    "relay_tls": {"certificate": None, "key": None, "minimum": "1.2", "acme": ACME},
    "relay_tls_policy": {
        "level": "dane",
        "resolver": RESOLVER,
        "mta_sts": True,
        "destinations": [DESTINATION, {"domain": ".example.net", "level": "none", "ca_file": None, "match": []}],
        "tlsrpt": True,
    },
}


def described(variable, **changes):
    values = copy.deepcopy(GOOD)
    values[variable].update(changes)
    return values


def acme(**changes):
    return described("relay_tls", acme={**ACME, **changes})


def resolver(**changes):
    return described("relay_tls_policy", resolver={**RESOLVER, **changes})


def destination(**changes):
    return described("relay_tls_policy", destinations=[{**DESTINATION, **changes}])


def test_a_good_description_has_no_problem():
    assert list(_relay_tls.check(GOOD)) == []


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (described("relay_tls", certificate="/c.pem", acme={**ACME, "directory": None, "email": None}), None),
        (described("relay_tls", certificate="/c.pem"), "there is a certificate in relay_tls.certificate, too"),
        (acme(directory=None), "relay_tls.acme.directory: it is not given"),
        (acme(directory="http://acme.example.net/"), "is no URL"),
        (acme(directory="https://acme.example.net/a b"), "is no URL"),
        (acme(email="mailops"), "relay_tls.acme.email: 'mailops'"),
        (acme(renew_before=0), "relay_tls.acme.renew_before: 0"),
        (acme(ca_file="ca.pem"), "relay_tls.acme.ca_file: 'ca.pem'"),
        (resolver(address="localhost"), "relay_tls_policy.resolver.address: 'localhost'"),
        (resolver(forwarders=["192.0.2.53:53"]), "'192.0.2.53:53' is no address"),
        (resolver(forwarders=["192.0.2.53@x"]), "'192.0.2.53@x' is no address"),
        (resolver(forwarders=["192.0.2.53@0"]), "0 is not a TCP port"),
        (resolver(trust_anchors=["lab.test"]), "'lab.test' is no trust anchor"),
        (resolver(trust_anchors=['. IN DS 1 2 3 00"']), "is no trust anchor"),
        (destination(domain="exa mple"), "'exa mple' is no domain"),
        (described("relay_tls_policy", destinations=[DESTINATION, DESTINATION]), "is listed twice"),
        (destination(level="encrypt"), "has names to match at level encrypt"),
        (destination(match=["a b"]), "match: 'a b' is no name"),
        (destination(match=["nexthop", ".example.net"]), None),
        (destination(ca_file="ca.pem"), "ca_file: 'ca.pem' is not an absolute path"),
        ({**destination(level="dane", match=[])}, None),
        (
            described("relay_tls_policy", level="may", destinations=[{**DESTINATION, "level": "dane", "match": []}]),
            "needs a validating resolver",
        ),
    ],
)
def test_problems(values, text):
    found = list(_relay_tls.check(values))
    if text is None:
        assert found == []
    else:
        (problem,) = found
        assert text in problem
        assert "Accepted: " in problem


def test_what_is_not_given_is_none():
    assert _relay_tls.complete(acme(directory=None))["tls"]["acme"] is None
    assert _relay_tls.complete(GOOD)["tls"]["acme"] == ACME

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small fleet and its records: two relays that send for two domains, and a host that only an include names.

What DNS has to hold is derived from the descriptions, as the filter relay_records does. Zones hold it, BESIDE, and
their SOA and NS records.
"""

from __future__ import annotations

import base64
import hashlib

from ansible_collections.mailops.relay.plugins.module_utils import _publication, _records
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._rsa import RsaPublicKey
from ansible_collections.mailops.relay.plugins.plugin_utils._description import read_relays

ZONES = ("first.test", "second.test", "relays.test", "partner.test", "2.0.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa")

SHARED = {
    "relay_networks": ["10.20.0.0/16"],
    "relay_postmaster": "postmaster@first.test",
    "relay_services": ["submissions"],
    "relay_dns": {"ttl": 3600, "caa": ['0 issue "ca.test"']},
    "relay_domains": [
        {
            "name": "first.test",
            "spf": {"terms": ["include:spf.partner.test", "include:_spf.first.test"], "all": "fail"},
            "dmarc": {"policy": "reject", "rua": ["dmarc@second.test"]},
            "tlsrpt": {"rua": ["tls@second.test"]},
            "mta_sts": {"mode": "enforce"},
            "mx": ["10 mx1.first.test", "20 mx2.first.test"],
            "srv": True,
        },
        {
            "name": "second.test",
            "spf": {"terms": [], "all": "softfail"},
            "dmarc": {"policy": "quarantine", "rua": ["dmarc@second.test", "dmarc@partner.test"]},
            "mx": ["10 mx1.first.test"],
        },
    ],
}
HOSTS = {
    name: {
        **SHARED,
        "relay_hostname": f"{name}.relays.test",
        "relay_addresses": [f"192.0.2.{number}", f"2001:db8:11::{number}"],
        "relay_dkim": {"selector": name},
    }
    for number, name in enumerate(("relay1", "relay2"), 11)
}
RELAYS = read_relays(list(HOSTS), HOSTS)


def key(seed: str, bits: int = 2048, tags: str = "k=rsa") -> str:
    """Return a key record with a modulus made of a text: nobody has the private half."""
    digits = "".join(hashlib.sha256(f"{seed}{number}".encode()).hexdigest() for number in range(16))
    modulus = int(digits, 16) % (1 << bits) | (1 << (bits - 1)) | 1
    public = base64.b64encode(RsaPublicKey(modulus, 65537).subject_public_key_info()).decode()
    return f"v=DKIM1; {tags}; p={public}"


REVOKED = "v=DKIM1; k=rsa; p="
KEYS = [
    {"name": f"{relay['dkim']['selector']}._domainkey.{domain}", "value": key(f"{relay['hostname']} {domain}")}
    for relay in RELAYS
    for domain in relay["dkim"]["domains"]
] + [{"name": "retired._domainkey.first.test", "value": REVOKED}]

WANTED = [
    *_records.derive(RELAYS, KEYS),
    RecordSet("_spf.first.test", "TXT", ("v=spf1 ip4:192.0.2.200 ?all",), reason="The include of ours."),
]
NEWS = {"helo": "news.first.test", "addresses": ["192.0.2.200"], "mail_from": ["first.test"], "dkim": ["first.test"]}
QUESTIONS = {"senders": [*_publication.senders(RELAYS), NEWS]}
"""Options of ``dns_records_info``, beside the records."""

BESIDE = [
    RecordSet("mx1.first.test", "A", ("192.0.2.31",)),
    RecordSet("mx1.first.test", "AAAA", ("2001:db8:11::31",)),
    RecordSet("mx2.first.test", "A", ("192.0.2.32",)),
    RecordSet("news.first.test", "A", ("192.0.2.200",)),
    RecordSet("news.first.test", "TXT", ("v=spf1 ip4:192.0.2.200 -all",)),
    RecordSet("mx1.partner.test", "A", ("192.0.2.41",)),
    RecordSet("spf.partner.test", "TXT", ("v=spf1 ip4:192.0.2.41 ?all",)),
    RecordSet("second.test._report._dmarc.partner.test", "TXT", ("v=DMARC1",)),
]
"""What others have in these zones."""
FOREIGN = "site-verification=1"
"""A TXT record that others have beside ours at first.test."""

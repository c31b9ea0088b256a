# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away container with a primary of BIND, which says no in other ways than Knot DNS does."""

from __future__ import annotations

import os
import time

from knot_server import SECRETS, DnsContainer
from networks import number

NUMBER = number("bind")
NETWORK = f"198.18.{NUMBER}"
BIND = f"{NETWORK}.53"
ZONES = {
    "alpha.test": "grant mailops zonesub ANY;",
    "partly.test": "grant mailops zonesub TXT;",
    "locked.test": "grant stranger zonesub ANY;",
}

# It answers for its zones only, and asks nobody.
OPTIONS = f"""
options {{
    directory "/var/lib/mailops";
    pid-file none;
    listen-on {{ {BIND}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    allow-transfer {{ any; }};
    notify no;
    dnssec-validation no;
    empty-zones-enable no;
}};
controls {{ }};
"""
KEY = """
key "{0}" {{
    algorithm {1};
    secret "{2}";
}};
"""
ZONE_CONF = """
zone "{0}" {{
    type primary;
    file "{0}.zone";
    update-policy {{ {1} }};
}};
"""
ZONE = f"""$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A {BIND}
@ TXT "v=spf1 include:_spf.elsewhere.test -all"
"""


class BindServer(DnsContainer):
    """A primary of BIND for ``ZONES``, each with its rule for updates."""

    def __init__(self) -> None:
        super().__init__(f"mailops-it-bind-{os.getpid()}", NETWORK)

    def serve(self) -> None:
        self.install("bind9 bind9-dnsutils")
        keys = "".join(KEY.format(name, *secret) for name, secret in SECRETS.items())
        zones = "".join(ZONE_CONF.format(*zone) for zone in ZONES.items())
        self.write("/etc/mailops/named.conf", OPTIONS + keys + zones)
        for zone in ZONES:
            self.write(f"/var/lib/mailops/{zone}.zone", ZONE)
        self.run("named-checkconf -z /etc/mailops/named.conf")
        self.run("named -c /etc/mailops/named.conf -g >/var/log/named 2>&1 &")
        deadline = time.monotonic() + 20
        while "status: NOERROR" not in self.run(f"dig +tries=1 +timeout=1 @{BIND} alpha.test SOA || true"):
            assert time.monotonic() < deadline, self.run("cat /var/log/named")
            time.sleep(0.2)

    def has(self, zone: str) -> str:
        """Return the zone as the server has it."""
        text = self.run(f"dig +noall +answer @{BIND} {zone} AXFR | sort -u")
        assert "SOA" in text, text
        return text

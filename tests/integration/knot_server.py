# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away containers of name servers that take updates: here, two of Knot DNS with an address each."""

from __future__ import annotations

import os

from container_host import Host
from networks import number

NUMBER = number("update")
IMAGE = "localhost/mailops-test:trixie"
NAME = f"mailops-it-update-{os.getpid()}"
NETWORK = f"198.18.{NUMBER}"
PRIMARY = f"{NETWORK}.53"
SECONDARY = f"{NETWORK}.54"
SECRETS = {
    "mailops": ("hmac-sha256", "bWFpbG9wcyBtYWlsb3BzIG1haWxvcHMgbWFpbG9wcyE="),
    "strong": ("hmac-sha512", "c3Ryb25nIHN0cm9uZyBzdHJvbmcgc3Ryb25nIHN0cm9uZyEh"),
    "middle": ("hmac-sha384", "bWlkZGxlIG1pZGRsZSBtaWRkbGUgbWlkZGxlIG1pZGRsZSEh"),
    "stranger": ("hmac-sha256", "c3RyYW5nZXIgc3RyYW5nZXIgc3RyYW5nZXIgc3RyYW5nZXI="),
}
ZONES = ("alpha.test", "beta.test", "locked.test", "partly.test")


def section(_name: str, *items: dict[str, str]) -> str:
    """Return a section of Knot's configuration, which is YAML without mappings in braces."""
    lines = [f"{_name}:"]
    for item in items:
        lines += [("  - " if n == 0 else "    ") + f"{key}: {value}" for n, (key, value) in enumerate(item.items())]
    return "\n".join(lines) + "\n"


def common(name: str, address: str) -> str:
    storage = f"database:\n  storage: /var/lib/{name}\n"
    return f"server:\n  rundir: /run/{name}\n  listen: {address}@53\n{storage}"


PRIMARY_CONF = (
    common("primary", PRIMARY)
    + section("key", *({"id": n, "algorithm": kind, "secret": text} for n, (kind, text) in SECRETS.items()))
    + section("remote", {"id": "second", "address": SECONDARY})
    + section(
        "acl",
        {"id": "update", "key": "[mailops, strong, middle]", "action": "update"},
        {"id": "update-txt", "key": "mailops", "action": "update", "update-type": "TXT"},
        {"id": "transfer", "address": SECONDARY, "action": "transfer"},
    )
    + section(
        "template",
        {"id": "default", "storage": "/var/lib/primary", "file": '"%s.zone"', "acl": "transfer", "notify": "second"},
    )
    + section(
        "zone",
        {"domain": "alpha.test", "acl": "[update, transfer]"},
        {"domain": "beta.test", "acl": "[update, transfer]"},
        {"domain": "locked.test"},
        {"domain": "partly.test", "acl": "update-txt"},
    )
)
SECONDARY_CONF = (
    common("secondary", SECONDARY)
    + section("remote", {"id": "first", "address": PRIMARY, "via": SECONDARY})
    + section("acl", {"id": "notify", "address": PRIMARY, "action": "notify"})
    + section(
        "template",
        {"id": "default", "storage": "/var/lib/secondary", "file": '"%s.zone"', "master": "first", "acl": "notify"},
    )
    + section("zone", {"domain": "alpha.test"})
)
# beta.test has no other server.
ZONE = """$TTL 300
@ SOA ns1 hostmaster 1 3600 600 86400 60
@ NS ns1
ns1 A {primary}
{more}
"""
ALPHA = f"""@ NS ns2
ns2 A {SECONDARY}
@ TXT "site-verification=abc" "def"
@ TXT "v=spf1 -all"
alias CNAME ns1
*.wild TXT "from a wildcard"
*.wild MX 10 ns1
child NS ns.elsewhere.test.
"""
START = """
mkdir -p /run/{0} /var/lib/{0}
knotd -c /etc/knot/{0}.conf -d
for _ in $(seq 50); do
    knotc -c /etc/knot/{0}.conf status >/dev/null 2>&1 && exit
    sleep 0.1
done
exit 1
"""
INSTALL = """
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive
timeout 120 apt-get -q -y --no-install-recommends install {} >/tmp/log 2>&1 || {{ cat /tmp/log; exit 1; }}
"""


class DnsContainer:
    """A container for name servers, on a network of its own; ``with`` starts and removes it."""

    def __init__(self, name: str, network: str) -> None:
        self.name, self.network = name, network

    def __enter__(self) -> DnsContainer:
        Host.podman("network", "create", "--disable-dns", "--subnet", f"{self.network}.0/24", self.name)
        try:
            address = ["--network", f"{self.name}:ip={self.network}.53", "--cap-add", "NET_ADMIN"]
            Host.podman("run", "--detach", "--name", self.name, *address, IMAGE, "sleep", "infinity")
            self.serve()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        Host.podman("rm", "--force", "--ignore", "--time", "0", self.name)
        Host.podman("network", "rm", "--force", "--time", "0", self.name)

    def serve(self) -> None:
        """Install and start what the container is for."""
        raise NotImplementedError

    def run(self, script: str) -> str:
        return Host.podman("exec", "--interactive", self.name, "sh", "-es", text=script).rstrip("\n")

    def install(self, package: str) -> None:
        """Install without starting anything: as packaged, name servers ask the world."""
        self.run(INSTALL.format(package))

    def write(self, path: str, text: str) -> None:
        self.run(f"mkdir -p $(dirname {path}); cat >{path} <<'END'\n{text}END\n")


class KnotServer(DnsContainer):
    """Primary and secondary of Knot DNS."""

    def __init__(self) -> None:
        super().__init__(NAME, NETWORK)

    def serve(self) -> None:
        self.run(f"ip address add {SECONDARY}/24 dev eth0")
        self.install("knot")
        self.write("/etc/knot/primary.conf", PRIMARY_CONF)
        self.write("/etc/knot/secondary.conf", SECONDARY_CONF)
        for zone in ZONES:
            more = ALPHA if zone == "alpha.test" else ""
            self.write(f"/var/lib/primary/{zone}.zone", ZONE.format(primary=PRIMARY, more=more))
        self.run(START.format("primary"))
        self.run(START.format("secondary"))
        self.control("zone-reload alpha.test")

    def control(self, command: str, server: str = "primary") -> str:
        return self.run(f"knotc -c /etc/knot/{server}.conf -b {command}")

    def has(self, zone: str) -> str:
        """Return the zone as the primary has it."""
        return self.control(f"zone-read {zone}")

    def set(self, zone: str, line: str) -> None:
        """Change the zone as its administrator does."""
        knotc = "knotc -c /etc/knot/primary.conf -b"
        steps = (f"zone-begin {zone}", f"zone-set {zone} {line}", f"zone-commit {zone}")
        self.run("\n".join(f"{knotc} {step}" for step in steps))

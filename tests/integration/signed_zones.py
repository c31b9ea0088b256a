# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A container with Knot, which signs zones below `test`, and with unbound, which validates them from a trust anchor."""

from __future__ import annotations

import datetime
import os
import time
import typing as t

import dns.dnssec
import dns.name
import dns.zone
from container_host import CAPABILITIES, Host
from cryptography.hazmat.primitives.asymmetric import ec
from networks import number

NUMBER = number("signed")
NET4 = f"198.19.{NUMBER}"
NET6 = f"2001:db8:d1{NUMBER:02x}"
NAME = f"mailops-it-signed-{os.getpid()}"
KNOT = f"{NET4}.53"
UNBOUND = f"{NET4}.54"
SILENT = f"{NET4}.55"

HEAD = "$TTL 300\n@ SOA ns.test. hostmaster.test. {serial} 3600 600 86400 60\n@ NS ns.test.\n"

KNOT_CONF = f"""
server:
  listen: {KNOT}@53
  rundir: /run/knot-signed
database:
  storage: /var/lib/knot-signed
log:
  - target: stderr
    any: warning
policy:
  - id: single
    single-type-signing: on
    cds-cdnskey-publish: none
template:
  - id: default
    storage: /var/lib/knot-signed
    file: "%s.zone"
    zonefile-sync: -1
zone:
"""
# All below `test` is asked of Knot, and nothing else of anybody.
UNBOUND_CONF = """
server:
  interface: {unbound}
  access-control: 0.0.0.0/0 allow
  do-not-query-localhost: no
  chroot: ""
  username: ""
  directory: "/run"
  pidfile: "/run/unbound-signed.pid"
  use-syslog: no
  logfile: "/var/log/unbound-signed"
  module-config: "validator iterator"
  ede: yes
  local-zone: "." refuse
  local-zone: "test." transparent
  trust-anchor: "{anchor}"
remote-control:
  control-enable: no
stub-zone:
  name: "test."
  stub-addr: {knot}
"""
HOLE = f"""
import socket, time
hole = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
hole.bind(("{SILENT}", 53))
time.sleep(3600)
"""
INSTALL = """
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive
timeout 200 apt-get -q install -y --no-install-recommends knot knot-dnsutils unbound {more} >/tmp/log 2>&1 || {{
    cat /tmp/log; exit 1; }}
"""

SIGNED, PLAIN, BROKEN, EXPIRED = "signed", "plain", "broken", "expired"


class Zone(t.NamedTuple):
    """The records of a zone; ``kind`` is what is to become of it.

    A broken zone is signed, and its DS record at the parent is that of another key; the signatures of an expired one
    are over.
    """

    text: str
    kind: str = SIGNED


def expired(name: str, text: str) -> tuple[str, str]:
    """Return the zone with signatures that were good last year, and its DS record."""
    origin = dns.name.from_text(name)
    zone = dns.zone.from_text(HEAD.format(serial=1) + text, origin, relativize=False)
    key = ec.generate_private_key(ec.SECP256R1())
    dnskey = dns.dnssec.make_dnskey(key.public_key(), dns.dnssec.Algorithm.ECDSAP256SHA256, flags=257)
    end = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=300)
    with zone.writer() as transaction:
        begin = end - datetime.timedelta(days=30)
        dns.dnssec.sign_zone(zone, transaction, [(key, dnskey)], inception=begin, expiration=end, dnskey_ttl=300)
    return zone.to_text(relativize=False), f"{name}. DS {dns.dnssec.make_ds(origin, dnskey, 'SHA256')}"


class SignedZones:
    """`test` is signed, and the zones below it are delegated in it, each to the same server.

    ``silent`` are zones that are delegated to a server which never answers.
    """

    def __init__(self, zones: dict[str, Zone], silent: t.Sequence[str] = ()) -> None:
        self.zones = zones
        self.silent = silent

    def start(self, *packages: str) -> None:
        ranges = [("--subnet", f"{NET4}.0/24"), ("--gateway", f"{NET4}.1")]
        ranges += [("--subnet", f"{NET6}::/64"), ("--gateway", f"{NET6}::1")]
        Host.podman("network", "create", "--disable-dns", "--ipv6", *(word for pair in ranges for word in pair), NAME)
        network = ["--network", f"{NAME}:ip={KNOT},ip6={NET6}::53", "--cap-add", CAPABILITIES]
        Host.podman("run", "--detach", "--name", NAME, *network, "localhost/mailops-test:trixie", "sleep", "infinity")
        addresses = "".join(f"ip address add {address}/24 dev eth0\n" for address in (UNBOUND, SILENT))
        self.run(addresses + INSTALL.format(more=" ".join(packages)))
        self._serve()

    @staticmethod
    def run(script: str) -> str:
        return Host.podman("exec", "--interactive", NAME, "sh", "-es", text=script).rstrip("\n")

    def write(self, path: str, text: str) -> None:
        self.run(f"mkdir -p $(dirname {path}); cat >{path} <<'END'\n{text}\nEND\n")

    def remove(self) -> None:
        Host.podman("rm", "--force", "--time", "0", "--ignore", NAME)
        Host.podman("network", "rm", "--force", "--time", "0", NAME)

    def _serve(self) -> None:
        signing = "    dnssec-signing: on\n    dnssec-policy: single\n"
        config = KNOT_CONF + f"  - domain: test\n{signing}"
        ds: dict[str, str] = {}
        for name, zone in self.zones.items():
            text = HEAD.format(serial=1) + zone.text
            config += f"  - domain: {name}\n" + (signing if zone.kind in (SIGNED, BROKEN) else "")
            if zone.kind == EXPIRED:
                text, ds[name] = expired(name, zone.text)
            self.write(f"/var/lib/knot-signed/{name}.zone", text)
        self.write("/etc/knot-signed.conf", config)
        self._delegate(1, ds)
        if self.silent:
            self.run(f"python3 -c '{HOLE}' >/dev/null 2>&1 &")
        self.run("mkdir -p /run/knot-signed; knotd -c /etc/knot-signed.conf >/var/log/knot-signed 2>&1 &")
        self._wait(KNOT)
        for name, zone in self.zones.items():
            if zone.kind in (SIGNED, BROKEN):
                ds[name] = self.ds(name if zone.kind == SIGNED else "test", owner=name)
        self._delegate(2, ds)
        self.run("knotc -c /etc/knot-signed.conf -b zone-reload test")
        self.resolve()

    def _delegate(self, serial: int, ds: dict[str, str]) -> None:
        lines = [f"ns A {KNOT}", f"ns-silent A {SILENT}", *ds.values()]
        lines += [*(f"{name}. NS ns" for name in self.zones), *(f"{name}. NS ns-silent" for name in self.silent)]
        self.write("/var/lib/knot-signed/test.zone", HEAD.format(serial=serial) + "\n".join(lines))

    def ds(self, zone: str, owner: str = "") -> str:
        """Return the DS record of a zone's key; under another name it is that of another key."""
        lines = self.run(f"keymgr -c /etc/knot-signed.conf {zone} ds").splitlines()
        words = next(line.split() for line in lines if line.split()[4] == "2")
        return " ".join([f"{owner}." if owner else words[0], *words[1:]])

    def resolve(self) -> None:
        """Start unbound, with nothing in its cache."""
        self.run("test ! -e /run/unbound-signed.pid || kill $(cat /run/unbound-signed.pid); sleep 0.2")
        config = UNBOUND_CONF.format(unbound=UNBOUND, knot=KNOT, anchor=self.ds("test"))
        self.write("/etc/unbound-signed.conf", config)
        self.run("unbound -c /etc/unbound-signed.conf")
        self._wait(UNBOUND)

    def mend(self, name: str, serial: int) -> None:
        """Put the right DS record of a broken zone into `test`; others go."""
        self._delegate(serial, {name: self.ds(name)})
        self.run("knotc -c /etc/knot-signed.conf -b zone-reload test")
        self.resolve()

    def _wait(self, server: str) -> None:
        deadline = time.monotonic() + 20
        while not self.run(f"kdig +short +timeout=1 @{server} test SOA 2>&1 | grep -v '^;' || true"):
            assert time.monotonic() < deadline, self.run("cat /var/log/knot-signed /var/log/unbound-signed || true")
            time.sleep(0.2)

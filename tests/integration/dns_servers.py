# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Name servers to ask: two knots with zones that differ in one container, and servers that misbehave on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
import typing as t

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from container_host import CAPABILITIES, Host
from networks import number

NUMBER = number("dns")
NET4 = f"198.18.{NUMBER}"
NET6 = f"2001:db8:d0{NUMBER:02x}"
NAME = f"mailops-it-dns-{os.getpid()}"
KNOTS = {"one": 2, "two": 3}

CONFIG = """
server:
  listen: [{net4}.{host}@53, "{net6}::{host}@53"]
  rundir: /run/{name}
  pidfile: /run/{name}/knot.pid
  udp-max-payload: 1232
database:
  storage: /var/lib/{name}
log:
  - target: stderr
    any: warning
template:
  - id: default
    storage: /var/lib/{name}
    file: "%s.zone"
zone:
"""


class Knots:
    """Two knots, `one` and `two`, each with its own zones: text by name."""

    def __init__(self) -> None:
        self.address4 = {name: f"{NET4}.{host}" for name, host in KNOTS.items()}
        self.address6 = {name: f"{NET6}::{host}" for name, host in KNOTS.items()}

    def start(self) -> None:
        ranges = [("--subnet", f"{NET4}.0/24"), ("--gateway", f"{NET4}.1")]
        ranges += [("--subnet", f"{NET6}::/64"), ("--gateway", f"{NET6}::1")]
        Host.podman("network", "create", "--disable-dns", "--ipv6", *(word for pair in ranges for word in pair), NAME)
        network = ["--network", f"{NAME}:ip={NET4}.2,ip6={NET6}::2", "--cap-add", CAPABILITIES]
        Host.podman("run", "--detach", "--name", NAME, *network, "localhost/mailops-test:trixie", "sleep", "infinity")
        self.run(
            f"ip address add {NET4}.3/24 dev eth0\n"
            f"ip address add {NET6}::3/64 dev eth0 nodad\n"
            "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d\n"
            "timeout 120 apt-get -qq install -y --no-install-recommends knot knot-dnsutils >/dev/null 2>&1"
        )

    def run(self, script: str) -> str:
        return Host.podman("exec", "--interactive", NAME, "sh", "-es", text=script)

    def remove(self) -> None:
        Host.podman("rm", "--force", "--time", "0", "--ignore", NAME)
        Host.podman("network", "rm", "--force", "--time", "0", NAME)

    def serve(self, name: str, zones: dict[str, str]) -> None:
        """Start one of the knots and wait for its answer."""
        config = CONFIG.format(net4=NET4, net6=NET6, host=KNOTS[name], name=name)
        config += "".join(f"  - domain: {zone}\n" for zone in zones)
        self.run(f"mkdir -p /run/{name} /var/lib/{name}")
        self.run(_write({f"/etc/{name}.conf": config, **_zone_files(name, zones)}))
        self.run(f"knotd --config /etc/{name}.conf >/var/log/{name} 2>&1 &")
        ask = f"kdig +short +timeout=1 @{self.address4[name]} {next(iter(zones))} SOA"
        deadline = time.monotonic() + 20
        while not self.run(f"{ask} 2>&1 | grep -v '^;' || true"):
            assert time.monotonic() < deadline, self.run(f"cat /var/log/{name}")
            time.sleep(0.2)

    def change(self, name: str, zones: dict[str, str]) -> None:
        """Have a knot that runs serve other texts of some of its zones; their serial numbers have to be higher."""
        self.run(_write(_zone_files(name, zones)) + f"knotc -c /etc/{name}.conf -b zone-reload {' '.join(zones)}\n")


def _zone_files(name: str, zones: dict[str, str]) -> dict[str, str]:
    return {f"/var/lib/{name}/{zone}.zone": text for zone, text in zones.items()}


def _write(files: dict[str, str]) -> str:
    return "".join(f"cat >{path} <<'EOF'\n{text}EOF\n" for path, text in files.items())


class Sink(asyncio.DatagramProtocol):
    """A server of a few lines: `reply` makes octets of octets, or nothing."""

    def __init__(self, reply: t.Callable[[bytes], bytes | None]) -> None:
        self.reply = reply
        self.seen = 0

    def connection_made(self, transport: t.Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: t.Any) -> None:
        self.seen += 1
        answer = self.reply(data)
        if answer is not None:
            self.transport.sendto(answer, addr)


@contextlib.asynccontextmanager
async def udp_server(reply: t.Callable[[bytes], bytes | None]) -> t.AsyncIterator[tuple[int, Sink]]:
    """Serve on a port of 127.0.0.1."""
    loop = asyncio.get_running_loop()
    transport, sink = await loop.create_datagram_endpoint(lambda: Sink(reply), local_addr=("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1], sink
    finally:
        transport.close()


def closed_port() -> int:
    """Return a port of 127.0.0.1 where nobody listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def silence(_data: bytes) -> None:
    """Answer nothing."""


def response(data: bytes, *records: str, rcode: int = dns.rcode.NOERROR, flags: int = 0) -> bytes:
    """Answer with records such as ``a.test 60 TXT "x"``."""
    message = dns.message.make_response(dns.message.from_wire(data), recursion_available=True)
    message.flags |= flags
    message.set_rcode(dns.rcode.Rcode(rcode))
    for record in records:
        name, ttl, rdtype, value = record.split(None, 3)
        message.answer.append(dns.rrset.from_text(f"{name}.", int(ttl), "IN", rdtype, value))
    return message.to_wire()


def is_checking(data: bytes) -> bool:
    return not dns.message.from_wire(data).flags & dns.flags.CD

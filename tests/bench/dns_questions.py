# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many questions per second dns_records_info asks: 200 domains with 10 records each, against a knot right here.

    .venv/bin/python tests/bench/dns_questions.py

It runs the module's own code in this process, and prints a table; `make test` does not run it. The delay is that of a
relay of a few lines between the two, which has to work as well: the figures with it are what it lets through at most.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible" / "collections"), str(ROOT / "tests" / "integration")]
os.environ.setdefault("CONTAINERS_CONF", str(ROOT / ".ansible" / "containers.conf"))

# The imports below need the paths above.
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Server  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._zone_file import render  # noqa: E402
from ansible_collections.mailops.relay.plugins.modules.dns_records_info import Plan, run  # noqa: E402
from dns_servers import Knots, closed_port, silence, udp_server  # noqa: E402

DOMAINS = [f"d{number}.test" for number in range(200)]
DELAY = 0.02
RELAY_PORT = 5300

# Passes datagrams on with a number of its own, and holds back each answer.
RELAY = """
import asyncio, itertools, sys

class Back(asyncio.DatagramProtocol):
    def __init__(self):
        self.waiting, self.numbers = {}, itertools.cycle(range(65536))
    def datagram_received(self, data, addr):
        number, client = self.waiting.pop(data[:2])
        asyncio.get_running_loop().call_later(delay, front.sendto, number + data[2:], client)

class Front(asyncio.DatagramProtocol):
    def datagram_received(self, data, addr):
        number = next(back.numbers).to_bytes(2, "big")
        back.waiting[number] = (data[:2], addr)
        upstream.sendto(number + data[2:])

async def main():
    global front, back, upstream
    loop = asyncio.get_running_loop()
    upstream, back = await loop.create_datagram_endpoint(Back, remote_addr=(host, 53))
    front, _ = await loop.create_datagram_endpoint(Front, local_addr=(host, port))
    await asyncio.sleep(900)

host, port, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
asyncio.run(main())
"""


def records_of(domain: str) -> list[RecordSet]:
    """Return what a domain that sends and receives mail has."""
    texts = {
        domain: "v=spf1 ip4:192.0.2.25 -all",
        f"one._domainkey.{domain}": "v=DKIM1; k=rsa; p=" + "QUJD" * 98,
        f"two._domainkey.{domain}": "v=DKIM1; p=",
        f"_dmarc.{domain}": "v=DMARC1; p=reject",
        f"_smtp._tls.{domain}": f"v=TLSRPTv1; rua=mailto:tls@{domain}",
        f"_mta-sts.{domain}": "v=STSv1; id=1",
    }
    return [
        *(RecordSet(name, "TXT", (text,)) for name, text in texts.items()),
        RecordSet(domain, "MX", (f"10 mail.{domain}.",)),
        RecordSet(f"mail.{domain}", "A", ("192.0.2.25",)),
        RecordSet(f"mail.{domain}", "AAAA", ("2001:db8::25",)),
        RecordSet(domain, "CAA", ('0 issue "ca.example.net"',)),
    ]


def zone(domain: str, name_server_address: str) -> str:
    soa = f"{domain}. 3600 IN SOA ns.{domain}. hostmaster.{domain}. 1 3600 600 86400 300\n"
    name_server = f"{domain}. 300 IN NS ns.{domain}.\nns.{domain}. 300 IN A {name_server_address}\n"
    return soa + name_server + render(records_of(domain), comments=False)


def measure(label: str, in_flight: int, *servers: Server, resolver: Server | None = None) -> None:
    """Check all records once and print a line. A resolver is asked for the servers, and for each record as well."""
    records = [record for domain in DOMAINS for record in records_of(domain)]
    plan = Plan(records, list(servers), resolver, resolver is not None, [], timeout=2.0, in_flight=in_flight)
    begin, cpu = time.perf_counter(), time.process_time()
    result = asyncio.run(run(plan))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    kinds = sorted({finding["id"] for finding in result["findings"]})
    asked = result["questions"]
    print(
        f"{label:<24} {in_flight:>9} {asked:>9} {seconds:>8.2f} {cpu:>6.2f} {asked / seconds:>11.0f}"
        f"  {', '.join(kinds) or 'no finding'}",
        flush=True,
    )


async def dead_server(live: Server) -> None:
    """Ask a live server and one that never answers, as another process: `run` has a loop of its own."""
    async with udp_server(silence) as (port, _sink):
        await asyncio.to_thread(measure, "one of two is dead", 128, live, Server("127.0.0.1", port))


def main() -> None:
    knots = Knots()
    try:
        knots.start()
        knots.serve("one", {domain: zone(domain, knots.address4["one"]) for domain in DOMAINS})
        host = knots.address4["one"]
        knots.run(
            f"cat >/relay.py <<'EOF'\n{RELAY}EOF\npython3 /relay.py {host} {RELAY_PORT} {DELAY} >/relay.log 2>&1 &"
        )
        print(f"{'server':<24} {'in flight':>9} {'questions':>9} {'seconds':>8} {'CPU':>6} {'questions/s':>11}")
        near, far = Server(host), Server(host, RELAY_PORT)
        for label, server in (("knot", near), (f"knot, {DELAY * 1000:g} ms away", far)):
            for in_flight in (1, 16, 64, 128):
                measure(label, in_flight, server)
        for in_flight in (16, 128):
            measure("found by a far resolver", in_flight, resolver=far)
        asyncio.run(dead_server(far))
        measure("one of two is closed", 128, far, Server("127.0.0.1", closed_port()))
    finally:
        knots.remove()


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many questions per second dns_records_info asks: 200 domains with 10 records each, 20 ms away.

    .venv/bin/python tests/bench/dns_questions.py

It runs the module's own code in this process, once as a task of Ansible, and prints a table; `make test` does not run
it. A knot answers, at once, or behind dnsdist, which holds its answers back. They work on this machine as well.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible" / "collections"), str(ROOT / "tests" / "integration")]
os.environ.setdefault("CONTAINERS_CONF", str(ROOT / ".ansible" / "containers.conf"))
os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".ansible" / "collections"))

# The imports below need the paths above.
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Server  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet, join  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._zone_file import render  # noqa: E402
from ansible_collections.mailops.relay.plugins.modules.dns_records_info import Plan, run  # noqa: E402
from container_host import ENVIRONMENT  # noqa: E402
from dns_servers import Knots, closed_port  # noqa: E402

DOMAINS = [f"d{number}.test" for number in range(200)]
DELAY = 20
"""Milliseconds."""

KEY = base64.b64encode(
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode("ascii")
FAR_PORT, DEAD_PORT = 5300, 5301

# dnsdist holds answers back for a time, and drops questions at the port of the dead server. As packaged it starts at
# once and asks the world about itself, so this comes first.
DNSDIST = """
setACL({{"198.18.0.0/15"}})
setSecurityPollSuffix("")
setVerboseHealthChecks(false)
setLocal("{host}:{port}")
addLocal("{host}:{dead}")
newServer({{address="{host}:53", checkInterval=60}})
addAction(DSTPortRule({dead}), DropAction())
addAction(AllRule(), DelayAction({delay}))
"""
START_DNSDIST = """
mkdir -p /etc/mailops
cat >/etc/mailops/dnsdist.conf <<'EOF'
{config}EOF
timeout 120 apt-get -qq install -y --no-install-recommends dnsdist >/tmp/log 2>&1 || {{ cat /tmp/log; exit 1; }}
dnsdist --config /etc/mailops/dnsdist.conf --supervised --disable-syslog >/var/log/dnsdist 2>&1 &
for _ in $(seq 50); do
    kdig +time=1 +retry=0 -p {port} @{host} d0.test SOA | grep -q NOERROR && exit
    sleep 0.2
done
cat /var/log/dnsdist
exit 1
"""


def records_of(domain: str) -> list[RecordSet]:
    """Return what a domain that sends and receives mail has."""
    texts = {
        domain: "v=spf1 ip4:192.0.2.25 -all",
        f"one._domainkey.{domain}": f"v=DKIM1; k=rsa; p={KEY}",
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


def as_a_task(server: Server, in_flight: int) -> None:
    """Measure the whole: Ansible, its start, and the way of 2000 records to the module and of as many answers back."""
    names = ("name", "type", "values")
    records = [
        {key: value for key, value in join(record).items() if key in names}
        for domain in DOMAINS
        for record in records_of(domain)
    ]
    options = {"records": records, "servers": [f"{server.address}@{server.port}"], "in_flight": in_flight, "timeout": 2}
    task = {"mailops.relay.dns_records_info": options, "register": "dns"}
    shown = {"ansible.builtin.debug": {"msg": "questions={{ dns.questions }} findings={{ dns.findings | length }}"}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task, shown]}
    play["vars"] = {"ansible_python_interpreter": sys.executable}
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as playbook:
        playbook.write(json.dumps([play]))
        playbook.flush()
        begin = time.perf_counter()
        command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=300)
        seconds = time.perf_counter() - begin
    assert "questions=2000 findings=0" in done.stdout, done.stdout + done.stderr
    print(f"{'as a task, all of it':<24} {in_flight:>9} {2000:>9} {seconds:>8.2f} {'':>6} {2000 / seconds:>11.0f}")


def main() -> None:
    knots = Knots()
    try:
        knots.start()
        knots.serve("one", {domain: zone(domain, knots.address4["one"]) for domain in DOMAINS})
        host = knots.address4["one"]
        config = DNSDIST.format(host=host, port=FAR_PORT, dead=DEAD_PORT, delay=DELAY)
        knots.run(START_DNSDIST.format(config=config, host=host, port=FAR_PORT))
        print(f"{'server':<24} {'in flight':>9} {'questions':>9} {'seconds':>8} {'CPU':>6} {'questions/s':>11}")
        near, far = Server(host), Server(host, FAR_PORT)
        for label, server in (("right here", near), (f"{DELAY} ms away", far)):
            for in_flight in (1, 16, 128):
                measure(label, in_flight, server)
        for in_flight in (16, 128):
            measure("found by a far resolver", in_flight, resolver=far)
        measure("one of two is dead", 128, far, Server(host, DEAD_PORT))
        measure("one of two is closed", 128, far, Server("127.0.0.1", closed_port()))
        as_a_task(far, 128)
    finally:
        knots.remove()


if __name__ == "__main__":
    main()

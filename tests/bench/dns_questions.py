# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dns_records_info takes for 200 domains, right here and 20 ms away, beside checkdmarc on the same server.

    .venv/bin/python tests/bench/dns_questions.py

The module's own code runs in this process, and the whole as a task of Ansible. A knot answers, at once, or behind
dnsdist, which holds its answers back. They work on this machine as well. `make test` does not run it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible" / "collections"), str(ROOT / "tests" / "integration")]
os.environ.setdefault("CONTAINERS_CONF", str(ROOT / ".ansible" / "containers.conf"))
os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".ansible" / "collections"))

# The imports below need the paths above.
import dns_checkdmarc  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Server  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet, join  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._zone_file import render  # noqa: E402
from ansible_collections.mailops.relay.plugins.modules.dns_records_info import Plan, run  # noqa: E402
from container_host import ENVIRONMENT  # noqa: E402
from dns_servers import Knots, closed_port  # noqa: E402
from rounds import Figures, in_turn, progress, table  # noqa: E402

DOMAINS = [f"d{number}.test" for number in range(200)]
DELAY = 20
"""Milliseconds."""

SAMPLE = 30
"""How many of the domains checkdmarc is given where it has to wait: its time is the same for each."""

IN_FLIGHT = 128

KEY = base64.b64encode(
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .public_key()
    .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode("ascii")
DEAD_PORT = 5301

# dnsdist holds answers back for a time, and drops questions at the port of the dead server. It can delay answers by UDP
# only; for those by TCP, the thread sleeps. As packaged it starts at once and asks the world about itself, so the
# configuration comes first.
DNSDIST = """
setACL({{"198.18.0.0/15"}})
setSecurityPollSuffix("")
setVerboseHealthChecks(false)
setLocal("{far}:53")
addLocal("{near}:{dead}")
newServer({{address="{near}:53", checkInterval=60}})
addAction(DSTPortRule({dead}), DropAction())
addAction(TCPRule(false), DelayAction({delay}))
local ffi = require("ffi")
ffi.cdef("int usleep(unsigned int microseconds);")
addAction(TCPRule(true), LuaAction(function (_)
    ffi.C.usleep({delay} * 1000)
    return DNSAction.None, ""
end))
"""
START_DNSDIST = """
mkdir -p /etc/mailops
cat >/etc/mailops/dnsdist.conf <<'EOF'
{config}EOF
timeout 120 apt-get -qq install -y --no-install-recommends dnsdist >/tmp/log 2>&1 || {{ cat /tmp/log; exit 1; }}
dnsdist --config /etc/mailops/dnsdist.conf --supervised --disable-syslog >/var/log/dnsdist 2>&1 &
for _ in $(seq 50); do
    kdig +time=1 +retry=0 @{far} d0.test SOA | grep -q NOERROR && exit
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
        f"_dmarc.{domain}": f"v=DMARC1; p=reject; rua=mailto:dmarc@{domain}",
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


def reverse_zones() -> dict[str, str]:
    """Return the zones in which the addresses of the mail server have its name."""
    zones = {
        "25.2.0.192.in-addr.arpa": "2.0.192.in-addr.arpa",
        f"5.2.{'0.' * 22}8.b.d.0.1.0.0.2.ip6.arpa": "8.b.d.0.1.0.0.2.ip6.arpa",
    }
    return {
        above: f"{above}. 3600 IN SOA ns.{above}. hostmaster.{above}. 1 3600 600 86400 300\n"
        f"{above}. 300 IN NS ns.{DOMAINS[0]}.\n{owner}. 300 IN PTR mail.{DOMAINS[0]}.\n"
        for owner, above in zones.items()
    }


def by_checkdmarc(address: str, domains: list[str]) -> Figures:
    """Let checkdmarc check domains; the figures are those of each."""
    seen = dns_checkdmarc.measure(address, domains)
    return {name: value / len(domains) for name, value in seen.items()}


def by_module(
    *servers: Server, resolver: Server | None = None, in_flight: int = IN_FLIGHT, domains: list[str] = DOMAINS
) -> Figures:
    """Check all records once. A resolver is asked for the servers, and for each record as well."""
    records = [record for domain in domains for record in records_of(domain)]
    plan = Plan(records, list(servers), resolver, resolver is not None, [], timeout=2.0, in_flight=in_flight)
    begin, cpu = time.perf_counter(), time.process_time()
    result = asyncio.run(run(plan))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    kinds = {finding["id"] for finding in result["findings"]}
    assert kinds <= {"dns_server_timed_out", "dns_server_unreachable"}, kinds
    each = len(domains)
    return {"seconds": seconds / each, "CPU": cpu / each, "questions": result["questions"] / each}


def _processor_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def play(*tasks: dict[str, object]) -> tuple[str, Figures]:
    """Play tasks here; return what Ansible has printed, and the figures of each domain."""
    plays = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
    plays[0]["vars"] = {"ansible_python_interpreter": sys.executable}
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as playbook:
        playbook.write(json.dumps(plays))
        playbook.flush()
        begin, cpu = time.perf_counter(), _processor_of_children()
        command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=300)
        seconds, cpu = time.perf_counter() - begin, _processor_of_children() - cpu
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, {"seconds": seconds / len(DOMAINS), "CPU": cpu / len(DOMAINS), "questions": 0}


def as_a_task(**asked: str | list[str]) -> Figures:
    """Measure the whole: Ansible, its start, and the way of 2000 records to the module and of as many answers back."""
    names = ("name", "type", "values")
    records = [
        {key: value for key, value in join(record).items() if key in names}
        for domain in DOMAINS
        for record in records_of(domain)
    ]
    options = {"records": records, "in_flight": IN_FLIGHT, "timeout": 2, **asked}
    shown = {"msg": "questions={{ dns.questions }} findings={{ dns.findings | length }}."}
    printed, figures = play(
        {"mailops.relay.dns_records_info": options, "register": "dns"}, {"ansible.builtin.debug": shown}
    )
    found = re.search(r"questions=(\d+) findings=0\.", printed)
    assert found, printed
    return {**figures, "questions": int(found[1]) / len(DOMAINS)}


def without_questions() -> Figures:
    """Measure what Ansible takes for a task and a debug of little."""
    return play({"ansible.builtin.ping": {}}, {"ansible.builtin.debug": {"msg": "nothing"}})[1]


def compare(place: str, address: str, sample: list[str], *, tasks: bool) -> None:
    """Measure all variants on one server and print a table."""
    server = Server(address)
    variants: dict[str, Callable[[], Figures]] = {
        f"checkdmarc {dns_checkdmarc.VERSION}": partial(by_checkdmarc, address, sample),
        "dns_records_info": partial(by_module, server),
        "… which finds and asks a resolver, too": partial(by_module, resolver=server),
    }
    if tasks:
        variants["… as a task of Ansible"] = partial(as_a_task, servers=[address])
        variants["… as a task, with the resolver"] = partial(as_a_task, resolver=address)
        variants["Ansible alone: a ping"] = without_questions
    seen = in_turn(variants)
    first = next(iter(seen.values()))
    rows = [
        (
            name,
            f"{each['questions']:.0f}",
            f"{each['seconds'] * len(DOMAINS):.1f}",
            f"{each['CPU'] * 1000:.1f}",
            f"{first['seconds'] / each['seconds']:.1f}",
            f"{first['seconds'] / first['questions'] / each['seconds'] * each['questions']:.1f}",
        )
        for name, each in seen.items()
    ]
    head = [
        "",
        "questions/domain",
        f"seconds/{len(DOMAINS)} domains",
        "ms CPU/domain",
        "times the domains/s",
        "times the questions/s",
    ]
    table(f"{len(DOMAINS)} domains, {place} (checkdmarc: {len(sample)} of them, scaled)", head, rows)


def limits(near: Server, far: Server) -> None:
    """Print what more questions in flight bring, and what servers that do not answer cost."""
    dead, closed = Server(near.address, DEAD_PORT), Server("127.0.0.1", closed_port())
    few = DOMAINS[:10]
    seen = in_turn(
        {
            f"{DELAY} ms away, 1 in flight": partial(by_module, far, in_flight=1, domains=few),
            f"{DELAY} ms away, 16 in flight": partial(by_module, far, in_flight=16),
            f"{DELAY} ms away, 64 in flight": partial(by_module, far, in_flight=64),
            f"{DELAY} ms away, 128 in flight": partial(by_module, far),
            "one of two servers is dead (time-out 2 s)": partial(by_module, far, dead),
            "one of two servers is closed": partial(by_module, far, closed),
        }
    )
    rows = [
        (name, f"{each['questions'] / each['seconds']:.0f}", f"{each['seconds'] * len(DOMAINS):.1f}")
        for name, each in seen.items()
    ]
    table("Questions in flight, and servers that do not answer", ["", "questions/s", "seconds/200 domains"], rows)


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    progress("checkdmarc, in an environment of its own")
    dns_checkdmarc.prepare()
    knots = Knots()
    near, far = knots.address4["one"], knots.address4["two"]
    try:
        progress("a knot, and a dnsdist in front of it")
        knots.start()
        knots.serve("one", {**{domain: zone(domain, near) for domain in DOMAINS}, **reverse_zones()})
        config = DNSDIST.format(near=near, far=far, dead=DEAD_PORT, delay=DELAY)
        knots.run(START_DNSDIST.format(config=config, far=far))
        compare(f"{DELAY} ms away", far, DOMAINS[:SAMPLE], tasks=True)
        compare("right here", near, DOMAINS, tasks=False)
        limits(Server(near), Server(far))
    finally:
        knots.remove()


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What smtp_info takes for one relay and for 20: each a Postfix with the limits for strangers that the role deploys.

    .venv/bin/python tests/bench/smtp_probe.py

The module's own code runs in this process, and the whole as a task of Ansible. One Postfix in a container plays all
relays, on this machine as well: each has an address and ports of its own, and is counted by itself, by Postfix as well
as by the firewall. `make test` does not run it.
"""

from __future__ import annotations

import asyncio
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

import yaml

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible" / "collections"), str(ROOT / "tests" / "integration")]
os.environ.setdefault("CONTAINERS_CONF", str(ROOT / ".ansible" / "containers.conf"))
os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".ansible" / "collections"))

# The imports below need the paths above.
from ansible_collections.mailops.relay.plugins.module_utils import _smtp_survey  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import Listener, Observation  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils._smtp_probe import Settings  # noqa: E402
from container_host import ENVIRONMENT  # noqa: E402
from loopback_servers import Authority  # noqa: E402
from rounds import Figures, in_turn, progress, table  # noqa: E402
from smtp_host import SmtpHost  # noqa: E402

ENCRYPT = "smtpd_tls_security_level=encrypt"
KINDS = {"may": [], "encrypt": [ENCRYPT], "wrapper": [ENCRYPT, "smtpd_tls_wrappermode=yes"]}
RELAYS = 20
FIRST_PORT, FIRST_HOST = 2501, 101

SETTINGS = Settings("stranger.example.org", "stranger@example.org", "recipient@example.net", 15)
IN_ALL, IN_FLIGHT = 120, 64
"""The defaults of the module."""

SPECS = yaml.safe_load((ROOT / "roles" / "relay" / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
LIMITS = {
    name: option["default"]
    for name, option in SPECS["argument_specs"]["main"]["options"]["relay_limits"]["options"].items()
}

RATE = "{connection_rate}/minute burst {connection_rate} packets".format(**LIMITS)

# As roles/postfix/templates/main.cf.j2 has it for strangers.
MAIN = """
default_process_limit = 400
disable_vrfy_command = yes
strict_rfc821_envelopes = yes
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_relay_before_recipient_restrictions = yes
smtpd_recipient_limit = {recipients}
smtpd_client_connection_count_limit = {connections}
smtpd_client_connection_rate_limit = {connection_rate}
smtpd_client_message_rate_limit = {connection_rate}
smtpd_client_recipient_rate_limit = {connection_rate}
smtpd_client_auth_rate_limit = {connection_rate}
smtpd_client_new_tls_session_rate_limit = {connection_rate}
smtpd_client_ipv6_prefix_length = 64
smtpd_per_request_deadline = yes
smtpd_min_data_rate = 500
"""

# As roles/nftables/templates/firewall.nft.j2 has it; here, the firewalls of all relays are in one place.
FIREWALL = """
flush ruleset
table inet relays {{
    set connections4 {{ type ipv4_addr . ipv4_addr; size 65536; flags dynamic; }}
    set connections6 {{ type ipv6_addr . ipv6_addr; size 65536; flags dynamic; }}
    set rate4 {{ type ipv4_addr . ipv4_addr; size 65536; flags dynamic, timeout; timeout 10m; }}
    set rate6 {{ type ipv6_addr . ipv6_addr; size 65536; flags dynamic, timeout; timeout 10m; }}
    counter dropped {{ }}
    chain input {{
        type filter hook input priority filter; policy accept;
        meta l4proto tcp ct state new jump relay
    }}
    chain relay {{
        add @connections4 {{ ip saddr . ip daddr ct count over {connections} }} counter name dropped drop
        add @connections6 {{ ip6 saddr . ip6 daddr ct count over {connections} }} counter name dropped drop
        update @rate4 {{ ip saddr . ip daddr limit rate over {rate} }} counter name dropped drop
        update @rate6 {{ ip6 saddr . ip6 daddr limit rate over {rate} }} counter name dropped drop
    }}
}}
"""
# What was counted before is not to be counted again: Postfix forgets within a minute, or with a new anvil(8).
FORGET = """
postfix reload >/dev/null 2>&1
nft -f /etc/relays.nft
"""


class Fleet:
    """The relays, each with three listeners at an address for IPv4 and one for IPv6."""

    def __init__(self, host: SmtpHost) -> None:
        self.host = host

    def addresses(self, number: int) -> list[str]:
        return [f"{self.host.net4}.{FIRST_HOST + number}", f"{self.host.net6}::{FIRST_HOST + number}"]

    @staticmethod
    def ports(number: int) -> dict[int, str]:
        return dict(enumerate(KINDS, FIRST_PORT + number * len(KINDS)))

    def start(self, folder: Path) -> None:
        self.host.start("postfix nftables iproute2")
        own = "".join(
            f"ip address add {address}/{64 if ':' in address else 24} dev eth0 {'nodad' if ':' in address else ''}\n"
            for number in range(RELAYS)
            for address in self.addresses(number)
        )
        self.host.run(own)
        self.host.write("/etc/relays.nft", FIREWALL.format(rate=RATE, **LIMITS))
        pem = Authority().issue("relay.test", days=90).write(folder / "relay.pem")
        ports = {port: KINDS[kind] for number in range(RELAYS) for port, kind in self.ports(number).items()}
        self.host.postfix(pem, ports, MAIN.format(**LIMITS))

    def listeners(self, relays: int, families: int) -> list[Listener]:
        return [
            Listener(f"relay{number}.test", kind, address, port, kind)
            for number in range(relays)
            for address in self.addresses(number)[:families]
            for port, kind in self.ports(number).items()
        ]

    def targets(self, relays: int) -> list[dict[str, object]]:
        return [
            {
                "relay": f"relay{number}.test",
                "addresses": self.addresses(number),
                "services": [{"name": kind, "port": port, "tls": kind} for port, kind in self.ports(number).items()],
            }
            for number in range(relays)
        ]

    def dropped(self) -> int:
        """Return how many packets the firewalls have dropped."""
        found = re.search(r"packets (\d+)", self.host.run("nft list counter inet relays dropped"))
        assert found
        return int(found[1])


def _tricks(seen: list[Observation]) -> int:
    """Return how many tricks were tried, if that is all of them."""
    unfinished = [f"{each.listener}: {each.trouble or each.untried}" for each in seen if each.trouble or each.untried]
    assert not unfinished, unfinished[:5]
    return sum(len(each.answers) for each in seen)


def by_module(fleet: Fleet, relays: int, *, families: int = 2, battery: bool = True) -> Figures:
    """Probe relays once, as somebody whom they have not seen for a minute."""
    fleet.host.run(FORGET)
    listeners = fleet.listeners(relays, families)
    begin, cpu = time.perf_counter(), time.process_time()
    seen = asyncio.run(_smtp_survey.probe_all(listeners, SETTINGS, IN_ALL, IN_FLIGHT, battery=battery))
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    figures = {"seconds": seconds, "CPU": cpu, "listeners": len(seen), "tricks": _tricks(seen)}
    return {**figures, "dropped": fleet.dropped()}


def as_a_task(fleet: Fleet, relays: int) -> Figures:
    """Measure the whole: Ansible, its start, and the way of what was seen back to it."""
    fleet.host.run(FORGET)
    task = {"mailops.relay.smtp_info": {"targets": fleet.targets(relays)}, "register": "seen"}
    tried = "tricks={{ seen.listeners | map(attribute='tricks') | map('length') | sum }}"
    unfinished = "unfinished={{ seen.listeners | selectattr('tricks_not_tried') | length }}"
    count = "listeners={{ seen.listeners | length }}"
    shown = {"ansible.builtin.debug": {"msg": f"{count} {tried} {unfinished}."}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task, shown]}
    play["vars"] = {"ansible_python_interpreter": sys.executable}
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as playbook:
        playbook.write(json.dumps([play]))
        playbook.flush()
        command = [str(Path(sys.executable).parent / "ansible-playbook"), playbook.name]
        begin, cpu = time.perf_counter(), _processor_of_children()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=300)
        seconds, cpu = time.perf_counter() - begin, _processor_of_children() - cpu
    found = re.search(r"listeners=(\d+) tricks=(\d+) unfinished=0\.", done.stdout)
    assert found, done.stdout + done.stderr
    figures = {"seconds": seconds, "CPU": cpu, "listeners": int(found[1]), "tricks": int(found[2])}
    return {**figures, "dropped": fleet.dropped()}


def _processor_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compare(fleet: Fleet) -> None:
    """Measure all variants in turn and print a table."""
    variants = {
        "1 relay, without the tricks": partial(by_module, fleet, 1, battery=False),
        "1 relay, IPv4 only": partial(by_module, fleet, 1, families=1),
        "1 relay": partial(by_module, fleet, 1),
        "1 relay, as a task of Ansible": partial(as_a_task, fleet, 1),
        f"{RELAYS} relays": partial(by_module, fleet, RELAYS),
        f"{RELAYS} relays, as a task of Ansible": partial(as_a_task, fleet, RELAYS),
    }
    seen = in_turn(variants)
    rows = [
        (
            name,
            f"{each['listeners']:.0f}",
            f"{each['tricks']:.0f}",
            f"{each['seconds']:.1f}",
            f"{each['CPU']:.1f}",
            f"{each['dropped']:.0f}",
        )
        for name, each in seen.items()
    ]
    head = ["", "listeners", "tricks", "seconds", "CPU s", "dropped by firewalls"]
    table("What the probe takes, from an address that the relays have not seen for a minute", head, rows)


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    host = SmtpHost("bench")
    try:
        progress(f"a Postfix that plays {RELAYS} relays")
        with tempfile.TemporaryDirectory() as folder:
            fleet = Fleet(host)
            fleet.start(Path(folder))
            compare(fleet)
    finally:
        host.remove()


if __name__ == "__main__":
    main()

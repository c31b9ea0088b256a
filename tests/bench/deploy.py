# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the playbook deploy takes, on 1, 2, 4 and 8 hosts: the first run, one without changes, one with a change.

    .venv/bin/python tests/bench/deploy.py

The hosts are containers of the test image, reached by ssh as users reach theirs, each run with new connections. The
floor of every figure is a play of one ping over the same connection. `make test` does not run this.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from rounds import Figures, in_turn, progress, table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "integration"))
os.environ.setdefault("CONTAINERS_CONF", str(ROOT / ".ansible" / "containers.conf"))
os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".ansible" / "collections"))
os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

# The imports below need the paths above.
from container_host import ENVIRONMENT, RELAY, Host  # noqa: E402

SUITE = os.environ.get("BENCH_SUITE", "trixie")
SIZES = [int(size) for size in os.environ.get("BENCH_HOSTS", "1 2 4 8").split()]
NETWORK = os.environ.get("BENCH_NETWORK", "198.18.210")
DOMAINS = 100

PING = "- hosts: relays\n  become: true\n  gather_facts: false\n  tasks: [{ansible.builtin.ping: {}}]\n"
STORE = "DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends redis-server >/dev/null 2>&1"
# Units in containers: no private users.
STORE_UNIT = "mkdir -p {0}; printf '[Service]\\nPrivateUsers=no\\n' >{0}/container.conf".format(
    "/etc/systemd/system/redis-server.service.d"
)
USERS = {
    "relay_limits": {"message_size": 20_000_000},
    "relay_users": [{"name": "shop", "password": "not-a-secret", "senders": ["shop@alpha.test"]}],
    "relay_services": ["smtp", "submission", "submissions"],
    "relay_quotas": {"user": {"messages_per_hour": 100}, "store": {"servers": ["127.0.0.1:6379"]}},
}


Hosts = t.Sequence[t.Tuple[Host, str]]
"""Hosts with their addresses."""


class Run(t.NamedTuple):
    """What one run of a playbook took; ``tasks`` and ``trips`` are those of one host."""

    seconds: float
    ok: int
    changed: int
    skipped: int
    trips: int


class Fleet:
    """Hosts with a network of their own, reached by ssh with a key of their own; ``folder`` is for what they need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network = f"mailops-bench-{os.getpid()}"
        self.key = folder / "key"
        self.hosts: list[tuple[Host, str]] = []
        self.numbers = itertools.count(11)
        self.runs = itertools.count()

    def __enter__(self) -> Fleet:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key)]
        subprocess.run(command, check=True, timeout=60)
        Host.podman("network", "create", "--internal", "--subnet", f"{NETWORK}.0/24", self.network)
        return self

    def __exit__(self, *_error: object) -> None:
        self.remove(self.hosts)
        with contextlib.suppress(AssertionError):
            Host.podman("network", "rm", "--force", self.network)

    def new(self, count: int) -> list[tuple[Host, str]]:
        """Start more hosts."""
        fresh = []
        for number in itertools.islice(self.numbers, count):
            address = f"{NETWORK}.{number}"
            network = f"{self.network}:ip={address}"
            host = Host("bench", SUITE, self.folder, network=network, suffix=f"-{number}")
            fresh.append((host, address))
        self.hosts += fresh
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._start, fresh))
        return fresh

    def remove(self, hosts: Hosts) -> None:
        """Remove hosts; those that are gone already, too."""
        for host, _address in hosts:
            with contextlib.suppress(AssertionError):
                host.remove()

    def _start(self, started: tuple[Host, str]) -> None:
        host, _address = started
        host.start()
        public = self.key.with_suffix(".pub").read_text()
        host.run(f"mkdir -p -m 700 /root/.ssh; echo '{public}' >/root/.ssh/authorized_keys")
        host.run("ssh-keygen -A; systemctl start ssh")

    def inventory(self, hosts: Hosts, **description: t.Any) -> Path:
        """Write an inventory of some of the hosts, and nothing but them."""
        ssh = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        relays = {}
        for _host, address in hosts:
            name = f"relay{address.rpartition('.')[2]}"
            own = {"ansible_host": address, "relay_hostname": f"{name}.lab.test", "relay_addresses": [address]}
            relays[name] = {**RELAY, **ssh, **own, **description}
        path = self.folder / f"inventory-{next(self.runs)}.json"
        path.write_text(json.dumps({"all": {"children": {"relays": {"hosts": relays}}}}))
        return path

    def play(self, inventory: Path, playbook: str, *options: str) -> Run:
        """Run a playbook over new connections."""
        with tempfile.TemporaryDirectory(dir=self.folder) as sockets:
            environment = {**ENVIRONMENT, "ANSIBLE_SSH_CONTROL_PATH_DIR": sockets, "ANSIBLE_FORKS": "8"}
            command = ["ansible-playbook", "--inventory", str(inventory), *options, playbook]
            began = time.perf_counter()
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                timeout=1200,
                env=environment,
                stdin=subprocess.DEVNULL,
            )
            seconds = time.perf_counter() - began
            self._close(sockets)
        assert done.returncode == 0, done.stdout + done.stderr
        recaps = re.findall(r"ok=(\d+) +changed=(\d+) .* skipped=(\d+)", done.stdout)
        ok, changed, skipped = (int(figure) for figure in recaps[0])
        trips = len(re.findall(r"^<\S+> SSH: EXEC |^<\S+> PUT ", done.stdout, re.MULTILINE))
        return Run(seconds, ok, changed, skipped, trips // len(recaps))

    @staticmethod
    def _close(sockets: str) -> None:
        for socket in Path(sockets).iterdir():
            command = ["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "host"]
            subprocess.run(command, capture_output=True, check=False, timeout=60)


class Bench:
    """The measurements, one after the other on the same fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.message_size = 20_000_000
        self.domains = DOMAINS
        self.ping = str(fleet.folder / "ping.yml")
        Path(self.ping).write_text(PING)

    def inventory(self, hosts: Hosts, **description: t.Any) -> Path:
        limits = {"message_size": self.message_size}
        return self.fleet.inventory(hosts, **{"relay_limits": limits, **description})

    def deploy(self, hosts: Hosts, *options: str, **description: t.Any) -> Run:
        return self.fleet.play(self.inventory(hosts, **description), "mailops.relay.deploy", *options)

    def setting(self, hosts: Hosts, *options: str) -> Run:
        """Deploy with another size of messages."""
        self.message_size += 1
        run = self.deploy(hosts, *options)
        assert run.changed > 0, "nothing was changed"
        return run

    def unchanged(self, hosts: Hosts, *options: str, **description: t.Any) -> Run:
        """Deploy what has just been deployed."""
        run = self.deploy(hosts, *options, **description)
        assert run.changed == 0, "something changes in each run"
        return run

    def pinged(self, hosts: Hosts, *options: str) -> Run:
        return self.fleet.play(self.inventory(hosts), self.ping, *options)

    def many_domains(self, more: int = 0) -> dict[str, t.Any]:
        self.domains += more
        return {"relay_domains": [{"name": f"d{number}.test"} for number in range(self.domains)]}

    def first_runs(self) -> tuple[dict[int, float], list[tuple[Host, str]]]:
        """Return the seconds of the first run by the number of hosts, and the hosts of the last one."""
        first: dict[int, float] = {}
        kept: list[tuple[Host, str]] = []
        for size in SIZES:
            self.fleet.remove(kept)
            kept = self.fleet.new(size)
            first[size] = self.deploy(kept).seconds
            progress(f"first run on {size}: {first[size]:.1f} s")
        return first, kept

    def by_hosts(self) -> list[tuple[Host, str]]:
        """Measure by the number of hosts; return the hosts."""
        first, kept = self.first_runs()
        kinds = {"ping": self.pinged, "setting": self.setting, "unchanged": self.unchanged}
        variants = {
            f"{kind} {size}": partial(_seconds, measure, kept[:size])
            for size in SIZES
            for kind, measure in kinds.items()
        }
        seen = {name: figures["seconds"] for name, figures in in_turn(variants).items()}
        rows = []
        for size in SIZES:
            ping, setting, unchanged = (seen[f"{kind} {size}"] for kind in kinds)
            ratio = f"{unchanged / seen[f'unchanged {SIZES[0]}']:.2f}"
            rows.append([size, *(f"{each:.1f}" for each in (ping, unchanged, setting, first[size])), ratio])
        head = ["hosts", "one ping", "nothing to do", "one setting", "first run", "nothing to do: to the first row"]
        table("Seconds of a run by the number of hosts", head, rows)
        return kept

    def on_one(self, hosts: Hosts) -> None:
        """Measure what a run on one host consists of, with descriptions that differ. ``hosts`` are two."""
        one, other = hosts[:1], hosts[1:2]
        other[0][0].run(f"{STORE_UNIT}; {STORE}")
        progress(f"first run with users: {self.deploy(other, **USERS).seconds:.1f} s")
        runs = {
            "one ping": partial(self.pinged, one),
            "one setting": partial(self.setting, one),  # has the host in step, too
            "nothing to do": partial(self.unchanged, one),
            "nothing to do, with users, bans and quotas": lambda *options: self.unchanged(other, *options, **USERS),
        }
        self._table("One host", runs)
        self.deploy(one, **self.many_domains())
        many = {
            "nothing to do": lambda *options: self.unchanged(one, *options, **self.many_domains()),
            "one domain more": lambda *options: self.deploy(one, *options, **self.many_domains(1)),
        }
        self._table(f"One host with {DOMAINS} domains", many)

    @staticmethod
    def _table(title: str, runs: t.Mapping[str, t.Callable[..., Run]]) -> None:
        """Show the runs with their tasks and round trips, which are counted in a run of their own."""
        seen = in_turn({name: partial(_seconds, measure) for name, measure in runs.items()})
        rows = []
        for name, measure in runs.items():
            counted = measure("-vvv")
            rows.append([name, f"{seen[name]['seconds']:.1f}", counted.ok, counted.skipped, counted.trips])
        table(title, ["", "seconds", "tasks", "skipped tasks", "round trips"], rows)


def _seconds(measure: t.Callable[..., Run], *arguments: t.Any) -> Figures:
    return {"seconds": measure(*arguments).seconds}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="mb-") as folder, Fleet(Path(folder)) as fleet:
        bench = Bench(fleet)
        hosts = bench.by_hosts()
        bench.on_one([*hosts, *fleet.new(max(0, 2 - len(hosts)))])


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Relays that benchmarks send mail through, and the world around them: one client, and the next hop of all mail.

Each variant of a relay is a container of its own, set up once and idle while another one is measured.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / ".ansible" / "collections"), str(ROOT / "tests" / "integration")]
os.environ.setdefault("CONTAINERS_CONF", str(ROOT / ".ansible" / "containers.conf"))
os.environ.setdefault("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".ansible" / "collections"))

# The imports below need the paths above.
from container_host import CAPABILITIES, ENVIRONMENT, Host  # noqa: E402
from networks import number  # noqa: E402
from rounds import progress  # noqa: E402
from smtp_host import INSTALL  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

SUITE = os.environ.get("BENCH_SUITE", "trixie")
"""The Debian release of the relays: bookworm or trixie."""

DOMAIN, SELECTOR = "alpha.test", "bench"
SINK_PORT = 2525
HERE = Path(__file__).parent


class Machine:
    """A container with systemd at a fixed address."""

    def __init__(self, name: str, network: str, address: str) -> None:
        self.name = f"mailops-bench-{name}-{os.getpid()}"
        self.network, self.address = network, address

    def start(self, names: Mapping[str, str]) -> None:
        """Start with ``names``: addresses by name, as in /etc/hosts. Nobody asks the DNS for a client's name."""
        options = ["--detach", "--name", self.name, "--network", f"{self.network}:ip={self.address}"]
        # The sink keeps what it gets in shared memory.
        options += ["--cap-add", CAPABILITIES, "--dns", "127.0.0.1", "--shm-size", "512m"]
        options += [f"--add-host={name}:{address}" for name, address in names.items()]
        Host.podman("run", *options, f"localhost/mailops-test:{SUITE}")
        self.run("timeout 60 systemctl is-system-running --wait || true")
        # The packages are in the image; nobody can fetch newer lists.
        self.run("mkdir -p /var/lib/apt/periodic; touch /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp")

    def run(self, script: str) -> str:
        return Host.podman("exec", "--interactive", self.name, "sh", "-es", text=script).rstrip("\n")

    def write(self, path: str, text: str) -> None:
        self.run(f"mkdir -p $(dirname {path}); cat >{path} <<'EOF'\n{text}\nEOF\n")

    def install(self, packages: str) -> None:
        """Install packages and start none of their services."""
        self.run(INSTALL.format(packages))

    def process(self) -> int:
        """Return the process ID, on this machine, of the container's first process."""
        return int(Host.podman("inspect", "--format", "{{ .State.Pid }}", self.name))

    def remove(self) -> None:
        Host.podman("rm", "--force", "--time", "0", "--ignore", self.name)


class MailLab:
    """The machines of one benchmark, removed at its end.

    :param variants: what makes a relay of a machine, by the variant's name. Ours are made by :meth:`deploy`.
    """

    def __init__(self, variants: Mapping[str, Callable[[MailLab, Machine], None]]) -> None:
        self.variants = variants
        self.network = f"mailops-bench-{os.getpid()}"
        self.net = f"198.18.{number('smtp')}"
        self.world = Machine("world", self.network, f"{self.net}.2")
        self.relays = {
            name: Machine(re.sub(r"\W+", "-", name), self.network, f"{self.net}.{10 + at}")
            for at, name in enumerate(variants)
        }

    def __enter__(self) -> MailLab:
        # Whoever ends the benchmark has the machines removed as well.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self._start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _start(self) -> None:
        ranges = ["--subnet", f"{self.net}.0/24", "--gateway", f"{self.net}.1"]
        Host.podman("network", "create", "--disable-dns", *ranges, self.network)
        names = {"world.lab.test": self.world.address}
        for machine in [self.world, *self.relays.values()]:
            machine.start(names)
        progress("machines are up; installing")
        self.world.install("postfix")
        for name, build in self.variants.items():
            build(self, self.relays[name])
            progress(f"{name} is ready")

    def remove(self) -> None:
        for machine in [self.world, *self.relays.values()]:
            machine.remove()
        Host.podman("network", "rm", "--force", "--time", "0", self.network)

    def deploy(self, machine: Machine, **variables: Any) -> None:
        """Deploy a relay of ours with the playbook that users have."""
        host = {
            "ansible_connection": "containers.podman.podman",
            "ansible_host": machine.name,
            "ansible_python_interpreter": "/usr/bin/python3",
            "relay_hostname": "relay.lab.test",
            "relay_addresses": [machine.address],
            "relay_networks": [f"{self.world.address}/32"],
            "relay_domains": [{"name": DOMAIN}],
            "relay_postmaster": "postmaster@rcpt.test",
            "relay_next_hops": [{"host": self.world.address, "port": SINK_PORT, "tls": "none"}],
            **variables,
        }
        with tempfile.TemporaryDirectory() as folder:
            inventory = Path(folder) / "hosts.json"
            inventory.write_text(json.dumps({"relays": {"hosts": {machine.name: host}}}))
            command = [str(Path(sys.executable).parent / "ansible-playbook"), "--inventory", str(inventory)]
            done = subprocess.run(
                [*command, "mailops.relay.deploy"],
                capture_output=True,
                text=True,
                check=False,
                env=ENVIRONMENT,
                timeout=600,
            )
        if done.returncode:
            sys.exit(f"The relay could not be deployed:\n{done.stdout[-4000:]}{done.stderr}")

    def public_key(self, machine: Machine) -> str:
        """Return the text of the key record that belongs to the private key of a machine."""
        key = f"$(ls /etc/dkimkeys/{DOMAIN}/*.private /etc/dkimkeys/*.private 2>/dev/null | head -n 1)"
        script = f"openssl rsa -pubout -outform DER -in {key} 2>/dev/null | base64 --wrap 0"
        return f"v=DKIM1; k=rsa; p={machine.run(script)}"


def eventually(look: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until ``look`` returns true.

    :raises TimeoutError: when it does not within ``seconds``
    """
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.2)

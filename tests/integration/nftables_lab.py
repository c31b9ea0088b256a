# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small network for the firewall's tests: relays with real listeners, and one client with many addresses."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tarfile
import time
import typing as t

import ansible.module_utils
from container_host import CAPABILITIES, Host
from networks import number

PLUGINS = pathlib.Path(__file__).parents[2] / "plugins"
LIBRARY = "/opt/module"
PACKAGE = "ansible_collections/mailops/relay/plugins"
CALL = f"PYTHONPATH={LIBRARY} python3 {LIBRARY}/{PACKAGE}/modules/nftables_ruleset.py"

NUMBER = number("nftables")
NET4 = f"198.19.{NUMBER}"
NET6 = f"2001:db8:f0{NUMBER:02x}"
NAME = f"mailops-it-nft-{os.getpid()}"
ADDRESSES = {"bookworm": 12, "trixie": 13, "client": 200}

# Holds each connection until the client closes it.
LISTENER = """
import asyncio

async def hold(reader, writer):
    await reader.read()
    writer.close()

async def main():
    servers = [await asyncio.start_server(hold, None, port, backlog=200) for port in (25, 465, 587, 9100)]
    await asyncio.gather(*(server.serve_forever() for server in servers))

asyncio.run(main())
"""

# Counts the connections that come about before TCP would send its first packet a second time.
CONNECT = """
import json, selectors, socket, sys, time
sources, target, port, together = json.loads(sys.argv[1])
family = socket.AF_INET6 if ":" in target else socket.AF_INET

def attempt(some):
    selector, open_ones = selectors.DefaultSelector(), 0
    for source in some:
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.bind((source, 0))
        connection.setblocking(False)
        connection.connect_ex((target, port))
        selector.register(connection, selectors.EVENT_WRITE)
    deadline = time.monotonic() + 0.8
    while selector.get_map() and time.monotonic() < deadline:
        for key, _events in selector.select(deadline - time.monotonic()):
            selector.unregister(key.fileobj)
            done.append(key.fileobj)
            open_ones += key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    done.extend(key.fileobj for key in list(selector.get_map().values()))
    return open_ones

done, count = [], 0
if together:
    count = attempt(sources)
else:
    for source in sources:
        count += attempt([source])
        for connection in done:
            connection.close()
print(count)
"""


def podman(*arguments: str, text: str | None = None) -> str:
    return Host.podman(*arguments, text=text)


def make_network() -> None:
    subnets = [
        "--subnet",
        f"{NET4}.0/24",
        "--gateway",
        f"{NET4}.1",
        "--subnet",
        f"{NET6}::/64",
        "--gateway",
        f"{NET6}::1",
    ]
    podman("network", "create", "--disable-dns", "--ipv6", *subnets, NAME)


def remove_network() -> None:
    podman("network", "rm", "--force", "--time", "0", NAME)


def network_of(name: str) -> str:
    number = ADDRESSES[name]
    return f"{NAME}:ip={NET4}.{number},ip6={NET6}::{number}"


class Client:
    """Strangers and trusted clients, all on one container."""

    name = f"{NAME}-client"

    def start(self) -> None:
        options = ["--detach", "--name", self.name, "--network", network_of("client"), "--cap-add", CAPABILITIES]
        podman("run", *options, "localhost/mailops-test:trixie", "sleep", "infinity")
        addresses = [f"{NET4}.{host}/24" for host in (130, 201)]
        addresses += [
            f"{NET6}:0:c::130/64",
            *(f"{NET6}:{net}::{host}/64" for net in range(1, 4) for host in range(2, 14)),
        ]
        script = "".join(f"ip address add {address} dev eth0{' nodad' * (':' in address)}\n" for address in addresses)
        podman("exec", "--interactive", self.name, "sh", "-es", text=script)
        podman("exec", "--detach", self.name, "python3", "-c", LISTENER)

    def remove(self) -> None:
        podman("rm", "--force", "--time", "0", self.name)

    def connect(self, sources: list[str], relay: Relay, port: int = 25, *, together: bool = False) -> int:
        """Try one connection from each source, and return how many came about."""
        target = relay.address6 if ":" in sources[0] else relay.address4
        argument = json.dumps([sources, target, port, together])
        return int(podman("exec", self.name, "python3", "-c", CONNECT, argument))


class Relay(Host):
    """A host with listeners, which the role is played on by podman; :meth:`by_ssh` plays it by ssh and sudo."""

    def __init__(self, suite: str, folder: pathlib.Path) -> None:
        self.suite = suite
        self.address4, self.address6 = f"{NET4}.{ADDRESSES[suite]}", f"{NET6}::{ADDRESSES[suite]}"
        self.variables: dict[str, t.Any] = {
            "relay_addresses": [self.address4, self.address6],
            "relay_networks": [f"{NET4}.128/28", f"{NET6}:0:c::/80"],
            "relay_services": ["smtp", "submission", "submissions"],
            "relay_limits": {"connections": 4, "connection_rate": 10},
        }
        super().__init__("nftables", suite, folder, network=network_of(suite), **self.variables)

    def start(self) -> None:
        super().start()
        self.come_up()

    def come_up(self) -> None:
        """Do what neither the image nor a restart does."""
        self.eventually("systemctl is-system-running | grep -Eq 'running|degraded'")
        routes = "".join(f"ip -6 route add {NET6}:{net}::/64 dev eth0\n" for net in range(1, 4))
        self.run(f"cat >/root/listener.py <<'EOF'\n{LISTENER}EOF\nsystemd-run --quiet python3 /root/listener.py")
        self.run(f"{routes}")
        self.eventually("ss -ltn | grep -q :9100")

    def install_module(self) -> None:
        """Put the module on the host, for :meth:`call`."""
        source = pathlib.Path(ansible.module_utils.__path__[0])
        files = {file: f"ansible/{file.relative_to(source.parent)}" for file in source.rglob("*.py")}
        files.update({file: f"{PACKAGE}/{file.relative_to(PLUGINS)}" for file in PLUGINS.glob("module*/*.py")})
        archive = self.folder / "module.tar"
        with tarfile.open(archive, "w") as tar:
            for file, inside in files.items():
                tar.add(file, inside)
        self.run(f"mkdir {LIBRARY}")
        self.podman("cp", str(archive), f"{self.name}:{LIBRARY}/module.tar")
        self.run(f"cd {LIBRARY} && tar -xf module.tar --no-same-owner && touch ansible/__init__.py")

    def call(self, **options: t.Any) -> dict[str, t.Any]:
        """Call the module on the host itself, which takes a tenth of the time; return nothing where it was killed."""
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": options})
        command = ["podman", "exec", "--interactive", self.name, "sh", "-c", CALL]
        done = subprocess.run(command, input=arguments, capture_output=True, text=True, timeout=100, check=False)
        assert done.stdout or done.returncode == 137, done.stderr
        result: dict[str, t.Any] = json.loads(done.stdout or "{}")
        return result

    def deploy(self, content: str, extra: str = "", **options: t.Any) -> dict[str, t.Any]:
        """Load rules and confirm them; return the result of the first call."""
        loaded = self.call(content=content, extra=extra, **options)
        if loaded.get("confirmation"):
            self.call(state="confirmed", confirmation=loaded["confirmation"])
        return loaded

    def by_ssh(self, folder: pathlib.Path) -> Host:
        """Return the same host as a user without privileges sees it, on a port of ssh of its own."""
        key = folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=60)
        public = key.with_suffix(".pub").read_text()
        self.run(
            "useradd --create-home --shell /bin/bash admin\n"
            "echo 'admin ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/admin\n"
            f"install -d -o admin -m 700 ~admin/.ssh; echo '{public}' >~admin/.ssh/authorized_keys\n"
            "printf 'Port 22\\nPort 2222\\nUseDNS no\\n' >/etc/ssh/sshd_config.d/ports.conf\n"
            "ssh-keygen -A >/dev/null; systemctl start ssh"
        )
        connection = {
            "ansible_connection": "ssh",
            "ansible_host": self.address4,
            "ansible_port": 2222,
            "ansible_user": "admin",
            "ansible_become": True,
            "ansible_ssh_timeout": 4,
            "ansible_ssh_private_key_file": str(key),
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        }
        return Host("nftables", self.suite, folder, **{**self.variables, **connection})

    def rules(self) -> str:
        """Return the table as it is loaded, without counters and the elements of sets, which packets add to."""
        return self.run("nft -s -t list table inet mailops_relay 2>/dev/null || true")

    def timers(self) -> str:
        return self.run("systemctl list-units --plain --no-legend 'mailops-relay-firewall-undo-*.timer'")

    def wait_for(self, condition: t.Callable[[], bool], seconds: float) -> float:
        """Wait until the condition holds; return the seconds that it took."""
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, "it did not come in time"
            time.sleep(0.3)
        return time.monotonic() - start

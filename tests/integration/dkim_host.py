# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away host without any network, on which the role opendkim is played."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import time
import typing as t

RELAY: dict[str, t.Any] = {
    "relay_hostname": "relay.lab.test",
    "relay_addresses": ["198.51.100.12"],
    "relay_networks": ["10.9.0.0/16", "2001:db8:51:0:c::/80"],
    "relay_domains": [{"name": "alpha.test"}, {"name": "beta.test"}],
    "relay_postmaster": "postmaster@rcpt.test",
}
PLAYBOOK = "- hosts: relays\n  gather_facts: false\n  roles: [mailops.relay.opendkim]\n"


class Played(t.NamedTuple):
    """What a run of the playbook came to."""

    ok: bool
    changed: int
    output: str


class Host:
    """A container of the test image ``suite``; ``folder`` is for the inventory."""

    def __init__(self, suite: str, folder: pathlib.Path) -> None:
        self.name = f"mailops-it-dkim-{suite}-{os.getpid()}"
        self.folder = folder
        self.image = f"localhost/mailops-test:{suite}"
        connection = {"ansible_connection": "containers.podman.podman", "ansible_host": self.name}
        host = {**connection, "ansible_python_interpreter": "/usr/bin/python3", **RELAY}
        (folder / "hosts.json").write_text(json.dumps({"all": {"children": {"relays": {"hosts": {suite: host}}}}}))
        (folder / "play.yml").write_text(PLAYBOOK)

    def start(self) -> None:
        self.podman(
            "run", "--detach", "--name", self.name, "--network", "none", "--cap-add", "NET_ADMIN,SYS_ADMIN", self.image
        )
        self.run("timeout 60 systemctl is-system-running --wait || true")
        # The packages are in the image; nobody can fetch newer lists.
        self.run("mkdir -p /var/lib/apt/periodic; touch /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp")

    def remove(self) -> None:
        self.podman("rm", "--force", "--time", "0", self.name)

    @staticmethod
    def podman(*arguments: str, text: str | None = None) -> str:
        command = ["podman", *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def run(self, script: str) -> str:
        """Run a shell script on the host and return its output without the last line end."""
        return self.podman("exec", "--interactive", self.name, "sh", "-es", text=script).rstrip("\n")

    def python(self, program: str) -> str:
        return self.podman("exec", "--interactive", self.name, "python3", "-", text=program).rstrip("\n")

    def _ansible(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_HOST_KEY_CHECKING": "0",
        }
        command = [command[0], "--inventory", str(self.folder / "hosts.json"), *command[1:]]
        return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False, env=environment)

    def play(self, *options: str, **variables: t.Any) -> Played:
        """Play the role, with variables of the user."""
        extra = ["--extra-vars", json.dumps(variables)] if variables else []
        done = self._ansible(["ansible-playbook", str(self.folder / "play.yml"), *options, *extra])
        output = done.stdout + done.stderr
        recap = re.search(r"ok=\d+ +changed=(\d+)", output)
        assert recap, output
        assert "Traceback" not in output, output
        return Played(done.returncode == 0, int(recap[1]), output)

    def module(self, name: str, **arguments: t.Any) -> dict[str, t.Any]:
        """Call one module and return its result."""
        done = self._ansible(
            [
                "ansible",
                "relays",
                "--one-line",
                "--module-name",
                f"mailops.relay.{name}",
                "--args",
                json.dumps(arguments),
            ]
        )
        match = re.search(r"^\S+ \| (\S+) => (\{.*\})$", done.stdout, re.MULTILINE)
        assert match, done.stdout + done.stderr
        return {**json.loads(match[2]), "failed": match[1].startswith("FAILED")}

    def eventually(self, script: str, seconds: float = 20) -> str:
        """Run a script until it succeeds."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.run(script)
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.3)

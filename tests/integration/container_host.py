# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away hosts: containers of the test images on which one role is played."""

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
PLAYBOOK = "- hosts: relays\n  gather_facts: false\n  roles: [mailops.relay.{role}]\n"
CAPABILITIES = "NET_ADMIN,SYS_ADMIN"


ENVIRONMENT = {
    **os.environ,
    "ANSIBLE_PIPELINING": "1",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_FORCE_COLOR": "false",
    "ANSIBLE_LOCALHOST_WARNING": "0",
}


class Played(t.NamedTuple):
    """What a run of the playbook came to."""

    ok: bool
    changed: int
    output: str


class Host:
    """A container of a test image (or of ``image``), on which ``role`` is played; ``folder`` is for the inventory.

    It has no network unless one is named, with the options of podman's --network.
    """

    def __init__(
        self,
        role: str,
        suite: str,
        folder: pathlib.Path,
        *,
        network: str = "none",
        image: str | None = None,
        suffix: str = "",
        **variables: t.Any,
    ) -> None:
        self.name = f"mailops-it-{role}-{suite}-{os.getpid()}{suffix}"
        self.folder = folder
        self.network = network
        self.image = image or f"localhost/mailops-test:{suite}"
        connection = {"ansible_connection": "containers.podman.podman", "ansible_host": self.name}
        host = {**connection, "ansible_python_interpreter": "/usr/bin/python3", **RELAY, **variables}
        (folder / "hosts.json").write_text(json.dumps({"all": {"children": {"relays": {"hosts": {suite: host}}}}}))
        (folder / "play.yml").write_text(PLAYBOOK.format(role=role))

    def start(self) -> None:
        options = ["--detach", "--name", self.name, "--network", self.network, "--cap-add", CAPABILITIES]
        self.podman("run", *options, self.image)
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

    def _command(self, *command: str) -> list[str]:
        return [command[0], "--inventory", str(self.folder / "hosts.json"), *command[1:]]

    def _play_command(self, *options: str, **variables: t.Any) -> list[str]:
        extra = ["--extra-vars", json.dumps(variables)] if variables else []
        return self._command("ansible-playbook", str(self.folder / "play.yml"), *options, *extra)

    def play(self, *options: str, **variables: t.Any) -> Played:
        """Play the role, with variables of the user."""
        playing = self.begin_play(*options, **variables)
        output, _nothing = playing.communicate(timeout=400)
        recap = re.search(r"ok=\d+ +changed=(\d+)", output)
        assert recap, output
        assert "Traceback" not in output, output
        return Played(playing.returncode == 0, int(recap[1]), output)

    def begin_play(self, *options: str, **variables: t.Any) -> subprocess.Popen[str]:
        """Begin to play the role and do not wait for its end."""
        command = self._play_command(*options, **variables)
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT)

    def module(self, name: str, **arguments: t.Any) -> dict[str, t.Any]:
        """Call one module and return its result."""
        call = ["--module-name", f"mailops.relay.{name}", "--args", json.dumps(arguments)]
        command = self._command("ansible", "relays", "--one-line", *call)
        done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False, env=ENVIRONMENT)
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

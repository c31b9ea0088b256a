# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module dns_records as Ansible calls it: a task on this machine, with options, and what comes back."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import typing as t

from container_host import ENVIRONMENT
from knot_server import SECRETS

# A Python whose clock is wrong, as the clock of a machine may be.
SKEWED = """#!/bin/sh
export PYTHONPATH={folder}
exec {python} "$@"
"""
SITE = """
import time

_time = time.time
time.time = lambda: _time() + {skew}
"""


class Server(t.Protocol):
    """A name server of the tests."""

    def has(self, zone: str) -> str:
        """Return the zone as the server has it."""


class Task:
    """Calls the module for a server; ``options`` of a call take the place of the usual ones."""

    def __init__(self, folder: pathlib.Path, server: Server, address: str, zones: t.Iterable[str]) -> None:
        self.folder, self.server, self.zones = folder, server, list(zones)
        self.options: dict[str, t.Any] = {
            "server": address,
            "key_name": "mailops",
            "key_secret": SECRETS["mailops"][1],
            "timeout": 3,
            "records": [{"name": "refused.alpha.test", "type": "TXT", "values": ["x"]}],
        }

    def _interpreter(self, skew: int) -> str:
        if not skew:
            return sys.executable
        (self.folder / "sitecustomize.py").write_text(SITE.format(skew=skew))
        wrapper = self.folder / "python"
        wrapper.write_text(SKEWED.format(folder=self.folder, python=sys.executable))
        wrapper.chmod(0o755)
        return str(wrapper)

    def __call__(self, *, _check: bool = False, _skew: int = 0, **options: t.Any) -> dict[str, t.Any]:
        inventory = self.folder / "hosts"
        python = self._interpreter(_skew)
        inventory.write_text(f"localhost ansible_connection=local ansible_python_interpreter={python}\n")
        command = [
            "ansible",
            "localhost",
            "--inventory",
            str(inventory),
            "--one-line",
            *(["--check"] if _check else []),
        ]
        command += ["--module-name", "mailops.relay.dns_records", "--args", json.dumps({**self.options, **options})]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=ENVIRONMENT)
        output = done.stdout + done.stderr
        for _algorithm, secret in SECRETS.values():
            assert secret not in output
        assert "Traceback" not in output
        match = re.search(r"^localhost \| (\S+) => (\{.*\})$", done.stdout, re.MULTILINE)
        assert match, output
        return {**json.loads(match[2]), "failed": match[1].startswith("FAILED")}

    def refused(self, *texts: str, **options: t.Any) -> str:
        """See that a call fails with one line that says what to look at, and that no zone changes."""
        before = [self.server.has(zone) for zone in self.zones]
        result = self(**options)
        assert [self.server.has(zone) for zone in self.zones] == before
        assert result["failed"], result
        assert not result["changed"]
        line, *end = result["msg"].splitlines()
        assert end in ([], ["Nothing was changed."]), result["msg"]
        for text in texts:
            assert text in line, line
        return line

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_records_info, called as Ansible does on the controller."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

from container_host import ENVIRONMENT


def call(folder: pathlib.Path, **options: t.Any) -> dict[str, t.Any]:
    """Call the module and return its result; a traceback is none."""
    command = ["ansible", "localhost", "--connection", "local", "--one-line", "--check"]
    command += ["--extra-vars", json.dumps({"ansible_python_interpreter": sys.executable})]
    command += ["--module-name", "mailops.relay.dns_records_info", "--args", json.dumps(options)]
    environment = {**ENVIRONMENT, "ANSIBLE_LOCAL_TEMP": str(folder), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert "Traceback" not in done.stdout + done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return result


def record(name: str, rdtype: str, *values: str) -> dict[str, t.Any]:
    return {"name": name, "type": rdtype, "values": list(values)}


def found(result: dict[str, t.Any]) -> set[tuple[str, str, str]]:
    """Return ids, severities and subjects of the findings."""
    return {(finding["id"], finding["severity"], finding["subject"]) for finding in result["findings"]}

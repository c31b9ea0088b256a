# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What checkdmarc takes for the same domains on the same server, with its own Python in a virtual environment.

It asks one domain after the other, as its users run it. Nothing of it leaves this machine: questions to others than
the server end the run, and the policies of MTA-STS, which it fetches by HTTPS, are not to be had, at once. BIMI, which
dns_records_info does not know, is left out.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = "6.0.4"
FOLDER = Path(__file__).parents[2] / ".ansible" / "bench-venv"
PYTHON = FOLDER / "bin" / "python"
TRIES = 3


def prepare() -> None:
    """Install checkdmarc beside the project's own packages, which stay as they are."""
    shown = f"import checkdmarc; assert checkdmarc.__version__ == {VERSION!r}"
    if PYTHON.exists() and not subprocess.run([str(PYTHON), "-c", shown], capture_output=True, check=False).returncode:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(FOLDER)], check=True, timeout=120)
    install = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", f"checkdmarc=={VERSION}"]
    for left in reversed(range(TRIES)):
        try:
            subprocess.run(install, check=True, timeout=180, stdout=sys.stderr)
            return
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            if not left:
                raise


def measure(address: str, domains: Sequence[str]) -> dict[str, float]:
    """Check domains in a new process, so that its cache is empty; its start is not counted."""
    command = [str(PYTHON), __file__, address, *domains]
    # No proxy, and nothing else of the environment.
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={}, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


class Guard:
    """Counts the questions to the server, and keeps everything else in this machine."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server = server
        self.asked = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            raise socket.gaierror(socket.EAI_NONAME, "names are not for this run")
        # One datagram, or one connection of TCP, for each question.
        if event in ("socket.sendto", "socket.connect"):
            if arguments[1][:2] != self.server:
                raise RuntimeError(f"a connection to {arguments[1]}")
            self.asked += 1


def _problem(result: dict[str, Any]) -> bool:
    """Whether what is right is found wrong: then it did not see the records."""
    valid = all(result[check]["valid"] for check in ("spf", "dmarc", "smtp_tls_reporting"))
    return not valid or not result["mx"]["hosts"] or "error" in result["soa"] or not result["ns"]["hostnames"]


def _check(address: str, domains: list[str]) -> None:
    import checkdmarc  # noqa: PLC0415 - it is in the other environment only

    guard = Guard((address, 53))
    sys.addaudithook(guard)
    begin, cpu = time.perf_counter(), time.process_time()
    results = checkdmarc.check_domains(domains, nameservers=[address], bimi_selector=None)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    wrong = [result for result in results if _problem(result)]
    if wrong:
        sys.exit(json.dumps(wrong[0], indent=1, default=str))
    print(json.dumps({"seconds": seconds, "CPU": cpu, "questions": guard.asked}))


if __name__ == "__main__":
    _check(sys.argv[1], sys.argv[2:])

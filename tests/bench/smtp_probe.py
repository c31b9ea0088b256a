# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long smtp_info takes: one relay of 4 listeners over IPv4 and IPv6, and 20 targets at once.

    .venv/bin/python tests/bench/smtp_probe.py

It runs the module's own code in this process, and once as a task of Ansible, and prints a table; `make test` does not
run it. One Postfix in a container plays all relays, on this machine as well; 20 ports of it are 20 relays.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

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
from smtp_host import SmtpHost  # noqa: E402

ENCRYPT = "smtpd_tls_security_level=encrypt"
KINDS = {"may": [], "encrypt": [ENCRYPT], "wrapper": [ENCRYPT, "smtpd_tls_wrappermode=yes"]}
# The four listeners of one relay.
ONE = {2401: "may", 2402: "encrypt", 2403: "wrapper", 2404: "may"}
# Twenty relays: each has the three listeners that are usual.
MANY = {2501 + number: kind for number, kind in enumerate(["may", "encrypt", "wrapper"] * 20)}

SETTINGS = Settings("stranger.example.org", "stranger@example.org", "recipient@example.net", 30, None, ())


def listeners(ports: dict[int, str], addresses: list[str]) -> list[Listener]:
    return [Listener("relay.test", f"{kind}-{port}", a, port, kind) for a in addresses for port, kind in ports.items()]


def measure(name: str, wanted: list[Listener], *, battery: bool = True) -> None:
    """Probe once and print what that took."""
    tracemalloc.start()
    started, cpu = time.perf_counter(), time.process_time()
    seen: list[Observation] = asyncio.run(_smtp_survey.probe_all(wanted, SETTINGS, 600, 64, battery=battery))
    seconds, own = time.perf_counter() - started, time.process_time() - cpu
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    failed = [
        f"{each.listener.service}: {each.trouble or each.untried}" for each in seen if each.trouble or each.untried
    ]
    tricks = sum(len(each.answers) for each in seen)
    print(f"{name:48} {len(seen):9} {tricks:7} {seconds:8.1f} {own:8.1f} {peak:8.1f}")
    for line in failed[:5]:
        print(f"  not looked at in full: {line}")


def as_a_task(host: SmtpHost) -> float:
    """Return how long one relay takes as a task of Ansible."""
    services = [{"name": f"s{port}", "port": port, "tls": kind} for port, kind in ONE.items()]
    relay = {"relay": "relay.test", "addresses": [host.address4, host.address6], "services": services}
    command = ["ansible", "localhost", "--connection", "local", "--one-line"]
    command += ["--extra-vars", json.dumps({"ansible_python_interpreter": sys.executable})]
    command += ["--module-name", "mailops.relay.smtp_info", "--args", json.dumps({"targets": [relay]})]
    environment = {**ENVIRONMENT, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, text=True, check=True, timeout=600, env=environment)
    return time.perf_counter() - started


def main() -> None:
    host = SmtpHost("bench")
    try:
        host.start("postfix")
        with tempfile.TemporaryDirectory() as folder:
            pem = Authority().issue("relay.test", days=90).write(Path(folder) / "relay.pem")
            host.postfix(
                pem, {port: KINDS[kind] for port, kind in {**ONE, **MANY}.items()}, "default_process_limit = 400"
            )
        both = [host.address4, host.address6]
        print(f"{'':48} {'listeners':>9} {'tricks':>7} {'seconds':>8} {'CPU s':>8} {'MB peak':>8}")
        measure("one relay, IPv4 and IPv6, without the tricks", listeners(ONE, both), battery=False)
        measure("one relay, IPv4 and IPv6, all tricks", listeners(ONE, both))
        measure("20 relays at once, IPv4, without the tricks", listeners(MANY, both[:1]), battery=False)
        measure("20 relays at once, IPv4, all tricks", listeners(MANY, both[:1]))
        print("one minute, until the limits of Postfix have forgotten us …", flush=True)
        time.sleep(65)
        measure("20 relays at once, IPv4 and IPv6, all tricks", listeners(MANY, both))
        print(f"one relay as a task of Ansible: {as_a_task(host):.1f} s")
    finally:
        host.remove()


if __name__ == "__main__":
    main()

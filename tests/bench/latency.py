# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a message is under way in our relay: idle, busy, and beside destinations that are slow or say nothing.

    .venv/bin/python tests/bench/latency.py

What counts is the 99th percentile beside others, as a ratio to the one without them.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from functools import partial
from typing import Any

from mail_lab import HERE, Host, Machine, MailLab
from rounds import Figures, in_turn, table

RATE = float(os.environ.get("BENCH_RATE", "80"))
"""Messages per second of a busy relay."""
SECONDS = 20
HOLD = 30
"""Seconds that a slow destination takes for each message."""

SLOW, DEAD = range(20, 26), range(30, 31)
"""Last parts of the addresses in the world that are slow, and that say nothing."""

IDLE, BUSY = "idle", "busy"
LOADS: dict[str, dict[str, Any]] = {
    IDLE: {"rate": 5.0},
    BUSY: {},
    "busy, a slow destination": {"slow": 1, "beside": 100},
    "busy, a dead destination": {"dead": 1, "beside": 100},
    "busy, six slow destinations": {"slow": 6, "hold": 8, "beside": 150, "warm": 30},
}


def relay(lab: MailLab, machine: Machine) -> None:
    """Deploy our relay, with mail for everybody's own servers."""
    lab.deploy(machine, relay_next_hops=[])


def add_addresses(lab: MailLab) -> None:
    """Give the world the addresses of its other destinations."""
    lab.world.run("\n".join(f"ip address add {lab.net}.{last}/24 dev eth0" for last in (*SLOW, *DEAD)))


def measure(lab: MailLab, machine: Machine, load: dict[str, Any]) -> Figures:
    """Send at one rate, and return percentiles in milliseconds.

    :raises SystemExit: when a message is lost, or when nothing was slow where something should have been
    """
    machine.run("systemctl restart postfix")
    job = {"relay": machine.address, "rate": RATE, "seconds": SECONDS, "address": lab.world.address, "hold": HOLD}
    job |= {"beside": 0, "warm": 2, "patience": 60, **load}
    job["slow"] = [f"{lab.net}.{last}" for last in SLOW[: load.get("slow", 0)]]
    job["dead"] = [f"{lab.net}.{last}" for last in DEAD[: load.get("dead", 0)]]
    program = (HERE / "inside_latency.py").read_text()
    seen = json.loads(
        Host.podman("exec", "--interactive", lab.world.name, "python3", "-", json.dumps(job), text=program)
    )
    machine.run("systemctl stop postfix; postsuper -d ALL 2>/dev/null")
    if seen["lost"]:
        sys.exit(f"{seen['lost']} messages did not arrive")
    if job["slow"] and not seen["held"]:
        sys.exit("The slow destination had nothing to do")
    return {**percentiles("accept", seen["accept"]), **percentiles("deliver", seen["deliver"]), "held": seen["held"]}


def percentiles(name: str, seconds: list[float]) -> Figures:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {f"{name} median": cuts[49] * 1000, f"{name} 99 %": cuts[98] * 1000}


def main() -> None:
    with MailLab({"relay": relay}) as lab:
        add_addresses(lab)
        machine = lab.relays["relay"]
        seen = in_turn({name: partial(measure, lab, machine, load) for name, load in LOADS.items()})
    names = ["accept median", "accept 99 %", "deliver median", "deliver 99 %"]
    rows = [
        (
            load,
            *(f"{figures[name]:.0f}" for name in names),
            f"{figures['deliver 99 %'] / seen[BUSY]['deliver 99 %']:.2f}",
        )
        for load, figures in seen.items()
    ]
    head = ["load", *(f"{name}, ms" for name in names), "99 % to busy"]
    table(f"Messages of 4 kB; busy: {RATE:g} per second; a slow destination takes {HOLD} s for each", head, rows)


if __name__ == "__main__":
    main()

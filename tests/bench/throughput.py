# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many messages per second a relay takes, signs and hands on: ours, and what else people build.

    .venv/bin/python tests/bench/throughput.py [LOAD …]

Every variant has the same client, the same sink, and RSA keys of 2048 bits. What counts is the ratio to ours unsigned.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cpu import Sampler
from mail_lab import DOMAIN, HERE, SINK_PORT, Host, Machine, MailLab, eventually
from rounds import Figures, in_turn, table
from variants import UNSIGNED, VARIANTS

# From the folder of the integration tests, which mail_lab adds to the path.
from dkim_verifier import verify  # isort: skip

if TYPE_CHECKING:
    from collections.abc import Sequence


class Load(NamedTuple):
    """How messages come in."""

    size: int
    """Bytes of a message, about."""
    connections: int
    """At a time."""
    per_connection: int
    messages: int


LOADS = {
    "4k-20": Load(4_096, 20, 1, 2_000),
    "4k-50": Load(4_096, 50, 1, 2_000),
    "4k-20-keep": Load(4_096, 20, 20, 4_000),
    "50k-20": Load(51_200, 20, 1, 1_000),
    "1M-20": Load(1_048_576, 20, 1, 100),
}


# What a mail program writes, so that the filter sees as many header fields as in real life.
HEADER = f"""\
From: Sender of a Benchmark <sender@{DOMAIN}>
To: Recipient <recipient@rcpt.test>
Subject: A message of {{size}} bytes
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-ID: <0123456789abcdef@{DOMAIN}>
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 7bit
"""
LINE = "The quick brown fox jumps over the lazy dog, again and again and once more.\n"
SAMPLE = 50
"""How many messages of each run have their signatures verified."""
FOLDER = "/dev/shm/sink"


def message(size: int) -> dict[str, str | int]:
    """Return what a message is made of, since a large one fits no command line: its head, and a line so many times."""
    head = HEADER.format(size=size) + "\n"
    return {"head": head, "line": LINE, "lines": (size - len(head)) // len(LINE)}


def transfer(lab: MailLab, machine: Machine, load: Load) -> dict[str, float]:
    """Send messages through a relay; return how long it took to take and to deliver them, in seconds.

    :raises SystemExit: when a message is lost, or comes twice
    """
    job = {**load._asdict(), "relay": machine.address, **message(load.size)}
    job |= {"sink": SINK_PORT, "folder": FOLDER, "seconds": 120}
    program = (HERE / "inside_world.py").read_text()
    output = Host.podman("exec", "--interactive", lab.world.name, "python3", "-", json.dumps(job), text=program)
    seen: dict[str, float] = json.loads(output)
    if seen["received"] != load.messages:
        sys.exit(f"{machine.name}: {seen['received']} messages of {load.messages} came out of the relay")
    return seen


def measure(lab: MailLab, machine: Machine, load: Load, *, signed: bool) -> Figures:
    """Send messages through a relay and return its figures.

    :raises SystemExit: when a message is lost, or comes twice, or a signature does not verify
    """
    # Processes that a busy relay has already.
    transfer(lab, machine, load._replace(messages=max(load.connections, load.messages // 10)))
    sampler = Sampler(machine.process())
    sampler.start()
    seen = transfer(lab, machine, load)
    sampler.stop()
    if signed:
        check_signatures(lab, machine)
    eventually(lambda: not machine.run("find /var/spool/postfix/active -type f"), 30, "an empty queue")
    thousands = load.messages / 1000
    return {
        "accepted/s": load.messages / seen["accepted"],
        "delivered/s": load.messages / seen["delivered"],
        "CPU": sum(sampler.seconds.values()) / thousands,
        "MB": sum(sampler.peak.values()) / 2**20,
        **{f"CPU {name}": seconds / thousands for name, seconds in sampler.seconds.items()},
    }


def check_signatures(lab: MailLab, machine: Machine) -> None:
    """Verify the signatures of a sample of what the sink has just got."""
    script = f"cd {FOLDER}; for file in $(ls | shuf -n {SAMPLE}); do base64 --wrap 0 $file; echo; done"
    key = lab.public_key(machine)
    for line in lab.world.run(script).splitlines():
        # The sink writes what it knows of the envelope above the message.
        text = re.sub(rb"\A(X-[^\n]*\n)+", b"", base64.b64decode(line))
        tags = verify(text, AnySelector(key))
        if [tag["d"] for tag in tags] != [DOMAIN]:
            sys.exit(f"{machine.name}: a message has signatures of {[tag['d'] for tag in tags]}, not of {DOMAIN}")


class AnySelector(dict[str, str]):
    """Key records that are all the same."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def __missing__(self, name: str) -> str:
        return self.text


def show(name: str, load: Load, seen: dict[str, Figures]) -> None:
    first = seen[UNSIGNED]["delivered/s"]
    rows = [
        (
            variant,
            f"{figures['delivered/s']:.0f}",
            f"{figures['delivered/s'] / first:.2f}",
            f"{figures['accepted/s']:.0f}",
            f"{figures['CPU']:.2f}",
            f"{figures['MB']:.0f}",
            ", ".join(f"{process} {seconds:.2f}" for process, seconds in processes(figures)),
        )
        for variant, figures in seen.items()
    ]
    of = f"{load.connections} connections, {load.per_connection} message(s) each"
    head = ["variant", "delivered/s", "ratio", "accepted/s", "CPU s per 1,000", "MB peak", "of it"]
    table(f"{name}: {load.size} bytes, {of}", head, rows)


def processes(figures: Figures) -> list[tuple[str, float]]:
    """Return the processes that need most, and what each needs per 1,000 messages."""
    found = [(name.removeprefix("CPU "), value) for name, value in figures.items() if name.startswith("CPU ")]
    return sorted(found, key=lambda pair: -pair[1])[:8]


def main(wanted: Sequence[str]) -> None:
    unknown = [name for name in wanted if name not in LOADS]
    if unknown:
        sys.exit(f"Unknown loads: {', '.join(unknown)}. Accepted: {', '.join(LOADS)}.")
    with MailLab(VARIANTS) as lab:
        for name in wanted or LOADS:
            runs = {
                variant: partial(measure, lab, machine, LOADS[name], signed=variant != UNSIGNED)
                for variant, machine in lab.relays.items()
            }
            show(name, LOADS[name], in_turn(runs))


if __name__ == "__main__":
    main(sys.argv[1:])

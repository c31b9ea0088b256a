# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs inside of the benchmark's world: hands messages to a relay, and waits until the sink has them all.

Its one argument is an object in JSON: relay, connections, per_connection, messages, head, line and lines (a message
is the head, and the line so many times), seconds (for all of it), sink (port), folder (of the sink). It prints one:
accepted and delivered (seconds from the first connection until the relay had taken, and the sink had got, the last
message) and received (how many there were).
Postfix's own smtp-source(1) and smtp-sink(1) send and receive, since they need far less of the processor than a relay.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any


def send(job: dict[str, Any], message_file: str) -> None:
    """Hand in all messages: with one smtp-source after the other, where each keeps its connections."""
    left = job["messages"]
    keep = ["-d"] if job["per_connection"] > 1 else []
    batch = job["connections"] * job["per_connection"] if keep else left
    while left > 0:
        number = min(batch, left)
        command = ["smtp-source", *keep, "-s", str(min(job["connections"], number)), "-m", str(number)]
        command += ["-f", "sender@alpha.test", "-t", "recipient@rcpt.test", "-M", "world.lab.test", "-F", message_file]
        subprocess.run([*command, f"{job['relay']}:25"], check=True, timeout=job["seconds"])
        left -= number


def main() -> None:
    job = json.loads(sys.argv[1])
    shutil.rmtree(job["folder"], ignore_errors=True)
    os.makedirs(job["folder"], mode=0o777)
    # One file per message, in memory.
    sink = subprocess.Popen(
        ["smtp-sink", "-u", "root", "-d", f"{job['folder']}/%M.", "-h", "sink.test", f"0.0.0.0:{job['sink']}", "4000"],
        stdout=subprocess.DEVNULL,
    )
    try:
        time.sleep(0.5)
        with tempfile.NamedTemporaryFile("w") as message:
            message.write(job["head"] + job["line"] * job["lines"])
            message.flush()
            begin = time.monotonic()
            accepted = []
            sender = threading.Thread(
                target=lambda: (send(job, message.name), accepted.append(time.monotonic() - begin))
            )
            sender.start()
            received = 0
            while received < job["messages"] and time.monotonic() - begin < job["seconds"]:
                time.sleep(0.03)
                received = len(os.listdir(job["folder"]))
            delivered = time.monotonic() - begin
            sender.join()
            # Twice is as wrong as never.
            time.sleep(0.3)
            received = len(os.listdir(job["folder"]))
    finally:
        sink.terminate()
        sink.wait()
    print(json.dumps({"accepted": accepted[0], "delivered": delivered, "received": received}))


if __name__ == "__main__":
    main()

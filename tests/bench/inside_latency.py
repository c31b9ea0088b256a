# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs inside of the benchmark's world: sends messages at a steady rate, and is the server that each of them ends at.

Client and servers share one clock. The one argument is an object in JSON: relay, rate (messages per second), seconds
(for which to send), address (of the server that answers at once), slow (addresses of servers that take ``hold``
seconds for each message), dead (addresses that take connections and say nothing), beside (how many messages each of
those gets first), warm (seconds from then until the rest is sent), patience (seconds to wait for the last message).
It prints one: accept and deliver, lists of seconds, from the first packet until the relay has taken the message, and
from then until it has arrived; lost, how many never arrived; and held, how many messages a slow server has in hand.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from contextlib import suppress
from typing import Any

TEXT = "The quick brown fox jumps over the lazy dog, again and again and once more.\r\n" * 50
ID = re.compile(rb"^Message-ID: <(\d+)@", re.IGNORECASE | re.MULTILINE)


class Sink:
    """An SMTP server that takes every message, after ``hold`` seconds."""

    def __init__(self, hold: float = 0) -> None:
        self.hold = hold
        self.arrived: dict[int, float] = {}
        self.held = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.write(b"220 sink.test ESMTP\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    await self._take(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                if verb == b"QUIT":
                    break
            await writer.drain()
            writer.close()

    async def _take(self, message: bytes) -> None:
        found = ID.search(message)
        if self.hold:
            self.held += 1
            await asyncio.sleep(self.hold)
            self.held -= 1
        if found:
            self.arrived[int(found[1])] = time.monotonic()


async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing to whoever comes."""
    await asyncio.sleep(3600)
    writer.close()


async def send(relay: str, number: int, recipient: str) -> tuple[float, float]:
    """Hand one message in; return when that began, and when the relay had taken it."""
    begin = time.monotonic()
    reader, writer = await asyncio.open_connection(relay, 25)

    async def reply(expected: bytes) -> None:
        while (line := await reader.readline())[3:4] == b"-":
            pass
        if not line.startswith(expected):
            raise RuntimeError(f"the relay says {line!r}")

    await reply(b"220")
    for command in ("EHLO world.lab.test", "MAIL FROM:<sender@alpha.test>", f"RCPT TO:<{recipient}>"):
        writer.write(f"{command}\r\n".encode())
        await reply(b"250")
    writer.write(b"DATA\r\n")
    await reply(b"354")
    header = (
        f"From: sender@alpha.test\r\nTo: {recipient}\r\nSubject: benchmark\r\nMessage-ID: <{number}@alpha.test>\r\n"
    )
    writer.write(f"{header}Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n\r\n{TEXT}.\r\n".encode())
    await reply(b"250")
    accepted = time.monotonic()
    writer.write(b"QUIT\r\n")
    with suppress(ConnectionError):
        await reader.read()
    writer.close()
    return begin, accepted


async def run(job: dict[str, Any]) -> dict[str, Any]:
    fast, slow = Sink(), Sink(job["hold"])
    servers = [await asyncio.start_server(fast.serve, job["address"], 25)]
    servers += [await asyncio.start_server(slow.serve, address, 25) for address in job["slow"]]
    servers += [await asyncio.start_server(silence, address, 25) for address in job["dead"]]
    for number in range(job["beside"]):
        for address in (*job["slow"], *job["dead"]):
            await send(job["relay"], 10**9 + number, f"slow@[{address}]")
    await asyncio.sleep(job["warm"])

    tasks: list[asyncio.Task[tuple[float, float]]] = []
    begin = time.monotonic()
    for number in range(int(job["rate"] * job["seconds"])):
        await asyncio.sleep(max(0, begin + number / job["rate"] - time.monotonic()))
        tasks.append(asyncio.create_task(send(job["relay"], number, f"fast@[{job['address']}]")))
    held = slow.held
    taken = await asyncio.gather(*tasks)
    deadline = time.monotonic() + job["patience"]
    while len(fast.arrived) < len(taken) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    for server in servers:
        server.close()
    there = {number: times for number, times in enumerate(taken) if number in fast.arrived}
    return {
        "accept": [accepted - first for first, accepted in there.values()],
        # The message may arrive before the relay's reply has been read.
        "deliver": [max(0, fast.arrived[number] - accepted) for number, (_first, accepted) in there.items()],
        "lost": len(taken) - len(there),
        "held": held,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
    # Servers that hold a connection are not waited for.
    sys.stdout.flush()
    sys.exit(0)

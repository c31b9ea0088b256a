# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Run a program that may hang, print without end, or not be there: bounded in time and in memory."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
import typing as t

MOST = 1 << 20
"""Octets that are kept of what a program prints."""

LONGEST_LINE = 1 << 16
"""Octets that are kept of one line."""

_PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Take = t.Callable[[bytes], None]
"""Takes one line of output, or as much of it as is kept, without its end."""


class Outcome(t.NamedTuple):
    """How a program ended. ``problem`` says why there is no whole output; it is empty for one that came to its end."""

    code: int
    output: str = ""
    errors: str = ""
    problem: str = ""

    @property
    def why_not(self) -> str:
        """Why the output is not to be relied on, empty where it is."""
        lines = self.errors.strip().splitlines() or [f"it ended with status {self.code}"]
        return self.problem or (lines[-1] if self.code else "")


class Splitter:
    """Cuts a stream into lines and keeps no more than :data:`LONGEST_LINE` of each."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._line = bytearray()

    def feed(self, data: bytes) -> None:
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._add(part)
            self._hand_on()
        self._add(rest)

    def _add(self, part: bytes) -> None:
        self._line += part[: max(0, LONGEST_LINE - len(self._line))]

    def _hand_on(self) -> None:
        self._take(bytes(self._line))
        self._line.clear()

    def end(self) -> None:
        """Hand on what has come of a line, if anything has."""
        if self._line:
            self._hand_on()


class _Text:
    """Keeps lines up to :data:`MOST` octets."""

    def __init__(self) -> None:
        self.size = 0
        self.lines: list[bytes] = []

    def take(self, line: bytes) -> None:
        if self.size < MOST:
            self.lines.append(line)
            self.size += len(line) + 1

    def __str__(self) -> str:
        return b"".join(line + b"\n" for line in self.lines).decode("utf-8", "replace")


class Programs:
    """Runs the programs of this host, each for ``timeout`` seconds at most."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout

    def run(self, *command: str) -> Outcome:
        """Run a program and return what it has printed."""
        output = _Text()
        outcome = self.stream(output.take, *command)
        return outcome._replace(output=str(output))

    def stream(self, take: Take, *command: str) -> Outcome:
        """Run a program and hand on each line of its output."""
        path = f"{os.environ.get('PATH', '')}:{_PATHS}"
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C", "LANGUAGE": "C", "PATH": path},
                cwd="/",
                # Its children end with it.
                start_new_session=True,
            )
        except FileNotFoundError:
            return Outcome(127, problem=f"{command[0]} is not installed")
        except OSError as error:
            return Outcome(126, problem=f"{command[0]} cannot be started: {error.strerror}")
        return self._follow(process, command[0], take)

    def _follow(self, process: subprocess.Popen[bytes], name: str, take: Take) -> Outcome:
        errors = _Text()
        problem = ""
        try:
            _read(process, take, errors.take, time.monotonic() + self.timeout)
            process.wait(1)
        except (TimeoutError, subprocess.TimeoutExpired):
            problem = f"{name} did not end within {self.timeout:g} s"
        finally:
            _end(process)
        return Outcome(1 if process.returncode is None else process.returncode, "", str(errors), problem)


def _read(process: subprocess.Popen[bytes], take: Take, take_error: Take, deadline: float) -> None:
    """Read both streams to their ends; raise TimeoutError at the deadline."""
    with selectors.DefaultSelector() as selector:
        for stream, taker in ((process.stdout, take), (process.stderr, take_error)):
            selector.register(t.cast(t.IO[bytes], stream), selectors.EVENT_READ, Splitter(taker))
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if time.monotonic() > deadline:
                raise TimeoutError
            for key, _events in ready:
                data = os.read(key.fd, 1 << 16)
                key.data.feed(data)
                if not data:
                    key.data.end()
                    selector.unregister(key.fileobj)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a program and its children; one that the kernel does not let go is left to it."""
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1)
    for stream in (process.stdout, process.stderr):
        t.cast(t.IO[bytes], stream).close()

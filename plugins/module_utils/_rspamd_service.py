# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""rspamd as a service: let it judge its files, restart it, and see that its milter works."""

from __future__ import annotations

import os
import socket
import struct
import tempfile
import time
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _milter, _opendkim, _redis
from ansible_collections.mailops.relay.plugins.module_utils._activation import Files
from ansible_collections.mailops.relay.plugins.module_utils._unit import Run, Unit

# Steps that the filter may leave without an answer (SMFIP_NR_*), and the commands that they are about.
_SILENT = {b"L": 0x80, b"C": 0x1000, b"H": 0x2000, b"M": 0x4000, b"R": 0x8000, b"N": 0x40000, b"B": 0x80000}
_OFFERED = sum(_SILENT.values())

WORKER = b"rspamd_proxy"
"""What a process that answers at the milter socket calls itself."""


class QuietMilter(_milter.Milter):
    """A conversation with a filter that answers at the end of the message only."""

    silent: t.Collection[bytes] = ()

    def negotiate(self) -> None:
        self._send(b"O", struct.pack("!III", _milter.VERSION, _milter.ACTIONS, _OFFERED))
        command, data = self._receive()
        if command != b"O" or len(data) < 12:
            raise _milter.MilterError(f"it answered the option negotiation with {command!r}")
        (steps,) = struct.unpack("!I", data[8:12])
        self.silent = [command for command, flag in _SILENT.items() if steps & flag]

    def _step(self, command: bytes, data: bytes) -> bytes:
        if command not in self.silent:
            return super()._step(command, data)
        self._send(command, data)
        return _milter.CONTINUE


class Rspamd:
    """rspamd with the configuration file ``config``, which is one of the ``paths`` that are swapped together.

    ``socket`` is its milter socket. ``store`` are servers that have to accept ``password``; one that cannot be reached
    is no problem, it is noted in ``away``. With ``hostname`` it has to refuse a notice of this host that is not from
    there. Mail of the domains of ``signing`` has to come back signed, with the selector of each. ``wait`` is
    the time in seconds that it has to come up and answer.
    """

    def __init__(
        self,
        run: Run,
        config: str,
        paths: t.Iterable[str],
        path_of_socket: str,
        *,
        hostname: str = "",
        store: t.Iterable[str] = (),
        password: str = "",
        signing: t.Mapping[str, str] | None = None,
        wait: float = 30,
    ) -> None:
        self.run = run
        self.config = config
        self.paths = list(paths)
        self.socket = path_of_socket
        self.hostname = hostname
        self.store = list(store)
        self.password = password
        self.signing = dict(signing or {})
        self.wait = wait
        self.unit = Unit(run, "rspamd")
        self.away: list[str] = []

    # Judging a candidate

    def check(self, stage: str) -> list[str]:
        """Let rspamd read the set, and the store say whether it accepts the password."""
        staged = {path: os.path.join(stage, os.path.basename(path)) for path in self.paths}
        return self._complaints(staged) + self._store_problems()

    def _complaints(self, staged: dict[str, str]) -> list[str]:
        """Run ``rspamadm configtest`` on a copy of the staged configuration that names the staged files."""
        with open(staged[self.config], encoding="utf-8") as stream:
            text = stream.read()
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="rspamd-") as copy:
            copy.write(_opendkim.with_paths(text, staged))
            copy.flush()
            code, output, errors = self.run(["rspamadm", "configtest", "-c", copy.name])
        names = {copy.name: self.config, **{new: old for old, new in staged.items()}}
        lines = _opendkim.with_paths(errors + output, names).strip().splitlines()
        if not code:
            return []
        return [f"rspamd refuses the configuration: {line}" for line in lines[:5] or [f"it ended with status {code}"]]

    def _store_problems(self) -> list[str]:
        problems = []
        for server in self.store:
            try:
                refusal = _redis.refusal(server, self.password, 5)
            except _redis.ServerAwayError as away:
                self.away.append(f"the store {server} cannot be reached now: {away}")
                continue
            if refusal:
                problems.append(f"the store {server} does not let this host in: {refusal}")
        return problems

    # State

    def running(self) -> bool:
        return self.unit.running()

    def wanted_by_anyone(self) -> bool:
        return self.unit.wanted_by_anyone()

    def due(self, before: Files, after: Files) -> str:
        """Return ``reload`` where the unit's own files are as they were: no message in flight is deferred by it."""
        folder = os.path.dirname(self.config)
        outside = [path for path in {*before, *after} if os.path.dirname(path) != folder]
        return "restart" if any(before.get(path) != after.get(path) for path in outside) else "reload"

    def apply(self, action: str) -> list[str]:
        if action == "stop":
            return self.unit.stop()
        started = time.time()
        problems = self._reload() if action == "reload" else self.unit.restart()
        return problems + (self.unit.last_words(started) if problems else [])

    def _reload(self) -> list[str]:
        """Have it start workers on the new files, and wait until the old ones are gone.

        They see their connections to the end, for ten seconds at most. Until then nobody can tell which of them takes
        a new one: rspamd tells the old ones after it has started the new ones.
        """
        old = self._workers()
        problems = self.unit.systemctl("reload", "rspamd")
        deadline = time.monotonic() + self.wait
        while not problems and not self._replaced(old):
            if time.monotonic() > deadline:
                return ["rspamd has not taken up the new files: its worker is the old one"]
            time.sleep(0.1)
        return problems

    def _replaced(self, old: set[str]) -> bool:
        workers = self._workers()
        return bool(workers) and not workers & old

    def _workers(self) -> set[str]:
        """Process numbers of those that answer at the socket. Its main process has others besides."""
        _code, output, _errors = self.run(["systemctl", "show", "--property=MainPID", "--value", "rspamd"])
        main = output.strip()
        try:
            with open(f"/proc/{main}/task/{main}/children", encoding="ascii") as stream:
                started = stream.read().split()
        except OSError:
            return set()
        return {process for process in started if WORKER in _title(process)}

    # The proof

    def prove(self) -> list[str]:
        """See that the milter lets a notice of this host pass, and none with another's From. Nothing is sent."""
        started = time.time()
        problems = self._look()
        return problems + (self.unit.last_words(started) if problems else [])

    def _look(self) -> list[str]:
        deadline = time.monotonic() + self.wait
        while True:
            try:
                milter = _open(self.socket, self.wait)
                break
            except (OSError, _milter.MilterError) as error:
                if time.monotonic() > deadline or self.unit.gave_up():
                    return [f"rspamd does not answer at its milter socket {self.socket}: {error}"]
            time.sleep(0.1)
        try:
            return self._judged(milter)
        except (OSError, _milter.MilterError) as error:
            return [f"rspamd broke off the conversation at its milter socket {self.socket}: {error}"]
        finally:
            milter.connection.close()

    def _judged(self, milter: _milter.Milter) -> list[str]:
        accepted = (_milter.CONTINUE, b"a")
        probes = [(self.hostname or "localhost.invalid", True), *([("other.invalid", False)] if self.hostname else [])]
        problems = []
        milter.connect("localhost", "127.0.0.1")
        for domain, passes in probes:
            headers = [("From", f"probe@{domain}"), ("Date", "Thu, 1 Jan 1970 00:00:00 +0000"), ("Subject", "probe")]
            verdict, _added = milter.message("probe", "", headers, b"probe\r\n")
            if (verdict in accepted) != passes:
                problems.append(
                    f"rspamd does not judge as it should: its verdict on a notice of this host from probe@{domain} is"
                    f" {_milter.VERDICTS[verdict]!r}"
                )
        expected = {domain: (domain, selector) for domain, selector in self.signing.items()}
        problems += _milter.signing_problems(milter, "rspamd", expected)
        milter.close()
        return problems


def _title(process: str) -> bytes:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as stream:
            return stream.read()
    except OSError:  # it has ended
        return b""


def _open(path: str, timeout: float) -> _milter.Milter:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    try:
        connection.connect(path)
        milter = QuietMilter(connection)
        milter.negotiate()
    except BaseException:
        connection.close()
        raise
    return milter

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Dovecot's auth service as a service whose files are activated as one set: judged, told, and asked for a login."""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _dovecot
from ansible_collections.mailops.relay.plugins.module_utils._activation import Files
from ansible_collections.mailops.relay.plugins.module_utils._files import read_file
from ansible_collections.mailops.relay.plugins.module_utils._unit import Run, Unit, first_line

_LARGEST = 1 << 16
# Lines of its journal that tell of a problem.
_TELLING = re.compile(r"\b(Error|Fatal|Panic)\b")


class Dovecot:
    """Dovecot with the configuration file ``config``, which is one of the ``paths`` that are swapped together.

    ``users`` is its passwd-file, which it reads again by itself. It answers at the socket ``address``, where it has to
    offer ``mechanisms``. ``wait`` is the time in seconds that it has to come up, and to answer a login.
    """

    def __init__(
        self,
        run: Run,
        config: str,
        users: str,
        paths: t.Iterable[str],
        *,
        address: str,
        mechanisms: t.Iterable[str],
        wait: float = 30,
    ) -> None:
        self.run = run
        self.unit = Unit(run, "dovecot")
        self.config = config
        self.users = users
        self.paths = list(paths)
        self.address = address
        self.mechanisms = list(mechanisms)
        self.wait = wait
        self.sources_are_new = False
        self.warnings: list[str] = []

    # Judging a candidate

    def check(self, stage: str) -> list[str]:
        """Let doveconf(1) read the set, and see that Dovecot knows the scheme of each user's hash."""
        staged = {path: os.path.join(stage, os.path.basename(path)) for path in self.paths}
        self.sources_are_new = any(
            read_file(path, new) != read_file(path) for path, new in staged.items() if path != self.users
        )
        code, output, errors = self.run(["doveconf", "-c", staged[self.config], "-n"])
        lines = errors.replace(stage, os.path.dirname(self.config)).strip().splitlines()
        if code and not lines:
            lines = [f"doveconf ended with status {code}: {first_line(output)}"]
        return [f"Dovecot refuses the configuration: {line}" for line in lines] or self._unknown_schemes(staged)

    def _unknown_schemes(self, staged: t.Mapping[str, str]) -> list[str]:
        code, output, errors = self.run(["doveadm", "-c", staged[self.config], "pw", "-l"])
        if code:
            return [f"doveadm pw -l: {first_line(errors or output)}"]
        known = output.upper().split()
        with open(staged[self.users], encoding="utf-8") as stream:
            used = _dovecot.schemes(stream.read())
        return [
            f"{self.users}: Dovecot does not know the scheme {scheme!r} of the user {name!r}; "
            f"accepted: {', '.join(known)}"
            for name, scheme in used.items()
            if scheme not in known
        ]

    # State

    def running(self) -> bool:
        """Whether Dovecot runs now, and will after a boot."""
        return self.unit.running()

    def _states(self) -> dict[str, str]:
        properties = [f"--property={name}" for name in ("ActiveState", "UnitFileState", "ExecStart")]
        _code, output, _errors = self.run(["systemctl", "show", *properties, "dovecot"])
        return dict(line.partition("=")[::2] for line in output.splitlines())

    def is_somebody_elses(self) -> bool:
        """Whether Dovecot runs with another configuration than ``config``."""
        states = self._states()
        return states.get("ActiveState") == "active" and self.config not in states.get("ExecStart", "")

    def wanted_by_anyone(self) -> bool:
        """Whether Dovecot with ``config`` runs now, is about to, or will after a boot."""
        states = self._states()
        runs = states.get("ActiveState") not in ("inactive", "failed", None) or states.get("UnitFileState") == "enabled"
        return runs and self.config in states.get("ExecStart", "")

    def due(self, before: Files, after: Files) -> str:
        """Return ``none`` where only users change: Dovecot looks at their file for each login."""
        changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        return "none" if changed == {self.users} else "restart"

    def apply(self, action: str) -> list[str]:
        """Start it now and at boot, or stop it and keep it so."""
        if action == "none":
            return []
        if action == "stop":
            return self.unit.stop()
        started = time.time()
        problems = self.unit.restart()
        return problems + (self.unit.last_words(started, _TELLING) if problems else [])

    # The proof

    def prove(self) -> list[str]:
        """See that the mechanisms are offered, and that somebody whom nobody has ever heard of is refused."""
        started = time.time()
        deadline = time.monotonic() + self.wait
        while True:
            try:
                problems = self._ask()
                break
            except (OSError, _dovecot.ProtocolError) as error:
                if time.monotonic() > deadline or self.unit.gave_up():
                    problems = [f"Dovecot does not answer at its socket {self.address}: {error}"]
                    break
            time.sleep(0.1)
        return problems + (self.unit.last_words(started, _TELLING) if problems else [])

    def _ask(self) -> list[str]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(self.wait)
            connection.connect(self.address)
            connection.sendall(_dovecot.introduction(os.getpid()).encode())
            stream = connection.makefile("r", encoding="utf-8", errors="replace", newline="\n")
            offered = _dovecot.offered(_introduction(stream))
            missing = [name for name in self.mechanisms if name not in offered]
            if missing:
                return [f"Dovecot does not offer {', '.join(missing)} at its socket {self.address}"]
            connection.sendall(_dovecot.plain_login(1, f"probe-{secrets.token_hex(8)}", secrets.token_hex(16)).encode())
            try:
                answer = _line(stream)
            except socket.timeout:
                return self._judge(_dovecot.TEMPORARY)
            return self._judge(_dovecot.verdict(answer, 1))

    def _judge(self, verdict: str) -> list[str]:
        if verdict == _dovecot.REFUSED:
            return []
        if verdict == _dovecot.ACCEPTED:
            return ["Dovecot lets a user log in who does not exist"]
        problem = "Dovecot cannot ask one of its sources of users: a login was answered with a temporary failure"
        if self.sources_are_new:
            return [problem]
        # A directory that is away must not keep anybody from taking a user off the list.
        self.warnings.append(f"{problem}. Its configuration is not new, so the files are in use")
        return []


def _line(stream: t.TextIO) -> str:
    line = stream.readline(_LARGEST)
    if not line.endswith("\n"):
        raise _dovecot.ProtocolError("it closed the connection")
    return line.rstrip("\n")


def _introduction(stream: t.TextIO) -> t.Iterator[str]:
    while True:
        line = _line(stream)
        if line == "DONE":
            return
        yield line

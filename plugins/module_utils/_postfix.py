# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Postfix as a service whose files are activated as one set: its own judgement, its state, its listeners."""

from __future__ import annotations

import concurrent.futures
import os
import re
import socket
import ssl
import time
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _main_cf
from ansible_collections.mailops.relay.plugins.module_utils._activation import Files
from ansible_collections.mailops.relay.plugins.module_utils._smtp import offer_foreign_recipient
from ansible_collections.mailops.relay.plugins.module_utils._vantage import Vantage, judge

Run = t.Callable[..., t.Tuple[int, str, str]]
"""Run a program, like AnsibleModule.run_command."""

# postconf(5): "stop and start Postfix when this parameter changes"; the milter's socket and all else take a reload.
RESTART_PARAMETERS = ("inet_interfaces", "inet_protocols", "multi_instance_enable", "multi_instance_directories")


# A key that a table of addresses takes for one; whether a table has it does not matter.
ANY_KEY = "127.0.0.1"


class Listener(t.NamedTuple):
    """A port with its name for users, and its kind of TLS: ``may``, ``encrypt`` or ``wrapper``."""

    name: str
    port: int
    tls: str


class Problem(t.NamedTuple):
    """What a look at a listener found, and whether it is that strangers may relay."""

    text: str
    open: bool = False


def known_parameters(run: Run) -> set[str]:
    """Return the names of all parameters that the installed Postfix has built in (postconf(1), ``-d``)."""
    _code, output, _errors = run(["postconf", "-d"], check_rc=True)
    return {line.partition("=")[0].strip() for line in output.splitlines()}


def _port(service: str) -> int | None:
    """Return the port of an inet service in master.cf (master(5)), None where strangers cannot reach it."""
    host, _colon, port = service.rpartition(":")
    if host.strip("[]") in ("localhost", "::1") or host.startswith("127."):
        return None
    try:
        return int(port) if port.isdigit() else socket.getservbyname(port, "tcp")
    except OSError:
        return None


def _reason(error: OSError, files: t.Sequence[str]) -> str:
    """Say in words what OpenSSL, or the system, has against a certificate and its key."""
    if isinstance(error, ssl.SSLError):
        mismatch = "MISMATCH" in (error.reason or "")
        found = "the key does not belong to the certificate" if mismatch else "no certificate with its key is there"
        return f"{found}. Accepted: both in PEM format, the certificate before those of its authorities"
    missing = [name for name in files if not os.path.exists(name)]
    return f"{error.strerror}: {', '.join(missing)}" if missing else f"{error.strerror}"


def _postconf(stage: str, *arguments: str) -> list[str]:
    """A command of postconf(1), which reads files of ldap: and its like in the default folder unless told better."""
    return ["postconf", "-c", stage, "-o", f"config_directory={stage}", *arguments]


class Postfix:
    """The Postfix instance whose configuration directory is ``directory``.

    ``wait`` is the time in seconds that it has to come up and answer. With ``files_may_be_missing`` a certificate that
    does not exist is no problem: in check mode nobody has made it.
    """

    def __init__(
        self,
        run: Run,
        directory: str,
        listeners: t.Sequence[Listener],
        vantages: t.Sequence[Vantage],
        *,
        wait: float = 20,
        files_may_be_missing: bool = False,
    ) -> None:
        self.run = run
        self.directory = directory
        self.listeners = listeners
        self.vantages = vantages
        self.wait = wait
        self.files_may_be_missing = files_may_be_missing

    # Judging a candidate

    def check(self, stage: str) -> list[str]:
        """Let postconf(1), postmap(1) and postfix(1) read the set; whatever they write as an error is a problem."""
        problems = self._complaints(stage, _postconf(stage, "-n"))
        problems += [p for p in self._complaints(stage, _postconf(stage, "-M")) if p not in problems]
        if not problems:
            problems = self._check_tables(stage) + self._check_chain(stage)
        return problems or self._complaints(stage, ["postfix", "-c", stage, "check"])

    def _complaints(self, stage: str, command: list[str]) -> list[str]:
        code, _output, errors = self.run(command)
        # postfix(1) looks at the main.cf in use as well, which is about to be replaced.
        others = f"warning: {os.path.join(self.directory, 'main.cf')}, line "
        told = [line for line in errors.splitlines() if line.strip() and others not in line]
        lines = [line.replace(stage, self.directory) for line in told]
        if code and not lines and command[0] != "postmap":
            lines = [f"{' '.join(command)} ended with status {code}".replace(stage, self.directory)]
        return [f"Postfix refuses the configuration: {line}" for line in lines]

    def _check_tables(self, stage: str) -> list[str]:
        """Open each lookup table that a parameter names, once; a missing key is no error, an unread table is."""
        users: dict[str, str] = {}
        for what in ("-n", "-P"):
            _code, output, _errors = self.run(_postconf(stage, what, "-x"))
            for line in output.splitlines():
                name, _equals, value = line.partition("=")
                for table in _main_cf.tables(value):
                    users.setdefault(table, name.strip())
        return [
            f"{parameter}: {complaint}"
            for table, parameter in users.items()
            for complaint in self._complaints(stage, ["postmap", "-c", stage, "-q", ANY_KEY, table])
        ]

    def _check_chain(self, stage: str) -> list[str]:
        """Load the certificate and its key as smtpd(8) will. It starts without them and only fails in TLS."""
        _code, output, _errors = self.run(_postconf(stage, "-h", "-x", "smtpd_tls_chain_files"))
        files = [name for name in re.split(r"[,\s]+", output.strip()) if name]
        if self.files_may_be_missing and not all(os.path.exists(name) for name in files):
            return []
        # The key comes first (postconf(5)). More than one chain is for several algorithms, which nobody here asks for.
        if len(files) not in (1, 2):
            return []
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile=files[-1], keyfile=files[0])
        except OSError as error:
            return [f"smtpd_tls_chain_files: {' and '.join(files)}: {_reason(error, files)}"]
        return []

    # State

    def running(self) -> bool:
        """Whether Postfix runs now, and will after a boot."""
        if not os.path.exists(os.path.join(self.directory, "main.cf")):
            return False
        enabled, _output, _errors = self.run(["systemctl", "is-enabled", "--quiet", "postfix"])
        return enabled == 0 and self._is_up()

    def _is_up(self) -> bool:
        code, _output, _errors = self.run(["postfix", "-c", self.directory, "status"])
        return bool(code == 0)

    def due(self, before: Files, after: Files) -> str:
        """Return ``restart`` where a parameter of :data:`RESTART_PARAMETERS` changes, else ``reload``."""
        return "reload" if self._interfaces(before) == self._interfaces(after) else "restart"

    def _interfaces(self, files: Files) -> dict[str | None, str]:
        main_cf = files.get(os.path.join(self.directory, "main.cf"))
        try:
            blocks = _main_cf.parse(main_cf.content.decode()) if main_cf else []
        except ValueError:
            return {}
        return {block.name: block.value for block in blocks if block.name in RESTART_PARAMETERS}

    def apply(self, action: str) -> list[str]:
        """Start (now and at boot), reload, restart or stop Postfix."""
        command = {
            "start": ["systemctl", "enable", "--now", "postfix"],
            "restart": ["systemctl", "restart", "postfix"],
            "reload": ["postfix", "-c", self.directory, "reload"],
            "stop": ["systemctl", "stop", "postfix"],
        }[action]
        code, output, errors = self.run(command)
        return [f"{' '.join(command)}: {(errors or output).strip()}"] if code else []

    # The proof

    def prove(self) -> list[str]:
        """See that Postfix is up, and that each listener greets and refuses a stranger's recipient."""
        started = time.time()
        deadline = time.monotonic() + self.wait
        while True:
            problems = self._look()
            if not problems:
                return []
            # An open listener does not close by waiting; one that does not answer yet may.
            if any(problem.open for problem in problems) or time.monotonic() > deadline:
                return [*(problem.text for problem in problems), *self._log(started)]
            time.sleep(0.3)

    def _look(self) -> list[Problem]:
        if not self._is_up():
            return [Problem("Postfix is not running")]
        listeners = {listener.port: listener for listener in [*self._found_listeners(), *self.listeners]}
        questions = [(listener, vantage) for listener in listeners.values() for vantage in self.vantages]
        if not questions:
            return []
        with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:
            return [problem for problem in pool.map(lambda q: self._ask(*q), questions) if problem]

    def _found_listeners(self) -> list[Listener]:
        """The listeners that master.cf has: one that a user has added must be as closed as the declared ones."""
        _code, output, _errors = self.run(["postconf", "-c", self.directory, "-M"])
        found = []
        for line in output.splitlines():
            service, kind, *_fields = line.split()
            if kind == "inet" and re.search(r"\ssmtpd(\s|$)", line) and (port := _port(service)):
                wrapper, encrypt = "smtpd_tls_wrappermode=yes" in line, "smtpd_tls_security_level=encrypt" in line
                found.append(Listener(service, port, "wrapper" if wrapper else "encrypt" if encrypt else "may"))
        return found

    def _ask(self, listener: Listener, vantage: Vantage) -> Problem | None:
        answers = offer_foreign_recipient(listener.port, listener.tls, vantage, timeout=self.wait)
        problem = judge(answers, vantage.stranger)
        if problem is None:
            return None
        place = f"{listener.name} (port {listener.port} at {vantage.address}), asked from {vantage.source},"
        accepted = vantage.stranger and answers.recipient is not None and answers.recipient[0] < 400
        return Problem(f"{place} {problem}", open=accepted)

    def _log(self, since: float) -> list[str]:
        """What the log says of the attempt, the gravest first: the answer alone seldom tells why."""
        command = ["journalctl", "--quiet", "--output=cat", "--facility=mail", "--priority=warning", "--lines=50"]
        code, output, _errors = self.run([*command, f"--since=@{int(since)}"])
        lines = dict.fromkeys(line for line in output.splitlines() if "/candidate/" not in line) if code == 0 else {}
        gravest_first = sorted(lines, key=lambda line: line.startswith("warning:"))
        return [f"Postfix logged: {line}" for line in gravest_first[:3]]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A validating resolver on the host, and Postfix as its only client: one set of files, two services."""

from __future__ import annotations

import os
import socket
import tempfile
import time
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _resolver
from ansible_collections.mailops.relay.plugins.module_utils._activation import Files
from ansible_collections.mailops.relay.plugins.module_utils._unit import Run, Unit

TRIES = 3
"""How often a question is sent before silence counts as the answer."""

ROOT_KEY = "/var/lib/unbound/root.key"
"""Where unbound keeps the key of the root, and follows its changes (RFC 5011)."""

_PACKAGED_ROOT_KEY = "/usr/share/dns/root.key"

# What Postfix sees as etc in its chroot; the drop-in mounts it there and fills it at each start.
_SEEN_BY_POSTFIX = "/var/lib/mailops-relay/postfix-etc/resolv.conf"


def ask(address: str, name: str, seconds: float) -> _resolver.Reply:
    """Ask a resolver for the SOA record of a name; OSError and ValueError say why there is no answer."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds / TRIES)
        client.connect((address, 53))
        for _each in range(TRIES):
            number = int.from_bytes(os.urandom(2), "big")
            client.send(_resolver.question(name, number))
            try:
                return _resolver.read(client.recv(4096), number)
            except socket.timeout:
                continue
    raise TimeoutError(f"no answer in {seconds:g} s")


class Resolver:
    """The resolver at ``address``, and Postfix, which asks it where ``in_use``.

    ``config`` is the configuration file of unbound where that is ours to run, else None; with ``was_ours`` it was ours
    until now. Files with a path in ``postfix_files`` concern Postfix, which has to be restarted for them.
    """

    def __init__(
        self,
        run: Run,
        address: str,
        signed_name: str,
        *,
        config: str | None,
        was_ours: bool,
        in_use: bool,
        postfix_files: t.Mapping[str, bytes],
        wait: float = 30,
    ) -> None:
        self.run = run
        self.address = address
        self.signed_name = signed_name
        self.config = config
        self.was_ours = was_ours
        self.in_use = in_use
        self.postfix_files = postfix_files
        self.wait = wait
        self.unbound = Unit(run, "unbound")

    # Judging a candidate

    def check(self, stage: str) -> list[str]:
        """Let unbound-checkconf(8) read the configuration."""
        if not self.config:
            return []
        folder, name = os.path.split(self.config)
        with open(os.path.join(stage, name), encoding="utf-8") as stream:
            text = stream.read().replace(f"{folder}/", f"{stage}/")
        if not os.path.exists(ROOT_KEY):
            # The package copies its key there when unbound starts for the first time.
            text = text.replace(ROOT_KEY, _PACKAGED_ROOT_KEY)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="unbound-") as copy:
            copy.write(text)
            copy.flush()
            code, output, errors = self.run(["unbound-checkconf", copy.name])
        lines = (errors + output).replace(copy.name, self.config).replace(stage, folder).strip().splitlines()
        return [f"unbound refuses the configuration: {line}" for line in lines] if code else []

    # State

    def running(self) -> bool:
        """Whether unbound runs where it should, and Postfix asks the resolver that it should."""
        return (not self.config or self.unbound.running()) and not self._postfix_problems()

    def due(self, before: Files, after: Files) -> str:
        """Return ``restart`` where Postfix is concerned, and ``reload`` where unbound alone is."""
        changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
        return "restart" if changed & set(self.postfix_files) or not self.in_use else "reload"

    def apply(self, action: str) -> list[str]:
        """Have the resolver run and answer before Postfix comes to depend on it; stop it after Postfix has left it."""
        if action == "stop" or not self.in_use:
            problems = self._restart_postfix()
            return problems + (self.unbound.stop() if self.config or self.was_ours else [])
        problems = self._start_unbound() if self.config else []
        problems = problems or self.answer_problems(self.wait)
        if not problems and action != "reload":
            problems = self._restart_postfix()
        if not problems and self.was_ours and not self.config:
            problems = self.unbound.stop()
        return problems

    def _start_unbound(self) -> list[str]:
        started = time.time()
        problems = self.unbound.restart()
        return problems + (self.unbound.last_words(started) if problems else [])

    def _restart_postfix(self) -> list[str]:
        """Restart Postfix where it runs: a running one keeps the view of the files that it was started with."""
        problems = self.unbound.systemctl("daemon-reload")
        running = not self.unbound.systemctl("is-active", "postfix")
        return problems + (self.unbound.systemctl("restart", "postfix") if running else [])

    # The proof

    def prove(self) -> list[str]:
        """See that the resolver validates, and that Postfix asks it."""
        return self.answer_problems(self.wait) + self._postfix_problems() if self.in_use else []

    def answer_problems(self, seconds: float) -> list[str]:
        """Ask for what is signed and, where the resolver is ours, for what is bogus; give it time to come up."""
        started = time.time()
        deadline = time.monotonic() + seconds
        while True:
            problems, may_pass = self._look()
            if not problems or not may_pass or time.monotonic() > deadline:
                break
            time.sleep(0.5)
        if problems and self.config:
            problems += self.unbound.last_words(started)
        return [f"The resolver at {self.address} {problems[0]}", *problems[1:]] if problems else []

    def _look(self) -> tuple[list[str], bool]:
        """Return what is wrong with the resolver now, and whether that may pass by waiting."""
        try:
            reply = ask(self.address, self.signed_name, 10)
            problems = _resolver.judge_signed(reply, self.signed_name)
            if problems or not self.config:
                return problems, reply.rcode == _resolver.SERVFAIL
            return _resolver.judge_bogus(ask(self.address, _resolver.BOGUS_NAME, 10)), False
        except (OSError, ValueError) as error:
            return [f"does not answer: {error}"], True

    def _postfix_problems(self) -> list[str]:
        """Compare what a running Postfix was started with to what it should see."""
        wanted = next((text for path, text in self.postfix_files.items() if path.endswith("/resolv.conf")), None)
        if not self.in_use or wanted is None or self.unbound.systemctl("is-active", "postfix"):
            return []
        try:
            with open(_SEEN_BY_POSTFIX, "rb") as stream:
                seen = stream.read()
        except FileNotFoundError:
            seen = b""
        problem = f"Postfix does not ask the resolver at {self.address}: it was started without its drop-in"
        return [] if seen == wanted else [problem]

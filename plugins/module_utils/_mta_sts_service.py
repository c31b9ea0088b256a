# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The daemon that fetches MTA-STS policies, and the map between it and Postfix: one set of files, two services."""

from __future__ import annotations

import os
import socket
import time

from ansible_collections.mailops.relay.plugins.module_utils import _socketmap
from ansible_collections.mailops.relay.plugins.module_utils._activation import Files
from ansible_collections.mailops.relay.plugins.module_utils._unit import Run, Unit

PROBE_KEY = "127.0.0.1"
"""No domain: it passes the map and is answered by the daemon without a question to the network."""

NOT_FOUND = "NOTFOUND "
QUERY_TIMEOUT = 20.0

_LOAD = "import sys; from postfix_mta_sts_resolver.utils import load_config; load_config(sys.argv[1])"


def query(path: str, key: str, seconds: float) -> str:
    """Ask the map at a unix socket for a key; OSError and ValueError say why there is no answer."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(seconds)
        client.connect(path)
        client.sendall(_socketmap.request("probe", key))
        octets = b""
        while True:
            part = client.recv(4096)
            octets += part
            answer = _socketmap.reply(octets)
            if answer is not None:
                return answer
            if not part:
                raise ValueError("it closed the connection")


class MtaSts:
    """The daemon with the configuration file ``config``, and the map of the unit ``name`` at the unix socket ``path``.

    Where they are not ``in_use`` they are stopped.
    """

    def __init__(self, run: Run, config: str, name: str, path: str, *, in_use: bool, wait: float = 30) -> None:
        self.run = run
        self.config = config
        self.path = path
        self.in_use = in_use
        self.wait = wait
        self.daemon = Unit(run, "postfix-mta-sts-resolver.service")
        self.socket = Unit(run, f"{name}.socket")
        self.map = Unit(run, f"{name}.service")

    # Judging a candidate

    def check(self, stage: str) -> list[str]:
        """Let the daemon's own code read its configuration."""
        if not self.in_use:
            return []
        staged = os.path.join(stage, os.path.basename(self.config))
        code, _output, errors = self.run(["python3", "-I", "-c", _LOAD, staged])
        lines = errors.replace(staged, self.config).strip().splitlines()[-4:] if code else []
        return [f"mta-sts-daemon refuses the configuration: {' '.join(line.strip() for line in lines)}"] if code else []

    # State

    def running(self) -> bool:
        """Whether both run now, and will after a boot; systemd starts the map by its socket."""
        return not self.in_use or (self.daemon.running() and self.socket.running())

    def due(self, before: Files, after: Files) -> str:  # noqa: ARG002
        """Return ``restart``: neither of them reads its files again."""
        return "restart"

    def apply(self, action: str) -> list[str]:
        """Start both, now and at boot, or stop them and keep them so."""
        if action == "stop" or not self.in_use:
            return self.socket.stop() + self.map.systemctl("stop", self.map.name) + self.daemon.stop()
        started = time.time()
        # The socket stays while the map is changed, so that Postfix waits and is not turned away.
        problems = self.daemon.restart() or self.map.systemctl("stop", self.map.name)
        problems = problems or (self.socket.restart() if not self.socket.running() else [])
        return problems + (self._last_words(started) if problems else [])

    # The proof

    def prove(self) -> list[str]:
        """See that the map answers, and the daemon behind it."""
        if not self.in_use:
            return []
        started = time.time()
        deadline = time.monotonic() + self.wait
        while True:
            problems = self._look()
            if not problems or time.monotonic() > deadline:
                return problems + (self._last_words(started) if problems else [])
            time.sleep(0.3)

    def _look(self) -> list[str]:
        try:
            answer = query(self.path, PROBE_KEY, QUERY_TIMEOUT)
        except (OSError, ValueError) as error:
            return [f"The TLS policy map does not answer at {self.path}: {error}"]
        return [] if answer == NOT_FOUND else [f"The TLS policy map at {self.path} answers {answer!r}"]

    def _last_words(self, since: float) -> list[str]:
        return [f"{unit.name}: {words}" for unit in (self.daemon, self.map) for words in unit.last_words(since)]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""An instance of fail2ban of our own, as a service whose files are activated as one set."""

from __future__ import annotations

import os
import re
import time
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._activation import Files
from ansible_collections.mailops.relay.plugins.module_utils._unit import Run, Unit

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_ERROR = re.compile("ERROR|rror:")


class Fail2ban:
    """The service ``service`` with its configuration in ``directory``: one jail, that fills sets of an nftables table.

    ``wait`` is the time in seconds that it has to come up.
    """

    def __init__(
        self, run: Run, service: str, directory: str, jail: str, table: t.Sequence[str], *, wait: float = 30
    ) -> None:
        self.run = run
        self.unit = Unit(run, f"{service}.service")
        self.directory = directory
        self.jail = jail
        self.table = list(table)
        self.wait = wait

    def _try(self, *command: str) -> list[str]:
        code, output, errors = self.run(list(command), environ_update={"LC_ALL": "C", "PATH": _PATH})
        return [f"{' '.join(command[:2])}: {_last_line(errors or output)}"] if code else []

    def check(self, stage: str) -> list[str]:
        """Let fail2ban read its configuration, and nft the table."""
        problems = self._try("fail2ban-client", "-c", stage, "-t")
        problems += self._try("nft", "-c", "-f", os.path.join(stage, "bans.nft"))
        return [f"The configuration is refused. {problem}" for problem in problems]

    # State

    def running(self) -> bool:
        """Whether it runs now, and will after a boot."""
        return self.unit.running()

    def wanted_by_anyone(self) -> bool:
        """Whether it runs now, is about to, or will after a boot."""
        return self.unit.wanted_by_anyone()

    def due(self, before: Files, after: Files) -> str:  # noqa: ARG002
        """Return ``restart``: bans come back from its database."""
        return "restart"

    def apply(self, action: str) -> list[str]:
        """Start it now and at boot, or stop it, keep it so, and end all bans."""
        if action == "stop":
            problems = self.unit.stop()
            if not self._try("nft", "list", "table", *self.table):
                problems += self._try("nft", "delete", "table", *self.table)
            return problems
        started = time.time()
        problems = self.unit.restart()
        return problems + (self.unit.last_words(started, _ERROR) if problems else [])

    # The proof

    def prove(self) -> list[str]:
        """See that the jail is there, and that the table is."""
        started = time.time()
        deadline = time.monotonic() + self.wait
        while True:
            problems = self._try("fail2ban-client", "-c", self.directory, "status", self.jail)
            if not problems:
                return self._try("nft", "list", "table", *self.table)
            if time.monotonic() > deadline or self.unit.gave_up():
                return [f"fail2ban has no jail {self.jail}. {problems[0]}", *self.unit.last_words(started, _ERROR)]
            time.sleep(0.2)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1].strip()

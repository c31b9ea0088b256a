# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A service unit of systemd: its state, what it is told, and what it last said."""

from __future__ import annotations

import re
import typing as t

Run = t.Callable[..., t.Tuple[int, str, str]]
"""Run a program, like AnsibleModule.run_command."""

_JOURNAL_LINE = re.compile(r"\w+ +\d+ \S+ \S+ (?P<who>[^:\[]+)(?:\[\d+\])?: (?P<text>.*)")


class Unit:
    """The service unit ``name``."""

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name

    def systemctl(self, *arguments: str) -> list[str]:
        """Run systemctl(1); return the problems."""
        code, output, errors = self.run(["systemctl", *arguments])
        return [f"systemctl {' '.join(arguments)}: {first_line(errors or output)}"] if code else []

    def running(self) -> bool:
        """Whether it runs now, and will after a boot."""
        return not self.systemctl("is-active", self.name) and not self.systemctl("is-enabled", self.name)

    def wanted_by_anyone(self) -> bool:
        """Whether it runs now, is about to, or will after a boot; False where it is not installed."""
        properties = ["--property=ActiveState", "--property=UnitFileState"]
        _code, output, _errors = self.run(["systemctl", "show", *properties, self.name])
        states = dict(line.partition("=")[::2] for line in output.splitlines())
        return states.get("ActiveState") not in ("inactive", "failed", None) or states.get("UnitFileState") == "enabled"

    def stop(self) -> list[str]:
        """Stop it and keep it so.

        Before anything makes systemd read the unit again: a restart that is due would be without our drop-in.
        """
        return self.systemctl("stop", self.name) + self.systemctl("disable", self.name)

    def restart(self) -> list[str]:
        """Have it run anew, now and at boot.

        Not by ``enable --now``: one that is not enabled may run all the same, on other files.
        """
        return (
            self.systemctl("daemon-reload")
            or self.systemctl("enable", self.name)
            or self.systemctl("restart", self.name)
        )

    def gave_up(self) -> bool:
        """Whether its process has ended."""
        _code, output, _errors = self.run(["systemctl", "show", "--property=SubState", "--value", self.name])
        return output.strip() in ("auto-restart", "dead", "failed")

    def last_words(self, since: float, telling: re.Pattern[str] | None = None) -> list[str]:
        """Return the last line of its journal after the Unix time ``since`` that is not systemd's own account.

        Where there are lines that ``telling`` is found in, it is the last one of them.
        """
        command = ["journalctl", f"--unit={self.name}", f"--since=@{since - 1:.0f}", "--lines=30", "--output=short"]
        _code, output, _errors = self.run([*command, "--no-pager"])
        matches = [_JOURNAL_LINE.match(line) for line in output.splitlines()]
        texts = [match["text"] for match in matches if match and match["who"] != "systemd"]
        best = [text for text in texts if telling and telling.search(text)] or texts
        return [f"Last in its journal: {best[-1]}"] if best else []


def first_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[0]

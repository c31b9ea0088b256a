# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""nft(8): what is loaded, what a candidate would do, and loading it."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile, write_file
from ansible_collections.mailops.relay.plugins.module_utils._ruleset import (
    Ruleset,
    Table,
    canaries,
    explain,
    judge_trial,
    judge_words,
    replacing,
    split_tables,
    without_state,
)

Run = t.Callable[..., t.Tuple[int, str, str]]
"""Run a program, like AnsibleModule.run_command."""

_SEPARATOR = "# ---- trial ----"

# In a network namespace of its own: it begins empty, is gone with its last process, and is what a host has at boot,
# when no interface is there yet.
_TRIAL = f"""\
set -e
show() {{ nft -s list ruleset; echo '{_SEPARATOR}'; }}
nft -f "$1"; show
nft -f "$2"; show
if nft -f "$2" 2>/dev/null; then show; fi
"""


class NftError(Exception):
    """nft refused something. The message is for the user."""


def write(path: str, text: str) -> None:
    """Write a file of root's own, that nobody else reads."""
    write_file(path, ManagedFile(path, text.encode(), 0o600, os.geteuid(), os.getegid()))


class Nft:
    """The table ``table`` of this host; ``folder`` is a temporary folder for candidates."""

    def __init__(self, run: Run, table: Table, folder: str) -> None:
        self.run = run
        self.table = table
        self.folder = folder

    def _run(self, *arguments: str) -> tuple[int, str, str]:
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        return self.run(list(arguments), environ_update={"LC_ALL": "C", "LANGUAGE": "C", "PATH": path})

    def tables(self) -> list[str]:
        """Return the tables of the host, each as ``family name``."""
        code, output, errors = self._run("nft", "list", "tables")
        if code:
            raise NftError(f"nft cannot list the tables of this host: {' '.join(errors.split())}")
        return [" ".join(line.split()[1:3]) for line in output.splitlines()]

    def loaded(self) -> str:
        """Return the rules of the table as they are loaded, without state; empty where there is no such table."""
        if str(self.table) not in self.tables():
            return ""
        code, output, errors = self._run("nft", "-s", "list", "table", self.table.family, self.table.name)
        if code:
            raise NftError(f"nft cannot list table {self.table}: {' '.join(errors.split())}")
        return without_state(output)

    def check(self, ruleset: Ruleset) -> str:
        """Let nft judge the candidate, and try it; return how the table will be listed once it is loaded."""
        path = self._put("candidate.nft", ruleset.text)
        code, _output, errors = self._run("nft", "-c", "-f", path)
        problems = explain(errors, ruleset, path) if code else judge_words(self.table, ruleset.text)
        if problems:
            raise NftError("Nothing was changed. " + "\n".join(problems))
        return self._try(ruleset, path)

    def _put(self, name: str, text: str) -> str:
        path = os.path.join(self.folder, name)
        write(path, text)
        return path

    def _try(self, ruleset: Ruleset, path: str) -> str:
        others = [table for table in self.tables() if table != str(self.table)]
        stand_ins = self._put("canaries.nft", canaries(others, os.urandom(4).hex()))
        code, output, errors = self._run("unshare", "--net", "sh", "-c", _TRIAL, "sh", stand_ins, path)
        listings = output.split(f"{_SEPARATOR}\n")
        if "unshare" in errors and not output:
            raise NftError(f"The rules cannot be tried in a network namespace: {errors.strip()} (needs CAP_SYS_ADMIN)")
        if code:
            hint = "They need something outside of their table: another table, or an interface by iif or oif"
            also = "(use iifname or oifname: at boot no interface is there yet)."
            raise NftError("Nothing was changed. " + "\n".join([*explain(errors, ruleset, path), f"{hint} {also}"]))
        problems = judge_trial(self.table, listings[0], listings[1], listings[2])
        if problems:
            raise NftError("Nothing was changed. " + "\n".join(problems))
        return without_state(split_tables(listings[1])[str(self.table)])

    def way_back(self, listing: str) -> str:
        """Return a file that brings back what :meth:`loaded` has listed; nft has been asked whether it takes it."""
        text = replacing(self.table, listing)
        code, _output, errors = self._run("nft", "-c", "-f", self._put("undo.nft", text))
        if code:
            raise NftError(
                f"The rules that are loaded now could not be brought back: {' '.join(errors.split())[:200]}."
                f" Accepted: no table {self.table} on the host (nft delete table {self.table}), or one that nft reads."
            )
        return text

    def load(self, path: str) -> None:
        """Load a file in one transaction."""
        code, _output, errors = self._run("nft", "-f", path)
        if code:
            raise NftError(f"nft took the rules in its check, and then refused them: {' '.join(errors.split())}")

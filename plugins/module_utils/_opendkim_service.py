# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""OpenDKIM as a service whose files are activated as one set: its own judgement, its keys, its signatures."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
import time
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _dkim_keys, _key_files, _milter, _opendkim
from ansible_collections.mailops.relay.plugins.module_utils._activation import Files
from ansible_collections.mailops.relay.plugins.module_utils._opendkim import KeyEntry
from ansible_collections.mailops.relay.plugins.module_utils._unit import Run, Unit, first_line

_UNREADABLE = 'for key do { true <"$key"; } 2>/dev/null || printf "%s\\n" "$key"; done'


class Opendkim:
    """OpenDKIM with the configuration file ``config``, which is one of the ``paths`` that are swapped together.

    ``wait`` is the time in seconds that it has to come up and answer. With ``keys_may_be_missing`` a key that does not
    exist is no problem: in check mode nobody has made it.
    """

    def __init__(
        self,
        run: Run,
        config: str,
        paths: t.Iterable[str],
        user: str,
        *,
        shortest: int = _dkim.RSA_BITS.start,
        wait: float = 20,
        keys_may_be_missing: bool = False,
    ) -> None:
        self.run = run
        self.unit = Unit(run, "opendkim")
        self.config = config
        self.paths = list(paths)
        self.user = user
        self.shortest = shortest
        self.wait = wait
        self.keys_may_be_missing = keys_may_be_missing

    # Judging a candidate

    def check(self, stage: str) -> list[str]:
        """Let opendkim(8) read the set, then see that the tables fit each other and the keys fit the tables."""
        staged = {path: os.path.join(stage, os.path.basename(path)) for path in self.paths}
        problems = self._complaints(staged)
        if problems:
            return problems
        try:
            keys, signing = self._tables(staged)
        except (OSError, ValueError) as error:
            return [str(error)]
        return _opendkim.dangling(keys, signing) + self._key_problems(keys.values())

    def _complaints(self, staged: dict[str, str]) -> list[str]:
        """Run ``opendkim -n`` on a copy of the staged configuration that names the staged tables."""
        text = _text(staged.get(self.config, self.config))
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="opendkim-") as copy:
            copy.write(_opendkim.with_paths(text, staged))
            copy.flush()
            code, output, errors = self.run(["opendkim", "-n", "-x", copy.name])
        names = {copy.name: self.config, **{new: old for old, new in staged.items()}}
        lines = _opendkim.with_paths(output + errors, names).strip().splitlines()
        if code and not lines:
            lines = [f"opendkim -n ended with status {code}"]
        return [f"OpenDKIM refuses the configuration: {_opendkim.quoting(line, text)}" for line in lines]

    def _tables(self, staged: dict[str, str]) -> tuple[dict[str, KeyEntry], list[tuple[str, str]]]:
        settings = _opendkim.settings(_text(staged.get(self.config, self.config)))
        texts = []
        for name in ("keytable", "signingtable"):
            path = _opendkim.file_of(settings.get(name, ""))
            texts.append(_text(staged.get(path, path)) if path else "")
        return _opendkim.key_table(texts[0]), _opendkim.signing_table(texts[1])

    def _key_problems(self, entries: t.Iterable[KeyEntry]) -> list[str]:
        anybody = _key_files.Owner(None, None)
        keys = [
            _dkim_keys.observe_file(entry.path, entry.domain, entry.selector, anybody)
            for entry in entries
            if entry.path
        ]
        problems = _dkim_keys.judge(keys, self.shortest)
        if not self.keys_may_be_missing:
            problems += [f"{key.path}: this key is missing; the KeyTable names it" for key in keys if not key.exists]
        existing = [key.path for key in keys if key.exists and not key.error]
        return problems + self._unreadable(existing) + [p for path in existing for p in _exposed(path)]

    def _unreadable(self, paths: list[str]) -> list[str]:
        """Open each key as the daemon's user would."""
        user = pwd.getpwnam(self.user)
        command = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
        code, output, errors = self.run([*command, "sh", "-c", _UNREADABLE, "sh", *paths])
        if code and not output:
            return [f"the keys cannot be tried as the user {self.user}: {first_line(errors)}"]
        return [f"{path}: the user {self.user} cannot read this key" for path in output.splitlines()]

    # State

    def running(self) -> bool:
        """Whether OpenDKIM runs now, and will after a boot."""
        return self.unit.running()

    def wanted_by_anyone(self) -> bool:
        """Whether OpenDKIM runs now, is about to, or will after a boot; False where it is not installed."""
        return self.unit.wanted_by_anyone()

    def due(self, before: Files, after: Files) -> str:  # noqa: ARG002
        """Return ``restart``: its reload, by SIGUSR1, says nothing of whether it worked."""
        return "restart"

    def apply(self, action: str) -> list[str]:
        """Start it now and at boot, or stop it and keep it so."""
        if action == "stop":
            return self.unit.stop()
        started = time.time()
        problems = self.unit.restart()
        return problems + (self.unit.last_words(started) if problems else [])

    # The proof

    def prove(self) -> list[str]:
        """See that the milter answers, and that it signs a message of each key's domain. No mail is sent."""
        started = time.time()
        try:
            staged: dict[str, str] = {}
            address = _opendkim.socket_address(_opendkim.settings(_text(self.config)).get("socket", ""))
            senders = _opendkim.probe_senders(*self._tables(staged))
        except (OSError, ValueError) as error:
            return [f"{self.config}: {error}"]
        problems = self._look(address, senders)
        return problems + (self.unit.last_words(started) if problems else [])

    def _look(self, address: _opendkim.Address, senders: t.Mapping[str, KeyEntry]) -> list[str]:
        deadline = time.monotonic() + self.wait
        while True:
            try:
                milter = _milter.open_milter(address, self.wait)
                break
            except (OSError, _milter.MilterError) as error:
                if time.monotonic() > deadline or self.unit.gave_up():
                    return [f"OpenDKIM does not answer at its milter socket {address}: {error}"]
            time.sleep(0.1)
        expected = {
            domain: (domain if key.domain == "%" else key.domain, key.selector) for domain, key in senders.items()
        }
        try:
            milter.connect("localhost", "127.0.0.1")
            problems = _milter.signing_problems(milter, "OpenDKIM", expected)
            milter.close()
            return problems
        except (OSError, _milter.MilterError) as error:
            return [f"OpenDKIM broke off the conversation at its milter socket {address}: {error}"]
        finally:
            milter.connection.close()


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as stream:
        return stream.read()


def _exposed(path: str) -> list[str]:
    """Return what RequireSafeKeys would hold against a key: others may read it, or replace it."""
    if os.stat(path).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [f"{path}: others than its owner may use this key; accepted: mode 0600"]
    folder = os.path.dirname(os.path.realpath(path))
    while True:
        if os.stat(folder).st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return [f"{path}: others may write into {folder} above this key; accepted: a folder of mode 0755 or less"]
        if folder == "/":
            return []
        folder = os.path.dirname(folder)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Bring a set of files to use in a running service, or leave everything as it was.

stage → check → swap → apply → prove; and when the proof fails: swap back → apply. What a service is, and how it is
checked, told and proven, comes in from outside as a :class:`Service`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t
from dataclasses import dataclass, field

from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError

Files = t.Mapping[str, ManagedFile]
"""Files by their path."""


class ActivationError(Exception):
    """The set was refused, or it did not work and the previous one is back. The message says which, and why."""


REFUSALS = (ActivationError, StoreError, ValueError, OSError)
"""What a task fails with: a set that was refused, options that make no sense, a system that refused a step."""


def explain(error: Exception) -> str:
    """Say one of :data:`REFUSALS` to the user."""
    if isinstance(error, OSError):
        return f"The system refused a step: {error}. The set of files that was in use still is."
    return str(error)


class Service(t.Protocol):
    """What reads the files. All texts are for users: one or two lines that name what was found."""

    def check(self, stage: str) -> list[str]:
        """Let the service's own program judge the set in the folder ``stage``; return the problems."""

    def running(self) -> bool:
        """Whether the service runs now."""

    def due(self, before: Files, after: Files) -> str:
        """Return what the change asks for: ``reload`` or ``restart``."""

    def apply(self, action: str) -> list[str]:
        """Carry out ``reload``, ``restart``, ``start`` or ``stop``; return the problems."""

    def prove(self) -> list[str]:
        """Look whether the service does its work with the set in use; return the problems."""


class NotInstalled:
    """The service in check mode on a host whose packages are still to be installed: nothing can judge the set."""

    def check(self, stage: str) -> list[str]:  # noqa: ARG002
        return []

    def running(self) -> bool:
        return False

    def due(self, before: Files, after: Files) -> str:  # noqa: ARG002
        return "start"

    def apply(self, action: str) -> list[str]:
        raise NotImplementedError(action)

    def prove(self) -> list[str]:
        raise NotImplementedError


@dataclass
class Outcome:
    """What :func:`activate` did, or in check mode would do.

    ``action`` is ``none``, ``start``, ``reload`` or ``restart``.
    """

    changed: bool
    action: str = "none"
    before: Files = field(default_factory=dict)
    after: Files = field(default_factory=dict)

    @property
    def changed_paths(self) -> list[str]:
        return sorted(p for p in {*self.before, *self.after} if self.before.get(p) != self.after.get(p))

    def result(self) -> dict[str, t.Any]:
        """Return what every module that activates files returns."""
        return {
            "changed": self.changed,
            "action": self.action,
            "changed_files": self.changed_paths,
            "diff": self.diffs(),
        }

    def diffs(self) -> list[dict[str, str]]:
        """Return one diff for each file that changes; of a file that not everybody may read, the mode alone."""

        def shown(file: ManagedFile | None) -> str:
            if file is None:
                return ""
            if not file.mode & 0o004:
                return f"(mode {file.mode:04o}, the content is not shown)\n"
            return file.content.decode("utf-8", "backslashreplace")

        return [
            {
                "before_header": path,
                "after_header": path,
                "before": shown(self.before.get(path)),
                "after": shown(self.after.get(path)),
            }
            for path in self.changed_paths
        ]


class Stoppable(t.Protocol):
    """What can be put out of use."""

    def wanted_by_anyone(self) -> bool:
        """Whether it runs now, or will after a boot."""

    def apply(self, action: str) -> list[str]:
        """Carry out ``stop``; return the problems."""


def stop(service: Stoppable, check_mode: bool = False) -> dict[str, t.Any]:
    """Stop a service, keep it stopped over a boot, and return the result of the task.

    Its files stay. Raises :class:`ActivationError` where the system does not stop it.
    """
    due = service.wanted_by_anyone()
    problems = service.apply("stop") if due and not check_mode else []
    if problems:
        raise ActivationError("\n".join(problems))
    return {"changed": due, "action": "stop" if due else "none", "changed_files": []}


def _check_stage(service: Service, folder: str) -> None:
    problems = service.check(folder)
    if problems:
        raise ActivationError("Nothing was changed. " + "\n".join(problems))


def _check_apart(generations: Generations, files: t.Iterable[ManagedFile], service: Service) -> None:
    """Check in a folder elsewhere, so that check mode leaves nothing behind."""
    base = tempfile.mkdtemp(prefix="mailops-relay-")
    try:
        _check_stage(service, generations.stage(files, os.path.join(base, "stage")))
    finally:
        shutil.rmtree(base)


def _stage_and_check(generations: Generations, files: t.Iterable[ManagedFile], service: Service) -> None:
    try:
        _check_stage(service, generations.stage(files))
    except BaseException:
        generations.discard()
        raise


def _restore(generations: Generations, service: Service, was_running: bool) -> str:
    """Bring the proven set back, and the service to the state it had; return a sentence on how that went."""
    restored = generations.restore()
    problems = service.apply("restart" if was_running else "stop")
    if was_running and not problems:
        problems = service.prove()
    files = "The previous set of files is back" if restored else "The files are as they were"
    state = "the service runs with it again" if was_running else "the service is stopped, as it was before"
    return f"{files}, {'but: ' + '; '.join(problems) if problems else 'and ' + state + '.'}"


def _apply_and_prove(generations: Generations, service: Service, action: str, was_running: bool) -> None:
    problems = service.apply(action) or service.prove()
    if problems:
        raise ActivationError("\n".join([*problems, _restore(generations, service, was_running)]))
    generations.mark_proven()


def _plan(generations: Generations, files: Files, service: Service) -> Outcome:
    before = generations.visible(files)
    action = "none"
    if not service.running():
        action = "start"
    elif before != files or generations.interrupted:
        action = service.due(before, files)
    return Outcome(changed=action != "none" or before != files, action=action, before=before, after=files)


def activate(
    generations: Generations,
    files: t.Iterable[ManagedFile],
    service: Service,
    check_mode: bool = False,
    *,
    judge: bool = True,
) -> Outcome:
    """Make ``files`` the set in use and the service work with it. In check mode say what is due, and ``judge`` the set.

    Raises :class:`ActivationError` where the set was refused or did not work, ``StoreError`` where the store cannot
    be used, ``OSError`` where the system refused a step (a full disk, say). In all three the old set is in use.
    """
    wanted = {file.path: file for file in files}
    if check_mode:
        outcome = _plan(generations, wanted, service)
        if judge and outcome.before != wanted:
            _check_apart(generations, wanted.values(), service)
        return outcome
    with generations.locked():
        outcome = _plan(generations, wanted, service)
        if not outcome.changed:
            return outcome
        # A service that an interrupted first run has started on its unproven set was not running before it.
        was_running = outcome.action != "start" and not generations.nothing_to_return_to
        if outcome.before != wanted:
            if generations.interrupted:
                _restore(generations, service, was_running)
                outcome = _plan(generations, wanted, service)
            _stage_and_check(generations, wanted.values(), service)
            generations.swap()
        _apply_and_prove(generations, service, outcome.action, was_running)
        return outcome

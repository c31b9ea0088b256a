# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Files that belong together, swapped together.

A set of files is one folder, ``STORE/<number>``: a generation. ``STORE/current`` is a symbolic link to the generation
in use, and every managed path (``/etc/postfix/main.cf``) is a symbolic link to ``STORE/current/<name>``. So one
``rename(2)`` of ``current`` exchanges all files at once, on every file system, and a process that is killed at any
moment leaves either the old or the new set whole.

``STORE/proven`` is a symbolic link to the generation whose service was last seen working. ``current`` and ``proven``
differ only while an activation is under way, or after one was interrupted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import typing as t
from dataclasses import dataclass

MANIFEST = ".manifest.json"
STAGE = "new"
ADOPTED = "adopting"


class StoreError(Exception):
    """The store or a managed path is not in a state that this code may change."""


@dataclass(frozen=True)
class ManagedFile:
    """One file of a set.

    ``path`` is absolute, ``mode`` the permission bits, ``uid`` and ``gid`` numeric owner and group.
    """

    path: str
    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: str, file: ManagedFile) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(file.content)
        os.fchown(stream.fileno(), file.uid, file.gid)
        os.fchmod(stream.fileno(), file.mode)
        stream.flush()
        os.fsync(stream.fileno())


def _replace_with_link(path: str, target: str) -> None:
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.link")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.symlink(target, temporary)
    os.replace(temporary, path)
    _sync_folder(os.path.dirname(path))


def read_file(path: str) -> ManagedFile | None:
    """Return what ``path`` shows now (through links), or None where nothing is there."""
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            return ManagedFile(path, stream.read(), status.st_mode & 0o7777, status.st_uid, status.st_gid)
    except FileNotFoundError:
        return None


def write_set(folder: str, files: t.Iterable[ManagedFile], adopted: bool = False) -> None:
    """Make ``folder`` and write a set of files into it, by their names, down to the disk."""
    os.mkdir(folder, 0o755)
    files = list(files)
    for file in files:
        _write(os.path.join(folder, file.name), file)
    text = json.dumps({"paths": sorted(file.path for file in files), "adopted": adopted}, indent=1).encode()
    _write(os.path.join(folder, MANIFEST), ManagedFile(MANIFEST, text, uid=os.geteuid(), gid=os.getegid()))
    _sync_folder(folder)


class Generations:
    """The generations of one set of files, below the folder ``store``."""

    def __init__(self, store: str) -> None:
        self.store = store

    # What is there

    def _pointer(self, name: str) -> int | None:
        try:
            return int(os.readlink(os.path.join(self.store, name)))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{self.store}/{name} is not a link to a generation: {error}") from error

    @property
    def current(self) -> int | None:
        return self._pointer("current")

    @property
    def proven(self) -> int | None:
        return self._pointer("proven")

    @property
    def interrupted(self) -> bool:
        """Whether an earlier activation ended between the swap and the proof."""
        return self.current != self.proven

    def folder(self, number: int) -> str:
        return os.path.join(self.store, str(number))

    def _numbers(self) -> list[int]:
        try:
            return sorted(int(name) for name in os.listdir(self.store) if name.isdigit())
        except FileNotFoundError:
            return []

    def _manifest(self, number: int) -> dict[str, t.Any]:
        with open(os.path.join(self.folder(number), MANIFEST), encoding="utf-8") as stream:
            manifest: dict[str, t.Any] = json.load(stream)
        return manifest

    def managed_paths(self) -> set[str]:
        """The paths of the set in use."""
        number = self.current
        return set() if number is None else set(self._manifest(number)["paths"])

    def visible(self, paths: t.Iterable[str]) -> dict[str, ManagedFile]:
        """What the given paths and all paths of the set in use show now; absent ones are left out."""
        found = {path: read_file(path) for path in {*paths, *self.managed_paths()}}
        return {path: file for path, file in found.items() if file is not None}

    def _link_target(self, path: str) -> str:
        return os.path.join(self.store, "current", os.path.basename(path))

    def is_linked(self, path: str) -> bool:
        try:
            return os.readlink(path) == self._link_target(path)
        except OSError:
            return False

    # What changes

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Hold the store: a second run on the same host fails at once instead of mixing with this one."""
        os.makedirs(self.store, mode=0o755, exist_ok=True)
        with open(os.path.join(self.store, ".lock"), "w", encoding="utf-8") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(f"another run is changing {self.store}; wait until it has ended") from error
            yield

    def stage(self, files: t.Iterable[ManagedFile]) -> str:
        """Write a candidate set and return its folder. Nothing reads it before :meth:`commit`."""
        return self._fill(STAGE, files, adopted=False)

    def _fill(self, name: str, files: t.Iterable[ManagedFile], adopted: bool) -> str:
        self._discard(name)
        folder = os.path.join(self.store, name)
        write_set(folder, files, adopted)
        return folder

    def _discard(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(os.path.join(self.store, name))

    def discard_stage(self) -> None:
        """Remove a candidate, also one that an interrupted run has left."""
        self._discard(STAGE)

    def commit(self, name: str = STAGE) -> int:
        """Give the candidate its number and return it. It is not in use yet."""
        number = max(self._numbers(), default=-1) + 1
        os.rename(os.path.join(self.store, name), self.folder(number))
        _sync_folder(self.store)
        return number

    def _point(self, name: str, number: int) -> None:
        _replace_with_link(os.path.join(self.store, name), str(number))

    def adopt(self, paths: t.Iterable[str]) -> None:
        """Bring files that are not under management into a generation of their own, without changing what they show.

        This is how a host's own main.cf is kept, and how a file that ``postconf -e`` has replaced comes back.
        """
        paths = {*paths, *self.managed_paths()}
        if self.current is None or any(os.path.lexists(path) and not self.is_linked(path) for path in paths):
            in_doubt = self.interrupted
            self._fill(ADOPTED, self.visible(paths).values(), adopted=True)
            number = self.commit(ADOPTED)
            if self.proven is None or not in_doubt:
                self._point("proven", number)
            self._point("current", number)
        self._link(path for path in paths if os.path.lexists(path))

    def _link(self, paths: t.Iterable[str]) -> None:
        for path in sorted(paths):
            if not self.is_linked(path):
                os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
                _replace_with_link(path, self._link_target(path))

    def switch(self, number: int) -> None:
        """Put a generation to use: the last step is the one moment at which all files change."""
        self._link(self._manifest(number)["paths"])
        self._point("current", number)

    @property
    def nothing_to_return_to(self) -> bool:
        """Whether the proven set is empty: the files came with this collection, on a host that had none."""
        number = self.proven
        return number is None or not self._manifest(number)["paths"]

    def mark_proven(self) -> None:
        """Record that the service works with the set in use, then clear away what nothing needs any more.

        The set that was proven before stays as the way back. What was on the host before this collection came (an
        adopted generation) stays for good.
        """
        number, previous = self.current, self.proven
        if number is None:
            raise StoreError(f"{self.store} has no current generation")
        self._point("proven", number)
        self._prune(keep={number, previous})

    def _prune(self, keep: set[int | None]) -> None:
        manifests = {number: self._manifest(number) for number in self._numbers()}
        kept = self.managed_paths()
        for path in {path for manifest in manifests.values() for path in manifest["paths"]} - kept:
            if self.is_linked(path):
                os.unlink(path)
        for number, manifest in manifests.items():
            if number not in keep and not manifest["adopted"]:
                shutil.rmtree(self.folder(number))

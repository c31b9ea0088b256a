# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Files that belong together, swapped together.

A service's configuration folder (``/etc/postfix``) is one *generation* of its files. The next one is a complete copy
of the folder with the managed files replaced, made beside it in the *store*; then ``renameat2(RENAME_EXCHANGE)``
exchanges the two folders in one step. A process that is killed at any moment leaves either the old or the new set
whole, and there is always a folder under the service's name.

The store holds ``candidate`` (being made, or just taken out of use), ``previous`` (the way back), ``original`` (what
the host had before this collection came; kept for good) and ``proven`` (the number of the generation whose service
was last seen working). Symbolic links into a folder would do the same with less, but ``postfix check`` of Postfix
3.10 warns about every link in its folder.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._files import (
    ManagedFile,
    copy_folder,
    exchange,
    read_file,
    remove_folder,
    sync_folder,
    write_file,
)

MARKER = ".generation.json"
STORES = "/etc/mailops-relay"


class StoreError(Exception):
    """The store or a managed path is not in a state that this code may change."""


class Generations:
    """The generations of the service folder ``folder``, kept in ``store`` (default: below /etc/mailops-relay)."""

    def __init__(self, folder: str, store: str | None = None) -> None:
        self.folder = folder
        self.store = store or os.path.join(STORES, os.path.basename(folder))
        self.candidate = os.path.join(self.store, "candidate")
        self.previous = os.path.join(self.store, "previous")
        self.original = os.path.join(self.store, "original")

    # What is there

    @staticmethod
    def _marker(folder: str) -> dict[str, t.Any] | None:
        try:
            with open(os.path.join(folder, MARKER), encoding="utf-8") as stream:
                marker: dict[str, t.Any] = json.load(stream)
                return marker
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise StoreError(f"{folder}/{MARKER} is damaged: {error}. Remove it to begin anew.") from error

    def _number(self, folder: str) -> int:
        """The number of the generation in a folder; 0 is what was there before this collection."""
        marker = self._marker(folder)
        return marker["number"] if marker else 0

    @property
    def proven(self) -> int:
        try:
            with open(os.path.join(self.store, "proven"), encoding="ascii") as stream:
                return int(stream.read())
        except FileNotFoundError:
            return 0

    @property
    def interrupted(self) -> bool:
        """Whether an earlier activation ended between the swap and the proof.

        Where there is no way back either, the store was lost, and the set in use is all that is known to work.
        """
        way_back = os.path.isdir(self.previous) or os.path.isdir(self.candidate)
        return way_back and self._number(self.folder) != self.proven

    @property
    def nothing_to_return_to(self) -> bool:
        """Whether the set in use is unproven, and the one before it had none of its files."""
        names = [os.path.basename(path) for path in self.managed_paths()]
        return self.interrupted and not any(os.path.exists(os.path.join(self.previous, name)) for name in names)

    def managed_paths(self) -> set[str]:
        """The paths of the set in use."""
        marker = self._marker(self.folder)
        return set(marker["paths"]) if marker else set()

    def visible(self, paths: t.Iterable[str]) -> dict[str, ManagedFile]:
        """What the given paths and all paths of the set in use show now; absent ones are left out."""
        found = {path: read_file(path) for path in {*paths, *self.managed_paths()}}
        return {path: file for path, file in found.items() if file is not None}

    def _inside(self, path: str) -> str:
        return os.path.join(self.folder, os.path.basename(path))

    def _is_outside(self, path: str) -> bool:
        return os.path.dirname(path) != self.folder

    def _is_link(self, path: str) -> bool:
        return os.path.islink(path) and os.readlink(path) == self._inside(path)

    # What changes

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Hold the store: a second run on the same host fails at once instead of mixing with this one."""
        os.makedirs(self.store, mode=0o755, exist_ok=True)
        with open(os.path.join(self.store, "lock"), "w", encoding="ascii") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(f"another run is changing {self.folder}; wait until it has ended") from error
            self._recover()
            yield

    def _recover(self) -> None:
        """Finish what an interrupted run has left.

        A candidate without a marker is half made, one that is younger than the set in use was never used, and one that
        is older was just taken out of use.
        """
        if os.path.exists(self._replacing):
            self._finish_replacing()
        if self._marker(self.candidate) and self._number(self.candidate) < self._number(self.folder):
            self._keep_previous()
        remove_folder(self.candidate)
        if self._number(self.previous) > self._number(self.folder):
            remove_folder(self.previous)

    def stage(self, files: t.Iterable[ManagedFile], target: str | None = None) -> str:
        """Make a complete candidate and return its folder. Nothing reads it before :meth:`swap`.

        With ``target`` it is made there, for a look only.
        """
        files = list(files)
        folder = target or self.candidate
        if os.path.isdir(self.folder):
            copy_folder(self.folder, folder, leave_out=f"{MARKER}*")
        else:
            os.mkdir(folder, 0o755)
        for path in self.managed_paths() - {file.path for file in files}:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, os.path.basename(path)))
        for file in files:
            write_file(os.path.join(folder, file.name), file)
        number = max(self._number(self.folder), self._number(self.previous), self.proven) + 1
        self._mark(folder, number, sorted(file.path for file in files))
        sync_folder(folder)
        return folder

    @staticmethod
    def _mark(folder: str, number: int, paths: list[str]) -> None:
        text = json.dumps({"number": number, "paths": paths}, indent=1) + "\n"
        marker = ManagedFile(MARKER, text.encode(), uid=os.geteuid(), gid=os.getegid())
        write_file(os.path.join(folder, MARKER), marker)

    def discard(self) -> None:
        """Remove the candidate."""
        remove_folder(self.candidate)

    def swap(self) -> None:
        """Put the candidate to use: its one step is the moment at which all files change."""
        if self._marker(self.folder) is None:
            os.makedirs(self.folder, mode=0o755, exist_ok=True)
            self._mark(self.folder, 0, [])
        self._link(self._marker(self.candidate))
        self._exchange()
        self._keep_previous()

    def _link(self, marker: dict[str, t.Any] | None) -> None:
        for path in marker["paths"] if marker else []:
            if self._is_outside(path) and not self._is_link(path):
                if os.path.lexists(path):
                    raise StoreError(
                        f"{path} is not from this collection. Move it away, so that nothing of it is lost."
                    )
                os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
                os.symlink(self._inside(path), path)

    def _exchange(self) -> None:
        try:
            exchange(self.candidate, self.folder)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS):
                raise
            self._replace()
        for folder in (self.store, os.path.dirname(self.folder)):
            sync_folder(folder)

    # A folder in the lower layer of an overlay (the image of a container) can be neither renamed nor exchanged. It is
    # replaced in more than one step, which the next run completes if it is interrupted; after that it can.

    @property
    def _replacing(self) -> str:
        return os.path.join(self.store, "replacing")

    @property
    def _copied(self) -> str:
        return os.path.join(self.store, "copied")

    def _replace(self) -> None:
        remove_folder(self._copied)
        copy_folder(self.folder, self._copied)
        write_file(self._replacing, ManagedFile(self._replacing, b"", uid=os.geteuid(), gid=os.getegid()))
        self._finish_replacing()

    def _finish_replacing(self) -> None:
        if os.path.isdir(self._copied):
            if os.path.isdir(self.candidate):
                remove_folder(self.folder)
                os.rename(self.candidate, self.folder)
            os.rename(self._copied, self.candidate)
        os.unlink(self._replacing)

    def _keep_previous(self) -> None:
        """Make what was taken out of use the way back; the host's own files are never removed."""
        if os.path.isdir(self.previous):
            if self._number(self.previous) == 0 and not os.path.isdir(self.original):
                os.rename(self.previous, self.original)
            else:
                remove_folder(self.previous)
        os.rename(self.candidate, self.previous)

    def restore(self) -> bool:
        """Take the unproven set out of use again; return whether there was another one to go back to."""
        if not self.interrupted or not os.path.isdir(self.previous):
            return False
        os.rename(self.previous, self.candidate)
        self._exchange()
        self.mark_proven()
        return True

    def mark_proven(self) -> None:
        """Record that the service works with the set in use, and clear away what nothing needs any more."""
        text = f"{self._number(self.folder)}\n".encode()
        proven = os.path.join(self.store, "proven")
        write_file(proven, ManagedFile(proven, text, uid=os.geteuid(), gid=os.getegid()))
        sync_folder(self.store)
        kept = self.managed_paths()
        for folder in (self.candidate, self.previous):
            for path in set((self._marker(folder) or {"paths": []})["paths"]) - kept:
                if self._is_outside(path) and self._is_link(path):
                    os.unlink(path)
        self.discard()

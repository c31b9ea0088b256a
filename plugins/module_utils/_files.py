# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Files and folders, written so that a kill or a power cut leaves the old or the new, and no half of either."""

from __future__ import annotations

import contextlib
import ctypes
import grp
import os
import shutil
import stat
from dataclasses import dataclass

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@dataclass(frozen=True)
class ManagedFile:
    """One file of a set.

    ``path`` is absolute: a file right in the service's folder, or elsewhere, where a symbolic link to the file of that
    name in the folder is put. ``mode`` holds the permission bits, ``uid`` and ``gid`` numeric owner and group.
    """

    path: str
    content: bytes
    mode: int = 0o644
    uid: int = 0
    gid: int = 0

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


def exchange(one: str, other: str) -> None:
    """Exchange two folders in one step (renameat2(2)); raise OSError where the file system cannot."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), one, None, other)


def sync_folder(path: str) -> None:
    """Have what was renamed or made in the folder reach the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: str, file: ManagedFile) -> None:
    """Put the file at ``path``, by a rename, and down to the disk."""
    temporary = f"{path}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(file.content)
        os.fchown(stream.fileno(), file.uid, file.gid)
        os.fchmod(stream.fileno(), file.mode)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def read_file(path: str, at: str | None = None) -> ManagedFile | None:
    """Return the file at ``at`` (default: at ``path`` itself) as that of ``path``, or None where nothing is there."""
    try:
        with open(at or path, "rb") as stream:
            status = os.fstat(stream.fileno())
            return ManagedFile(path, stream.read(), stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    except FileNotFoundError:
        return None


def _copy(source: str, target: str) -> str:
    """Copy one entry of a folder with its owner, group and times."""
    shutil.copy2(source, target, follow_symlinks=False)
    status = os.lstat(source)
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    return target


def copy_folder(source: str, target: str, leave_out: str = "") -> None:
    """Copy a folder and all in it, owners included, but for entries whose names match ``leave_out`` (a glob)."""
    try:
        shutil.copytree(source, target, symlinks=True, copy_function=_copy, ignore=shutil.ignore_patterns(leave_out))
    except shutil.Error as error:
        # One message for each file; the first tells enough, on a full disk above all.
        raise OSError(error.args[0][0][2]) from error
    for folder, _folders, _files in os.walk(target):
        status = os.lstat(os.path.join(source, os.path.relpath(folder, target)))
        os.chown(folder, status.st_uid, status.st_gid)


def remove_folder(folder: str) -> None:
    """Remove a folder and all that is in it; it may be absent."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def group_number(name: str) -> int:
    """Return the number of a group; that of root where there is none yet, as in check mode before the installation."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return 0

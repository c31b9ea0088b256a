# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Files below a folder that belongs to the unprivileged user of a daemon.

Everything is opened relative to its folder and without following links: a link laid there must not lead root to
another file. A file appears whole, by rename, or not at all.
"""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t
from dataclasses import dataclass

LARGEST = 65536
"""Octets that are read of a file."""


@dataclass(frozen=True)
class Owner:
    """Numeric owner and group of key files; None where the host does not know the name yet."""

    uid: int | None
    gid: int | None

    def has(self, status: os.stat_result) -> bool:
        return self.uid in (None, status.st_uid) and self.gid in (None, status.st_gid)


@contextlib.contextmanager
def folder(path: str, parent: int | None = None) -> t.Iterator[int]:
    follow = 0 if parent is None else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | follow, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def difference(what: str, status: os.stat_result, owner: Owner, mode: int) -> str | None:
    if not owner.has(status):
        return f"{what} belongs to {status.st_uid}:{status.st_gid} instead of {owner.uid}:{owner.gid}"
    if stat.S_IMODE(status.st_mode) != mode:
        return f"{what} has mode {stat.S_IMODE(status.st_mode):04o} instead of {mode:04o}"
    return None


def own(descriptor: int, owner: Owner, mode: int) -> None:
    os.fchown(descriptor, -1 if owner.uid is None else owner.uid, -1 if owner.gid is None else owner.gid)
    os.fchmod(descriptor, mode)


def open_regular(name: str, parent: int) -> int:
    # O_NONBLOCK: a named pipe must not hold the run up.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise OSError("it is not a regular file with one name")
    return descriptor


def read(name: str, parent: int) -> tuple[bytes, os.stat_result]:
    with os.fdopen(open_regular(name, parent), "rb") as stream:
        return stream.read(LARGEST), os.fstat(stream.fileno())


def write(name: str, parent: int, content: bytes, owner: Owner, mode: int) -> None:
    temporary = f".{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=parent)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=parent)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        own(stream.fileno(), owner, mode)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
    os.fsync(parent)


def remove(name: str, parent: int) -> None:
    """Remove a file that may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)
        os.fsync(parent)

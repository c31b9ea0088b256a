# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""DKIM key files: what is there, and making what is missing. The only importer of cryptography.

A key is ``DIRECTORY/<domain>/<selector>.private``; beside it ``<selector>.txt`` holds the public half as it was when
the key was made, as a line for a zone file. The record is written first and the key appears last, by rename, so a
key that exists is whole and has its record.

The folders belong to the unprivileged user of the daemon. So everything below DIRECTORY is opened relative to its
folder and without following links: a link laid there must not lead root to another file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _rsa

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    CAN_MAKE_KEYS = True
except ImportError:
    CAN_MAKE_KEYS = False

_LARGEST = 65536
_QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True)
class Owner:
    """Numeric owner and group of key files; None where the host does not know the name yet."""

    uid: int | None
    gid: int | None

    def has(self, status: os.stat_result) -> bool:
        return self.uid in (None, status.st_uid) and self.gid in (None, status.st_gid)


class RecordLine(t.NamedTuple):
    """A line of a zone file: the name as it stands there, without a final dot, and the public half."""

    name: str
    p: bytes

    def is_of(self, domain: str, selector: str) -> bool:
        name = _dkim.record_name(selector, domain)
        return self.name.lower() in (name, name[: -len(domain) - 1])


@dataclass(frozen=True)
class KeyObservation:
    """What was found where a key belongs. ``public`` is None where there is no key, or none that can be read.

    ``error`` says what keeps the key from being one, ``unsafe`` how its owner or mode (or its folder's) differs,
    ``recorded`` is the record written down when the key was made.
    """

    domain: str
    selector: str
    path: str
    exists: bool = False
    public: _rsa.RsaPublicKey | None = None
    error: str | None = None
    unsafe: str | None = None
    recorded: RecordLine | None = None

    @property
    def record(self) -> _dkim.KeyRecord | None:
        return None if self.public is None else _dkim.KeyRecord(p=self.public.subject_public_key_info())


def judge(keys: t.Iterable[KeyObservation], shortest: int) -> list[str]:
    """Return what is wrong with the keys that exist, each naming the file and what would be accepted."""
    problems: list[str] = []
    owners: dict[int, str] = {}
    for key in keys:
        if key.error:
            problems.append(f"{key.path}: {key.error}; accepted: an RSA private key in PEM form, without a pass phrase")
        if key.public is None or key.record is None:
            continue
        if not shortest <= key.public.bits < _dkim.RSA_BITS.stop:
            problems.append(
                f"{key.path}: the key has {key.public.bits} bits; accepted: {shortest} to {_dkim.RSA_BITS.stop - 1} "
                "(RFC 8301, section 3.2)"
            )
        if key.recorded and not (key.recorded.p == key.record.p and key.recorded.is_of(key.domain, key.selector)):
            problems.append(
                f"{key.path}: this is not the key of {key.selector}._domainkey.{key.domain} that the file "
                f"{_record_file(key.path)} beside it was written for ({key.recorded.name}); accepted: the key of that "
                "record, or, to take this key and publish it, that file removed"
            )
        if owners.get(key.public.n, key.path) != key.path:
            problems.append(
                f"{key.path}: the same key as {owners[key.public.n]}; accepted: a key of its own per domain"
            )
        owners.setdefault(key.public.n, key.path)
    return problems


def zone_line(domain: str, selector: str, record: _dkim.KeyRecord) -> str:
    """Write the record as a zone file has it: strings of at most 255 octets (RFC 1035, 3.3)."""
    text = _dkim.join(record)
    strings = " ".join(f'"{text[i : i + 255]}"' for i in range(0, len(text), 255))
    return f"{_dkim.record_name(selector, domain)}. IN TXT ( {strings} )\n"


def read_zone_line(text: str) -> RecordLine:
    """Read such a line, ours or one that opendkim-genkey has written, or raise ``ValueError``."""
    return RecordLine((text.split() or [""])[0].rstrip("."), _dkim.parse("".join(_QUOTED.findall(text))).p)


def make_key(bits: int) -> tuple[bytes, _rsa.RsaPublicKey]:
    """Make an RSA key and return its PEM text and its public half."""
    pem: bytes = rsa.generate_private_key(public_exponent=65537, key_size=bits).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, _rsa.public_half(pem)


def _record_file(key_file: str) -> str:
    return os.path.splitext(os.path.basename(key_file))[0] + ".txt"


@contextlib.contextmanager
def _folder(path: str, parent: int | None = None) -> t.Iterator[int]:
    follow = 0 if parent is None else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | follow, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _difference(what: str, status: os.stat_result, owner: Owner, mode: int) -> str | None:
    if not owner.has(status):
        return f"{what} belongs to {status.st_uid}:{status.st_gid} instead of {owner.uid}:{owner.gid}"
    if stat.S_IMODE(status.st_mode) != mode:
        return f"{what} has mode {stat.S_IMODE(status.st_mode):04o} instead of {mode:04o}"
    return None


def _own(descriptor: int, owner: Owner, mode: int) -> None:
    os.fchown(descriptor, -1 if owner.uid is None else owner.uid, -1 if owner.gid is None else owner.gid)
    os.fchmod(descriptor, mode)


def _open_regular(name: str, folder: int) -> int:
    # O_NONBLOCK: a named pipe must not hold the run up.
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        os.close(descriptor)
        raise OSError("it is not a regular file with one name")
    return descriptor


def _read(name: str, folder: int) -> tuple[bytes, os.stat_result]:
    with os.fdopen(_open_regular(name, folder), "rb") as stream:
        return stream.read(_LARGEST), os.fstat(stream.fileno())


def _write(name: str, folder: int, content: bytes, owner: Owner, mode: int) -> None:
    temporary = f".{name}.new"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=folder)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        _own(stream.fileno(), owner, mode)
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def _recorded(key_file: str, folder: int) -> RecordLine | None:
    name = _record_file(key_file)
    try:
        return read_zone_line(_read(name, folder)[0].decode("ascii", "replace"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} beside it holds no public half ({error}) and is to be removed") from error


def _look(key_file: str, folder: int, owner: Owner, found: dict[str, t.Any]) -> None:
    text, status = _read(key_file, folder)
    found["exists"] = True
    found["unsafe"] = _difference("the file", status, owner, 0o600) or found.get("unsafe")
    found["public"] = _rsa.public_half(text)
    found["recorded"] = _recorded(key_file, folder)


@contextlib.contextmanager
def _noting_errors(found: dict[str, t.Any]) -> t.Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        found.update(exists=True, error=getattr(error, "strerror", None) or str(error))


def observe_file(path: str, domain: str, selector: str, owner: Owner) -> KeyObservation:
    """Look at a key that lies anywhere, such as one that a KeyTable names."""
    found: dict[str, t.Any] = {}
    with _noting_errors(found), _folder(os.path.dirname(path)) as folder:
        _look(os.path.basename(path), folder, owner, found)
    return KeyObservation(domain, selector, path, **found)


class KeyStore:
    """The keys below one directory."""

    def __init__(self, directory: str, owner: Owner) -> None:
        self.directory = directory
        self.owner = owner

    def path(self, domain: str, selector: str) -> str:
        return os.path.join(self.directory, domain, f"{selector}.private")

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Make the directory where it is missing, and let no second run make keys at the same time."""
        with contextlib.suppress(FileExistsError):
            os.makedirs(self.directory, mode=0o700)
            with _folder(self.directory) as descriptor:
                _own(descriptor, self.owner, 0o700)
        with _folder(self.directory) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OSError(f"another run is making keys in {self.directory}; wait until it has ended") from None
            yield

    def observe(self, domain: str, selector: str) -> KeyObservation:
        """Look at one key. Whatever is wrong with it is part of the observation."""
        found: dict[str, t.Any] = {}
        with _noting_errors(found), _folder(self.directory) as top, _folder(domain, top) as folder:
            found["unsafe"] = _difference("the folder", os.fstat(folder), self.owner, 0o700)
            _look(f"{selector}.private", folder, self.owner, found)
        return KeyObservation(domain, selector, self.path(domain, selector), **found)

    def make(self, domain: str, selector: str, bits: int) -> KeyObservation:
        """Make a key. Killed at any moment, it leaves either no key or a whole one that has its record."""
        pem, public = make_key(bits)
        made = KeyObservation(domain, selector, self.path(domain, selector), exists=True, public=public)
        with _folder(self.directory) as top:
            with contextlib.suppress(FileExistsError):
                os.mkdir(domain, 0o700, dir_fd=top)
            with _folder(domain, top) as folder:
                _own(folder, self.owner, 0o700)
                self._write_record(made, folder)
                _write(f"{selector}.private", folder, pem, self.owner, 0o600)
            os.fsync(top)
        return made

    def _write_record(self, key: KeyObservation, folder: int) -> None:
        if key.record is not None:
            line = zone_line(key.domain, key.selector, key.record)
            _write(f"{key.selector}.txt", folder, line.encode("ascii"), self.owner, 0o644)

    def mend(self, key: KeyObservation) -> None:
        """Set owner and mode of an existing key and its folder, and write its record where there is none."""
        with _folder(self.directory) as top, _folder(key.domain, top) as folder:
            _own(folder, self.owner, 0o700)
            descriptor = _open_regular(f"{key.selector}.private", folder)
            try:
                _own(descriptor, self.owner, 0o600)
            finally:
                os.close(descriptor)
            if key.recorded is None:
                self._write_record(key, folder)

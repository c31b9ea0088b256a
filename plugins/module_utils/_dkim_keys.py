# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""DKIM key files: what is there, and making what is missing. The only importer of cryptography.

A key is ``DIRECTORY/<domain>/<selector>.private``; beside it ``<selector>.txt`` holds the public half as it was when
the key was made, as a line for a zone file. The record is written first and the key appears last, by rename, so a
key that exists is whole and has its record.

``DIRECTORY/selectors.json`` holds the notes of ``_rotation``: which selector signs, which one is next, and which ones
were.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _key_files, _rotation, _rsa
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner
from ansible_collections.mailops.relay.plugins.module_utils._rotation import Selector

NOTES = "selectors.json"
_QUOTED = re.compile(r'"([^"]*)"')


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


def can_make_keys() -> bool:
    return importlib.util.find_spec("cryptography") is not None


def make_key(bits: int) -> tuple[bytes, _rsa.RsaPublicKey]:
    """Make an RSA key and return its PEM text and its public half.

    Raises ``ImportError`` without cryptography. It takes a tenth of a second to load, and most runs make no key.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    pem: bytes = rsa.generate_private_key(public_exponent=65537, key_size=bits).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, _rsa.public_half(pem)


def _record_file(key_file: str) -> str:
    return os.path.splitext(os.path.basename(key_file))[0] + ".txt"


def _recorded(key_file: str, folder: int) -> RecordLine | None:
    name = _record_file(key_file)
    try:
        return read_zone_line(_key_files.read(name, folder)[0].decode("ascii", "replace"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ValueError(f"{name} beside it holds no public half ({error}) and is to be removed") from error


def _look(key_file: str, folder: int, owner: Owner, found: dict[str, t.Any]) -> None:
    text, status = _key_files.read(key_file, folder)
    found["exists"] = True
    found["unsafe"] = _key_files.difference("the file", status, owner, 0o600) or found.get("unsafe")
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
    with _noting_errors(found), _key_files.folder(os.path.dirname(path)) as folder:
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
    def _folder_of(self, domain: str) -> t.Iterator[int]:
        with _key_files.folder(self.directory) as top, _key_files.folder(domain, top) as folder:
            yield folder

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Make the directory where it is missing, and let no second run make keys at the same time."""
        with contextlib.suppress(FileExistsError):
            os.makedirs(self.directory, mode=0o700)
            with _key_files.folder(self.directory) as descriptor:
                _key_files.own(descriptor, self.owner, 0o700)
        with _key_files.folder(self.directory) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OSError(f"another run is making keys in {self.directory}; wait until it has ended") from None
            yield

    def observe(self, domain: str, selector: str) -> KeyObservation:
        """Look at one key. Whatever is wrong with it is part of the observation."""
        found: dict[str, t.Any] = {}
        with _noting_errors(found), self._folder_of(domain) as folder:
            found["unsafe"] = _key_files.difference("the folder", os.fstat(folder), self.owner, 0o700)
            _look(f"{selector}.private", folder, self.owner, found)
        return KeyObservation(domain, selector, self.path(domain, selector), **found)

    def make(self, domain: str, selector: str, bits: int) -> KeyObservation:
        """Make a key. Killed at any moment, it leaves either no key or a whole one that has its record."""
        pem, public = make_key(bits)
        made = KeyObservation(domain, selector, self.path(domain, selector), exists=True, public=public)
        with _key_files.folder(self.directory) as top:
            with contextlib.suppress(FileExistsError):
                os.mkdir(domain, 0o700, dir_fd=top)
            with _key_files.folder(domain, top) as folder:
                _key_files.own(folder, self.owner, 0o700)
                self._write_record(made, folder)
                _key_files.write(f"{selector}.private", folder, pem, self.owner, 0o600)
            os.fsync(top)
        return made

    def _write_record(self, key: KeyObservation, folder: int) -> None:
        if key.record is not None:
            line = zone_line(key.domain, key.selector, key.record)
            _key_files.write(f"{key.selector}.txt", folder, line.encode("ascii"), self.owner, 0o644)

    def mend(self, key: KeyObservation) -> None:
        """Set owner and mode of an existing key and its folder, and write its record where there is none."""
        with self._folder_of(key.domain) as folder:
            _key_files.own(folder, self.owner, 0o700)
            descriptor = _key_files.open_regular(f"{key.selector}.private", folder)
            try:
                _key_files.own(descriptor, self.owner, 0o600)
            finally:
                os.close(descriptor)
            if key.recorded is None:
                self._write_record(key, folder)

    # The selectors

    def notes(self) -> tuple[Selector, ...] | None:
        """Return the noted selectors, None where there are no notes yet; ``ValueError`` says what is wrong."""
        try:
            with _key_files.folder(self.directory) as top:
                text, _status = _key_files.read(NOTES, top)
            return _rotation.parse_notes(text.decode("utf-8", "replace"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ValueError(f"{os.path.join(self.directory, NOTES)}: {error}") from None

    def note(self, selectors: t.Iterable[Selector]) -> None:
        """Write the notes; they belong to root, and hold nothing that is secret."""
        with _key_files.folder(self.directory) as top:
            _key_files.write(NOTES, top, _rotation.join_notes(selectors).encode("ascii"), Owner(None, None), 0o644)

    def existing(self, domains: t.Iterable[str]) -> dict[str, int]:
        """Return the selectors that have a private key for one of the domains, each with the time of its oldest."""
        found: dict[str, int] = {}
        for domain in domains:
            with contextlib.suppress(OSError), self._folder_of(domain) as folder:
                for name in os.listdir(folder):
                    selector, dot, ending = name.rpartition(".")
                    if dot and ending == "private":
                        made = int(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime)
                        found[selector] = min(made, found.get(selector, made))
        return found

    def files(self, domain: str, selector: str) -> list[str]:
        """Return the names of the files that there are of a key."""
        with contextlib.suppress(OSError), self._folder_of(domain) as folder:
            names = os.listdir(folder)
            return [name for name in (f"{selector}.private", f"{selector}.txt") if name in names]
        return []

    def discard(self, domain: str, name: str) -> None:
        """Remove a file of a key."""
        with self._folder_of(domain) as folder:
            _key_files.remove(name, folder)

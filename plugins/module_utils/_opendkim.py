# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The files of OpenDKIM as opendkim.conf(5) and opendkim(8) describe them: settings, KeyTable, SigningTable."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class KeyEntry:
    """A line of the KeyTable: ``name domain:selector:key``. ``key`` is a path, or in rare set-ups the key itself."""

    name: str
    domain: str
    selector: str
    key: str

    @property
    def path(self) -> str | None:
        return self.key if self.key.startswith("/") else None


@dataclass(frozen=True)
class UnixSocket:
    """A milter socket in the file system."""

    path: str

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class InetSocket:
    """A milter socket on TCP."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}, port {self.port}"


Address = t.Union[UnixSocket, InetSocket]


def settings(text: str) -> dict[str, str]:
    """Return the settings by their names in lower case; the last one of a name counts, as it does for opendkim."""
    found = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split(None, 1)
        if len(words) == 2:
            found[words[0].lower()] = words[1].strip()
    return found


def with_paths(text: str, paths: t.Mapping[str, str]) -> str:
    """Return ``text`` with each path of ``paths`` replaced, wherever it stands as a whole."""
    names = sorted(paths, key=len, reverse=True)
    if not names:
        return text
    pattern = "|".join(re.escape(name) for name in names)
    return re.sub(rf"(?<![\w./-])(?:{pattern})(?![\w./-])", lambda match: paths[match[0]], text)


def quoting(complaint: str, text: str) -> str:
    """Return a complaint of opendkim with the line that it gives the number of."""
    match = re.search(r"\bline (\d+)\b", complaint)
    lines = text.splitlines()
    if match is None or not 1 <= int(match[1]) <= len(lines):
        return complaint
    return f"{complaint}: {lines[int(match[1]) - 1].strip()!r}"


def file_of(dataset: str) -> str | None:
    """Return the path of a dataset that is a text file, None for one of another kind (opendkim(8), DATA SETS)."""
    kind, colon, rest = dataset.partition(":")
    if colon and kind in ("file", "refile"):
        return rest
    return dataset if dataset.startswith("/") else None


def socket_address(text: str) -> Address:
    """Parse the setting Socket."""
    match = re.fullmatch(r"inet6?:(?P<port>\d+)(?:@(?P<host>.+))?", text)
    if match:
        return InetSocket((match["host"] or "localhost").strip("[]"), int(match["port"]))
    kind, colon, path = text.rpartition(":")
    if (not colon or kind in ("local", "unix")) and path.startswith("/"):
        return UnixSocket(path)
    raise ValueError(f"Socket {text!r}; accepted: local:/path, or inet:port@host")


def _lines(text: str) -> t.Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(None, 1)
        if words:
            yield number, words


def key_table(text: str) -> dict[str, KeyEntry]:
    """Parse a KeyTable, or raise ``ValueError`` that names the line."""
    entries = {}
    for number, words in _lines(text):
        parts = words[-1].strip().split(":", 2)
        if len(words) != 2 or len(parts) != 3 or not all(parts):
            raise ValueError(f"KeyTable, line {number}: {' '.join(words)!r}; accepted: name domain:selector:/path")
        entries[words[0]] = KeyEntry(words[0], *parts)
    return entries


def signing_table(text: str) -> list[tuple[str, str]]:
    """Parse a SigningTable to pairs of sender pattern and key name, or raise ``ValueError`` that names the line."""
    pairs = []
    for number, words in _lines(text):
        if len(words) != 2:
            raise ValueError(f"SigningTable, line {number}: {words[0]!r}; accepted: pattern key-name")
        pairs.append((words[0], words[1].split(":")[0].strip()))
    return pairs


def dangling(keys: t.Mapping[str, KeyEntry], signing: t.Iterable[tuple[str, str]]) -> list[str]:
    """Return what is wrong between the two tables: opendkim would defer all mail of such a sender."""
    return [
        f"SigningTable: {pattern} is to be signed with {name!r}, which the KeyTable does not have; "
        f"accepted: {', '.join(keys) or 'nothing, it is empty'}"
        for pattern, name in signing
        if name not in keys and name != "%"
    ]


def probe_senders(keys: t.Mapping[str, KeyEntry], signing: t.Iterable[tuple[str, str]]) -> dict[str, KeyEntry]:
    """Return one sender domain per key whose mail has to be signed with it."""
    senders: dict[str, KeyEntry] = {}
    for pattern, name in signing:
        domain = pattern.rpartition("@")[2].lstrip(".")
        if name in keys and keys[name] not in senders.values() and re.fullmatch(r"[\w-]+(\.[\w-]+)+", domain):
            senders[domain] = keys[name]
    return senders

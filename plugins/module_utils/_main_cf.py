# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The syntax of main.cf, as postconf(5) describes it: logical lines, continuation lines and comments."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)\s*=\s*(?P<value>.*)", re.DOTALL)
_TABLE = re.compile(
    r"\b(?P<type>btree|cdb|cidr|dbm|hash|inline|lmdb|pcre|pipemap|randmap|regexp|sdbm|static|texthash|unionmap)"
    r":(?P<name>\{[^{}]*\}|[^\s,{}]+)"
)


@dataclass(frozen=True)
class Block:
    """A logical line with its line end and the comments inside it, or the comments and empty lines between two.

    ``name`` is the parameter that the line sets, None for comments and empty lines. ``value`` is its value on one
    line. ``line`` is the number of the block's first line, from 1.
    """

    text: str
    line: int
    name: str | None = None
    value: str = ""


def _is_logical(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _groups(text: str) -> t.Iterator[tuple[int, list[str]]]:
    """Yield the lines of each entry, and those between two entries, with the number of the first one.

    A line that starts with white space continues the entry, also past comments and empty lines.
    """
    entry: list[str] = []
    between: list[str] = []
    start = 1
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        if not _is_logical(line):
            between.append(line)
        elif not line[0].isspace():
            yield start, entry
            yield number - len(between), between
            entry, between, start = [line], [], number
        elif entry:
            entry += [*between, line]
            between = []
        else:
            raise ValueError(f"line {number}: {line.strip()!r} continues nothing")
    yield start, entry
    yield start + len(entry), between


def parse(text: str) -> list[Block]:
    """Split the text of a main.cf into blocks; joined, their texts are the text again.

    Raises ValueError, naming the line, where a logical line is not ``name = value``.
    """
    blocks = []
    for number, lines in _groups(text):
        logical = [line.strip() for line in lines if _is_logical(line)]
        entry = _ENTRY.fullmatch(" ".join(logical))
        if logical and entry is None:
            raise ValueError(f"line {number}: {logical[0]!r} is not of the form 'name = value'")
        if lines:
            name, value = (entry["name"], entry["value"]) if entry else (None, "")
            blocks.append(Block("".join(lines), number, name, value))
    return blocks


def join(blocks: t.Iterable[Block]) -> str:
    """Return the text of the blocks."""
    return "".join(block.text for block in blocks)


def without(text: str, names: t.Container[str]) -> str:
    """Return the text without the entries that set one of ``names``; comments stay."""
    return join(block for block in parse(text) if block.name is None or block.name not in names)


def override(text: str, extra: str) -> str:
    """Return ``text`` with the entries of ``extra`` behind it, and without its own entries for the same names.

    Postfix would take the later entry too, but warns about it each time it reads the file.
    """
    if not extra.strip():
        return text
    names = {block.name for block in parse(extra) if block.name}
    return without(text, names).rstrip("\n") + "\n\n" + extra.strip("\n") + "\n"


def tables(value: str) -> list[str]:
    """Return the lookup tables in a parameter's value that can be opened without a network, as ``type:name``."""
    return [match[0] for match in _TABLE.finditer(value) if match["type"] != "static"]

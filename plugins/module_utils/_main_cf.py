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


def _blocks(text: str) -> t.Iterator[tuple[int, list[str]]]:
    """Group physical lines: a line that starts with white space continues the logical line before it."""
    group: list[str] = []
    start = 1
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        starts_new = _is_logical(line) and not line[0].isspace()
        if group and (starts_new or _is_logical(group[0]) and not _is_logical(line)):
            yield start, group
            group, start = [], number
        group.append(line)
    if group:
        yield start, group


def parse(text: str) -> list[Block]:
    """Split the text of a main.cf into blocks; joined, their texts are the text again.

    Raises ValueError, naming the line, where a logical line is not ``name = value``.
    """
    blocks = []
    for number, lines in _blocks(text):
        whole = "".join(lines)
        if not _is_logical(lines[0]):
            if any(_is_logical(line) for line in lines):
                raise ValueError(f"line {number}: {whole.strip()!r} continues nothing")
            blocks.append(Block(whole, number))
            continue
        entry = _ENTRY.fullmatch(" ".join(line.strip() for line in lines))
        if entry is None:
            raise ValueError(f"line {number}: {lines[0].strip()!r} is not of the form 'name = value'")
        blocks.append(Block(whole, number, entry["name"], entry["value"]))
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

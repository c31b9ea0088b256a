# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Nested plain values that somebody else has made: compared with a shape, completed, and their text made visible.

A shape is a type (``str``, ``int``, ``bool``), a tuple of the texts that are accepted, a list of one shape, a dict of
shapes by key, or a dict of one shape by :data:`ANY` key. :func:`read` names all that does not fit, each with its place.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

Shape = t.Any

ANY = object()
"""The key of a dict whose keys are names."""

LIMIT = 4000
"""Characters of a text that are kept: a server may say as much as it likes, and a report is for reading."""

SHOWN = 20
"""Problems that are named one by one."""

# What moves the cursor, turns the writing direction or cannot be seen or encoded: C0 and C1 but for the line break,
# marks and overrides of direction, characters without a width, tags, lone surrogates.
_HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e01ef]"
)
_NAMES: dict[type, str] = {str: "text", int: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Optional:
    """A key that may be left out, or be null."""

    shape: Shape
    default: t.Any


class Exact(str):
    """The shape of a text that is kept as it is, since it is data rather than something to read."""


def visible(text: str, limit: int = LIMIT) -> str:
    r"""Return a text that can be shown: no control characters, no tricks of direction; these stand as ``\x1b``.

    The lines of a text stay apart. A text that is too long ends with how much is left out. Nothing changes twice.
    """
    shown = _HIDDEN.sub(
        lambda match: " " if match[0] == "\t" else match[0].encode("unicode_escape").decode("ascii"),
        text.replace("\r\n", "\n"),
    )
    if len(shown) <= limit:
        return shown
    mark = f" … and {len(shown) - limit} characters more"
    return shown if shown.endswith(" characters more") and len(shown) <= limit + 40 else shown[:limit] + mark


def _quoted(value: t.Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
    return visible(text, 80).replace("\n", " ")


class _Reader:
    """Reads one value; ``problems`` are what was found on the way."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def wrong(self, value: t.Any, where: str, accepted: str) -> None:
        self.problems.append(f"{where} is {_quoted(value)}. Accepted: {accepted}.")

    def read(self, value: t.Any, shape: Shape, where: str) -> t.Any:
        if isinstance(shape, dict):
            return self.read_dict(value, shape, where)
        if isinstance(shape, list):
            if not isinstance(value, (list, tuple)):
                return self.wrong(value, where, "a list")
            return [self.read(item, shape[0], f"{where}[{index}]") for index, item in enumerate(value)]
        if isinstance(shape, tuple):
            if not isinstance(value, str) or value not in shape:
                return self.wrong(value, where, ", ".join(shape))
            return str(value)
        return self.read_scalar(value, shape, where)

    def read_scalar(self, value: t.Any, shape: type, where: str) -> t.Any:
        kind = str if shape is Exact else shape
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            return self.wrong(value, where, _NAMES[kind])
        return visible(str(value)) if shape is str else value

    def read_dict(self, value: t.Any, shape: dict[t.Any, Shape], where: str) -> t.Any:
        if not isinstance(value, t.Mapping) or not all(isinstance(key, str) for key in value):
            return self.wrong(value, where, "a dictionary")
        if ANY in shape:
            names: dict[str, str] = {str(key): visible(str(key)) for key in value}
            return {name: self.read(value[key], shape[ANY], f"{where}.{name}") for key, name in names.items()}
        for key in value:
            if key not in shape:
                self.problems.append(f"{where} has {_quoted(key)}. Accepted: {', '.join(shape)}.")
        return {key: self.read_key(value, key, each, where) for key, each in shape.items()}

    def read_key(self, value: t.Mapping[str, t.Any], key: str, shape: Shape, where: str) -> t.Any:
        if not isinstance(shape, Optional):
            if key in value:
                return self.read(value[key], shape, f"{where}.{key}")
            self.problems.append(f"{where} has no {key}.")
        elif value.get(key) is not None:
            return self.read(value[key], shape.shape, f"{where}.{key}")
        else:
            return shape.default
        return None


def refuse(problems: t.Sequence[str]) -> None:
    """Raise ValueError that names the problems, if there are any."""
    if problems:
        more = [f"and {len(problems) - SHOWN} problems more"] if len(problems) > SHOWN else []
        raise ValueError("\n".join([*problems[:SHOWN], *more]))


def read(value: t.Any, shape: Shape, where: str) -> t.Any:
    """Return a copy of the value that fits the shape, or raise ValueError with all that does not fit."""
    reader = _Reader()
    found = reader.read(value, shape, where)
    refuse(reader.problems)
    return found

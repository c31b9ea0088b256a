# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""SASLprep (RFC 4013): the one form of a user name or password, however it was typed."""

from __future__ import annotations

import stringprep
import typing as t
import unicodedata

# RFC 4013 section 2.3; the tables are those of RFC 3454.
_PROHIBITED: tuple[tuple[t.Callable[[str], bool], str], ...] = (
    (stringprep.in_table_c12, "a space that is not ASCII"),
    (stringprep.in_table_c21_c22, "a control character"),
    (stringprep.in_table_c3, "a character for private use"),
    (stringprep.in_table_c4, "a code point that is no character"),
    (stringprep.in_table_c5, "a surrogate"),
    (stringprep.in_table_c6, "a character that is no plain text"),
    (stringprep.in_table_c7, "a character that describes others"),
    (stringprep.in_table_c8, "a character that changes the display"),
    (stringprep.in_table_c9, "a tag"),
    (stringprep.in_table_a1, "a code point that Unicode 3.2 does not assign"),
)


def _mapped(text: str) -> str:
    spaced = "".join(" " if stringprep.in_table_c12(char) else char for char in text)
    return "".join(char for char in spaced if not stringprep.in_table_b1(char))


def _check_direction(text: str) -> None:
    """RFC 3454 section 6: text that runs from right to left does so from its first to its last character."""
    right_to_left = [stringprep.in_table_d1(char) for char in text]
    if any(right_to_left):
        if any(stringprep.in_table_d2(char) for char in text):
            raise ValueError("it has characters of both writing directions")
        if not right_to_left[0] or not right_to_left[-1]:
            raise ValueError("it is written from right to left, but does not begin and end so")


def prepare(text: str) -> str:
    """Return the prepared form of a text that is to be stored, or raise ValueError, which does not show the text."""
    if text.isascii() and text.isprintable():
        return text
    prepared = unicodedata.normalize("NFKC", _mapped(text))
    for is_prohibited, name in _PROHIBITED:
        if any(is_prohibited(char) for char in prepared):
            raise ValueError(f"it has {name}")
    _check_direction(prepared)
    return prepared

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The macro-strings of SPF: their grammar (RFC 7208, 7.1), and what they expand to (7.2, 7.3)."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import quote

IPAddress = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_EXPAND = re.compile(r"%(?:([%_-])|\{([slodiphcrtv])([0-9]*)(r?)([.+,/_=-]*)\})", re.ASCII | re.IGNORECASE)
_LITERALS = re.compile(r"[!-$&-~]+")
_LITERALS_AND_SPACES = re.compile(r"[ -$&-~]+")
# toplabel, and the dots around it: letters, digits and inner hyphens, not digits alone.
_DOMAIN_END = re.compile(r"\.(?![0-9]+\.?\Z)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?\Z")
_NAME = re.compile(r"[ -~]+")

_ONLY_EXPLAIN = frozenset("crt")
_FIXED = {"%": "%", "_": " ", "-": "%20"}


@dataclass(frozen=True)
class MacroExpand:
    """``%{letter digits r delimiters}``, or one of ``%%``, ``%_`` and ``%-`` with that character as its letter.

    An uppercase letter asks for URL escaping. ``digits`` is None where all parts are wanted.
    """

    letter: str
    digits: int | None = None
    reverse: bool = False
    delimiters: str = ""

    def __str__(self) -> str:
        if self.letter in _FIXED:
            return f"%{self.letter}"
        digits = "" if self.digits is None else self.digits
        return f"%{{{self.letter}{digits}{'r' if self.reverse else ''}{self.delimiters}}}"


MacroString = t.Tuple[t.Union[str, MacroExpand], ...]
"""Macro-literals, as long as they can be, and macro-expands."""


def _macro_expand(match: re.Match[str]) -> MacroExpand:
    fixed, letter, digits, reverse, delimiters = match.groups()
    if fixed:
        return MacroExpand(fixed)
    if digits and not digits.strip("0"):
        raise ValueError(f"{match[0]!r}: the number of parts must not be zero (RFC 7208, 7.3)")
    # Nine digits are more parts than any text has.
    return MacroExpand(letter, int(digits.lstrip("0")[:9]) if digits else None, bool(reverse), delimiters)


def _parse(text: str, literals: re.Pattern[str], section: str) -> MacroString:
    parts: list[str | MacroExpand] = []
    position = 0
    while position < len(text):
        macro = _EXPAND.match(text, position)
        match = macro or literals.match(text, position)
        if match is None:
            raise ValueError(f"{text[position : position + 20]!r} begins with no macro and no literal ({section})")
        parts.append(_macro_expand(macro) if macro else match[0])
        position = match.end()
    return tuple(parts)


def macro_string(text: str) -> MacroString:
    """Parse a macro-string: visible characters of ASCII, and macros (7.1)."""
    return _parse(text, _LITERALS, "RFC 7208, 7.1")


def domain_spec(text: str) -> MacroString:
    """Parse a domain-spec (7.1): a macro-string that ends with a top-level label or a macro.

    The letters c, r and t are for explanations only (7.2).
    """
    parts = macro_string(text)
    for part in parts:
        if isinstance(part, MacroExpand) and part.letter.lower() in _ONLY_EXPLAIN:
            raise ValueError(f"the macro {part} is for the text of an explanation only (RFC 7208, 7.2)")
    if not parts or (isinstance(parts[-1], str) and not _DOMAIN_END.search(parts[-1])):
        raise ValueError(f"{text!r} does not end with a dot and a top-level label, or a macro (RFC 7208, 7.1)")
    return parts


def explain_string(text: str) -> MacroString:
    """Parse the text of an explanation: a macro-string with spaces in it (6.2, 7.1)."""
    return _parse(text, _LITERALS_AND_SPACES, "RFC 7208, 6.2")


def join(parts: MacroString) -> str:
    """Write a macro-string, a domain-spec or an explain-string."""
    return "".join(str(part) for part in parts)


def letters(parts: MacroString) -> frozenset[str]:
    """Return the macro letters that are used, in lower case."""
    return frozenset(part.letter.lower() for part in parts if isinstance(part, MacroExpand)) - _FIXED.keys()


def dotted(ip: IPAddress) -> str:
    """Return the address as the macro i has it: of IPv6 each hexadecimal digit is a part (7.3)."""
    return str(ip) if ip.version == 4 else ".".join(ip.exploded.replace(":", ""))


def _expanded(macro: MacroExpand, values: t.Mapping[str, str]) -> str:
    if macro.letter in _FIXED:
        return _FIXED[macro.letter]
    parts = re.split(f"[{re.escape(macro.delimiters or '.')}]", values[macro.letter.lower()])
    if macro.reverse:
        parts.reverse()
    if macro.digits:
        parts = parts[-macro.digits :]
    plain = ".".join(parts)
    return quote(plain, safe="", errors="replace") if macro.letter.isupper() else plain


def expand(parts: MacroString, values: t.Mapping[str, str]) -> str:
    """Expand the macros (7.3); ``values`` holds what :func:`letters` tells."""
    return "".join(part if isinstance(part, str) else _expanded(part, values) for part in parts)


def target_name(name: str) -> str:
    """Return a name without the dot at its end and, above 253 characters, without labels at its left (7.3)."""
    name = name[:-1] if name.endswith(".") else name
    while len(name) > 253 and "." in name:
        name = name.partition(".")[2]
    return name


def is_name(name: str) -> bool:
    """Whether DNS can be asked for the name: labels of 1 to 63 characters of ASCII, 253 at most (4.3, 4.8)."""
    return len(name) <= 253 and bool(_NAME.fullmatch(name)) and all(0 < len(label) < 64 for label in name.split("."))


def is_domain(name: str) -> bool:
    """Whether the name can be the domain of an identity: of more than one label, and not an IP address (2.3, 4.3)."""
    labels = name.split(".")
    return is_name(name) and len(labels) > 1 and "[" not in labels[0] and not labels[-1].isdigit()

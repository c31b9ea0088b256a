# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Authentication-Results: what a receiver says of SPF, DKIM and DMARC in a header field (RFC 8601, 2.2).

:func:`parse` raises nothing but ``ValueError``. It takes more than the grammar allows where receivers write more, such
as values with ``@`` or ``/`` that are not quoted.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

MAX_LENGTH = 16000
"""Characters of a field that are read."""

MAX_RESULTS = 100

_TOKEN = re.compile(
    r'(?P<blank>[ \t\r\n]+)|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<special>[;=])|(?P<value>[^\s;="()]+)', re.DOTALL
)
_KEYWORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class ResInfo:
    """One ``resinfo``: a method and what it came to; ``properties`` are ``ptype.property`` and their values."""

    method: str
    result: str
    reason: str = ""
    properties: t.Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class AuthenticationResults:
    """What one receiver says; no ``results`` is its ``none``."""

    authserv_id: str
    results: tuple[ResInfo, ...]


def _without_comments(text: str) -> str:
    """Return the text with a blank for each comment, which may hold comments (RFC 5322, 3.2.2)."""
    kept, depth, quoted, escaped = [], 0, False, False
    for sign in text:
        if escaped:
            escaped = False
        elif sign == "\\" and (quoted or depth):
            escaped = True
        elif sign == '"' and not depth:
            quoted = not quoted
        elif sign == "(" and not quoted:
            depth += 1
            kept.append(" ")
        elif sign == ")" and depth:
            depth -= 1
            continue
        if not depth:
            kept.append(sign)
    if depth or quoted:
        raise ValueError("a comment or a quoted text has no end (RFC 5322, 3.2)")
    return "".join(kept)


def _tokens(text: str) -> list[str]:
    """Return values and the signs ``;`` and ``=``; a value that was quoted begins with ``"``."""
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text[at : at + 20]!r} is no part of Authentication-Results (RFC 8601, 2.2)")
        at = match.end()
        if match["quoted"] is not None:
            found.append('"' + re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL))
        elif match["blank"] is None:
            found.append(match[0])
    return found


def _parts(tokens: t.Iterable[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in tokens:
        if word == ";":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _pairs(part: list[str]) -> list[tuple[str, str]]:
    """Return names and values of ``name=value``; a value may hold ``=``, as in BATV addresses."""
    pairs = []
    at = 0
    while at < len(part):
        if part[at : at + 1] == ["="] or part[at + 1 : at + 2] != ["="] or at + 2 >= len(part):
            raise ValueError(f"{' '.join(part)[:60]!r} is not name=value (RFC 8601, 2.2)")
        name, value, at = part[at], part[at + 2], at + 3
        while part[at : at + 1] == ["="] and at + 1 < len(part):
            value, at = f"{value}={part[at + 1]}", at + 2
        pairs.append((name.lower(), value[1:] if value.startswith('"') else value))
    return pairs


def _resinfo(part: list[str]) -> ResInfo:
    (method, result), *rest = _pairs(part)
    name = method.partition("/")[0]
    if not _KEYWORD.fullmatch(name) or not _KEYWORD.fullmatch(result):
        raise ValueError(f"{method}={result} is no result of a method (RFC 8601, 2.2)")
    properties: dict[str, str] = {}
    for key, value in rest:
        if key != "reason":
            properties.setdefault(key, value)
    return ResInfo(name, result.lower(), dict(rest).get("reason", ""), properties)


def parse(text: str) -> AuthenticationResults:
    """Return the value of a header field, or raise ValueError."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"the field has {len(text)} characters; {MAX_LENGTH} are read")
    head, *rest = _parts(_tokens(_without_comments(text)))
    if not head or head[0] == "=" or len(head) > 2:
        raise ValueError("the field does not begin with an authserv-id (RFC 8601, 2.5)")
    infos = [part for part in rest if part and [word.lower() for word in part] != ["none"]]
    if len(infos) > MAX_RESULTS:
        raise ValueError(f"the field has {len(infos)} results; {MAX_RESULTS} are read")
    return AuthenticationResults(head[0].lstrip('"').lower(), tuple(_resinfo(part) for part in infos))

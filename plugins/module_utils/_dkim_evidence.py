# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the answers of the authoritative servers prove about DKIM keys: that all of them have one, or none."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _dkim
from ansible_collections.mailops.relay.plugins.module_utils._rotation import Evidence

Answer = t.Mapping[str, t.Any]

_NONE = ("no_name", "no_data")
_ANSWERED = ("present", *_NONE)


def _server(answer: Answer) -> str:
    """The name of a server, which may have several addresses; this machine may have no way to one of them."""
    return str(answer["server"]).partition(" (")[0]


def _public_key(text: str) -> bytes | None:
    try:
        return _dkim.parse(text).p
    except ValueError:
        return None


def _has(answer: Answer, public: bytes) -> bool:
    return [_public_key(value) for value in answer["values"]] == [public]


def problem(name: str, answers: t.Sequence[Answer], right: t.Callable[[Answer], bool], else_: str) -> str:
    """Return what keeps the answers for a name from proving what they should, empty for nothing."""
    if not answers:
        return f"no authoritative server of {name} was found"
    heard = {_server(answer) for answer in answers if answer["state"] in _ANSWERED}
    for answer in answers:
        if answer["state"] not in _ANSWERED:
            if _server(answer) not in heard:
                return f"{answer['server']} did not tell about {name} ({answer['state']})"
        elif not right(answer):
            return f"{answer['server']} {else_} {name}"
    return ""


def _problem_of(key: t.Mapping[str, t.Any], answers: t.Sequence[Answer]) -> str:
    """Return what keeps a key from being seen as it should be: its record everywhere, or nowhere if it has no value."""
    if key["value"] is None:
        return problem(key["name"], answers, lambda answer: answer["state"] in _NONE, "still has a record at")
    public = _dkim.parse(key["value"]).p
    return problem(key["name"], answers, lambda answer: _has(answer, public), "does not have the record of")


def evidence(keys: t.Iterable[t.Mapping[str, t.Any]], answers: t.Iterable[Answer]) -> Evidence:
    """Return what answers of ``dns_records_info`` prove about keys as ``dkim_keys`` returns them.

    A key without a value is one that is to be gone. A server counts once one of its addresses has answered, and each
    that answers has to say the same. Where no authoritative server is known for a name, nothing is proven.
    """
    by_name: dict[str, list[Answer]] = {}
    for answer in answers:
        if answer["kind"] == "authoritative" and answer["type"] == "TXT":
            by_name.setdefault(answer["name"], []).append(answer)
    problems: dict[str, list[str]] = {}
    gone: set[str] = set()
    for key in keys:
        problems.setdefault(key["selector"], []).append(_problem_of(key, by_name.get(key["name"], [])))
        if key["value"] is None:
            gone.add(key["selector"])
    proven = {selector for selector, each in problems.items() if not any(each)}
    return Evidence(
        frozenset(proven - gone),
        frozenset(proven & gone),
        {selector: next(filter(None, each)) for selector, each in problems.items() if any(each)},
    )

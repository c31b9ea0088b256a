# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What authoritative servers prove about TLSA records: whether each of them has all that are to be there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _tlsa
from ansible_collections.mailops.relay.plugins.module_utils._dkim_evidence import Answer, problem


@dataclass(frozen=True)
class Evidence:
    """Host names of which every authoritative server has all records, and what was seen of the others."""

    visible: frozenset[str]
    missing: t.Mapping[str, str]


def _normal(text: str) -> str:
    try:
        return _tlsa.join(_tlsa.parse(text))
    except ValueError:
        return text


def _has(answer: Answer, wanted: t.Iterable[str]) -> bool:
    return set(map(_normal, wanted)) <= set(map(_normal, answer["values"]))


def _problem_of(record: t.Mapping[str, t.Any], answers: t.Sequence[Answer]) -> str:
    name, wanted = record["name"], record["values"]
    return problem(name, answers, lambda answer: _has(answer, wanted), "does not have all records of")


def evidence(records: t.Iterable[t.Mapping[str, t.Any]], answers: t.Iterable[Answer]) -> Evidence:
    """Return what answers of ``dns_records_info`` prove about TLSA records, by the host that they are about.

    Records of others beside ours do not matter: a client takes any that fits (RFC 6698, 2.1).
    """
    by_name: dict[str, list[Answer]] = {}
    for answer in answers:
        if answer["kind"] == "authoritative" and answer["type"] == "TLSA":
            by_name.setdefault(answer["name"], []).append(answer)
    problems: dict[str, list[str]] = {}
    for record in records:
        host = record["name"].partition("._tcp.")[2]
        problems.setdefault(host, []).append(_problem_of(record, by_name.get(record["name"], [])))
    return Evidence(
        frozenset(host for host, each in problems.items() if not any(each)),
        {host: next(filter(None, each)) for host, each in problems.items() if any(each)},
    )

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A report in words: what its renderers have in common. :func:`read` takes a report, such as one from a JSON file."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _finding, _report, _shape
from ansible_collections.mailops.relay.plugins.module_utils._report_input import CHECKS, FINDING, NOT_CHECKED, RECORD
from ansible_collections.mailops.relay.plugins.module_utils._shape import ANY, Exact, Optional

Report = dict[str, t.Any]
Item = dict[str, t.Any]

FLEET = "whole fleet"

WORDS = {
    "error": "error",
    "warning": "warning",
    "notice": "notice",
    "not_checked": "not checked",
    "silenced": "silenced",
    "passed": "passed",
}
"""States and severities as they are shown."""

_CELLS = {ANY: _report.STATES}
_STEP = {
    "severity": (*_finding.SEVERITIES, NOT_CHECKED),
    "text": str,
    "checks": [str],
    "relays": [str],
    "subjects": [str],
    "findings": [str],
}
_GAP = {"relays": [str], "checks": [CHECKS], "note": str, "must": bool, "silenced": Optional(str, None)}
_COUNTED = (*_finding.SEVERITIES, "silenced", "passed", NOT_CHECKED, "checks")
_REPORT = {
    "schema": int,
    "generated": str,
    "ok": bool,
    "status": _report.STATUSES,
    "fail_from": _report.FAIL_FROM,
    "summary": dict.fromkeys(_COUNTED, int),
    "relays": [str],
    "checks": [CHECKS],
    "fleet": _CELLS,
    "matrix": {ANY: _CELLS},
    "todo": [_STEP],
    "findings": [{"key": str, **FINDING, "check": str, "relays": [str], "silenced": Optional(str, None)}],
    "not_checked": [_GAP],
    "records": [RECORD],
    "zone_file": Exact,
}


def read(report: t.Any) -> Report:
    """Return a report whose parts are all there, or raise ValueError."""
    if not isinstance(report, t.Mapping) or "schema" not in report:
        raise ValueError(f"its input is {type(report).__name__}. Accepted: what the filter report returns.")
    if report["schema"] != _report.SCHEMA:
        raise ValueError(f"its input has the schema {report['schema']!r}. Accepted: {_report.SCHEMA}.")
    found: Report = _shape.read(report, _REPORT, "report")
    found["zone_file"] = _shape.visible(found["zone_file"], len(found["zone_file"]) * 10)
    keys = {finding["key"] for finding in found["findings"]}
    _shape.refuse(
        [
            f"report.todo[{index}] has no finding {key!r}. Accepted: keys of the findings."
            for index, step in enumerate(found["todo"])
            for key in step["findings"]
            if key not in keys
        ]
    )
    return found


def plural(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def listed(words: t.Sequence[str], most: int) -> str:
    """Return the words with commas; of more than ``most``, the first ones and how many are left out."""
    if len(words) <= most + 1:
        return ", ".join(words)
    return f"{', '.join(words[:most])} and {len(words) - most} more"


def whose(relays: t.Sequence[str], most: int) -> str:
    return listed(relays, most) if relays else FLEET


def headline(report: Report) -> str:
    """Return what was found, in one line without a verdict."""
    summary = report["summary"]
    parts = [plural(summary[severity], severity) for severity in _finding.SEVERITIES if summary[severity]]
    made = summary["checks"] - summary[NOT_CHECKED]
    if not parts and made:
        parts = [f"{plural(summary['passed'], 'check')} passed"]
    if summary[NOT_CHECKED]:
        parts.append(f"{plural(summary[NOT_CHECKED], 'check')} not made")
    return ", ".join(parts)


def scope(report: Report) -> str:
    """Return what was looked at, and when."""
    relays = [plural(len(report["relays"]), "relay")] if report["relays"] else []
    known = [f"{report['summary']['silenced']} silenced"] if report["summary"]["silenced"] else []
    return ", ".join([*relays, *known, *filter(None, [report["generated"]])])


def verdict(report: Report) -> str:
    """Return the worst state in capital letters, as monitoring likes it."""
    return "OK" if report["status"] == _report.PASSED else WORDS[report["status"]].upper()


def rows(report: Report) -> list[tuple[str, dict[str, str]]]:
    """Return the rows of the matrix with their titles, the whole fleet first where it has checks of its own."""
    fleet = [(FLEET, report["fleet"])] if report["fleet"] else []
    return [*fleet, *((relay, report["matrix"].get(relay, {})) for relay in report["relays"])]


def steps(report: Report) -> list[tuple[Item, list[Item]]]:
    """Return what to do, each with its findings."""
    by_key = {finding["key"]: finding for finding in report["findings"]}
    return [(step, [by_key[key] for key in step["findings"]]) for step in report["todo"]]


def remedy(step: Item, findings: t.Sequence[Item]) -> str:
    """Return the text of a step as its findings word it, which may be on several lines: records to paste are."""
    texts = {finding["remedy"] for finding in findings}
    only = texts.pop() if len(texts) == 1 else ""
    return only if " ".join(only.split()) == step["text"] else str(step["text"])


def silenced(report: Report) -> list[Item]:
    return [finding for finding in report["findings"] if finding["silenced"] is not None]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The report: results of checks become one plain value, for programs to read and for renderers to show.

Nothing counts as passed that was not looked at. What is silenced stays in the report, with its reason.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _finding, _record, _report_todo, _zone_file
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._report_input import CHECKS, NOT_CHECKED, Result, Silence
from ansible_collections.mailops.relay.plugins.module_utils._report_todo import Entry, Gap

SCHEMA = 1
"""Changes when a program that reads reports has to change."""

PASSED, SILENCED = "passed", "silenced"
STATES = ("error", "warning", NOT_CHECKED, "notice", SILENCED, PASSED)
"""What a cell of the matrix can be. Where several are true, the first is shown: a check half done has not passed."""

STATUSES = ("error", NOT_CHECKED, "warning", "notice", PASSED)
"""What the whole can be, worst first."""

NEVER = "never"
FAIL_FROM = (*_finding.SEVERITIES, NEVER)

OWN = "report"
"""The check that findings about the report itself belong to."""

OPTIONAL_CHECKS = ("canary",)
"""Checks that need something that not everybody can give, such as a mailbox."""

NO_RESULT = "there is no result"

Cells = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Wishes:
    """What the reader wants: which findings are known, what has to be checked, and from where on it fails."""

    silences: t.Sequence[Silence] = ()
    must: t.Sequence[str] | None = None
    fail_from: str = "error"


def _reason(silences: t.Iterable[Silence], finding_id: str, subject: str, relay: str) -> str | None:
    return next((each.reason for each in silences if each.covers(finding_id, subject, relay)), None)


def _checks(results: t.Iterable[Result], must: t.Iterable[str]) -> list[str]:
    seen = {result.check for result in results}
    return [check for check in CHECKS if check in seen or check in must]


def _complete(results: t.Sequence[Result], checks: t.Iterable[str]) -> list[Result]:
    """Add what is missing: each relay has to have each check, unless it was made for the whole fleet."""
    present = {(result.relay, result.check) for result in results}
    relays = [relay for relay in dict.fromkeys(result.relay for result in results) if relay]
    missing = [
        Result(relay, check, NOT_CHECKED, NO_RESULT, ())
        for relay in relays or [""]
        for check in checks
        if (relay, check) not in present and ("", check) not in present
    ]
    return [*results, *missing]


def _entries(results: t.Iterable[Result], silences: t.Sequence[Silence]) -> list[Entry]:
    """Return each finding once, with all its relays; one that is silenced on some of them only becomes two."""
    relays: dict[tuple[Finding, str, str | None], list[str]] = {}
    for result in results:
        for finding in result.findings:
            reason = _reason(silences, finding.id, finding.subject, result.relay)
            relays.setdefault((finding, result.check, reason), []).append(result.relay)
    rank = {finding: index for index, finding in enumerate(_finding.ordered(key[0] for key in relays))}
    return [
        Entry(finding, check, tuple(relay for relay in dict.fromkeys(names) if relay), reason)
        for (finding, check, reason), names in sorted(relays.items(), key=lambda item: rank[item[0][0]])
    ]


def _gaps(results: t.Iterable[Result], must: t.Container[str], silences: t.Sequence[Silence]) -> list[Gap]:
    """Return what was not checked: relays that lack the same checks for the same reason are one gap."""
    by_relay: dict[tuple[str, str, bool, str | None], list[str]] = {}
    for result in results:
        if result.state == NOT_CHECKED:
            subject = f"{result.relay} {result.check}".strip()
            reason = _reason(silences, NOT_CHECKED, subject, result.relay)
            key = (result.relay, result.note, result.check in must, reason)
            by_relay.setdefault(key, []).append(result.check)
    merged: dict[tuple[tuple[str, ...], str, bool, str | None], list[str]] = {}
    for (relay, note, needed, reason), checks in by_relay.items():
        ordered = tuple(check for check in CHECKS if check in checks)
        merged.setdefault((ordered, note, needed, reason), []).append(relay)
    return [
        Gap(tuple(filter(None, relays)), checks, note, needed, reason)
        for (checks, note, needed, reason), relays in merged.items()
    ]


def _unused(results: t.Sequence[Result], silences: t.Iterable[Silence]) -> t.Iterator[Entry]:
    """Yield a notice for each silence that covers nothing, and may hide what comes later."""
    findings = {(each.id, each.subject, result.relay) for result in results for each in result.findings}
    gaps = {
        (NOT_CHECKED, f"{result.relay} {result.check}".strip(), result.relay)
        for result in results
        if result.state == NOT_CHECKED
    }
    unsure = "; it may be in what was not checked" if gaps else ""
    for silence in silences:
        if not any(silence.covers(*each) for each in findings | gaps):
            subject = " ".join(filter(None, [silence.id, silence.subject, silence.relay]))
            message = f"it is silenced ({silence.reason}), and nothing was found that this covers{unsure}"
            remedy = "Take out of the silences what is no longer found, or mend its spelling."
            yield Entry(Finding("report_silence_unused", "notice", subject, message, remedy), OWN, (), None)


def _cells(results: t.Iterable[Result], silences: t.Sequence[Silence]) -> Cells:
    """Return the state of each check on each relay; the whole fleet is the relay without a name."""
    found: dict[str, dict[str, list[str]]] = {}
    for result in results:
        states = [
            finding.severity if _reason(silences, finding.id, finding.subject, result.relay) is None else SILENCED
            for finding in result.findings
        ]
        if result.state == NOT_CHECKED:
            states.append(NOT_CHECKED)
        found.setdefault(result.relay, {}).setdefault(result.check, []).extend(states or [PASSED])
    return {
        relay: {check: min(checks[check], key=STATES.index) for check in CHECKS if check in checks}
        for relay, checks in found.items()
    }


def _keys(entries: t.Iterable[Entry]) -> list[str]:
    """Return names by which programs know a finding again in the next run, whatever its message then is."""
    keys: list[str] = []
    seen: dict[str, int] = {}
    for entry in entries:
        about = "\n".join([entry.check, entry.finding.subject, *sorted(entry.relays)])
        key = f"{entry.finding.id}-{hashlib.sha256(about.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else f"{key}-{seen[key]}")
    return keys


def _summary(entries: t.Sequence[Entry], cells: Cells) -> dict[str, int]:
    active = [entry.finding.severity for entry in entries if entry.silenced is None]
    states = [state for checks in cells.values() for state in checks.values()]
    return {
        **{severity: active.count(severity) for severity in _finding.SEVERITIES},
        SILENCED: len(entries) - len(active),
        PASSED: states.count(PASSED),
        NOT_CHECKED: states.count(NOT_CHECKED),
        "checks": len(states),
    }


def _status(active: t.Iterable[Finding], open_gaps: t.Sequence[Gap]) -> str:
    present = {finding.severity for finding in active} | ({NOT_CHECKED} if open_gaps else set())
    return next((status for status in STATUSES if status in present), PASSED)


def build(
    results: t.Sequence[Result], wishes: Wishes, records: t.Iterable[RecordSet] = (), generated: str = ""
) -> dict[str, t.Any]:
    """Return the report of results, at least one."""
    checks = _checks(results, wishes.must or ())
    must = wishes.must
    if must is None:
        must = [check for check in checks if check not in OPTIONAL_CHECKS]
    results = _complete(results, checks)
    entries = [*_entries(results, wishes.silences), *_unused(results, wishes.silences)]
    gaps = _gaps(results, must, wishes.silences)
    cells = _cells(results, wishes.silences)
    active = [entry for entry in entries if entry.silenced is None]
    open_gaps = [gap for gap in gaps if gap.must and gap.silenced is None]
    publish = _report_todo.to_publish(active, records)
    bad = [] if wishes.fail_from == NEVER else _finding.at_least((each.finding for each in active), wishes.fail_from)
    keyed = dict(zip(_keys(entries), entries))
    return {
        "schema": SCHEMA,
        "generated": generated,
        "ok": wishes.fail_from == NEVER or not (bad or open_gaps),
        "status": _status((entry.finding for entry in active), open_gaps),
        "fail_from": wishes.fail_from,
        "summary": _summary(entries, cells),
        "relays": [relay for relay in cells if relay],
        "checks": checks,
        "fleet": cells.get("", {}),
        "matrix": {relay: states for relay, states in cells.items() if relay},
        "todo": _report_todo.steps(keyed, open_gaps, publish),
        "findings": [_join(key, entry) for key, entry in keyed.items()],
        "not_checked": [_join_gap(gap) for gap in gaps],
        "records": [_record.join(record) for record in publish],
        "zone_file": _zone_file.render(publish),
    }


def _join(key: str, entry: Entry) -> dict[str, t.Any]:
    own = {"check": entry.check, "relays": list(entry.relays), "silenced": entry.silenced}
    return {"key": key, **_finding.join(entry.finding), **own}


def _join_gap(gap: Gap) -> dict[str, t.Any]:
    return {
        "relays": list(gap.relays),
        "checks": list(gap.checks),
        "note": gap.note,
        "must": gap.must,
        "silenced": gap.silenced,
    }

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What a report is made from: the results of checks, what is silenced, and the records that DNS should have."""

from __future__ import annotations

import fnmatch
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _finding, _record, _shape
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._shape import Exact, Optional

CHECKS = (
    "dns",
    "listeners",
    "closed",
    "tls",
    "certificate",
    "signing",
    "canary",
    "queue",
    "clock",
    "keys",
    "drift",
    "host",
)
"""What can be looked at, in the order of the columns."""

DONE, NOT_CHECKED = STATES = ("done", "not_checked")

FINDING = {
    "id": str,
    "severity": _finding.SEVERITIES,
    "subject": str,
    "message": str,
    "remedy": Optional(str, ""),
    "reference": Optional(str, ""),
}
_RESULT = {
    "relay": Optional(str, ""),
    "check": CHECKS,
    "state": STATES,
    "note": Optional(str, ""),
    "findings": Optional([FINDING], ()),
}
_SILENCE = {"id": str, "reason": str, "subject": Optional(str, ""), "relay": Optional(str, "")}
RECORD = {
    "name": str,
    "type": str,
    "values": [Exact],
    "ttl": Optional(int, _record.DEFAULT_TTL),
    "grade": Optional(_record.GRADES, _record.GRADES[0]),
    "reason": Optional(str, ""),
}


@dataclass(frozen=True)
class Result:
    """What one check has found on one relay; ``relay`` is empty where the whole fleet was looked at."""

    relay: str
    check: str
    state: str
    note: str
    findings: tuple[Finding, ...]


def _is_like(text: str, pattern: str) -> bool:
    """Whether a text is the pattern, or matches it. Case does not matter; ``[`` of an address may be plain."""
    text, pattern = text.lower(), pattern.lower()
    return not pattern or text == pattern or fnmatch.fnmatchcase(text, pattern)


@dataclass(frozen=True)
class Silence:
    """Findings that somebody knows about and has a reason to leave as they are."""

    id: str
    reason: str
    subject: str = ""
    relay: str = ""

    def covers(self, finding_id: str, subject: str, relay: str) -> bool:
        return self.id == finding_id and _is_like(subject, self.subject) and _is_like(relay, self.relay)


def parse_results(results: t.Any) -> list[Result]:
    """Return the results, or raise ValueError with all that is wrong with them."""
    found, problems = [], []
    for index, item in enumerate(_shape.read(results, [_RESULT], "results")):
        findings = []
        for number, finding in enumerate(item["findings"]):
            try:
                findings.append(_finding.parse(finding))
            except ValueError as error:
                problems.append(f"results[{index}].findings[{number}]: {error}.")
        found.append(Result(item["relay"], item["check"], item["state"], item["note"], tuple(findings)))
    _shape.refuse(problems)
    if not found:
        raise ValueError("results is empty, so nothing was checked. Accepted: one result or more.")
    return found


def parse_silences(silences: t.Any) -> list[Silence]:
    """Return what is silenced; each needs a reason, since somebody will ask for it."""
    found = [Silence(**item) for item in _shape.read(silences, [_SILENCE], "silence")]
    _shape.refuse(
        [
            f"silence[{index}] ({silence.id or 'without an id'}) has an empty {key}. Accepted: {accepted}."
            for index, silence in enumerate(found)
            for key, accepted in (("id", "the id of a finding"), ("reason", "why it is left as it is"))
            if not getattr(silence, key).strip()
        ]
    )
    return found


def parse_records(records: t.Any) -> list[RecordSet]:
    """Return the record sets as ``relay_records`` makes them."""
    found, problems = [], []
    for index, item in enumerate(_shape.read(records, [RECORD], "records")):
        try:
            found.append(_record.parse(item))
        except ValueError as error:
            problems.append(f"records[{index}]: {error}.")
    _shape.refuse([*problems, *(f"records: {problem}." for problem in _record.conflicts(found))])
    return found

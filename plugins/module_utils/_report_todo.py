# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What to do next: the remedies of all findings, each once, the worst first and then what mends most."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.mailops.relay.plugins.module_utils import _finding, _zone_file
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

_PUBLISHED = ("dns_record_missing", "dns_record_different", "dns_wildcard_answers", "dns_spf_several_records")
"""Findings that the record of the description mends, however their remedy is worded."""

_BEFORE = ("", "Replace it.")
"""What a remedy may ask for before it says what to publish, so that publishing is all there is to do."""

_RANKS = ("error", "not_checked", "warning", "notice")


@dataclass(frozen=True)
class Entry:
    """A finding, the check and the relays that it was found on (none: the whole fleet), and why it is silenced."""

    finding: Finding
    check: str
    relays: tuple[str, ...]
    silenced: str | None


@dataclass(frozen=True)
class Gap:
    """Checks that were not made on some relays (none: the whole fleet), and whether they must be made."""

    relays: tuple[str, ...]
    checks: tuple[str, ...]
    note: str
    must: bool
    silenced: str | None


@dataclass
class _Step:
    """One thing to do. ``order`` is where it was first heard of."""

    text: str
    order: int
    severity: str
    findings: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    relays: list[str] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)

    @property
    def rank(self) -> tuple[int, bool, int, int]:
        """The worst first; then what needs work before what needs patience, what mends most, and what came first."""
        patience = self.text.startswith(("Wait", "Nothing"))
        return _RANKS.index(self.severity), patience, -len(self.findings) - len(self.relays), self.order

    def add(self, key: str, entry: Entry) -> None:
        self.severity = min(self.severity, entry.finding.severity, key=_RANKS.index)
        self.findings.append(key)
        self.subjects.append(entry.finding.subject)
        self.relays += entry.relays
        self.checks.append(entry.check)

    def join(self) -> dict[str, t.Any]:
        return {
            "severity": self.severity,
            "text": self.text,
            "checks": list(dict.fromkeys(self.checks)),
            "relays": list(dict.fromkeys(self.relays)),
            "subjects": list(dict.fromkeys(self.subjects)),
            "findings": self.findings,
        }


def _subject(record: RecordSet) -> str:
    return f"{record.name} {record.type}"


def _asks_for(finding: Finding, record: RecordSet) -> bool:
    """Whether a finding about a record is mended by publishing it: so says its kind, or its remedy shows the record."""
    first_line = _zone_file.render([record], comments=False).partition("\n")[0]
    return finding.id in _PUBLISHED or first_line in finding.remedy


def _publishing_is_all(finding: Finding) -> bool:
    """Whether nothing has to be removed or decided first, such as a second SPF record, or an alias."""
    before, found, _record_lines = finding.remedy.partition("Publish:")
    return bool(found) and before.strip() in _BEFORE


def to_publish(entries: t.Iterable[Entry], records: t.Iterable[RecordSet]) -> list[RecordSet]:
    """Return the record sets that are missing or different, in the order given."""
    by_subject: dict[str, list[Finding]] = {}
    for entry in entries:
        by_subject.setdefault(entry.finding.subject, []).append(entry.finding)
    return [
        record
        for record in records
        if any(_asks_for(finding, record) for finding in by_subject.get(_subject(record), ()))
    ]


def _what(finding: Finding) -> str:
    return " ".join(finding.remedy.split()) or f"Look into it: {' '.join(finding.message.split())}."


def _gap_step(gap: Gap, order: int) -> _Step:
    why = f": {' '.join(gap.note.split()).rstrip('.')}" if gap.note else ""
    text = f"See to it that {_and(gap.checks)} can be checked{why}."
    return _Step(text, order, "not_checked", relays=list(gap.relays), checks=list(gap.checks))


def _and(words: t.Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def steps(
    entries: t.Mapping[str, Entry], gaps: t.Iterable[Gap], records: t.Sequence[RecordSet]
) -> list[dict[str, t.Any]]:
    """Return what to do about the findings that are not silenced, and about what has to be checked.

    ``entries`` are known by their keys. ``records`` are to be published: one step, where that is all to do.
    """
    published = {_subject(record): record for record in records}
    publish = f"Publish the {len(records)} records below." if len(records) > 1 else "Publish the record below."
    found: dict[str, _Step] = {}
    for key, entry in entries.items():
        finding = entry.finding
        if entry.silenced is not None:
            continue
        record = published.get(finding.subject)
        mended = record and _asks_for(finding, record) and _publishing_is_all(finding)
        text = publish if mended else _what(finding)
        step = found.setdefault(text, _Step(text, len(found), _finding.SEVERITIES[-1]))
        step.add(key, entry)
    waiting = [_gap_step(gap, len(found) + index) for index, gap in enumerate(gaps)]
    return [step.join() for step in sorted([*found.values(), *waiting], key=lambda step: step.rank)]

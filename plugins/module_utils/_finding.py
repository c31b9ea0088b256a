# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A finding: what is not as it should be, as a plain value. Whoever observes makes none; whoever judges returns all."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from dataclasses import dataclass

SEVERITIES = ("error", "warning", "notice")
"""Worst first. An error makes mail be refused, forged or lost; a warning may; a notice is good to know."""

_ID = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


@dataclass(frozen=True)
class Finding:
    """One finding.

    ``id`` is stable: people and programs refer to it. ``subject`` is what it is about, such as a name in DNS.
    ``message`` says what is there, ``remedy`` what to do about it, ``reference`` where the rule is stated.
    """

    id: str
    severity: str
    subject: str
    message: str
    remedy: str = ""
    reference: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"the finding has the id {self.id!r}; words of lower case with _ between are accepted")
        if self.severity not in SEVERITIES:
            accepted = ", ".join(SEVERITIES)
            raise ValueError(f"the finding {self.id} has the severity {self.severity!r}; accepted: {accepted}")


def parse(finding: t.Mapping[str, str]) -> Finding:
    """Return the finding that a result of a module holds."""
    return Finding(**finding)


def join(finding: Finding) -> dict[str, str]:
    """Return a finding as modules return it."""
    return dataclasses.asdict(finding)


def ordered(findings: t.Iterable[Finding]) -> list[Finding]:
    """Return each finding once, worst first, then by subject and id: two runs show the same order."""
    return sorted(
        dict.fromkeys(findings),
        key=lambda finding: (SEVERITIES.index(finding.severity), finding.subject, finding.id, finding.message),
    )


def at_least(findings: t.Iterable[Finding], severity: str) -> list[Finding]:
    """Return the findings that are as bad as ``severity``, or worse."""
    if severity not in SEVERITIES:
        raise ValueError(f"{severity!r} is not a severity; accepted: {', '.join(SEVERITIES)}")
    bad = SEVERITIES[: SEVERITIES.index(severity) + 1]
    return [finding for finding in findings if finding.severity in bad]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _finding
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding


def made(severity="error", subject="a.example", **other):
    return Finding(other.pop("id", "spf_missing"), severity, subject, other.pop("message", "there is none"), **other)


def test_parse_and_join_are_inverses():
    finding = made(remedy="publish it", reference="RFC 7208, 3")
    assert _finding.parse(_finding.join(finding)) == finding
    assert set(_finding.join(finding)) == {"id", "severity", "subject", "message", "remedy", "reference"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"severity": "fatal"}, "accepted: error, warning, notice"),
        ({"id": "SPF missing"}, "words of lower case"),
        ({"id": ""}, "words of lower case"),
    ],
)
def test_what_nobody_could_refer_to_is_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        made(**changes)


def test_each_finding_once_worst_first():
    findings = [made("notice"), made("error", "b.example"), made("warning"), made("error"), made("notice")]
    shown = _finding.ordered(findings)
    assert [(each.severity, each.subject) for each in shown] == [
        ("error", "a.example"),
        ("error", "b.example"),
        ("warning", "a.example"),
        ("notice", "a.example"),
    ]


@pytest.mark.parametrize(("severity", "count"), [("error", 1), ("warning", 2), ("notice", 3)])
def test_at_least(severity, count):
    assert len(_finding.at_least([made("notice"), made("warning"), made("error")], severity)) == count


def test_at_least_wants_a_severity():
    with pytest.raises(ValueError, match="'bad' is not a severity"):
        _finding.at_least([], "bad")

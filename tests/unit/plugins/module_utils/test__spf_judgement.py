# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _spf_judgement
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server
from ansible_collections.mailops.relay.plugins.module_utils._spf_model import Outcome, Step

HELO, MAIL_FROM = _spf_judgement.identities(["192.0.2.25"], "relay.example.com", ["example.com"])


def answer(rdtype, state, *values):
    return Answer("example.com", rdtype, Server("192.0.2.53"), state, values, detail="why")


def test_identities():
    found = _spf_judgement.identities(["192.0.2.1", "2001:db8::1"], "h.example.com", ["example.com", "a@example.org"])
    assert [(item.kind, item.arguments.ip, item.arguments.sender) for item in found] == [
        (kind, ip, sender)
        for ip in ("192.0.2.1", "2001:db8::1")
        for kind, sender in (
            ("helo", "postmaster@h.example.com"),
            ("mail_from", "postmaster@example.com"),
            ("mail_from", "a@example.org"),
        )
    ]


@pytest.mark.parametrize(
    ("given", "values", "exists", "failure"),
    [
        (answer("TXT", "present", "v=spf1"), ("v=spf1",), True, ""),
        (answer("MX", "present", "20 b.test.", "5 a.test."), ("a.test", "b.test"), True, ""),
        (answer("A", "no_data"), (), True, ""),
        (answer("A", "no_name"), (), False, ""),
        (answer("A", "timed_out"), (), True, "timed_out (why)"),
        (answer("A", "bogus"), (), True, "bogus (why)"),
    ],
)
def test_answers(given, values, exists, failure):
    found = _spf_judgement.spf_answer(given)
    assert (found.values, found.exists, found.failure) == (values, exists, failure)


@pytest.mark.parametrize(
    ("identity", "result", "voids", "expected"),
    [
        (MAIL_FROM, "pass", 0, []),
        (MAIL_FROM, "pass", 3, [("spf_void_lookups", "warning")]),
        (MAIL_FROM, "fail", 0, [("spf_not_pass", "error")]),
        (MAIL_FROM, "softfail", 0, [("spf_not_pass", "error")]),
        (MAIL_FROM, "neutral", 0, [("spf_not_pass", "error")]),
        (MAIL_FROM, "none", 0, [("spf_not_pass", "error")]),
        (MAIL_FROM, "permerror", 3, [("spf_not_pass", "error")]),
        (MAIL_FROM, "temperror", 0, [("spf_temperror", "warning")]),
        (HELO, "none", 0, [("spf_not_pass", "warning")]),
        (HELO, "fail", 0, [("spf_not_pass", "error")]),
    ],
)
def test_findings(identity, result, voids, expected):
    found = _spf_judgement.judge(identity, Outcome(result, "example.com", void_lookups=voids))
    assert [(finding.id, finding.severity) for finding in found] == expected


def test_the_path_is_told():
    step = Step("-all", "match")
    (finding,) = _spf_judgement.judge(MAIL_FROM, Outcome("fail", "example.com", steps=(step,), decided_by=step))
    assert finding.message == "mail from 192.0.2.25 with MAIL FROM postmaster@example.com is fail, by -all"

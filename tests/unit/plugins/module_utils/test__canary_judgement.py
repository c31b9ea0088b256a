# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _canary_judgement
from ansible_collections.mailops.relay.plugins.module_utils._authentication_results import ResInfo
from ansible_collections.mailops.relay.plugins.module_utils._canary import Arrived, Sent, Signature
from ansible_collections.mailops.relay.plugins.module_utils._canary_judgement import Expected

MARK = "canary-0123456789ab.0"
EXPECTED = Expected("a.test", patience=60, slow=30)
PASS = (
    ResInfo("dkim", "pass", "", {"header.d": "a.test"}),
    ResInfo("spf", "pass"),
    ResInfo("dmarc", "pass"),
)
SIGNED = (Signature("a.test", "s1", "rsa-sha256"),)


def sent(**changed):
    values = {"relay": "r.test", "subject": "r.test:25", "token": MARK, "accepted": True, "at": 100.0}
    return Sent(**{**values, "reply": "250 ok: queued as ABCD1", "selectors": ("s1",), **changed})


def arrived(verdicts=PASS, signatures=SIGNED, at=101.0):
    return Arrived(at, (), signatures, "mx.test", ("mx.test",), verdicts)


def judged(one, here, untold=""):
    items = _canary_judgement.results([one], {MARK: here} if here else {}, EXPECTED, untold)
    assert [item["check"] for item in items] == ["canary", "signing"]
    return {item["check"]: [finding["id"] for finding in item["findings"]] for item in items}, items


def dkim(result, domain="a.test"):
    return ResInfo("dkim", result, "why", {"header.d": domain})


@pytest.mark.parametrize(
    ("one", "here", "canary", "signing"),
    [
        (sent(), arrived(), [], []),
        (sent(accepted=False, stage="RCPT", reply="554 no"), None, ["canary_refused"], []),
        (sent(accepted=False, stage="RCPT", reply="451 later"), None, ["canary_refused"], []),
        (sent(accepted=False, stage="TLS", reply="", trouble="no answer"), None, ["canary_not_sent"], []),
        (sent(), None, ["canary_lost"], []),
        (sent(), arrived(at=131.0), ["canary_slow"], []),
        (sent(), arrived(at=99.0), [], []),
        (sent(), arrived(verdicts=()), ["canary_not_verified"], []),
        (sent(), arrived(signatures=()), [], ["canary_unsigned"]),
        (sent(), arrived(signatures=(Signature("b.test", "s1", ""),)), [], ["canary_unsigned"]),
        (sent(), arrived(signatures=(Signature("a.test", "s2", ""),)), [], ["canary_wrong_selector"]),
        (sent(selectors=()), arrived(signatures=(Signature("a.test", "s2", ""),)), [], []),
        (sent(), arrived((dkim("fail"), *PASS[1:])), [], ["canary_dkim_fail"]),
        (sent(), arrived((dkim("temperror"), *PASS[1:])), [], ["canary_dkim_fail"]),
        (sent(), arrived((dkim("fail"), *PASS)), [], []),
        (sent(), arrived((dkim("fail", "b.test"), *PASS)), [], []),
        (sent(), arrived((ResInfo("dkim", "fail", "", {"header.i": "@a.test"}), *PASS[1:])), [], ["canary_dkim_fail"]),
        (sent(), arrived((ResInfo("dkim", "fail"), *PASS[1:])), [], ["canary_dkim_fail"]),
        (sent(), arrived((PASS[0], ResInfo("spf", "softfail"), PASS[2])), ["canary_spf_fail"], []),
        (sent(), arrived((*PASS[:2], ResInfo("dmarc", "none"))), ["canary_dmarc_fail"], []),
        (
            sent(),
            arrived((dkim("none"), ResInfo("spf", "fail"), ResInfo("dmarc", "fail")), ()),
            ["canary_dmarc_fail", "canary_spf_fail"],
            ["canary_unsigned"],
        ),
    ],
)
def test_one_finding_for_one_fault(one, here, canary, signing):
    found, items = judged(one, here)
    assert found == {"canary": canary, "signing": signing}
    assert items[0]["state"] == "done"
    assert items[1]["state"] == ("done" if here else "not_checked")


@pytest.mark.parametrize(
    ("result", "severity"),
    [("fail", "error"), ("permerror", "error"), ("softfail", "warning"), ("neutral", "warning"), ("none", "warning")],
)
def test_severity_of_spf(result, severity):
    _found, items = judged(sent(), arrived((PASS[0], ResInfo("spf", result), PASS[2])))
    assert [finding["severity"] for finding in items[0]["findings"]] == [severity]


def test_a_mailbox_that_nobody_can_read_is_no_loss():
    found, items = judged(sent(), None, "the mailbox: login failed")
    assert found == {"canary": [], "signing": []}
    assert items[0]["state"] == items[1]["state"] == "not_checked"
    assert items[0]["note"] == "the mailbox: login failed"


def test_the_message_tells_what_to_look_for():
    _found, items = judged(sent(), None)
    assert "ABCD1" in items[0]["findings"][0]["message"]
    _found, items = judged(sent(accepted=False, stage="RCPT", reply="554 5.7.1 denied"), None)
    assert "RCPT was answered with 554 5.7.1 denied" in items[0]["findings"][0]["message"]


def test_two_listeners_of_a_relay_are_one_check():
    other = "canary-0123456789ab.1"
    both = [sent(), sent(token=other, subject="r.test:587")]
    items = _canary_judgement.results(both, {other: arrived()}, EXPECTED)
    assert [(item["relay"], item["check"]) for item in items] == [("r.test", "canary"), ("r.test", "signing")]
    assert [finding["subject"] for finding in items[0]["findings"]] == ["r.test:25"]
    assert items[1]["note"] == "the message through r.test:25 was not seen"


def test_verdicts_are_made_visible():
    verdicts = (PASS[0], ResInfo("spf", "fail", "\x1b[31m" + "x" * 1000), PASS[2])
    _found, items = judged(sent(), arrived(verdicts))
    message = items[0]["findings"][0]["message"]
    assert "\x1b" not in message
    assert len(message) < 500

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
import yaml
from ansible_collections.mailops.relay.plugins.module_utils import _canary_options, _canary_run
from ansible_collections.mailops.relay.plugins.modules import smtp_canary

DEFAULTS = {
    name: option.get("default") for name, option in yaml.safe_load(smtp_canary.DOCUMENTATION)["options"].items()
}
RELAY = {
    "relay": "relay1.example.com",
    "address": None,
    "port": 25,
    "tls": "may",
    "user": None,
    "password": None,
    "selectors": ["S1"],
}
IMAP = {"host": "i.test", "port": 993, "tls": "wrapper", "user": "u", "password": "p", "folder": "INBOX"}
SENT = {
    "relay": "relay1.example.com",
    "subject": "relay1.example.com:25",
    "token": "canary-0123456789ab.0",
    "accepted": True,
    "at": 1.5,
    "stage": "",
    "reply": "250 queued as ABCDE",
    "trouble": "",
    "selectors": ["s1"],
    "queue_id": "ABCDE",
}


def options(**changed):
    given = {"relays": [RELAY], "sender": "a@example.com", "recipient": "b@example.net", "maildir": "/x"}
    return {**DEFAULTS, **given, **changed}


def receiving(**changed):
    return options(action="receive", relays=[], sender=None, recipient=None, dkim_domain="example.com", **changed)


@pytest.mark.parametrize(
    "params",
    [
        options(),
        options(action="send", maildir=None),
        options(maildir=None, imap=IMAP),
        receiving(sent=[SENT]),
        options(relays=[{**RELAY, "user": "u", "password": "p", "tls": "encrypt"}]),
    ],
)
def test_what_makes_sense(params):
    _canary_options.check(params)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        (options(relays=[]), "relays: there are 0"),
        (options(sender=None), "sender: None is no plain address"),
        (options(sender="a@example.com>\r\nDATA"), "sender: .* is no plain address"),
        (options(recipient="a b@example.com"), "recipient: .* is no plain address"),
        (options(recipient="b@"), "recipient"),
        (options(relays=[{**RELAY, "relay": "a b"}]), r"relays\[0\]\.relay"),
        (options(relays=[{**RELAY, "port": 0}]), r"relays\[0\]\.port"),
        (options(relays=[{**RELAY, "user": "u"}]), "go together"),
        (options(relays=[{**RELAY, "user": "u", "password": "p"}]), "with encrypt or wrapper only"),
        (options(helo="x\r\ny"), "helo"),
        (options(maildir=None), "one of them is needed"),
        (options(imap=IMAP), "not both"),
        (options(maildir=None, imap={**IMAP, "port": 70000}), "imap.port"),
        (options(maildir=None, imap={**IMAP, "folder": "Entw\u00fcrfe"}), "imap.folder"),
        (options(dkim_domain="a..b"), "dkim_domain"),
        (options(timeout=0), "timeout: 0 is not accepted"),
        (options(patience=4000), "patience"),
        (options(slow=0.5), "slow"),
        (receiving(sent=None), "nothing to look for"),
        (receiving(sent=[{}]), r"sent\[0\]"),
        (receiving(sent=[{**SENT, "token": 'x" OR ALL'}]), "no token"),
        (receiving(sent=[{**SENT, "at": "x"}]), r"sent\[0\]"),
        (receiving(sent=[{**SENT, "selectors": None}]), r"sent\[0\]"),
        (receiving(sent=[SENT, {**SENT, "token": "canary-ffffffffffff.0"}]), "several runs"),
        ({**receiving(sent=[SENT]), "dkim_domain": None}, "dkim_domain: it is needed"),
    ],
)
def test_what_makes_no_sense(params, problem):
    with pytest.raises(ValueError, match=problem):
        _canary_options.check(params)


def test_all_problems_are_told_at_once():
    with pytest.raises(ValueError) as caught:
        _canary_options.check(options(relays=[], sender="x", timeout=0))
    assert len(str(caught.value).splitlines()) == 3


def test_what_was_sent_survives_the_way_to_another_host():
    (sent,) = _canary_options.sent([SENT])
    assert _canary_run.describe_sent(sent) == SENT
    assert _canary_options.sent([_canary_run.describe_sent(sent)]) == [sent]


def test_through():
    (through,) = _canary_options.through(options())
    assert (through.address, through.subject, through.selectors) == (
        "relay1.example.com",
        "relay1.example.com:25",
        ("s1",),
    )


def test_check_mode_says_that_nothing_was_checked():
    result = _canary_run.not_run(options())
    assert {(item["check"], item["state"]) for item in result["results"]} == {
        ("canary", "not_checked"),
        ("signing", "not_checked"),
    }
    assert result["findings"] == []


def test_a_relay_that_is_not_there_is_a_finding(tmp_path):
    (tmp_path / "new").mkdir()
    relays = [{**RELAY, "address": "127.0.0.1", "port": 1}]
    result = _canary_run.run(options(relays=relays, maildir=str(tmp_path), timeout=5), "0123456789ab")
    assert [finding["id"] for finding in result["findings"]] == ["canary_not_sent"]
    assert result["canaries"][0]["delivered"] is False
    assert result["changed"] is False

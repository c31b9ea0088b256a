# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _smtp_closed, _smtp_judgement, _smtp_model
from ansible_collections.mailops.relay.plugins.module_utils._smtp_judgement import TROUBLES
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import (
    Answer,
    Listener,
    Observation,
    Reply,
    Shown,
    Trouble,
)

SMTP = Listener("relay.example.com", "smtp", "198.51.100.12", 25, "may")
SUBMISSION = Listener("relay.example.com", "submission", "198.51.100.12", 587, "encrypt")
SUBMISSIONS = Listener("relay.example.com", "submissions", "198.51.100.12", 465, "wrapper")
GREETING = Reply(220, ["relay.example.com ESMTP"])
NO = Reply(502, ["no"])


def ehlo(*keywords: str) -> Reply:
    return Reply(250, ["relay.example.com", *keywords])


def certificate(**other: t.Any) -> Shown:
    good = Shown(("relay.example.com",), "2027-01-01", 60.0, True, "EC P-256", False)
    return dataclasses.replace(good, **other)


def seen(listener: Listener = SMTP, **other: t.Any) -> Observation:
    """A listener that is as it should be, but for what is named."""
    good: dict[str, t.Any] = {
        "greeting": GREETING,
        "ehlo": ehlo("STARTTLS", "SIZE 1000"),
        "ehlo_tls": ehlo("SIZE 1000"),
        "starttls": Reply(220, ["go"]),
        "protocol": "TLSv1.3",
        "versions": {"TLSv1": "refused", "TLSv1.1": "refused", "TLSv1.2": "accepted", "TLSv1.3": "accepted"},
        "certificate": certificate(),
        "verified": True,
        "vrfy": (NO, NO),
        "expn": (NO, NO),
        "pipelining": "refused",
        "answers": [Answer("foreign to foreign", "RCPT TO:<b@example.net>", Reply(554, ["no"]), offered=True)],
    }
    return Observation(listener, **{**good, **other})


def found(observation: Observation) -> list[tuple[str, str]]:
    findings = [
        *_smtp_judgement.judge_listener(observation),
        *_smtp_judgement.judge_all_tls(observation, 14),
        *_smtp_closed.judge_closed(observation),
    ]
    return [(finding.id, finding.severity) for finding in findings]


@pytest.mark.parametrize("listener", [SMTP, SUBMISSION, SUBMISSIONS], ids=lambda listener: listener.service)
def test_as_it_should_be(listener: Listener) -> None:
    assert found(seen(listener)) == []


def greeted(text: str) -> dict[str, t.Any]:
    return {"greeting": Reply(220, [text])}


YES, MAYBE, UNKNOWN = Reply(250, ["yes"]), Reply(252, ["perhaps"]), Reply(550, ["unknown"])
AUTH = ehlo("STARTTLS", "AUTH PLAIN LOGIN")
TABLE: list[tuple[Listener, dict[str, t.Any], list[tuple[str, str]]]] = [
    (SMTP, greeted("other.example.com ESMTP"), [("smtp_hostname", "notice")]),
    (SMTP, greeted("RELAY.example.com. ESMTP"), []),
    (SMTP, greeted("relay.example.com ESMTP Postfix (Debian/GNU)"), []),
    (
        SMTP,
        greeted("relay.example.com ESMTP Exim 4.98.2 Wed, 25 Nov 2026 21:46:42 +0000"),
        [("smtp_banner_version", "notice")],
    ),
    (SMTP, greeted("relay.example.com ESMTP Sendmail 8.18.1/8.18.1"), [("smtp_banner_version", "notice")]),
    (SMTP, greeted("relay.example.com ESMTP v3.1"), [("smtp_banner_version", "notice")]),
    (SMTP, greeted("relay.example.com ESMTP for [198.51.100.1] at 10:15:22"), []),
    (SMTP, greeted("relay.example.com ESMTP mx-1.2.example.net"), []),
    (SMTP, {"ehlo": AUTH}, [("smtp_auth_without_tls", "error")]),
    (SMTP, {"ehlo": ehlo("STARTTLS", "AUTH=LOGIN")}, [("smtp_auth_without_tls", "error")]),
    (SMTP, {"ehlo_tls": AUTH}, [("smtp_auth_on_25", "notice")]),
    (SUBMISSION, {"ehlo_tls": AUTH}, []),
    (SUBMISSIONS, {"ehlo": AUTH, "ehlo_tls": AUTH}, []),
    (SMTP, {"vrfy": (MAYBE, MAYBE)}, []),
    (SMTP, {"vrfy": (MAYBE, UNKNOWN)}, [("smtp_vrfy", "warning")]),
    (SMTP, {"vrfy": (YES, YES)}, [("smtp_vrfy", "warning")]),
    (SMTP, {"vrfy": (UNKNOWN, UNKNOWN)}, []),
    (SMTP, {"expn": (YES, UNKNOWN)}, [("smtp_expn", "warning")]),
    (SMTP, {"pipelining": "accepted"}, [("smtp_pipelining_unauthorised", "notice")]),
    (SMTP, {"pipelining": "accepted", "ehlo": ehlo("STARTTLS", "PIPECONNECT")}, []),
    (SMTP, {"ehlo": ehlo(), "ehlo_tls": None}, [("smtp_starttls_missing", "warning")]),
    (SUBMISSION, {"ehlo": ehlo(), "ehlo_tls": None}, [("smtp_starttls_missing", "error")]),
    (SMTP, {"tls_error": "it answers STARTTLS with 454 later"}, [("smtp_tls_broken", "error")]),
    (SUBMISSION, {"mail_in_clear": Reply(250)}, [("smtp_starttls_optional", "warning")]),
    (SUBMISSION, {"mail_in_clear": Reply(530)}, []),
    (SMTP, {"versions": {"TLSv1": "accepted"}}, [("smtp_tls_old", "warning")]),
    (SMTP, {"versions": {"TLSv1": "not_checked", "TLSv1.1": "not_checked"}}, []),
    (SMTP, {"versions": {"TLSv1.3": "refused"}}, [("smtp_tls_13_missing", "notice")]),
    (SMTP, {"certificate": certificate(error="no")}, [("certificate_not_checked", "notice")]),
    (SMTP, {"certificate": certificate(days_left=-1.0), "verified": False}, [("certificate_expired", "error")]),
    (SMTP, {"certificate": certificate(days_left=13.0)}, [("certificate_expires", "warning")]),
    (SMTP, {"certificate": certificate(covers=False)}, [("certificate_name", "warning")]),
    (SMTP, {"verified": False}, [("certificate_untrusted", "notice")]),
    (SUBMISSION, {"verified": False}, [("certificate_untrusted", "warning")]),
    (SMTP, {"verified": None}, []),
    (SMTP, {"trusted": True, "source": "10.0.0.1"}, [("smtp_vantage_trusted", "error")]),
    (SMTP, {"smuggling": {"LF.LF": "smuggled", "CR.CR": "refused"}}, [("smtp_smuggling", "error")]),
    (SMTP, {"smuggling": {"LF.LF": "one_message", "CR.CR": "refused"}}, []),
]


@pytest.mark.parametrize(("listener", "other", "expected"), TABLE)
def test_one_thing_that_is_wrong(listener: Listener, other: dict[str, t.Any], expected: list[tuple[str, str]]) -> None:
    assert found(seen(listener, **other)) == expected


@pytest.mark.parametrize("kind", TROUBLES)
def test_each_trouble_is_one_finding(kind: str) -> None:
    (finding,) = _smtp_judgement.judge_listener(Observation(SMTP, Trouble(kind, "it does so")))
    assert finding.id.startswith("smtp_")
    assert finding.message.endswith(": it does so")
    assert finding.remedy


def answer(code: int, trick: str = "foreign to foreign", *, offered: bool = True) -> Answer:
    return Answer(trick, "RCPT TO:<b@example.net>", Reply(code, ["text"]), offered=offered)


@pytest.mark.parametrize(
    ("answers", "catch_all", "expected"),
    [
        ([answer(554), answer(501), answer(503)], None, []),
        ([answer(250)], None, ["smtp_open_relay"]),
        ([answer(251)], None, ["smtp_open_relay"]),
        ([answer(250, offered=False)], None, []),
        ([answer(454)], None, ["smtp_relay_deferred"]),
        ([answer(450, offered=False)], None, ["smtp_relay_deferred"]),
        ([answer(250), answer(450)], None, ["smtp_open_relay", "smtp_relay_deferred"]),
        ([answer(250, "percent hack")], False, ["smtp_open_relay"]),
        ([answer(250, "percent hack")], True, ["smtp_open_relay_unproven"]),
        ([answer(250, "null sender")], True, ["smtp_open_relay"]),
        ([Answer("null sender", error="it closes the connection")], None, []),
    ],
)
def test_tricks(answers: list[Answer], catch_all: bool | None, expected: list[str]) -> None:
    judged = _smtp_closed.judge_closed(seen(answers=answers, catch_all=catch_all))
    assert [finding.id for finding in judged] == expected


def test_octets_are_shown_as_such() -> None:
    odd = Answer("8-bit recipient", "RCPT TO:<r\udce9@example.net>", Reply(250, ["ok"]), offered=True)
    (finding,) = _smtp_closed.judge_closed(seen(answers=[odd]))
    assert r"RCPT TO:<r\xe9@example.net> was answered with 250 ok" in finding.message
    assert _smtp_model.describe(seen(answers=[odd]))["tricks"][0]["command"] == r"RCPT TO:<r\xe9@example.net>"


def state(observation: Observation, check: str, *, battery: bool = True) -> tuple[str, str]:
    (result,) = [each for each in _smtp_closed.results([observation], 14, battery=battery) if each["check"] == check]
    return result["state"], result["note"]


@pytest.mark.parametrize(
    ("other", "note"),
    [
        ({}, ""),
        ({"answers": []}, "smtp at 198.51.100.12 was not come to"),
        ({"untried": "3 of 9"}, "smtp at 198.51.100.12: 3 of 9"),
        ({"trusted": True}, "smtp at 198.51.100.12 was probed from an address that it trusts"),
        ({"smuggling_note": "away"}, "smtp at 198.51.100.12: where messages end could not be seen: away"),
    ],
)
def test_closed_passes_only_where_all_was_tried(other: dict[str, t.Any], note: str) -> None:
    assert state(seen(**other), "closed") == ("not_checked" if note else "done", note)


def test_without_the_tricks() -> None:
    assert state(seen(), "closed", battery=False) == ("not_checked", "the tricks were not asked for")


def test_versions_that_cannot_be_tried_do_not_pass() -> None:
    some = seen(versions={"TLSv1": "not_checked", "TLSv1.2": "accepted", "TLSv1.3": "accepted"})
    assert state(some, "tls") == ("not_checked", "smtp at 198.51.100.12: TLSv1, TLSv1.1 could not be tried")
    assert state(Observation(SMTP), "tls") == ("not_checked", "smtp at 198.51.100.12 was not come to")


def test_what_is_the_same_at_two_addresses_is_one_finding() -> None:
    other = dataclasses.replace(SMTP, address="2001:db8::12")
    both = [seen(pipelining="accepted"), seen(other, pipelining="accepted"), seen(SUBMISSION, pipelining="accepted")]
    listeners = _smtp_closed.results(both, 14, battery=True)[0]
    assert [(each["subject"], each["message"].rpartition(" (")[2]) for each in listeners["findings"]] == [
        ("relay.example.com smtp", "198.51.100.12, 2001:db8::12)"),
        ("relay.example.com submission", "198.51.100.12)"),
    ]


def test_remedies_name_no_host() -> None:
    """So that the report can make one thing to do of them."""
    for listener, other, _expected in TABLE:
        observation = seen(listener, **other)
        for finding in [*_smtp_judgement.judge_listener(observation), *_smtp_judgement.judge_all_tls(observation, 14)]:
            assert "relay.example.com" not in finding.remedy
            assert "198.51.100.12" not in finding.message


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("SIZE 1000", ["1000"]),
        ("size", []),
        ("SIZES 1000", None),
        ("AUTH PLAIN LOGIN", None),
    ],
)
def test_parameters(line: str, expected: list[str] | None) -> None:
    assert _smtp_model.parameters(["STARTTLS", line], "SIZE") == expected


def test_an_observation_of_nothing() -> None:
    described = _smtp_model.describe(Observation(SMTP))
    assert described["tls"]["versions"] == dict.fromkeys(_smtp_model.TLS_VERSIONS, "not_checked")
    assert (described["greeting"], described["certificate"], described["tricks"]) == (None, None, [])

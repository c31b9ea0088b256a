# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""smtp_info with servers on loopback that answer: what the tricks come to, and where messages end."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _smtp_closed, _smtp_judgement
from ansible_collections.mailops.relay.plugins.module_utils._smtp_battery import ENDINGS, TRICKS
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import Observation
from loopback_servers import Authority, Handler, server_context
from smtp_probing import accepting, ids, relayed, state, tried
from smtp_servers import closed_relay, receiving, replying, secure, serving


def test_a_closed_relay() -> None:
    seen = tried(serving())
    assert (ids(seen), state(seen)) == (set(), ("done", ""))
    assert len(seen.answers) == sum(trick.needs == "clear" for trick in TRICKS)


@pytest.mark.parametrize(
    ("pattern", "tricks", "finding"),
    [
        ("%example.net@relay.test", {"percent hack", "source route with a percent hack"}, "smtp_open_relay"),
        ("!b>", {"bang path", "bang path through the relay"}, "smtp_open_relay"),
        ("@relay.test:b@example.net", {"source route through the relay"}, "smtp_open_relay"),
        ("<b@example.net>", {"foreign to foreign", "null sender", "localhost in EHLO"}, "smtp_open_relay"),
        ("\udce9", {"8-bit recipient"}, "smtp_open_relay"),
        ("postmaster@relay.test", set(), ""),
        # Any name at its own domain is its own, so that these may be names too; others are not.
        ("@relay.test>", {"percent hack"}, "smtp_open_relay_unproven"),
    ],
)
def test_what_is_accepted_is_named(pattern: str, tricks: set[str], finding: str) -> None:
    seen = tried(accepting(pattern))
    assert relayed(seen) >= tricks
    assert bool(relayed(seen)) == bool(tricks)
    assert ids(seen) == ({finding} if finding else set())


def test_a_relay_that_takes_everything_and_any_name() -> None:
    seen = tried(accepting(""))
    assert len(relayed(seen)) == len(seen.answers)
    assert ids(seen) == {"smtp_open_relay"}


def test_a_deferral_is_no_refusal() -> None:
    seen = tried(accepting("postmaster@relay.test", otherwise="454 4.7.1 relay access denied"))
    assert ids(seen) == {"smtp_relay_deferred"}
    assert state(seen)[0] == "done"


def test_tricks_share_a_transaction_and_never_come_to_data() -> None:
    heard: list[str] = []
    seen = tried(serving(heard=heard))
    assert seen.answers
    assert not {line for line in heard if line[:4].upper() in ("DATA", "BDAT")}
    assert sum(line[:4] == "RCPT" for line in heard) < 60, "Postfix of this collection takes 60 in a minute"
    assert sum(line[:4] == "MAIL" for line in heard) < 60


def test_few_connections_with_few_errors_each() -> None:
    connections: list[int] = []

    def counted(reader: t.Any, writer: t.Any) -> t.Any:
        number = len(connections)
        connections.append(0)

        def answers(line: str) -> str:
            answer = closed_relay(line)
            connections[number] += answer >= "4"
            return answer

        return serving(answers)(reader, writer)

    assert ids(tried(counted)) == set()
    assert max(connections) < 10, "Postfix slows down"
    assert len(connections) <= 15, "of four listeners at one address, 60 in a minute"


def limited(most: int, answer: str) -> Handler:
    """Accept no more than some recipients from us, whatever the connection."""
    count = 0

    def answers(line: str) -> str:
        nonlocal count
        if line[:4] != "RCPT":
            return closed_relay(line)
        count += 1
        return "554 no relaying" if count <= most else answer

    return serving(answers)


@pytest.mark.parametrize(
    "answer", ["450 4.7.1 Error: too many recipients from us", "450 4.7.0 later", "421 4.7.0 away"]
)
def test_a_limit_is_neither_a_pass_nor_a_deferral(answer: str) -> None:
    seen = tried(limited(20, answer))
    assert ids(seen) == set()
    assert state(seen)[0] == "not_checked"
    assert "tricks could not be tried" in state(seen)[1]
    assert [finding.id for finding in _smtp_judgement.judge_listener(seen)][:1] == ["smtp_busy"]


def test_a_relay_that_trusts_us_proves_nothing() -> None:
    seen = tried(serving(), trusted=["10.0.0.0/8", "127.0.0.0/8"])
    assert ids(seen) == {"smtp_vantage_trusted"}
    assert state(seen) == ("not_checked", "smtp at 127.0.0.1 was probed from an address that it trusts")
    assert seen.answers == []


def test_auth_is_tried_once_where_it_is_offered() -> None:
    heard: list[str] = []
    answers = replying(EHLO="250-relay.test\r\n250-AUTH=LOGIN\r\n250 AUTH PLAIN", AUTH="535 no")
    seen = tried(serving(answers, heard=heard))
    assert sum(line[:4] == "AUTH" for line in heard) == 1
    assert "after a failed AUTH" in {answer.trick for answer in seen.answers}
    assert "smtp_auth_without_tls" in {finding.id for finding in _smtp_judgement.judge_listener(seen)}


@pytest.mark.parametrize("rcpt", ["554 no", "250 yes"])
def test_under_tls(tmp_path: pathlib.Path, rcpt: str) -> None:
    context = server_context(Authority().issue("relay.test", days=10).write(tmp_path / "server.pem"))
    seen = tried(secure(replying(RCPT=rcpt), context), tls="encrypt")
    assert (seen.trouble, seen.untried, seen.protocol) == (None, "", "TLSv1.3")
    assert (seen.certificate.names, seen.verified) == (("relay.test",), False)
    assert bool(relayed(seen)) == rcpt.startswith("2")
    found = {finding.id for finding in _smtp_judgement.judge_all_tls(seen, 14)}
    assert found == {"certificate_expires", "certificate_untrusted"}
    assert {version: seen.versions[version] for version in ("TLSv1.2", "TLSv1.3")} == dict.fromkeys(
        ("TLSv1.2", "TLSv1.3"), "accepted"
    )


# Where messages end

END = b"\r\n.\r\n"


def followed(handler: Handler) -> Observation:
    return tried(handler, battery=False, follow="me@example.org")


@pytest.mark.parametrize("name", ENDINGS)
def test_an_ending_that_is_none(name: str) -> None:
    seen = followed(receiving(END, ENDINGS[name]))
    assert seen.smuggling_note == ""
    fooled = {each for each, outcome in seen.smuggling.items() if outcome == "smuggled"}
    assert name in fooled
    (finding,) = _smtp_closed.judge_endings(seen)
    assert (finding.id, finding.severity) == ("smtp_smuggling", "error")
    assert name in finding.message


def test_the_one_ending() -> None:
    seen = followed(receiving(END))
    assert seen.smuggling == dict.fromkeys(ENDINGS, "one_message")
    assert not list(_smtp_closed.judge_endings(seen))


def test_a_message_that_is_refused_smuggles_nothing() -> None:
    seen = followed(receiving(END, refusing=b"NOOP"))
    assert seen.smuggling == dict.fromkeys(ENDINGS, "refused")


def test_messages_that_are_not_taken_prove_nothing() -> None:
    seen = tried(serving(), follow="me@example.org")
    assert seen.smuggling == {}
    assert state(seen) == (
        "not_checked",
        "smtp at 127.0.0.1: where messages end could not be seen: RCPT TO:<me@example.org> was answered with "
        "554 5.7.1 no relaying",
    )

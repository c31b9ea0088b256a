# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""smtp_info with servers on loopback that misbehave in every way: each ends within its bound, as a finding."""

from __future__ import annotations

import asyncio
import contextlib
import pathlib
import re
import time
import tracemalloc
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _smtp_closed, _smtp_judgement, _smtp_survey
from ansible_collections.mailops.relay.plugins.module_utils._smtp_battery import ENDINGS, TRICKS
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import Listener, Observation
from ansible_collections.mailops.relay.plugins.module_utils._smtp_probe import Settings
from loopback_servers import Authority, Handler, endless, server_context, silent, tcp_server
from smtp_servers import closed_relay, dripping, receiving, replying, saying, secure, serving, starttls

SETTINGS = Settings("s.test", "a@example.org", "b@example.net", seconds=0.8, back_off=(0.1, 0.1))
IN_ALL = 3.0


class Case(t.NamedTuple):
    """A server, the finding that it comes to, and what that says."""

    name: str
    handler: Handler
    finding: str
    text: str
    tls: str = "may"


async def sleep(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def leave(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    return


async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"500 what is this\r\n" * 10)
    await writer.drain()


LINES = b"250-line\r\n" * 10000
CASES = [
    Case("tarpit", dripping(b"220 relay.test ESMTP"), "smtp_too_slow", "octets of a reply"),
    Case("drops at once", saying(), "smtp_dropped", "closes the connection"),
    Case("drops within a line", saying(b"220 rel"), "smtp_dropped", "within a line"),
    Case("drops within a reply", saying(b"220-rel\r\n"), "smtp_dropped", "closes the connection"),
    Case("garbage", saying(bytes(range(256)) * 4, close=False), "smtp_garbage", "no reply of SMTP"),
    Case("a web server", saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "smtp_garbage", "HTTP/1.1 400"),
    Case("terminal codes", saying(b"\x1b[2J\x07\r\n"), "smtp_garbage", r"\\x1b[2J"),
    Case("10,000 lines", saying(b"220-line\r\n" * 10000, close=False), "smtp_too_much", "200 lines"),
    Case("10,000 lines to EHLO", serving(replying(EHLO=LINES.decode())), "smtp_too_much", "200 lines"),
    Case("an endless line", endless, "smtp_too_much", "no end"),
    Case("never answers", silent, "smtp_no_banner", "nothing within 0.8 seconds"),
    Case("no answer to EHLO", saying(b"220 relay.test\r\n", close=False), "smtp_silent", "nothing"),
    Case("busy", serving(banner="421 too many connections"), "smtp_busy", "421 too many connections"),
    Case("refuses", serving(banner="554 go away"), "smtp_refused", "554 go away"),
    Case("TLS that never ends", starttls(sleep), "smtp_tls_broken", "more than 0.8 seconds", "encrypt"),
    Case("closes after STARTTLS", starttls(leave), "smtp_tls_broken", "handshake", "encrypt"),
    Case("no TLS after STARTTLS", starttls(no_tls), "smtp_tls_broken", "wrong version number", "encrypt"),
    Case("clear octets before TLS", starttls(sleep, after=b"250 x\r\n"), "smtp_tls_broken", "in the clear", "encrypt"),
    Case("implicit TLS that never ends", silent, "smtp_tls_broken", "more than 0.8 seconds", "wrapper"),
    Case("no implicit TLS", serving(), "smtp_tls_broken", "TLS does not work", "wrapper"),
    Case("closes for each recipient", serving(replying(RCPT="")), "", "closes the connection"),
]


@contextlib.asynccontextmanager
async def listening(cases: t.Sequence[Case]) -> t.AsyncIterator[list[Listener]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [
            Listener(
                "relay.test",
                case.name,
                "127.0.0.1",
                await stack.enter_async_context(tcp_server(case.handler)),
                case.tls,
            )
            for case in cases
        ]


@pytest.fixture(scope="module")
def probed() -> dict[str, t.Any]:
    """All servers at once: what each came to, and what all took."""

    async def run() -> list[Observation]:
        async with listening(CASES) as listeners:
            return await _smtp_survey.probe_all(listeners, SETTINGS, IN_ALL, 64)

    tracemalloc.start()
    started = time.monotonic()
    seen = asyncio.run(run())
    seconds = time.monotonic() - started
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"seen": {each.listener.service: each for each in seen}, "seconds": seconds, "peak": peak}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_servers_that_misbehave(probed: dict[str, t.Any], case: Case) -> None:
    seen: Observation = probed["seen"][case.name]
    found = [*_smtp_judgement.judge_listener(seen), *_smtp_judgement.judge_tls(seen), *_smtp_closed.judge_closed(seen)]
    texts = {finding.id: finding.message for finding in found}
    if case.finding:
        assert case.text in texts[case.finding]
    else:
        assert seen.trouble is None
        assert {answer.error for answer in seen.answers} == {f"it {case.text}"} or seen.untried
    assert not {name for name in texts if "relay" in name}, "what was not answered is no open relay"


def test_all_of_them_end_within_their_bounds(probed: dict[str, t.Any]) -> None:
    assert probed["seconds"] < IN_ALL + 5
    assert probed["peak"] < 24 * 2**20


def test_none_of_them_passes_for_closed(probed: dict[str, t.Any]) -> None:
    seen = [each for each in probed["seen"].values() if each.trouble]
    closed = next(each for each in _smtp_closed.results(seen, 14, battery=True) if each["check"] == "closed")
    assert closed["state"] == "not_checked"
    assert all(each.listener.service in closed["note"] for each in seen)


# Servers that answer, and what the tricks come to


def tried(handler: Handler, tls: str = "may", trusted: t.Sequence[str] = (), **options: t.Any) -> Observation:
    async def run() -> Observation:
        async with tcp_server(handler) as port:
            listener = Listener("relay.test", "smtp", "127.0.0.1", port, tls, trusted)
            return await _smtp_survey.probe(listener, SETTINGS, 20, **{"battery": True, **options})

    return asyncio.run(run())


def ids(seen: Observation) -> set[str]:
    return {finding.id for finding in _smtp_closed.judge_closed(seen)}


def relayed(seen: Observation) -> set[str]:
    return {answer.trick for answer in seen.answers if answer.relayed}


def state(seen: Observation) -> tuple[str, str]:
    closed = next(each for each in _smtp_closed.results([seen], 14, battery=True) if each["check"] == "closed")
    return closed["state"], closed["note"]


def accepting(pattern: str, otherwise: str = "554 no relaying") -> Handler:
    """Accept recipients that match, and no other."""

    def answers(line: str) -> str:
        if line[:4] == "RCPT":
            return "250 ok" if re.search(pattern, line) else otherwise
        return closed_relay(line)

    return serving(answers)


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
    assert ids(seen) == {"smtp_open_relay", "smtp_open_relay_unproven"}


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

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""smtp_info with servers on loopback that misbehave in every way: each ends within its bound, as a finding."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
import tracemalloc
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _smtp_closed, _smtp_judgement, _smtp_survey
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import Observation
from loopback_servers import Handler, endless, silent
from smtp_probing import SETTINGS, Case, ids, listening, relayed, state, tried
from smtp_servers import closed_relay, dripping, replying, saying, serving, starttls

IN_ALL = 3.0


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


# Servers that answer oddly


def test_a_server_that_knows_no_ehlo() -> None:
    heard: list[str] = []
    seen = tried(serving(replying(EHLO="502 what", HELO="250 relay.test"), heard=heard))
    assert (ids(seen), state(seen)) == (set(), ("done", ""))
    assert "HELO s.test" in heard
    assert {finding.id for finding in _smtp_judgement.judge_tls(seen)} == {"smtp_starttls_missing"}


def test_refusals_without_a_greeting_of_ours_prove_nothing() -> None:
    seen = tried(serving(replying(EHLO="550 no", HELO="550 no", MAIL="503 say hello first")))
    assert state(seen) == ("not_checked", "smtp at 127.0.0.1 was not come to")
    assert [finding.id for finding in _smtp_judgement.judge_listener(seen)][:1] == ["smtp_refused"]


def test_a_refusal_for_who_we_are_proves_nothing() -> None:
    seen = tried(serving(replying(RCPT="554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using a list")))
    assert ids(seen) == set()
    assert state(seen)[0] == "not_checked"
    assert "refuses whatever comes from here: 554 5.7.1" in state(seen)[1]


def test_a_server_that_delays_each_recipient() -> None:
    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay.test ESMTP\r\n")
        while line := await reader.readline():
            await asyncio.sleep(0.3 if line[:4] == b"RCPT" else 0)
            writer.write(f"{closed_relay(line.decode('utf-8', 'surrogateescape'))}\r\n".encode())

    seen = tried(slow, in_all=2.0)
    assert [finding.id for finding in _smtp_judgement.judge_listener(seen)][:1] == ["smtp_unfinished"]
    assert 0 < len(seen.answers) < 10
    assert state(seen)[0] == "not_checked"
    assert "tricks could not be tried" in state(seen)[1]


def test_no_octets_are_worse_than_a_finding() -> None:
    """Conversations with octets changed, left out and put in at a place that differs; all end, and none is relaying."""
    chances = [random.Random(seed) for seed in range(120)]

    def damaging(chance: random.Random) -> Handler:
        places = {chance.randrange(12)}
        count = iter(range(10**6))

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            text = "220 relay.test ESMTP"
            while text:
                octets = bytearray(f"{text}\r\n".encode())
                if next(count) in places:
                    for _each in range(chance.choice([1, 1, 3])):
                        octets[chance.randrange(len(octets))] = chance.randrange(256)
                    del octets[: chance.choice([0, 0, 1, 4])]
                writer.write(bytes(octets))
                line = await reader.readline()
                text = closed_relay(line.decode("utf-8", "surrogateescape").rstrip()) if line else ""

        return handle

    async def run() -> list[Observation]:
        cases = [Case(str(number), damaging(chance), "", "") for number, chance in enumerate(chances)]
        async with listening(cases) as listeners:
            settings = dataclasses.replace(SETTINGS, seconds=0.4, back_off=())
            return await _smtp_survey.probe_all(listeners, settings, 6, 120)

    seen = asyncio.run(run())
    assert len(seen) == len(chances)
    results = _smtp_closed.results(seen, 14, battery=True)
    found = {finding["id"] for result in results for finding in result["findings"]}
    assert found & {"smtp_garbage", "smtp_silent"}
    # A reply to a recipient of which the first digit has become a 2 is what it says.
    assert sum(bool(relayed(each)) for each in seen) <= 1

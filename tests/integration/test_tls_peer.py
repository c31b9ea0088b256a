# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that servers on loopback show, and servers that show none. Postfix is looked at with the module."""

from __future__ import annotations

import asyncio
import pathlib
import random
import ssl
import sys

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _tls_peer
from ansible_collections.mailops.relay.plugins.module_utils._tlsa_judgement import Peer, Service
from dns_servers import closed_port
from loopback_servers import Authority, Handler, Pair, endless, server_context, silent, tcp_server

EHLO = b"250-mx.alpha.test\r\n250-SIZE\r\n250-starttls\r\n250 HELP\r\n"


@pytest.fixture(scope="module")
def pair() -> Pair:
    """A certificate that is over, and for another name: it is read all the same."""
    return Authority().issue("other.test", days=-1)


@pytest.fixture(scope="module")
def context(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: pathlib.Path = tmp_path_factory.mktemp("peer")
    return server_context(pair.write(folder / "server.pem"))


def looked(handler: Handler, context: ssl.SSLContext | None = None, **seconds: float) -> Peer:
    async def run() -> Peer:
        async with tcp_server(handler, context) as port:
            service = Service("mx.alpha.test", port, starttls=context is None)
            return await _tls_peer.look(service, "127.0.0.1", **{"seconds": 5, **seconds})

    return asyncio.run(run())


def talking(
    *replies: bytes, then: bytes = b"", context: ssl.SSLContext | None = None, heard: list[bytes] | None = None
) -> Handler:
    """Say the replies, each but the first to a command; then begin TLS, or answer the handshake otherwise, or close."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, reply in enumerate(replies):
            if number:
                line = await reader.readuntil(b"\r\n")
                if heard is not None:
                    heard.append(line)
            writer.write(reply)
        await writer.drain()
        if then:
            await reader.readexactly(100)
            writer.write(then)
            await writer.drain()
        if context:
            transport, protocol = writer.transport, writer.transport.get_protocol()
            await asyncio.get_running_loop().start_tls(transport, protocol, context, server_side=True)
            if heard is not None:
                heard.append(await reader.read(100))

    return handle


WHOLE = pytest.mark.skipif(sys.version_info < (3, 10), reason="Python shows the chain from 3.10 on")


@WHOLE
def test_implicit_tls(pair: Pair, context: ssl.SSLContext) -> None:
    peer = looked(silent, context)
    assert (peer.state, peer.whole, [part.der for part in peer.chain]) == ("shown", True, pair.der)
    assert peer.chain[0].spki == pair.spki


@WHOLE
def test_starttls(pair: Pair, context: ssl.SSLContext) -> None:
    heard: list[bytes] = []
    peer = looked(talking(b"220 mx ESMTP\r\n", EHLO, b"220 go on\r\n", context=context, heard=heard))
    assert (peer.state, [part.der for part in peer.chain]) == ("shown", pair.der)
    assert heard == [b"EHLO [127.0.0.1]\r\n", b"STARTTLS\r\n", b"QUIT\r\n"]


def test_no_starttls() -> None:
    assert looked(talking(b"220 mx ESMTP\r\n", b"250-mx\r\n250 XSTARTTLS\r\n")).state == "no_starttls"
    assert looked(talking(b"220 mx ESMTP\r\n", b"250 STARTTLS\r\n")).state == "no_starttls", "the first line is a name"


BAD: list[tuple[str, Handler, str]] = [
    ("refuses", talking(b"554-go\r\n554 away\r\n"), "it greets with 554 'go'"),
    ("refuses EHLO", talking(b"220 mx\r\n", b"502 what\r\n"), "it answers EHLO with 502 'what'"),
    ("refuses STARTTLS", talking(b"220 mx\r\n", EHLO, b"454 later\r\n"), "it answers STARTTLS with 454 'later'"),
    ("not SMTP", talking(b"SSH-2.0-x\r\n"), "it says 'SSH-2.0-x', which is not SMTP"),
    ("an empty line", talking(b"\r\n"), "it says '', which is not SMTP"),
    ("octets", talking(b"\xff\xfe\xfd\n"), r"it says '\\xff\\xfe\\xfd', which is not SMTP"),
    ("closes at once", talking(), "it closes the connection"),
    ("closes in a reply", talking(b"220-mx\r\n"), "it closes the connection"),
    ("lines without an end", talking(b"220-mx\r\n" * 500), "its reply has no end"),
    ("a line without an end", endless, "it does not speak SMTP: its line has no end"),
    (
        "no TLS",
        talking(b"220 mx\r\n", EHLO, b"220 go on\r\n", then=b"no TLS\r\n" * 20),
        "no TLS (WRONG_VERSION_NUMBER)",
    ),
]


@pytest.mark.parametrize(("handler", "detail"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_servers_that_misbehave(handler: Handler, detail: str) -> None:
    assert looked(handler, in_all=5) == Peer("127.0.0.1", "not_seen", detail=detail)


def test_no_octets_are_worse_than_not_seen() -> None:
    """Conversations with octets changed and left out; none of them comes to a handshake that ends well."""
    seeds = iter(range(300))
    good = [b"220-mx\r\n220 ESMTP\r\n", EHLO, b"220 go on\r\n"]

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chance = random.Random(next(seeds))
        damaged = chance.randrange(3)
        for number, text in enumerate(good):
            octets = bytearray(text)
            if number == damaged:
                octets[chance.randrange(len(octets))] = chance.randrange(256)
                del octets[: chance.choice([0, 0, 0, 1, 5])]
            if number:
                await reader.readuntil(b"\n")
            writer.write(bytes(octets))
        await writer.drain()

    async def run() -> list[Peer]:
        async with tcp_server(handle) as port:
            service = Service("mx.alpha.test", port, starttls=True)
            return [await _tls_peer.look(service, "127.0.0.1", 5, 1) for _each in range(300)]

    peers = asyncio.run(run())
    assert {peer.state for peer in peers} == {"not_seen", "no_starttls"}
    assert all(peer.detail for peer in peers)


def test_a_server_that_goes_away_in_the_handshake() -> None:
    peer = looked(talking(b"220 mx\r\n", EHLO, b"220 go on\r\n"))
    assert (peer.state, peer.chain) == ("not_seen", ())
    assert peer.detail


def test_a_silent_server() -> None:
    assert looked(silent, in_all=0.5) == Peer("127.0.0.1", "not_seen", detail="no answer in time")


def test_nobody_listens() -> None:
    peer = asyncio.run(_tls_peer.look(Service("mx.alpha.test", closed_port(), starttls=True), "127.0.0.1", 5))
    assert (peer.state, peer.detail) == ("not_seen", "Connection refused")


def test_what_is_no_certificate(pair: Pair) -> None:
    """A server's own has to be one; others of its chain may be of a kind that is not known here."""
    own = _tls_peer.shown("127.0.0.1", [b"x", *pair.der], whole=True)
    assert (own.state, own.chain) == ("not_seen", ())
    assert own.detail.startswith("its certificate: ")
    chain = _tls_peer.shown("127.0.0.1", [pair.der[0], b"x"], whole=True).chain
    assert [part.der for part in chain] == pair.der[:1]

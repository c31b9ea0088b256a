# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Asking DNS servers with many questions in flight, in a time that one dead server cannot spoil.

A question is sent by UDP, up to three times within the time-out, and by TCP where the answer is truncated. A server
that lets a question time out is asked nothing more, and the questions it still has in hand end with that one. Before
its first answer a server has one question only, so a dead one takes one place for one time-out, and the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import typing as t
from dataclasses import replace

from ansible_collections.mailops.relay.plugins.module_utils import _dns, _dns_answer
from ansible_collections.mailops.relay.plugins.module_utils._dns import PlainError, Query, Question, TruncatedError
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server

TIMEOUT = 5.0
IN_FLIGHT = 64

# After which parts of the time-out a question is sent again.
_AGAIN = (0.2, 0.5)

MAX_DATAGRAM = 65535


class _SilentError(Exception):
    """The server does not answer."""


class _Peer:
    """What is known of a server over one transport."""

    def __init__(self) -> None:
        self.first = asyncio.Lock()
        self.heard = False
        self.garbage = False
        self.given_up: t.Optional[Exception] = None
        self._waiting: set[asyncio.Future[bytes]] = set()

    @contextlib.contextmanager
    def asked(self) -> t.Iterator[None]:
        """Ask nothing where the server was given up, and give it up where it cannot be reached."""
        if self.given_up:
            raise self.given_up
        try:
            yield
        except OSError as error:
            self._give_up(error)
            raise

    async def result(self, octets: asyncio.Future[bytes], seconds: float) -> bytes:
        """Return what comes, unless that lasts too long, or another question has found out the same before."""
        loop = asyncio.get_running_loop()
        too_long = loop.call_later(seconds, self._give_up, _SilentError(f"no answer in {seconds:g} s"))
        self._waiting.add(octets)
        try:
            arrived = await octets
            self.heard = True
            return arrived
        except asyncio.CancelledError:
            if self.given_up and octets.cancelled():
                raise self.given_up from None
            raise
        finally:
            too_long.cancel()
            self._waiting.discard(octets)

    def _give_up(self, reason: Exception) -> None:
        self.given_up = self.given_up or reason
        for octets in self._waiting:
            octets.cancel()


def _arrive(connection: socket.socket, number: bytes, peer: _Peer, arrived: asyncio.Future[bytes]) -> None:
    """Take a datagram, if it has the number of the question. The socket is connected: others cannot send to it."""
    try:
        data = connection.recv(MAX_DATAGRAM)
    except BlockingIOError:
        return
    except OSError as error:
        if not arrived.done():
            arrived.set_exception(error)
        return
    if data[:2] != number:
        peer.garbage = True
    elif not arrived.done():
        arrived.set_result(data)


def _send_again(connection: socket.socket, wire: bytes) -> None:
    """Send the question once more. What is wrong with the server is heard of when receiving."""
    with contextlib.suppress(OSError):
        connection.send(wire)


async def _by_udp(server: Server, wire: bytes, peer: _Peer, seconds: float) -> bytes:
    """Send the question until an answer comes, from a socket of its own: its port is hard to guess (RFC 5452, 9.2).

    The socket is used as it is: with a transport of asyncio and a task for each question, all took a third longer.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Future[bytes] = loop.create_future()
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.setblocking(False)
        connection.connect((server.address, server.port))
        connection.send(wire)
        # By its number: asyncio makes a text of a socket that is new to it.
        loop.add_reader(connection.fileno(), _arrive, connection, wire[:2], peer, arrived)
        again = [loop.call_later(part * seconds, _send_again, connection, wire) for part in _AGAIN]
        try:
            return await peer.result(arrived, seconds)
        finally:
            for timer in again:
                timer.cancel()
            loop.remove_reader(connection.fileno())


async def _by_tcp(server: Server, wire: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server.address, server.port)
    try:
        writer.write(len(wire).to_bytes(2, "big") + wire)
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        raise ConnectionResetError(0, "the connection was closed before the answer") from None
    finally:
        writer.close()


class Client:
    """Asks servers. It is made inside of the running event loop, and forgets nothing of the servers it gave up."""

    def __init__(self, timeout: float = TIMEOUT, in_flight: int = IN_FLIGHT) -> None:
        self._timeout = timeout
        self._places = asyncio.Semaphore(in_flight)
        self._peers: dict[tuple[str, tuple[str, int]], _Peer] = {}
        self.asked = 0

    def _peer(self, transport: str, server: Server) -> _Peer:
        return self._peers.setdefault((transport, server.key), _Peer())

    async def ask(self, server: Server, name: str, rdtype: str, *, recurse: bool = False, check: bool = True) -> Answer:
        """Ask one server. Whatever goes wrong is a state of the answer, also that ``name`` cannot be a name."""
        question = Question(name, rdtype, recurse, check)
        try:
            query = _dns.query(question)
        except ValueError as error:
            return _dns.malformed(question, server, str(error))
        peer = self._peer("udp", server)
        if not peer.heard and not peer.given_up:
            async with peer.first:
                if not peer.heard and not peer.given_up:
                    return await self._ask(server, question, query)
        return await self._ask(server, question, query)

    async def _ask(self, server: Server, question: Question, query: Query) -> Answer:
        async with self._places:
            try:
                try:
                    return await self._exchange(server, question, query)
                except PlainError:
                    plain = replace(question, edns=False)
                    return await self._exchange(server, plain, _dns.query(plain))
            except _SilentError as error:
                peer = self._peer("udp", server)
                garbage = peer.garbage and not peer.heard
                state = _dns_answer.MALFORMED if garbage else _dns_answer.TIMED_OUT
                detail = f"{error}, only datagrams that answer nothing" if garbage else str(error)
                return Answer(question.name, question.rdtype, server, state, detail=detail)
            except OSError as error:
                detail = os.strerror(error.errno) if error.errno else error.strerror or str(error)
                return Answer(question.name, question.rdtype, server, _dns_answer.UNREACHABLE, detail=detail)

    async def _exchange(self, server: Server, question: Question, query: Query) -> Answer:
        peer = self._peer("udp", server)
        self.asked += not peer.given_up
        with peer.asked():
            wire = await _by_udp(server, query.wire, peer, self._timeout)
        try:
            return _dns.read(query, question, server, wire)
        except TruncatedError:
            pass
        try:
            peer = self._peer("tcp", server)
            with peer.asked():
                wire = await peer.result(asyncio.ensure_future(_by_tcp(server, query.wire)), self._timeout)
            return _dns.read(query, question, server, wire)
        except _SilentError as error:
            raise _SilentError(f"{error} over TCP, and the answer is too long for UDP") from None
        except OSError as error:
            raise OSError(0, f"{error.strerror} over TCP, and the answer is too long for UDP") from None
        except TruncatedError:
            return _dns.malformed(question, server, "an answer over TCP that says it is truncated")

    async def resolve(self, resolver: Server, name: str, rdtype: str) -> Answer:
        """Ask a resolver. What it only answers when it is told not to check is bogus (RFC 4035, 3.2.2)."""
        answer = await self.ask(resolver, name, rdtype, recurse=True)
        if answer.state != _dns_answer.FAILED:
            return answer
        unchecked = await self.ask(resolver, name, rdtype, recurse=True, check=False)
        return replace(answer, state=_dns_answer.BOGUS) if unchecked.is_answered else answer

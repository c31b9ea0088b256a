# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Conversations of SMTP (RFC 5321) with servers that may do anything: octets, lines and time have an end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import ssl
import time
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import Listener, Reply, Trouble

MAX_LINE = 2048
"""RFC 5321, 4.5.3.1.5, allows 512 octets."""

MAX_LINES = 200
MAX_OCTETS = 128 * 1024
"""What one connection may send, TLS aside."""

# That is about where we stand, and not about the listener.
_NO_ROUTE = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

_REPLY_LINE = re.compile(r"([2-5][0-9]{2})(?:([ -])(.*))?")


def printable(octets: bytes) -> str:
    """Return octets as text that does no harm on a terminal."""
    text = octets.decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


class _Wire(asyncio.Protocol):
    """The octets of a connection; TLS may come beneath it later."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.octets = 0
        self.closed = False
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = t.cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.octets += len(data)
        if self.octets <= MAX_OCTETS:
            self.buffer += data
        elif self.transport:
            self.transport.abort()
        self._news.set()

    def eof_received(self) -> bool:
        self.closed = True
        self._news.set()
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed = True
        self._news.set()

    async def line(self) -> bytes:
        """Return the next line without its end."""
        while True:
            end = self.buffer.find(b"\n", 0, MAX_LINE)
            if end >= 0:
                line = bytes(self.buffer[:end])
                del self.buffer[: end + 1]
                return line.rstrip(b"\r")
            if len(self.buffer) >= MAX_LINE or self.octets > MAX_OCTETS:
                raise Trouble("too_much", f"its line has no end within {MAX_LINE} octets")
            if self.closed:
                within = " within a line" if self.buffer else ""
                raise Trouble("dropped", f"it closes the connection{within}")
            self._news.clear()
            await self._news.wait()


class Session:
    """A connection to a listener, with the greeting still to come. ``seconds`` are for each step."""

    def __init__(self, listener: Listener, wire: _Wire, seconds: float) -> None:
        self.listener = listener
        self.seconds = seconds
        self._wire = wire
        self.encrypted = False

    @classmethod
    async def connect(cls, listener: Listener, seconds: float) -> Session:
        loop = asyncio.get_running_loop()
        opening = loop.create_connection(_Wire, listener.address, listener.port)
        try:
            _transport, wire = await asyncio.wait_for(opening, seconds)
        except asyncio.TimeoutError:
            raise Trouble("unreachable", f"no connection within {seconds:g} seconds") from None
        except OSError as error:
            raise Trouble("no_route" if error.errno in _NO_ROUTE else "unreachable", _words(error)) from None
        return cls(listener, wire, seconds)

    @property
    def transport(self) -> asyncio.Transport:
        if self._wire.transport is None:
            raise Trouble("dropped", "it closes the connection")
        return self._wire.transport

    @property
    def source(self) -> str:
        """The address that we are seen from."""
        name = self.transport.get_extra_info("sockname")
        return str(name[0]).partition("%")[0] if name else ""

    @property
    def tls(self) -> t.Any:
        return self.transport.get_extra_info("ssl_object")

    @property
    def pending(self) -> bool:
        return bool(self._wire.buffer)

    async def reply(self) -> Reply:
        """Return the next reply."""
        before = self._wire.octets - len(self._wire.buffer)
        try:
            return await asyncio.wait_for(self._reply(), self.seconds)
        except asyncio.TimeoutError:
            some = self._wire.octets - before
            said = f"only {some} octets of a reply" if some else "nothing"
            raise Trouble("too_slow" if some else "silent", f"it says {said} within {self.seconds:g} seconds") from None

    async def _reply(self) -> Reply:
        lines: list[str] = []
        while len(lines) < MAX_LINES:
            text = printable(await self._wire.line())
            match = _REPLY_LINE.fullmatch(text)
            if not match:
                raise Trouble("garbage", f"it says {text[:80]!r}, which is no reply of SMTP")
            lines.append(match[3] or "")
            if match[2] != "-":
                return Reply(int(match[1]), lines)
        raise Trouble("too_much", f"its reply has more than {MAX_LINES} lines")

    def send(self, octets: bytes) -> None:
        """Send octets as they are. There are few; nothing waits for them to leave."""
        self.transport.write(octets)

    async def command(self, text: str) -> Reply:
        """Send a command, and return the reply. What is not ASCII goes as UTF-8, and lone surrogates as octets."""
        self.send(text.encode("utf-8", "surrogateescape") + b"\r\n")
        return await self.reply()

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """Begin TLS. Octets that came before it are no part of what is protected (RFC 3207, 6)."""
        if self._wire.buffer:
            raise Trouble("garbage", "it sends octets in the clear where TLS has to begin")
        loop = asyncio.get_running_loop()
        started = time.monotonic()
        handshake = loop.start_tls(self.transport, self._wire, context, server_hostname=_server_name(self.listener))
        try:
            transport = await asyncio.wait_for(handshake, self.seconds)
        except asyncio.TimeoutError:
            raise Trouble("tls", f"the handshake of TLS takes more than {self.seconds:g} seconds") from None
        except ssl.SSLError:
            raise
        except OSError as error:
            if time.monotonic() - started >= self.seconds:
                raise Trouble("tls", f"the handshake of TLS takes more than {self.seconds:g} seconds") from None
            raise Trouble("tls_dropped", f"the handshake of TLS: {_words(error)}") from None
        if transport is None:
            raise Trouble("tls_dropped", "it closes the connection in the handshake of TLS")
        self._wire.transport = transport
        self.encrypted = True

    async def quit(self) -> None:
        """Leave as one should; the answer does not matter."""
        with contextlib.suppress(Trouble, OSError):
            self.send(b"QUIT\r\n")
            await asyncio.wait_for(self._wire.line(), min(self.seconds, 2))

    def close(self) -> None:
        """End the connection at once: nobody waits for a server that does not close."""
        if self._wire.transport:
            self._wire.transport.abort()


def _words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else error.strerror or "it closes the connection"


def _server_name(listener: Listener) -> str:
    """Return the name for SNI (RFC 6066, 3)."""
    return listener.relay.rstrip(".")

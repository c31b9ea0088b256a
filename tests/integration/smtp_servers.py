# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SMTP servers of a few lines on loopback: one that behaves, and in which ways others do not."""

from __future__ import annotations

import asyncio
import ssl
import typing as t

from loopback_servers import Handler

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Answers = t.Callable[[str], str]


def closed_relay(line: str) -> str:
    """Answer as a closed relay does."""
    word = line[:4].upper()
    if word == "RCPT":
        return "554 5.7.1 no relaying"
    if word == "EHLO":
        return "250-relay.test\r\n250 SIZE 1000"
    return {"QUIT": "221 bye", "VRFY": "502 no", "EXPN": "502 no"}.get(word, "250 ok")


def serving(
    answers: Answers = closed_relay, banner: str = "220 relay.test ESMTP", heard: list[str] | None = None
) -> Handler:
    """Greet, and answer each line; an empty answer closes the connection."""

    async def handle(reader: Reader, writer: Writer) -> None:
        writer.write(f"{banner}\r\n".encode())
        while line := await reader.readline():
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            if heard is not None:
                heard.append(text)
            answer = answers(text)
            if not answer:
                return
            writer.write(f"{answer}\r\n".encode())
            if text.upper() == "QUIT":
                await writer.drain()
                return

    return handle


def replying(**replies: str) -> Answers:
    """Answer as a closed relay does, but for some commands, by their first four letters."""
    return lambda line: replies.get(line[:4].upper(), closed_relay(line))


def saying(*octets: bytes, pause: float = 0.0, close: bool = True) -> Handler:
    """Say octets without listening; then close, or stay silent."""

    async def handle(_reader: Reader, writer: Writer) -> None:
        for each in octets:
            writer.write(each)
            await writer.drain()
            await asyncio.sleep(pause)
        if not close:
            await asyncio.sleep(60)

    return handle


def dripping(text: bytes, pause: float = 1.0) -> Handler:
    """Say one octet a second."""
    return saying(*(bytes([octet]) for octet in text * 20), pause=pause)


def starttls(then: t.Callable[[Reader, Writer], t.Awaitable[None]], after: bytes = b"") -> Handler:
    """Offer STARTTLS, and do something else once it is asked for."""

    async def handle(reader: Reader, writer: Writer) -> None:
        writer.write(b"220 relay.test ESMTP\r\n")
        while line := await reader.readline():
            word = line[:8].upper()
            if word == b"STARTTLS":
                writer.write(b"220 go\r\n" + after)
                await writer.drain()
                await then(reader, writer)
                return
            writer.write(b"250-relay.test\r\n250 STARTTLS\r\n" if word[:4] == b"EHLO" else b"530 STARTTLS first\r\n")

    return handle


def secure(answers: Answers, context: ssl.SSLContext) -> Handler:
    """Behave in the clear, and answer under TLS as ``answers`` does."""

    async def encrypted(reader: Reader, writer: Writer) -> None:
        transport, protocol = writer.transport, writer.transport.get_protocol()
        tls = await asyncio.get_running_loop().start_tls(transport, protocol, context, server_side=True)
        while line := await reader.readline():
            tls.write(f"{answers(line.decode('utf-8', 'surrogateescape').rstrip())}\r\n".encode())

    return starttls(encrypted)


class _Mailbox:
    """A connection to a server that takes messages."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self.reader, self.writer, self.rest = reader, writer, b""

    async def until(self, *ends: bytes) -> bytes:
        """Return what comes before the first of some ends."""
        while not any(end in self.rest for end in ends):
            octets = await self.reader.read(4096)
            if not octets:
                raise ConnectionResetError
            self.rest += octets
        start, end = min((self.rest.find(end), end) for end in ends if end in self.rest)
        before, self.rest = self.rest[:start], self.rest[start + len(end) :]
        return before

    def say(self, reply: bytes) -> None:
        self.writer.write(reply + b"\r\n")


def receiving(*endings: bytes, refusing: bytes = b"") -> Handler:
    """Take messages; any of ``endings`` ends one, and a message with ``refusing`` in it is not taken."""
    replies = {b"EHLO": b"250 ok", b"MAIL": b"250 ok", b"RCPT": b"250 ok", b"NOOP": b"250 ok", b"QUIT": b"221 bye"}

    async def handle(reader: Reader, writer: Writer) -> None:
        box = _Mailbox(reader, writer)
        box.say(b"220 relay.test ESMTP")
        word = b""
        while word != b"QUIT":
            word = (await box.until(b"\n")).strip()[:4].upper()
            if word == b"DATA":
                box.say(b"354 go")
                text = await box.until(*endings)
                box.say(b"550 no" if refusing and refusing in text else b"250 queued")
            else:
                box.say(replies.get(word, b"500 what"))
        await writer.drain()

    return handle

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

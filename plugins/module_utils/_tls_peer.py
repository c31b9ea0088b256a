# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The certificates that a server shows, by STARTTLS of SMTP (RFC 3207) or with TLS from the first octet.

Nothing is verified here: whoever judges has the TLSA records to do it by.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _certificate, _tlsa_judgement
from ansible_collections.mailops.relay.plugins.module_utils._tlsa_judgement import Peer, Service, Shown

SECONDS = 30.0
"""For all that comes after the connection; some servers let strangers wait a while for the greeting."""

MAX_LINE = 4096
"""Octets of a line of a reply; 512 are allowed (RFC 5321, 4.5.3.1.5)."""
MAX_LINES = 100
"""Lines of a reply. EHLO has about 15."""

MAX_CHAIN = 20

_DER = 2
"""The encoding, as Python's binding of OpenSSL numbers it."""


class _ReplyError(Exception):
    """The server does not speak SMTP, or does not want to speak to us."""


class _NoStarttlsError(Exception):
    """The server takes mail in the clear only."""


def _context() -> ssl.SSLContext:
    """Take every certificate: it is read, and not trusted."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _reply(reader: asyncio.StreamReader) -> tuple[int, list[str]]:
    """Return code and lines of a reply (RFC 5321, 4.2)."""
    lines: list[str] = []
    while len(lines) < MAX_LINES:
        octets = await reader.readuntil(b"\n")
        text = octets.decode("ascii", "backslashreplace").rstrip("\r\n")
        if not (text[:3].isascii() and text[:3].isdigit()) or text[3:4] not in ("", " ", "-"):
            raise _ReplyError(f"it says {text[:80]!r}, which is not SMTP")
        lines.append(text[4:])
        if text[3:4] != "-":
            return int(text[:3]), lines
    raise _ReplyError("its reply has no end")


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str) -> tuple[int, list[str]]:
    writer.write(f"{command}\r\n".encode("ascii"))
    return await _reply(reader)


async def _ask_for_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Come to where the handshake begins (RFC 3207, 4)."""
    code, lines = await _reply(reader)
    if code != 220:
        raise _ReplyError(f"it greets with {code} {lines[0][:80]!r}")
    address = writer.get_extra_info("sockname")[0]
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    code, lines = await _say(reader, writer, f"EHLO {literal}")
    if code != 250:
        raise _ReplyError(f"it answers EHLO with {code} {lines[0][:80]!r}")
    if "STARTTLS" not in (line.upper() for line in lines[1:]):
        raise _NoStarttlsError
    code, lines = await _say(reader, writer, "STARTTLS")
    if code != 220:
        raise _ReplyError(f"it answers STARTTLS with {code} {lines[0][:80]!r}")


def _chain(tls: t.Any) -> tuple[list[bytes], bool]:
    """Return the certificates that have come, and whether they are all; Python tells the chain from 3.10 on."""
    own = tls.getpeercert(binary_form=True)
    ask = getattr(tls, "get_unverified_chain", None) or getattr(
        getattr(tls, "_sslobj", None), "get_unverified_chain", None
    )
    if ask is None:
        return [own], False
    found = [each if isinstance(each, bytes) else each.public_bytes(_DER) for each in (ask() or [])[:MAX_CHAIN]]
    return found or [own], bool(found)


def shown(address: str, chain: t.Iterable[bytes], *, whole: bool) -> Peer:
    """Return what a server shows. Certificates of authorities that cannot be read are left out."""
    found = []
    for number, der in enumerate(chain):
        try:
            found.append(Shown(der, _certificate.read(der).spki))
        except ValueError as error:
            if not number:
                return Peer(address, _tlsa_judgement.NOT_SEEN, detail=f"its certificate: {error}")
    return Peer(address, _tlsa_judgement.SHOWN, tuple(found), whole)


async def _handshake(writer: asyncio.StreamWriter, service: Service) -> tuple[list[bytes], bool]:
    """Encrypt; the name sent is that of the records (RFC 7672, 8.1). Then leave as one should."""
    loop = asyncio.get_running_loop()
    protocol = writer.transport.get_protocol()
    tls = await loop.start_tls(writer.transport, protocol, _context(), server_hostname=service.host)
    if tls is None:
        raise ConnectionResetError(0, "the connection was closed")
    try:
        found = _chain(tls.get_extra_info("ssl_object"))
        if service.is_smtp:
            tls.write(b"QUIT\r\n")
        return found
    finally:
        tls.close()


async def _conversation(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Service
) -> tuple[list[bytes], bool]:
    if service.starttls:
        await _ask_for_tls(reader, writer)
    return await _handshake(writer, service)


async def _look(service: Service, address: str, seconds: float, in_all: float) -> Peer:
    opening = asyncio.open_connection(address, service.port, limit=MAX_LINE)
    reader, writer = await asyncio.wait_for(opening, seconds)
    try:
        chain, whole = await asyncio.wait_for(_conversation(reader, writer, service), in_all)
    finally:
        with contextlib.suppress(OSError):
            writer.close()
    return shown(address, chain, whole=whole)


async def look(service: Service, address: str, seconds: float, in_all: float = SECONDS) -> Peer:
    """Return what a server shows at one of its addresses, or why nothing is seen.

    ``seconds`` is for connecting, ``in_all`` for what comes then.
    """
    state = _tlsa_judgement.NOT_SEEN
    if not _certificate.HAS_CRYPTOGRAPHY:
        return Peer(address, state, detail="the library that reads it is missing (Debian: python3-cryptography)")
    try:
        return await _look(service, address, seconds, in_all)
    except _NoStarttlsError:
        state, detail = _tlsa_judgement.NO_STARTTLS, "it offers no STARTTLS"
    except _ReplyError as error:
        detail = str(error)
    except asyncio.TimeoutError:
        detail = "no answer in time"
    except ssl.SSLError as error:
        detail = f"no TLS ({error.reason or error.strerror})"
    except asyncio.IncompleteReadError:
        detail = "it closes the connection"
    except asyncio.LimitOverrunError:
        detail = "it does not speak SMTP: its line has no end"
    except OSError as error:
        detail = os.strerror(error.errno) if error.errno else error.strerror or "it closes the connection"
    return Peer(address, state, detail=detail)

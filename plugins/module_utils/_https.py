# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Fetching MTA-STS policies by HTTPS as RFC 8461 section 3.3 says, from a given address of their host.

The certificate has to be valid for the host, redirects are not followed, nothing is cached, and neither time nor octets
are without a limit. Libraries would ask the resolver of the host for the address; here it is known already.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import os
import re
import ssl
import urllib.parse
from email.message import Message

from ansible_collections.mailops.relay.plugins.module_utils import _mta_sts, _mta_sts_judgement
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts_judgement import Fetched

SECONDS = 60.0
"""For a whole policy: senders wait as long (RFC 8461, 3.3)."""

PORT = 443
MAX_HEAD = 16384
"""Octets of status line and header fields. Servers send less than 1000."""

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")
_DIGITS = re.compile(r"[0-9]{1,10}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")


class _ProtocolError(Exception):
    """What came is not HTTP as senders of mail read it."""


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Return whom to trust: the authorities of the system, or those in a file. ValueError says what is wrong with it.

    The name of the host is looked for where it belongs, in subjectAltName (RFC 8461, 3.3).
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise ValueError(f"{ca_file!r} holds no certificate; a file with some in PEM format is accepted") from None
    except OSError as error:
        raise ValueError(f"{ca_file!r} cannot be read: {os.strerror(error.errno or 0)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    return context


async def _head(reader: asyncio.StreamReader) -> tuple[int, Message]:
    """Return status and header fields of the final answer; interim ones (1xx) are passed over (RFC 9110, 15.2)."""
    for _interim in range(4):
        octets = await reader.readuntil(b"\r\n\r\n")
        line = _STATUS.match(octets)
        if not line:
            raise _ProtocolError(f"it begins with {octets[:40]!r}, which is not HTTP")
        if line[1][:1] != b"1":
            return int(line[1]), http.client.parse_headers(io.BytesIO(octets[line.end() :]))
    raise _ProtocolError("interim answers only")


def _room(size: int) -> int:
    if size > _mta_sts.MAX_POLICY_SIZE:
        raise _ProtocolError(f"it has more than {_mta_sts.MAX_POLICY_SIZE} octets")
    return size


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """Return a body that comes in chunks; what follows the last one does not matter (RFC 9112, 7.1)."""
    body = b""
    while True:
        size = _CHUNK.fullmatch(await reader.readuntil(b"\r\n"))
        if not size:
            raise _ProtocolError("its chunks are broken")
        length = _room(int(size[1], 16))
        if not length:
            return body
        _room(len(body) + length)
        body += (await reader.readexactly(length + 2))[:-2]


async def _body(reader: asyncio.StreamReader, fields: Message) -> bytes:
    """Return the body (RFC 9112, 6.3)."""
    if fields.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise _ProtocolError(f"it is encoded ({fields['Content-Encoding'][:40]!r}), which nobody asked for")
    if "Transfer-Encoding" in fields:
        if fields["Transfer-Encoding"].strip().lower() != "chunked":
            raise _ProtocolError(f"its transfer encoding is {fields['Transfer-Encoding'][:40]!r}")
        return await _chunks(reader)
    length = fields.get("Content-Length")
    if length is not None:
        if not _DIGITS.fullmatch(length.strip()):
            raise _ProtocolError(f"its length is {length[:40]!r}")
        return await reader.readexactly(_room(int(length)))
    body = b""
    while True:
        part = await reader.read(4096)
        if not part:
            return body
        body += part
        _room(len(body))


async def _exchange(url: str, address: str, context: ssl.SSLContext, seconds: float) -> Fetched:
    place = urllib.parse.urlsplit(url)
    port = place.port or PORT
    opening = asyncio.open_connection(address, port, ssl=context, server_hostname=place.hostname, limit=MAX_HEAD)
    reader, writer = await asyncio.wait_for(opening, seconds)
    try:
        fields = [f"Host: {place.netloc}", "Accept: text/plain", "Accept-Encoding: identity", "Connection: close"]
        writer.write("\r\n".join([f"GET {place.path} HTTP/1.1", *fields, "", ""]).encode("ascii"))
        status, header = await _head(reader)
        kind = header.get("Content-Type", "").partition(";")[0].strip().lower()[:80]
        if status != 200:
            return Fetched(address, _mta_sts_judgement.FETCHED, status, kind, detail=header.get("Location", "")[:200])
        return Fetched(address, _mta_sts_judgement.FETCHED, status, kind, await _body(reader, header))
    finally:
        writer.close()


async def fetch(url: str, address: str, context: ssl.SSLContext, seconds: float, in_all: float = SECONDS) -> Fetched:
    """Return what the host in ``url`` answers at one of its addresses. Whatever goes wrong is a state of it.

    ``seconds`` is the time to come to an encrypted connection, ``in_all`` that for the whole policy.
    """
    state, detail = _mta_sts_judgement.MALFORMED, ""
    try:
        return await asyncio.wait_for(_exchange(url, address, context, seconds), in_all)
    except asyncio.TimeoutError:
        state, detail = _mta_sts_judgement.TIMED_OUT, "no policy came in time"
    except ssl.SSLCertVerificationError as error:
        state, detail = _mta_sts_judgement.CERTIFICATE, error.verify_message.rstrip(".")
    except ssl.SSLError as error:
        state, detail = _mta_sts_judgement.UNREACHABLE, f"no TLS ({error.reason or error.strerror})"
    except _ProtocolError as error:
        detail = str(error)
    except asyncio.IncompleteReadError:
        detail = "it ends too early"
    except (asyncio.LimitOverrunError, http.client.HTTPException):
        detail = "its header has no end"
    except OSError as error:
        state = _mta_sts_judgement.UNREACHABLE
        detail = os.strerror(error.errno) if error.errno else str(error) or "the connection was closed"
    return Fetched(address, state, detail=detail)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An authority and its certificates, and servers of a few lines on loopback that speak TLS, or something else."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import pathlib
import ssl
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.timezone.utc)

Handler = t.Callable[[asyncio.StreamReader, asyncio.StreamWriter], t.Awaitable[None]]


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo, as certificates hold it."""
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.DER, kind)


class Pair(t.NamedTuple):
    """A key and the certificates for it, its own first."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def spki(self) -> bytes:
        return spki(self.key)

    @property
    def der(self) -> list[bytes]:
        return [certificate.public_bytes(serialization.Encoding.DER) for certificate in self.chain]

    def pem(self) -> str:
        """Return key and certificates in one, as Postfix and Python take them."""
        kind = serialization.PrivateFormat.PKCS8
        key = self.key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
        return (key + b"".join(part.public_bytes(serialization.Encoding.PEM) for part in self.chain)).decode()

    def write(self, path: pathlib.Path) -> pathlib.Path:
        path.write_text(self.pem())
        return path


def _build(name: str, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 30 * DAY)
        .not_valid_after(NOW + days * DAY)
    )


class Authority:
    """Issues certificates."""

    def __init__(self, name: str = "Authority of a test") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _build(name, self.key, self.name, 3650)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())

    @property
    def spki(self) -> bytes:
        return spki(self.key)

    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, *names: str, common_name: str = "", days: int = 30) -> Pair:
        """Issue a certificate for names, which stand in subjectAltName; ``days`` may be over."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _build(common_name or names[0], key, self.name, days)
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternative, critical=False)
        return Pair(key, (builder.sign(self.key, hashes.SHA256()), self.certificate))


def server_context(path: pathlib.Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@contextlib.asynccontextmanager
async def tcp_server(handler: Handler, context: ssl.SSLContext | None = None) -> t.AsyncIterator[int]:
    """Serve on a port of 127.0.0.1; what a handler has open at the end is closed."""
    tasks: set[asyncio.Task[t.Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()


def answering(octets: bytes, *, close: bool = True, ask: bytes = b"\r\n\r\n") -> Handler:
    """Answer a request with octets; where it does not close, it stays silent."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(ask)
        writer.write(octets)
        await writer.drain()
        if not close:
            await asyncio.sleep(60)

    return handle


async def endless(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send without an end."""
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take the connection and say nothing."""
    await asyncio.sleep(60)

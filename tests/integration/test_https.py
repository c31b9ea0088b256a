# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies fetched from Python's web server, and from servers that misbehave. Sections are those of RFC 8461."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import pathlib
import random
import ssl
import threading
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _https, _mta_sts
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts_judgement import Fetched
from dns_servers import closed_port
from loopback_servers import Authority, Handler, answering, endless, server_context, silent, tcp_server

HOST = "mta-sts.alpha.test"
POLICY = b"version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def files(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with the authority, and with key and certificate of the host."""
    folder = tmp_path_factory.mktemp("https")
    (folder / "ca.pem").write_text(authority.pem())
    authority.issue(HOST).write(folder / "host.pem")
    return folder


def url(port: int, host: str = HOST) -> str:
    return f"https://{host}:{port}/.well-known/mta-sts.txt"


def fetched(
    files: pathlib.Path, handler: Handler, certificate: str = "host.pem", *, tls: bool = True, **seconds: float
) -> Fetched:
    async def run() -> Fetched:
        context = server_context(files / certificate) if tls else None
        async with tcp_server(handler, context) as port:
            trust = _https.trust(str(files / "ca.pem"))
            return await _https.fetch(url(port), "127.0.0.1", trust, **{"seconds": 5, **seconds})

    return asyncio.run(run())


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))


GOOD = [
    ("length", OK + b"Content-Length: %d\r\n\r\n" % len(POLICY) + POLICY, True),
    ("length, and it stays open", OK + b"Content-Length: %d\r\n\r\n" % len(POLICY) + POLICY, False),
    ("until it closes", OK + b"\r\n" + POLICY, True),
    ("chunks", OK + b"Transfer-Encoding: Chunked\r\n\r\n" + chunked(POLICY[:9], POLICY[9:]), False),
    ("interim answer", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"\r\n" + POLICY, True),
    ("HTTP/1.0, no reason", b"HTTP/1.0 200\r\nContent-type: Text/PLAIN; charset=utf-8\r\n\r\n" + POLICY, True),
]


@pytest.mark.parametrize(("octets", "close"), [row[1:] for row in GOOD], ids=[row[0] for row in GOOD])
def test_ways_to_send_a_policy(files: pathlib.Path, octets: bytes, close: bool) -> None:
    assert fetched(files, answering(octets, close=close)) == Fetched("127.0.0.1", "fetched", 200, "text/plain", POLICY)


BAD: list[tuple[str, Handler, str, str]] = [
    ("not HTTP", answering(b"220 mail.test ESMTP\r\n\r\n"), "malformed", "it begins with b'220 mail"),
    ("ends in its header", answering(OK), "malformed", "it ends too early"),
    ("ends in its body", answering(OK + b"Content-Length: 900\r\n\r\nx"), "malformed", "it ends too early"),
    ("no end of header", answering(OK + b"X: " + b"x" * 40000), "malformed", "its header has no end"),
    ("too many fields", answering(OK + b"X: x\r\n" * 300 + b"\r\n"), "malformed", "its header has no end"),
    ("says it is long", answering(OK + b"Content-Length: 65537\r\n\r\n"), "malformed", "more than 65536 octets"),
    ("length is no number", answering(OK + b"Content-Length: -1\r\n\r\n"), "malformed", "its length is '-1'"),
    ("long until it closes", answering(OK + b"\r\n" + b"x" * 70000), "malformed", "more than 65536 octets"),
    ("a long chunk", answering(OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n"), "malformed", "more than 65536"),
    (
        "many chunks",
        answering(OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*[b"x" * 4000] * 20)),
        "malformed",
        "more than 65536",
    ),
    ("broken chunks", answering(OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\n"), "malformed", "its chunks are broken"),
    ("gzip", answering(OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b"), "malformed", "it is encoded ('gzip')"),
    ("interim answers only", answering(b"HTTP/1.1 100 Continue\r\n\r\n" * 9), "malformed", "interim answers only"),
    ("sends without an end", endless, "malformed", "its header has no end"),
]


@pytest.mark.parametrize(("handler", "state", "detail"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_servers_that_misbehave(files: pathlib.Path, handler: Handler, state: str, detail: str) -> None:
    answer = fetched(files, handler)
    assert (answer.state, answer.body) == (state, b"")
    assert detail in answer.detail


def test_no_octets_are_worse_than_malformed(files: pathlib.Path) -> None:
    """Answers with octets changed, left out and added."""
    seeds = iter(range(200))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        chance = random.Random(next(seeds))
        octets = bytearray(chance.choice([row[1] for row in GOOD]))
        for _change in range(chance.randint(1, 6)):
            octets[chance.randrange(len(octets))] = chance.choice([0, 10, 13, 32, 45, 58, 255, chance.randrange(256)])
        writer.write(bytes(octets[: chance.randint(1, len(octets))] if chance.random() < 0.3 else octets))
        await writer.drain()

    async def run() -> list[Fetched]:
        trust = _https.trust(str(files / "ca.pem"))
        async with tcp_server(handle, server_context(files / "host.pem")) as port:
            return [await _https.fetch(url(port), "127.0.0.1", trust, 5, 10) for _each in range(200)]

    answers = asyncio.run(run())
    json.dumps([(answer.content_type, answer.detail) for answer in answers]).encode()
    assert {answer.state for answer in answers} == {"fetched", "malformed"}


def test_the_time_is_limited(files: pathlib.Path) -> None:
    """That of the handshake, and that of the policy."""
    plain = fetched(files, silent, seconds=0.5, tls=False)
    encrypted = fetched(files, silent, in_all=1)
    assert {(answer.state, answer.detail) for answer in (plain, encrypted)} == {("timed_out", "no policy came in time")}


def test_no_tls(files: pathlib.Path) -> None:
    answer = fetched(files, answering(b"HTTP/1.1 400 Bad Request\r\n\r\n", ask=b"\x03"), tls=False)
    assert answer.state == "unreachable"
    assert answer.detail.startswith("no TLS (")


def test_nobody_listens(files: pathlib.Path) -> None:
    trust = _https.trust(str(files / "ca.pem"))
    answer = asyncio.run(_https.fetch(url(closed_port()), "127.0.0.1", trust, 5))
    assert (answer.state, answer.detail) == ("unreachable", "Connection refused")


CERTIFICATES: list[tuple[str, dict[str, t.Any], str]] = [
    ("3.3: another name", {"names": ["www.alpha.test"]}, "Hostname mismatch"),
    ("3.3: the name as common name only", {"names": [], "common_name": HOST}, "Hostname mismatch"),
    ("3.3: over", {"names": [HOST], "days": -1}, "certificate has expired"),
]


@pytest.mark.parametrize(("wish", "detail"), [row[1:] for row in CERTIFICATES], ids=[row[0] for row in CERTIFICATES])
def test_certificates(files: pathlib.Path, authority: Authority, wish: dict[str, t.Any], detail: str) -> None:
    authority.issue(*wish.pop("names"), **wish).write(files / "bad.pem")
    answer = fetched(files, answering(OK + b"\r\n" + POLICY), "bad.pem")
    assert answer.state == "certificate"
    assert answer.detail.startswith(detail)


def test_a_wildcard_is_a_name(files: pathlib.Path, authority: Authority) -> None:
    authority.issue("*.alpha.test").write(files / "wildcard.pem")
    assert fetched(files, answering(OK + b"\r\n" + POLICY), "wildcard.pem").body == POLICY


def test_an_unknown_authority(files: pathlib.Path) -> None:
    Authority("Somebody else").issue(HOST).write(files / "stranger.pem")
    answer = fetched(files, answering(OK + b"\r\n" + POLICY), "stranger.pem")
    assert (answer.state, answer.detail) == ("certificate", "self-signed certificate in certificate chain")


@pytest.mark.parametrize(
    ("text", "problem"),
    [(None, "cannot be read: No such file or directory"), ("x", "holds no certificate")],
)
def test_files_of_authorities(tmp_path: pathlib.Path, text: str | None, problem: str) -> None:
    if text:
        (tmp_path / "ca.pem").write_text(text)
    with pytest.raises(ValueError, match=problem):
        _https.trust(str(tmp_path / "ca.pem"))


def test_the_system_is_trusted_otherwise() -> None:
    trust = _https.trust(None)
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, True)


class Site(http.server.BaseHTTPRequestHandler):
    """A site with one policy, that moves another, and has nothing else."""

    protocol_version = "HTTP/1.1"
    asked: t.ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        name = (self.headers["Host"] or "").partition(":")[0]
        status = {HOST: 200, "mta-sts.moved.test": 301}.get(name, 404)
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "https://www.moved.test/mta-sts.txt")
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(POLICY)))
        self.end_headers()
        self.wfile.write(POLICY)

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002
        """Say nothing."""


@contextlib.contextmanager
def site(certificate: pathlib.Path) -> t.Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.socket = server_context(certificate).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_web_server(files: pathlib.Path, authority: Authority) -> None:
    """What is asked for, and that redirects are not followed."""
    moved, absent = "mta-sts.moved.test", "mta-sts.absent.test"
    authority.issue(HOST, moved, absent).write(files / "site.pem")
    trust = _https.trust(str(files / "ca.pem"))
    with site(files / "site.pem") as port:
        answers = [asyncio.run(_https.fetch(url(port, host), "127.0.0.1", trust, 5)) for host in (HOST, moved, absent)]
    assert [(answer.status, answer.body, answer.detail) for answer in answers] == [
        (200, POLICY, ""),
        (301, b"", "https://www.moved.test/mta-sts.txt"),
        (404, b"", ""),
    ]
    path = _mta_sts.policy_url("alpha.test").partition(HOST)[2]
    assert Site.asked == [(path, f"{host}:{port}") for host in (HOST, moved, absent)]

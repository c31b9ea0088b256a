# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import socketserver
import threading
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _redis


@contextlib.contextmanager
def server(*answers: str) -> t.Iterator[tuple[str, list[bytes]]]:
    """A server that gives the answers, one for each command; its address, and what it was told."""
    told: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for answer in answers:
                told.append(self.connection.recv(1024))
                self.wfile.write(answer.encode() + b"\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.handle_request)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.server_address[1]}", told
        finally:
            thread.join()


@pytest.mark.parametrize(
    ("password", "answers", "expected"),
    [
        ("", ["+PONG"], ""),
        ("p", ["+OK", "+PONG"], ""),
        ("", ["-NOAUTH Authentication required."], "NOAUTH Authentication required."),
        ("p", ["-WRONGPASS invalid"], "WRONGPASS invalid"),
    ],
)
def test_refusal(password: str, answers: list[str], expected: str) -> None:
    with server(*answers) as (address, _told):
        assert _redis.refusal(address, password, 10) == expected


def test_a_password_of_any_characters() -> None:
    with server("+OK", "+PONG") as (address, told):
        assert _redis.refusal(address, "p\r\n ä", 10) == ""
    assert told == [b"*2\r\n$4\r\nAUTH\r\n$6\r\np\r\n \xc3\xa4\r\n", b"*1\r\n$4\r\nPING\r\n"]


@pytest.mark.parametrize("answers", [["-LOADING Redis is loading the dataset in memory"], []])
def test_a_server_that_is_not_ready(answers: list[str]) -> None:
    with server(*answers) as (address, _told), pytest.raises(_redis.ServerAwayError):
        _redis.refusal(address, "", 10)


def test_nobody_there() -> None:
    with server("+PONG") as (address, _told):
        _redis.refusal(address, "", 10)
    with pytest.raises(_redis.ServerAwayError):
        _redis.refusal(address, "", 10)


def test_no_address() -> None:
    assert _redis.refusal("redis", "", 10) == "'redis' is no address of a server"

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conversation with a milter, against filters that answer as the tables say."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import struct
import threading
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _milter
from ansible_collections.mailops.relay.plugins.module_utils._opendkim import UnixSocket

Answers = t.Mapping[bytes, bytes]
"""What a filter sends, framed, after each command; other commands are answered with "continue"."""


def packet(command: bytes, data: bytes = b"") -> bytes:
    return struct.pack("!I", len(data) + 1) + command + data


AGREED = packet(b"O", struct.pack("!III", 6, 0x1, 0))
SIGNATURE = packet(b"i", struct.pack("!I", 0) + b"DKIM-Signature\0 v=1; d=a.example; s=s1;\r\n\tb=x\0")
ADDED = packet(b"h", b"DKIM-Signature\0v=1; d=a.example; s=s1\0")


@contextlib.contextmanager
def filtering(folder: pathlib.Path, answers: Answers) -> t.Iterator[UnixSocket]:
    """Listen as a filter does, for one connection."""
    path = str(folder / "sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        thread = threading.Thread(target=answer, args=(listener, answers), daemon=True)
        thread.start()
        yield UnixSocket(path)
        thread.join(5)


def answer(listener: socket.socket, answers: Answers) -> None:
    connection = listener.accept()[0]
    with connection, connection.makefile("rb") as stream, contextlib.suppress(OSError):
        while header := stream.read(4):
            command = stream.read(struct.unpack("!I", header)[0])[:1]
            if command == b"Q" or answers.get(command) == b"close":
                return
            if command != b"D":
                connection.sendall(answers.get(command, packet(b"c")))


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({b"O": AGREED, b"E": SIGNATURE + packet(b"c")}, None),
        ({b"O": AGREED, b"E": ADDED + packet(b"a")}, None),
        ({b"O": AGREED, b"E": packet(b"m", b"x") + SIGNATURE + packet(b"c")}, None),
        ({b"O": AGREED}, "its verdict on a probe: continue"),
        ({b"O": AGREED, b"N": packet(b"a")}, "its verdict on a probe: accept"),
        ({b"O": AGREED, b"N": packet(b"t")}, "its verdict on a probe: temporary failure"),
        ({b"O": AGREED, b"M": packet(b"y", b"550 no\0")}, "a reply of its own"),
        ({b"O": AGREED, b"E": SIGNATURE.replace(b"s=s1", b"s=s2") + packet(b"c")}, "d=a.example, s=s1"),
    ],
)
def test_signing_is_seen(tmp_path: pathlib.Path, answers: Answers, problem: str | None) -> None:
    with filtering(tmp_path, answers) as address:
        milter = _milter.open_milter(address, 5)
        milter.connect("localhost", "127.0.0.1")
        problems = _milter.signing_problems(milter, "OpenDKIM", {"a.example": ("a.example", "s1")})
        milter.connection.close()
    assert [problem in text for text in problems] == [True] if problem else problems == []


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({b"O": packet(b"c")}, "answered the option negotiation with b'c'"),
        ({b"O": packet(b"O", b"\0\0")}, "answered the option negotiation"),
        ({b"O": b"HTTP/1.1 400 Bad Request\r\n"}, "does not speak the milter protocol"),
        ({b"O": b"\0\0\0\0"}, "does not speak the milter protocol"),
        ({b"O": b"close"}, "closed the connection"),
    ],
)
def test_what_is_no_milter(tmp_path: pathlib.Path, answers: Answers, message: str) -> None:
    with filtering(tmp_path, answers) as address, pytest.raises(_milter.MilterError, match=message):
        _milter.open_milter(address, 5)


def test_nobody_listens(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError):
        _milter.open_milter(UnixSocket(str(tmp_path / "sock")), 5)


def test_silence_ends_in_time(tmp_path: pathlib.Path) -> None:
    with filtering(tmp_path, {b"O": b""}) as address, pytest.raises(OSError, match="timed out"):
        _milter.open_milter(address, 0.2)

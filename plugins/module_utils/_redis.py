# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""One question to a Redis or Valkey server: whether it lets us in. The protocol is RESP (redis.io, "Redis serialization
protocol specification")."""

from __future__ import annotations

import re
import socket

_ADDRESS = re.compile(r"(?:\[(?P<literal>[^\]]+)\]|(?P<host>[^:]+)):(?P<port>\d+)")
# What a server answers that is not ready, whoever asks.
_NOT_READY = ("LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN")


class ServerAwayError(Exception):
    """The server was not reached, or is not ready. The message says what was seen."""


def _command(*words: str) -> bytes:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        encoded = word.encode()
        parts.append(f"${len(encoded)}\r\n".encode() + encoded + b"\r\n")
    return b"".join(parts)


def refusal(address: str, password: str, timeout: float) -> str:
    """Log in to the server at ``host:port`` and say hello; return its error, or "" where it lets us in."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return f"{address!r} is no address of a server"
    commands = [_command("AUTH", password)] if password else []
    try:
        target = (found["literal"] or found["host"], int(found["port"]))
        with socket.create_connection(target, timeout=timeout) as connection, connection.makefile("rb") as answers:
            for command in [*commands, _command("PING")]:
                connection.sendall(command)
                answer = answers.readline(1024).decode("utf-8", "replace").strip()
                if answer.startswith(tuple(f"-{word}" for word in _NOT_READY)) or not answer:
                    raise ServerAwayError(answer[1:] or "it closed the connection")
                if not answer.startswith("+"):
                    return answer.lstrip("-")
    except OSError as error:
        raise ServerAwayError(str(error)) from error
    return ""

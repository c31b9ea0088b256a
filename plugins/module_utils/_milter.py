# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The milter protocol from the side of the mail server, as far as a look at a signing filter needs it.

There is no RFC. The protocol is that of Sendmail's libmilter: packets of a length (4 octets), a command (1 octet) and
data; the filter answers each step, and at the end of the message tells the changes it wants before its verdict.
"""

from __future__ import annotations

import socket
import struct
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _dkim
from ansible_collections.mailops.relay.plugins.module_utils._opendkim import Address, InetSocket

VERSION = 6
ACTIONS = 0x1FF
"""Every change to a message is offered, so that the filter may ask for the ones it needs."""

STEPS = 0
"""No step is left out: the filter answers each of them."""

CONTINUE = b"c"
VERDICTS = {
    CONTINUE: "continue",
    b"a": "accept",
    b"d": "discard",
    b"r": "reject",
    b"t": "temporary failure",
    b"y": "a reply of its own",
}

_NEGOTIATE, _INSERT_HEADER, _ADD_HEADER = b"O", b"i", b"h"
_LARGEST = 1 << 20

Header = t.Tuple[str, str]


class MilterError(Exception):
    """The filter did not answer, or not as the protocol asks."""


class Milter:
    """A conversation with a filter, on a connected socket that has a time-out."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def _send(self, command: bytes, data: bytes = b"") -> None:
        self.connection.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def _take(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            chunk = self.connection.recv(length - len(data))
            if not chunk:
                raise MilterError("it closed the connection")
            data += chunk
        return data

    def _receive(self) -> tuple[bytes, bytes]:
        (length,) = struct.unpack("!I", self._take(4))
        if not 1 <= length <= _LARGEST:
            raise MilterError("it does not speak the milter protocol")
        packet = self._take(length)
        return packet[:1], packet[1:]

    def _step(self, command: bytes, data: bytes) -> bytes:
        self._send(command, data)
        return self._receive()[0]

    def negotiate(self) -> None:
        """Agree on version and steps (SMFIC_OPTNEG)."""
        self._send(_NEGOTIATE, struct.pack("!III", VERSION, ACTIONS, STEPS))
        command, data = self._receive()
        if command != _NEGOTIATE or len(data) < 12:
            raise MilterError(f"it answered the option negotiation with {command!r}")

    def connect(self, host: str, address: str) -> None:
        """Tell of an SMTP client (IPv4) and its greeting."""
        self._step(b"C", host.encode() + b"\0" + b"4" + struct.pack("!H", 25) + address.encode() + b"\0")
        self._step(b"H", host.encode() + b"\0")

    def message(
        self, queue_id: str, sender: str, headers: t.Iterable[Header], body: bytes
    ) -> tuple[bytes, list[Header]]:
        """Offer a message; return the verdict and the header fields that the filter adds. Nothing is sent anywhere.

        :param sender: the address of the envelope, empty for the null sender
        """
        self._send(b"D", b"M" + b"i\0" + queue_id.encode() + b"\0")
        headers = list(headers)
        steps = [(b"M", f"<{sender}>\0".encode()), (b"R", b"<postmaster@example.invalid>\0")]
        steps += [(b"L", f"{name}\0{value}\0".encode()) for name, value in headers]
        steps += [(b"N", b""), (b"B", body)]
        for command, data in steps:
            verdict = self._step(command, data)
            if verdict not in VERDICTS:
                raise MilterError(f"it answered the step {command!r} with {verdict!r}")
            if verdict != CONTINUE:
                return verdict, []
        self._send(b"E")
        return self._end_of_message()

    def _end_of_message(self) -> tuple[bytes, list[Header]]:
        added: list[Header] = []
        while True:
            command, data = self._receive()
            if command in VERDICTS:
                return command, added
            if command in (_INSERT_HEADER, _ADD_HEADER):
                name, value = data[4 if command == _INSERT_HEADER else 0 :].split(b"\0")[:2]
                added.append((name.decode("latin-1"), value.decode("latin-1").strip()))

    def close(self) -> None:
        self._send(b"Q")


def open_milter(address: Address, timeout: float) -> Milter:
    """Connect and negotiate. Raises ``OSError`` where nobody listens, :class:`MilterError` where no filter answers."""
    if isinstance(address, InetSocket):
        connection = socket.create_connection((address.host, address.port), timeout=timeout)
    else:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
    try:
        if not isinstance(address, InetSocket):
            connection.connect(address.path)
        milter = Milter(connection)
        milter.negotiate()
    except BaseException:
        connection.close()
        raise
    return milter


def signing_problems(milter: Milter, program: str, expected: t.Mapping[str, tuple[str, str]]) -> list[str]:
    """Offer a message of each sender domain; return those that come back without a signature of what is expected.

    ``milter`` is told already that this host is the client. ``expected`` has the signing domain and the selector.
    """
    problems = []
    for domain, (signer, selector) in expected.items():
        sender = f"probe@{domain}"  # in both places: a filter may hold programs of this host to that
        headers = [("From", sender), ("Date", "Thu, 1 Jan 1970 00:00:00 +0000"), ("Subject", "probe")]
        verdict, added = milter.message("probe", sender, headers, b"probe\r\n")
        signatures = [_dkim.tag_list(value) for name, value in added if name.lower() == "dkim-signature"]
        if (signer, selector) not in [(tags.get("d"), tags.get("s")) for tags in signatures]:
            problems.append(
                f"{program} does not sign mail from @{domain} with d={signer}, s={selector} "
                f"(its verdict on a probe: {VERDICTS[verdict]})"
            )
    rest = [f"The same for {len(problems) - 3} more domains"] if len(problems) > 3 else []
    return problems[:3] + rest

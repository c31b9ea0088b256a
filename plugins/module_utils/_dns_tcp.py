# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""One DNS server over TCP, many questions in flight, each message signed with TSIG (RFC 8945) if there is a key.

The one place where what servers answer to a key becomes a line for the user.
"""

from __future__ import annotations

import base64
import binascii
import errno
import socket
import time
import typing as t

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.rcode
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
    import dns.rdtypes.ANY.TSIG
    import dns.tsig
    import dns.wire

    HAS_DNSPYTHON = True
except ImportError:
    HAS_DNSPYTHON = False

ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512")

IN_FLIGHT = 64
"""Questions sent before the first answer is read; few enough for the buffers of both sides (RFC 7766, 6.2.1.1)."""

NO_ROUTE = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

FUDGE = 300
"""Seconds by which two clocks may differ (RFC 8945, 10)."""


class DnsError(Exception):
    """The server did not do it. The message is one line for the user, or one for each problem."""


class NoRouteError(DnsError):
    """This machine has no way to the server: mostly, an IPv6 address where there is no IPv6."""


class UnansweredError(DnsError):
    """The server was asked, and no answer came that can be trusted: whether it did what it was asked is not known."""


class TsigKey(t.NamedTuple):
    """A key shared with a server. ``secret`` is base64, as servers have it in their configuration."""

    name: str
    secret: str
    algorithm: str = ALGORITHMS[0]

    def __repr__(self) -> str:
        return f"TsigKey({self.name!r}, {self.algorithm!r})"

    def __str__(self) -> str:
        return f"{self.name} ({self.algorithm})"


def _tsig_key(key: TsigKey) -> dns.tsig.Key:
    try:
        secret = base64.b64decode(key.secret.strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not secret:
        raise DnsError("key_secret: it is no base64 text (not shown). Accepted: the secret as the server has it")
    try:
        return dns.tsig.Key(dns.name.from_text(key.name), secret, key.algorithm)
    except dns.exception.DNSException as error:
        raise DnsError(f"key_name: {key.name!r} is not the name of a key: {error}") from None


def _skip_name(parser: dns.wire.Parser) -> None:
    """Go past a name, which a pointer to another one may end (RFC 1035, 4.1.4)."""
    length = parser.get_uint8()
    while 0 < length < 192:
        parser.get_bytes(length)
        length = parser.get_uint8()
    if length:
        parser.get_uint8()


def _tsig_of(wire: bytes) -> t.Any:
    """Return the TSIG data of a message before they are verified, or None: errors in them are not signed."""
    parser = dns.wire.Parser(wire)
    _id, _flags, questions, *records = parser.get_struct("!HHHHHH")
    for _question in range(questions):
        _skip_name(parser)
        parser.get_struct("!HH")
    for _record in range(sum(records)):
        _skip_name(parser)
        rdtype, rdclass, _ttl, length = parser.get_struct("!HHIH")
        if rdtype == dns.rdatatype.TSIG:
            with parser.restrict_to(length):
                return dns.rdata.from_wire_parser(rdclass, rdtype, parser)
        parser.get_bytes(length)
    return None


class Connection:
    """A connection to a server, made when the first message is sent. ``clock`` gives the time of signatures."""

    def __init__(
        self,
        server: str,
        port: int = 53,
        key: TsigKey | None = None,
        timeout: float = 10,
        clock: t.Callable[[], float] = time.time,
    ) -> None:
        self.server, self.port, self.timeout, self.clock = server, port, timeout, clock
        self.key = key
        self.tsig_key = _tsig_key(key) if key else None
        self.socket: socket.socket | None = None

    @property
    def label(self) -> str:
        return self.server if self.port == 53 else f"{self.server} port {self.port}"

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.socket:
            self.socket.close()
        self.socket = None

    def _connect(self) -> socket.socket:
        try:
            return socket.create_connection((self.server, self.port), self.timeout)
        except socket.gaierror as error:
            raise DnsError(f"{self.label}: no address is known for this server ({error.strerror})") from None
        except socket.timeout:
            raise DnsError(f"{self.label}: no connection in {self.timeout:g} s over TCP; is it up?") from None
        except OSError as error:
            kind = NoRouteError if error.errno in NO_ROUTE else DnsError
            raise kind(f"{self.label}: no connection over TCP ({error.strerror}); is the server up?") from None

    def _receive(self, size: int, deadline: float) -> bytes:
        data = b""
        if self.socket is None:
            raise DnsError(f"{self.label}: there is no connection to read from")
        while len(data) < size:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise UnansweredError(f"{self.label}: it closed the connection instead of answering")
            data += piece
        return data

    def ask(self, messages: t.Sequence[dns.message.Message], signed: bool = True) -> list[dns.message.Message]:
        """Send all messages and return their answers in the same order."""
        key = self.tsig_key if signed else None
        answers: list[dns.message.Message] = []
        for start in range(0, len(messages), IN_FLIGHT):
            answers += self._exchange(messages[start : start + IN_FLIGHT], key)
        return answers

    def _exchange(
        self, messages: t.Sequence[dns.message.Message], key: dns.tsig.Key | None
    ) -> list[dns.message.Message]:
        self.socket = self.socket or self._connect()
        macs: dict[int, bytes] = {}
        answers: dict[int, dns.message.Message] = {}
        deadline = time.monotonic() + self.timeout
        try:
            for number, message in enumerate(messages):
                message.id = number
                wire, macs[number] = self._signed(message, key)
                self.socket.sendall(len(wire).to_bytes(2, "big") + wire)
            while len(answers) < len(messages):
                wire = self._receive(int.from_bytes(self._receive(2, deadline), "big"), deadline)
                answer = self._verified(wire, macs, key)
                answers[answer.id] = answer
        except socket.timeout:
            raise UnansweredError(f"{self.label}: no answer in {self.timeout:g} s; is it overloaded?") from None
        except OSError as error:
            raise UnansweredError(f"{self.label}: the connection broke ({error.strerror})") from None
        return [answers[number] for number in range(len(messages))]

    def _signed(self, message: t.Any, key: dns.tsig.Key | None) -> tuple[bytes, bytes]:
        """Return the message as it is sent, and its MAC."""
        try:
            wire: bytes = message.to_wire()
        except dns.exception.TooBig:
            raise DnsError(f"{self.label}: too much for one message of 64 kB; publish fewer records at once") from None
        if not key:
            return wire, b""
        tsig_type: t.Any = dns.rdtypes.ANY.TSIG.TSIG
        sign: t.Any = dns.tsig.sign
        empty = tsig_type(dns.rdataclass.ANY, dns.rdatatype.TSIG, key.algorithm, 0, FUDGE, b"", message.id, 0, b"")
        tsig, _context = sign(wire, key, empty, int(self.clock()))
        data: bytes = tsig.to_wire()
        header = b"".join(number.to_bytes(2, "big") for number in (dns.rdatatype.TSIG, dns.rdataclass.ANY, 0, 0))
        record = t.cast(bytes, key.name.to_wire()) + header + len(data).to_bytes(2, "big") + data
        count = int.from_bytes(wire[10:12], "big") + 1
        return wire[:10] + count.to_bytes(2, "big") + wire[12:] + record, tsig.mac

    def _verified(self, wire: bytes, macs: t.Mapping[int, bytes], key: dns.tsig.Key | None) -> dns.message.Message:
        """Return an answer that is from the server we asked, or raise DnsError."""
        number = int.from_bytes(wire[:2], "big")
        if len(wire) < 12 or number not in macs:
            raise UnansweredError(f"{self.label}: it sent something that is no answer to us")
        try:
            tsig = _tsig_of(wire)
            if tsig and tsig.error:
                raise DnsError(self._key_problem(tsig))
            keyring = {key.name: key} if tsig and key else None
            answer = dns.message.from_wire(wire, keyring=keyring, request_mac=macs[number] if keyring else b"")
        except dns.tsig.BadTime:
            raise UnansweredError(
                f"{self.label}: the time in its signature is wrong; look at the clocks of both"
            ) from None
        except (dns.exception.DNSException, ValueError) as error:
            raise UnansweredError(
                f"{self.label}: its answer is malformed or not signed by the key ({error}); is it the right server?"
            ) from None
        if key and not tsig and answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise UnansweredError(
                f"{self.label}: its answer is not signed, though the question was; is it the right server?"
            )
        return answer

    def _key_problem(self, tsig: t.Any) -> str:
        error = dns.rcode.to_text(tsig.error, tsig=True)
        if tsig.error == dns.rcode.BADKEY:
            return (
                f"{self.label}: {error}: it does not know the key {self.key}."
                " Accepted: key_name and key_algorithm exactly as in the server's configuration."
            )
        if tsig.error == dns.rcode.BADTIME:
            skew = int.from_bytes(tsig.other, "big") - int(self.clock())
            by = f"{abs(skew)} s {'ahead of' if skew > 0 else 'behind'}" if tsig.other else "too far from"
            return f"{self.label}: {error}: its clock is {by} this machine's; {FUDGE} s are accepted. Set the clocks."
        if tsig.error == dns.rcode.BADSIG:
            return f"{self.label}: {error}: it knows the key {self.key}, but with another secret. Look at key_secret."
        return f"{self.label}: {error}: it does not take the signature of the key {self.key}"

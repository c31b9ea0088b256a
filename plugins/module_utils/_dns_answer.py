# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What a DNS server says to a question, as plain values. The ways to say nothing are different states."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

PRESENT = "present"
NO_NAME = "no_name"
"""There is nothing at the name, nor below it (NXDOMAIN)."""
NO_DATA = "no_data"
"""The name is there, without a record of this type."""
REFUSED = "refused"
"""The server does not want to answer: REFUSED or NOTAUTH."""
NOT_AUTHORITATIVE = "not_authoritative"
"""The server knows of others who might: it does not serve the zone."""
FAILED = "failed"
"""The server could not answer: SERVFAIL and other codes of RFC 6895, 2.3."""
BOGUS = "bogus"
"""A validating resolver has the data and holds them for forged: the signatures do not fit (RFC 4033, 5)."""
MALFORMED = "malformed"
"""What came is not an answer of DNS."""
TIMED_OUT = "timed_out"
UNREACHABLE = "unreachable"
"""The network or the host says that there is no such server."""

ANSWERED = (PRESENT, NO_NAME, NO_DATA)
"""The states in which it is known what the zone holds."""

SECURITY = ("secure", "insecure", "bogus", "unknown")


@dataclass(frozen=True)
class Server:
    """An address that is asked; ``name`` is for the reader only."""

    address: str
    port: int = 53
    name: str = ""

    def __str__(self) -> str:
        place = self.address if self.port == 53 else f"{self.address} port {self.port}"
        return f"{self.name} ({place})" if self.name else place

    @property
    def key(self) -> tuple[str, int]:
        return self.address, self.port


def parse_server(text: str) -> Server:
    """Return the server of ``ADDRESS`` or ``ADDRESS@PORT``, or raise ValueError."""
    address, at, port = text.partition("@")
    try:
        number = int(port) if at else 53
        if not 1 <= number <= 65535:
            raise ValueError
        return Server(str(ipaddress.ip_address(address)), number)
    except ValueError:
        accepted = "an IP address, or one with a port such as 192.0.2.53@5353"
        raise ValueError(f"{text!r} is not a name server; accepted: {accepted}") from None


@dataclass(frozen=True)
class Answer:
    """The answer of one server to one question.

    ``values`` are those at the end of ``cnames``, the aliases that were followed. ``zone`` is the owner of the SOA
    record that came along. ``secure`` means that the resolver has validated the answer. ``detail`` is for the reader.
    """

    name: str
    rdtype: str
    server: Server
    state: str
    values: t.Tuple[str, ...] = ()
    ttl: int = 0
    cnames: t.Tuple[str, ...] = ()
    zone: str = ""
    authoritative: bool = False
    secure: bool = False
    detail: str = ""

    @property
    def is_answered(self) -> bool:
        return self.state in ANSWERED

    @property
    def security(self) -> str:
        """The DNSSEC state of an answer of a validating resolver (RFC 4033, 5)."""
        if self.state == BOGUS:
            return "bogus"
        if not self.is_answered:
            return "unknown"
        return "secure" if self.secure else "insecure"


@dataclass(frozen=True)
class Observation:
    """What was seen of a record set.

    ``answers`` has one answer per authoritative server. ``resolved`` is what a resolver says, None where none was
    named. ``wildcards`` are the values that names answer with which nobody has made. ``problem`` is the answer that
    stood in the way of finding the servers, or that says that the zone is not there. ``targets`` are the A and AAAA
    records of the hosts that the record set points to.
    """

    record: RecordSet
    zone: str = ""
    answers: t.Tuple[Answer, ...] = ()
    resolved: t.Optional[Answer] = None
    wildcards: t.Tuple[str, ...] = ()
    problem: t.Optional[Answer] = None
    targets: t.Tuple[Answer, ...] = ()

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What goes into the evaluation of SPF, what it asks of DNS, and what comes out (RFC 7208, 2.3 to 2.6, 4.1)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils._spf_macro import IPAddress

RESULTS = ("pass", "fail", "softfail", "neutral", "none", "permerror", "temperror")
"""The results of an evaluation (2.6)."""


@dataclass(frozen=True)
class Question:
    """A question for DNS: ``rdtype`` is one of TXT, A, AAAA, MX and PTR.

    ``name`` has no dot at its end. It is to be split at its dots and taken literally: it is not escaped (4.8), and
    a macro may have put a backslash or a space into it.
    """

    name: str
    rdtype: str


@dataclass(frozen=True)
class Answer:
    """The answer to a question, after CNAMEs were followed: the strings of each TXT record joined, addresses, names.

    MX names come in the order of preference. No values mean a void lookup: ``exists`` tells whether the name is there
    without such data, or not there at all. ``failure`` says why there is no answer: timed out, SERVFAIL, bogus.
    """

    values: tuple[str, ...] = ()
    exists: bool = True
    failure: str = ""


NO_DATA = Answer()
NO_NAME = Answer(exists=False)


@dataclass(frozen=True)
class Arguments:
    """The arguments of check_host() (4.1), and what the macros h, r and t stand for (7.2).

    ``timestamp`` is the number of seconds since the epoch.
    """

    ip: str
    domain: str
    sender: str
    helo: str
    receiver: str = "unknown"
    timestamp: int = 0

    @property
    def client(self) -> IPAddress:
        """The address to compare with: an IPv4-mapped IPv6 address stands for IPv4 (5). Raises ValueError."""
        address = ipaddress.ip_address(self.ip.partition("%")[0])
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return mapped or address

    @property
    def local_part(self) -> str:
        """The local-part of the sender, ``postmaster`` where it has none (4.3)."""
        return self.sender.rpartition("@")[0] or "postmaster"

    @property
    def sender_domain(self) -> str:
        return self.sender.rpartition("@")[2]


def helo_identity(ip: str, helo: str) -> Arguments:
    """Return the arguments to check the HELO identity with (2.3)."""
    return Arguments(ip, helo, f"postmaster@{helo}", helo)


def mail_from_identity(ip: str, mail_from: str, helo: str) -> Arguments:
    """Return the arguments to check the MAIL FROM identity with (2.4): a null one stands for postmaster at HELO.

    ``mail_from`` may have its angle brackets, and a source route, which does not count (2.2).
    """
    path = mail_from[1:-1] if mail_from.startswith("<") and mail_from.endswith(">") else mail_from
    if path.startswith("@") and ":" in path:
        path = path.partition(":")[2]
    if not path:
        return helo_identity(ip, helo)
    return Arguments(ip, path.rpartition("@")[2], path, helo)


@dataclass(frozen=True)
class Step:
    """A term that was evaluated.

    ``outcome`` is ``match``, ``no match``, ``temperror`` or ``permerror``; of a redirect it is its result, of exp it
    is ``explained`` or ``ignored``. ``target`` is the name after the expansion of macros (4.8). ``evaluation`` is what
    include and redirect led to.
    """

    term: str
    outcome: str
    target: str = ""
    detail: str = ""
    evaluation: Outcome | None = None


@dataclass(frozen=True)
class Outcome:
    """The result for a domain, and how it came about.

    ``record`` is the text of its SPF record. ``decided_by`` is the step that ended the evaluation, None where there is
    no record, or where no term matched (4.7). ``problem`` says why there is no better result than none, permerror or
    temperror. The counts are those of the whole evaluation, and only in its outermost outcome.

    RFC 7208 limits the terms with void lookups. Some receivers limit the lookups instead, and return permerror where
    ``void_lookups`` is above 2, as for an IPv6 client and ``mx`` with three hosts that have only IPv4.
    """

    result: str
    domain: str
    record: str = ""
    steps: tuple[Step, ...] = ()
    decided_by: Step | None = None
    explanation: str = ""
    problem: str = ""
    lookup_terms: int = 0
    void_terms: int = 0
    void_lookups: int = 0

    @property
    def path(self) -> tuple[str, ...]:
        """The terms that led to the result, from the outermost record to the innermost."""
        if self.decided_by is None:
            return ()
        nested = self.decided_by.evaluation
        return (self.decided_by.term, *(nested.path if nested else ()))

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Messages of DNS: a question made, an answer read. Beside this file, only those of updates import dnspython."""

from __future__ import annotations

import secrets
import struct
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.mailops.relay.plugins.module_utils import _dns_answer, _record
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.opcode
    import dns.rcode
    import dns.rdataclass
    import dns.rdatatype
    import dns.resolver

    HAS_DNSPYTHON = True
except ImportError:
    HAS_DNSPYTHON = False

PAYLOAD = 1232
"""Octets that an answer by UDP may have and pass everywhere in one piece; the rest comes by TCP (RFC 9715)."""

MAX_CNAMES = 16

# No name, OPT, the payload, and nothing of the rest (RFC 6891, 6.1.2).
_EDNS = struct.pack("!BHHIH", 0, 41, PAYLOAD, 0, 0)

# FORMERR, SERVFAIL, NOTIMP, REFUSED.
_WITHOUT_QUESTION = (1, 2, 4, 5)


@dataclass(frozen=True)
class Question:
    """A question. Its name is split at the dots and its labels are taken literally: nothing is escaped.

    ``recurse`` is for resolvers; ``check`` is whether a resolver leaves out what it holds for bogus (RFC 4035, 3.2.2).
    """

    name: str
    rdtype: str
    recurse: bool = False
    check: bool = True
    edns: bool = True


class Query(t.NamedTuple):
    """A question as a message: what it has of its own, and its octets."""

    number: int
    name: dns.name.Name
    rdtype: int
    wire: bytes


class TruncatedError(Exception):
    """The answer did not fit, and is to be had by TCP."""


class PlainError(Exception):
    """The server does not know EDNS, and is to be asked without (RFC 6891, 7)."""


def _labels(name: str) -> dns.name.Name:
    """Return a name from its labels; ValueError says that it cannot be one (RFC 1035, 2.3.4)."""
    labels = name.removesuffix(".").split(".") if name.removesuffix(".") else []
    try:
        return dns.name.Name([label.encode() for label in labels] + [b""])
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"{name[:80]!r} is not a name in DNS (RFC 1035, 2.3.4)") from None


def query(question: Question) -> Query:
    """Make the message of a question (RFC 1035, 4.1), or raise ValueError.

    It is written here, as dnspython takes five times as long for what are the same few octets each time.
    """
    name, rdtype = _labels(question.name), int(dns.rdatatype.from_text(question.rdtype))
    # AD asks for the state of validation without the signatures (RFC 6840, 5.7).
    flags = dns.flags.RD | dns.flags.AD if question.recurse else 0
    if not question.check:
        flags |= dns.flags.CD
    number = secrets.randbits(16)
    header = struct.pack("!6H", number, flags, 1, 0, 0, question.edns)
    asked = (name.to_wire() or b"") + struct.pack("!2H", rdtype, dns.rdataclass.IN)
    return Query(number, name, rdtype, header + asked + _EDNS * question.edns)


def _answers(message: dns.message.Message, asked: Query) -> bool:
    """Whether a message is the answer to a question; with some errors, the question need not stand in it."""
    if message.id != asked.number or not message.flags & dns.flags.QR or message.opcode() != dns.opcode.QUERY:
        return False
    questions = [(rrset.name, rrset.rdtype, rrset.rdclass) for rrset in message.question]
    if not questions:
        return message.rcode() in _WITHOUT_QUESTION
    return questions == [(asked.name, asked.rdtype, dns.rdataclass.IN)]


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _value(rdtype: str, rdata: t.Any) -> str:
    if rdtype == "TXT":
        return _record.txt_text(rdata.strings)
    try:
        return _record.normalise(rdtype, rdata.to_text())
    except ValueError:
        return str(rdata.to_text())


def _chain(message: dns.message.Message, name: dns.name.Name, rdtype: str) -> tuple[dns.name.Name, list[str]]:
    """Follow the CNAMEs that the answer holds; return where they end, and each target."""
    targets: list[str] = []
    while rdtype != "CNAME" and len(targets) < MAX_CNAMES:
        alias = message.get_rrset(message.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME)
        if not alias:
            break
        name = alias[0].target
        targets.append(_text(name))
    return name, targets


def _zone(message: dns.message.Message) -> str:
    sets = [*message.answer, *message.authority]
    return next((_text(rrset.name) for rrset in sets if rrset.rdtype == dns.rdatatype.SOA), "")


def _detail(message: dns.message.Message) -> str:
    """What went wrong: the code, and what the server adds to it (RFC 8914)."""
    errors: list[t.Any] = getattr(message, "extended_errors", list)()
    return "; ".join([dns.rcode.to_text(message.rcode()), *(error.to_text() for error in errors)])


def _without_data(message: dns.message.Message, cnames: list[str]) -> str:
    if message.rcode() == dns.rcode.NXDOMAIN:
        return _dns_answer.NO_NAME
    referred = any(rrset.rdtype == dns.rdatatype.NS for rrset in message.authority) and not _zone(message)
    known = message.flags & (dns.flags.AA | dns.flags.RA)
    return _dns_answer.NO_DATA if cnames or (known and not referred) else _dns_answer.NOT_AUTHORITATIVE


def _judged(message: dns.message.Message, blank: Answer, name: dns.name.Name) -> Answer:
    code = message.rcode()
    if code in (dns.rcode.REFUSED, dns.rcode.NOTAUTH):
        return replace(blank, state=_dns_answer.REFUSED, detail=_detail(message))
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return replace(blank, state=_dns_answer.FAILED, detail=_detail(message))
    end, cnames = _chain(message, name, blank.rdtype)
    found = message.get_rrset(message.answer, end, dns.rdataclass.IN, dns.rdatatype.from_text(blank.rdtype))
    return replace(
        blank,
        state=_dns_answer.PRESENT if found else _without_data(message, cnames),
        values=tuple(sorted(_value(blank.rdtype, rdata) for rdata in found)) if found else (),
        ttl=found.ttl if found else 0,
        cnames=tuple(cnames),
        zone=_zone(message),
        authoritative=bool(message.flags & dns.flags.AA),
        secure=bool(message.flags & dns.flags.AD),
    )


def malformed(question: Question, server: Server, detail: str) -> Answer:
    return Answer(question.name, question.rdtype, server, _dns_answer.MALFORMED, detail=detail)


def read(asked: Query, question: Question, server: Server, wire: bytes) -> Answer:
    """Return what the octets say. Raises :class:`TruncatedError` and :class:`PlainError` where to ask otherwise."""
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        return malformed(question, server, f"{len(wire)} octets that are not a message ({type(error).__name__})")
    if not _answers(message, asked):
        return malformed(question, server, "a message that does not answer the question")
    if message.flags & dns.flags.TC:
        raise TruncatedError
    if question.edns and message.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
        raise PlainError
    blank = Answer(question.name, question.rdtype, server, _dns_answer.PRESENT)
    return _judged(message, blank, asked.name)


def system_resolvers() -> list[Server]:
    """Return the resolvers that this machine uses, or raise ValueError."""
    try:
        found = dns.resolver.Resolver(configure=True).nameservers
    except dns.exception.DNSException:
        found = []
    if not found:
        raise ValueError("this machine has no resolver; accepted: the address of one as resolver")
    return [Server(str(address)) for address in found]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A record set: all values of one type at one name, as the collection publishes and checks it.

A :class:`RecordSet` is always in its normal form, so that two spellings compare equal. Names in its values are
absolute and end with the dot of the root; the value of a TXT record is its text, neither quoted nor split.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import (
    _caa,
    _dkim,
    _dmarc,
    _mta_sts,
    _mx,
    _ptr,
    _spf,
    _syntax,
    _tlsa,
    _tlsrpt,
)

GRADES = ("required", "recommended", "optional")
"""How much a record matters: without a required one mail is refused, or not authenticated."""

DEFAULT_TTL = 3600
MAX_TTL = 2**31 - 1
"""Seconds (RFC 2181, 8)."""

MAX_STRING = 255
"""Octets of a character-string, of which a TXT record has one or more (RFC 1035, 3.3 and 3.3.14)."""

MAX_TXT = 65535
"""Octets that the data of a record may have, with one for the length of each string (RFC 1035, 3.2.1)."""

_SRV = re.compile(r"([0-9]{1,5})[ \t]+([0-9]{1,5})[ \t]+([0-9]{1,5})[ \t]+([^ \t]+)")


def _root(name: str) -> str:
    return f"{name}."


def _a(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


def _aaaa(text: str) -> str:
    address = ipaddress.IPv6Address(text)
    if getattr(address, "scope_id", None):
        raise ValueError("an address without a zone is accepted (RFC 4007, 11)")
    return str(address)


def _srv(text: str) -> str:
    """Normalise ``priority weight port target``; the target ``.`` says that there is no such service (RFC 2782)."""
    match = _SRV.fullmatch(text.strip(_syntax.WSP))
    if not match or any(int(number) > 65535 for number in match.groups()[:3]):
        raise ValueError("an SRV record such as 0 1 587 mail.example.com. is accepted (RFC 2782)")
    target = "." if match[4] == "." else _root(_syntax.host_name(match[4]))
    return " ".join([*(str(int(number)) for number in match.groups()[:3]), target])


def _txt(text: str) -> str:
    size = sum(len(string) + 1 for string in txt_strings(text))
    if size > MAX_TXT:
        raise ValueError(f"it has {size} octets with its lengths; up to {MAX_TXT} are accepted (RFC 1035, 3.2.1)")
    return text


_NORMALISE: dict[str, t.Callable[[str], str]] = {
    "A": _a,
    "AAAA": _aaaa,
    "CAA": lambda text: _caa.join(_caa.parse(text)),
    "CNAME": lambda text: _root(_syntax.domain_name(text)),
    "MX": lambda text: _mx.join(_mx.parse(text)),
    "PTR": lambda text: _root(_ptr.target(text)),
    "SRV": _srv,
    "TLSA": lambda text: _tlsa.join(_tlsa.parse(text)),
    "TXT": _txt,
}
TYPES = tuple(_NORMALISE)


def txt_strings(text: str) -> list[bytes]:
    """Split the text of a TXT record into its strings; at least one, which may be empty (RFC 1035, 3.3.14)."""
    octets = text.encode("utf-8")
    return [octets[i : i + MAX_STRING] for i in range(0, len(octets), MAX_STRING)] or [b""]


def txt_text(strings: t.Iterable[bytes]) -> str:
    r"""Join the strings of a TXT record without anything between them (RFC 7208, 3.3; RFC 6376, 3.6.2.2).

    Octets that are not UTF-8 are shown as ``\xff``: no record of mail has them.
    """
    return b"".join(strings).decode("utf-8", "backslashreplace")


def owner(name: str) -> str:
    """Return the name of a record set in lower case, without a final dot; ``*`` may be its first label (RFC 4592)."""
    wildcard, rest = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    return wildcard + _syntax.domain_name(rest)


def normalise(rdtype: str, value: str) -> str:
    """Return a value in its normal form, or raise ValueError with what is accepted."""
    if rdtype not in _NORMALISE:
        raise ValueError(f"{rdtype!r} is not a type of record that is known here; accepted: {', '.join(TYPES)}")
    try:
        return _NORMALISE[rdtype](value)
    except ValueError as error:
        raise ValueError(f"{value[:80]!r} is not the value of a record of type {rdtype}: {error}") from None


@dataclass(frozen=True)
class RecordSet:
    """All values of one type at one name. Making one checks and normalises it; ValueError says what is wrong."""

    name: str
    type: str
    values: tuple[str, ...]
    ttl: int = DEFAULT_TTL
    grade: str = "required"
    reason: str = ""

    def __post_init__(self) -> None:
        label = f"the record {self.name!r} {self.type}"
        try:
            object.__setattr__(self, "name", owner(self.name))
            values = tuple(dict.fromkeys(normalise(self.type, value) for value in self.values))
            if self.type == "MX":
                _mx.check_set(map(_mx.parse, values))
        except ValueError as error:
            raise ValueError(f"{label}: {error}") from None
        object.__setattr__(self, "values", values)
        if not values or (self.type == "CNAME" and len(values) > 1):
            accepted = "one value is" if self.type == "CNAME" else "one value or more are"
            raise ValueError(f"{label} has {len(values)} values; {accepted} accepted")
        if not 0 <= self.ttl <= MAX_TTL:
            raise ValueError(f"{label} has the TTL {self.ttl}; 0 to {MAX_TTL} seconds are accepted (RFC 2181, 8)")
        if self.grade not in GRADES:
            raise ValueError(f"{label} has the grade {self.grade!r}; accepted: {', '.join(GRADES)}")

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.type


def parse(record: t.Mapping[str, t.Any]) -> RecordSet:
    """Return the record set that an item of the option ``records`` describes."""
    given = {key: value for key, value in record.items() if value is not None}
    return RecordSet(
        name=given["name"],
        type=given["type"],
        values=tuple(given["values"]),
        ttl=given.get("ttl", DEFAULT_TTL),
        grade=given.get("grade", GRADES[0]),
        reason=given.get("reason", ""),
    )


def join(record: RecordSet) -> dict[str, t.Any]:
    """Return a record set as an item of the option ``records``."""
    return {
        "name": record.name,
        "type": record.type,
        "values": list(record.values),
        "ttl": record.ttl,
        "grade": record.grade,
        "reason": record.reason,
    }


def same(one: RecordSet, other: RecordSet) -> bool:
    """Whether two record sets hold the same data; their order, TTL, grade and reason do not matter."""
    return one.key == other.key and set(one.values) == set(other.values)


def purpose(name: str, rdtype: str, value: str) -> str:
    """Return what a TXT value is for: ``spf``, ``dkim``, ``dmarc``, ``tlsrpt`` or ``mta_sts``; else ``""``."""
    if rdtype != "TXT":
        return ""
    labels = name.split(".")
    found = {
        "dkim": "_domainkey" in labels[1:],
        "dmarc": labels[0] == "_dmarc" and _dmarc.is_record(value),
        "tlsrpt": labels[:2] == ["_smtp", "_tls"] and _tlsrpt.is_record(value),
        "mta_sts": labels[0] == "_mta-sts" and _mta_sts.is_record(value),
        "spf": _is_spf(value),
    }
    return next((kind for kind, true in found.items() if true), "")


def _is_spf(value: str) -> bool:
    return _spf.select([value]) is not None


_MEANING: dict[str, t.Callable[[str], t.Any]] = {
    "spf": _spf.parse,
    "dkim": _dkim.parse,
    "dmarc": _dmarc.parse,
    "tlsrpt": _tlsrpt.parse,
    "mta_sts": _mta_sts.parse,
}


def same_meaning(one: RecordSet, other: RecordSet) -> bool:
    """Whether two record sets tell receivers the same: :func:`same`, or TXT that differs in its spelling only."""
    return one.key == other.key and _meanings(one) == _meanings(other)


def _meanings(record: RecordSet) -> set[t.Any]:
    return {_meaning(record.name, record.type, value) for value in record.values}


def _meaning(name: str, rdtype: str, value: str) -> t.Any:
    kind = purpose(name, rdtype, value)
    try:
        return _MEANING[kind](value) if kind else value
    except ValueError:
        return value


def rivals(record: RecordSet, present: t.Iterable[str]) -> list[str]:
    """Return those values at the name that the record set takes the place of.

    Types other than TXT are replaced as a whole. TXT records of many purposes share a name: only those of a purpose
    of this set give way, the others belong to somebody else.
    """
    values = list(present)
    purposes = {purpose(record.name, record.type, value) for value in record.values}
    if record.type != "TXT":
        return values
    return [
        value
        for value in values
        if value in record.values or (purpose(record.name, record.type, value) or None) in purposes
    ]


def conflicts(records: t.Iterable[RecordSet]) -> list[str]:
    """Return why the record sets cannot all be published: two of one name and type, or a CNAME with another beside."""
    by_name: dict[str, list[str]] = {}
    for record in records:
        by_name.setdefault(record.name, []).append(record.type)
    problems = []
    for name, types in by_name.items():
        twice = [rdtype for rdtype in dict.fromkeys(types) if types.count(rdtype) > 1]
        problems += [
            f"{name!r} {rdtype} is listed twice; one record set with all values is accepted" for rdtype in twice
        ]
        others = [rdtype for rdtype in dict.fromkeys(types) if rdtype != "CNAME"]
        if "CNAME" in types and others:
            problems.append(f"{name!r} has a CNAME beside {', '.join(others)}; a CNAME is alone (RFC 1034, 3.6.2)")
    return problems

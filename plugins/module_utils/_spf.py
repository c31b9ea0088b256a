# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""SPF records: the grammar of RFC 7208, section 12. Its terms are values of ``_spf_term``.

:func:`parse` and :func:`join` are inverses: ``parse(join(record)) == record``, and ``join(parse(text))`` means what
``text`` means. Both raise nothing but ``ValueError``.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _spf_macro
from ansible_collections.mailops.relay.plugins.module_utils._spf_macro import MacroString
from ansible_collections.mailops.relay.plugins.module_utils._spf_term import (
    A,
    All,
    Directive,
    DualCidrLength,
    Exists,
    Explanation,
    Include,
    Ip4,
    Ip6,
    Mechanism,
    Modifier,
    Mx,
    Ptr,
    Record,
    Redirect,
    Term,
    UnknownModifier,
)

LOOKUP_TERMS = 10
"""How many terms of an evaluation may cause DNS lookups (RFC 7208, 4.6.4)."""

LOOKUP_MECHANISMS = (Include, A, Mx, Ptr, Exists)

_VERSION = re.compile(r"v=spf1(?= |\Z)", re.ASCII | re.IGNORECASE)
_PRINTABLE = re.compile(r"[ -~]*")
_MODIFIER = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_.-]*)=(?P<value>.*)")
_DIRECTIVE = re.compile(r"(?P<qualifier>[-+?~]?)(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<rest>(?:[:/].*)?)")
_CIDR_LENGTH = r"0|[1-9][0-9]{0,2}"
_CIDR = re.compile(rf"(?:/({_CIDR_LENGTH}))?\Z")
_DUAL_CIDR = re.compile(rf"(?:/({_CIDR_LENGTH}))?(?://({_CIDR_LENGTH}))?\Z")
_QNUM = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP4_NETWORK = re.compile(rf"{_QNUM}(?:\.{_QNUM}){{3}}")
_IP6_NETWORK = re.compile(r"[0-9A-Fa-f:.]+")


def _length(text: str | None, longest: int) -> int:
    if text is not None and int(text) > longest:
        raise ValueError(f"the prefix length /{text} is not in the range 0 to {longest} (RFC 7208, 5.6)")
    return longest if text is None else int(text)


def _domain_spec(rest: str) -> MacroString:
    if not rest.startswith(":"):
        raise ValueError("':' and a domain are expected behind the name (RFC 7208, 5)")
    return _spf_macro.domain_spec(rest[1:])


def _ending(pattern: re.Pattern[str], rest: str) -> re.Match[str]:
    """Return where ``rest`` ends with what the pattern describes; both patterns describe nothing at all, too."""
    found = pattern.search(rest)
    if found is None:
        raise ValueError(f"{rest!r} does not end as a term may (RFC 7208, 12)")
    return found


def _named(rest: str) -> tuple[MacroString, DualCidrLength]:
    """Parse ``[ ":" domain-spec ] [ dual-cidr-length ]`` (5.3, 5.4)."""
    cidr = _ending(_DUAL_CIDR, rest)
    if rest[: cidr.start()].startswith("/"):
        raise ValueError(f"{rest!r} is not a dual-cidr-length, such as /24, //64 or /24//64 (RFC 7208, 5.6)")
    length = DualCidrLength(_length(cidr[1], 32), _length(cidr[2], 128))
    return _domain_spec(rest[: cidr.start()]) if cidr.start() else (), length


def _network(rest: str) -> tuple[str, str | None]:
    cidr = _ending(_CIDR, rest)
    if not rest.startswith(":"):
        raise ValueError("':' and a network are expected behind the name (RFC 7208, 5.6)")
    return rest[1 : cidr.start()], cidr[1]


def _all(rest: str) -> Mechanism:
    if rest:
        raise ValueError("nothing is accepted behind the name (RFC 7208, 5.1)")
    return All()


def _ptr(rest: str) -> Mechanism:
    return Ptr(_domain_spec(rest) if rest else ())


def _ip4(rest: str) -> Mechanism:
    network, length = _network(rest)
    if not _IP4_NETWORK.fullmatch(network):
        raise ValueError(f"{network!r} is not an IPv4 network such as 192.0.2.0/24 (RFC 7208, 5.6)")
    return Ip4(ipaddress.IPv4Address(network), _length(length, 32))


def _ip6(rest: str) -> Mechanism:
    network, length = _network(rest)
    try:
        address = ipaddress.IPv6Address(network if _IP6_NETWORK.fullmatch(network) else "")
    except ValueError:
        raise ValueError(f"{network!r} is not an IPv6 network such as 2001:db8::/32 (RFC 7208, 5.6)") from None
    return Ip6(address, _length(length, 128))


_MECHANISMS: dict[str, t.Callable[[str], Mechanism]] = {
    "all": _all,
    "include": lambda rest: Include(_domain_spec(rest)),
    "a": lambda rest: A(*_named(rest)),
    "mx": lambda rest: Mx(*_named(rest)),
    "ptr": _ptr,
    "ip4": _ip4,
    "ip6": _ip6,
    "exists": lambda rest: Exists(_domain_spec(rest)),
}


def _modifier(name: str, value: str) -> Modifier:
    if name == "redirect":
        return Redirect(_spf_macro.domain_spec(value))
    if name == "exp":
        return Explanation(_spf_macro.domain_spec(value))
    return UnknownModifier(name, _spf_macro.macro_string(value))


def _term(text: str) -> Term:
    """Parse a term (4.6.1): a name with ``=`` behind it makes a modifier, all else is a directive."""
    modifier = _MODIFIER.fullmatch(text)
    if modifier:
        return _modifier(modifier["name"].lower(), modifier["value"])
    directive = _DIRECTIVE.fullmatch(text)
    if not directive or directive["name"].lower() not in _MECHANISMS:
        known = ", ".join(_MECHANISMS)
        raise ValueError(f"neither a mechanism ({known}) nor a modifier name=value (RFC 7208, 4.6.1)")
    return Directive(_MECHANISMS[directive["name"].lower()](directive["rest"]), directive["qualifier"] or "+")


def select(txt_records: t.Iterable[str]) -> str | None:
    """Return the SPF record among the TXT records of a name, None where there is none (4.5).

    The strings of each TXT record are to be joined before, without spaces (3.3).
    """
    records = [text for text in txt_records if _VERSION.match(text)]
    if len(records) > 1:
        raise ValueError(f"there are {len(records)} SPF records, and one at most is accepted (RFC 7208, 3.2, 4.5)")
    return records[0] if records else None


def parse(text: str) -> Record:
    """Parse the text of an SPF record (12)."""
    version = _VERSION.match(text)
    if not version:
        raise ValueError(f"{text[:60]!r} does not begin with v=spf1 and a space (RFC 7208, 4.5)")
    terms: list[Term] = []
    for term in filter(None, text[version.end() :].split(" ")):
        try:
            if not _PRINTABLE.fullmatch(term):
                raise ValueError("characters outside printable ASCII; the separator is the space (RFC 7208, 3.1, 12)")
            terms.append(_term(term))
        except ValueError as error:
            raise ValueError(f"the term {term[:80]!r}: {error}") from None
    for kind, name in ((Redirect, "redirect"), (Explanation, "exp")):
        if sum(isinstance(term, kind) for term in terms) > 1:
            raise ValueError(f"the modifier {name} occurs more than once (RFC 7208, 6)")
    return Record(tuple(terms))


def join(record: Record) -> str:
    """Write a record, and refuse one that :func:`parse` would not read back as it is."""
    text = " ".join(["v=spf1", *(str(term) for term in record.terms)])
    if parse(text) != record:
        raise ValueError(f"{text!r} would mean something else than the terms it is made of (RFC 7208, 12)")
    return text


def lookup_terms(record: Record) -> tuple[Term, ...]:
    """Return the terms that count against the limit of ten (4.6.4) where none before them matches.

    What those of other domains add, behind include and redirect, is not in it: ``_spf_check`` counts them.
    """
    directives = [term for term in record.directives if isinstance(term.mechanism, LOOKUP_MECHANISMS)]
    return (*directives, *([record.redirect] if record.redirect else []))

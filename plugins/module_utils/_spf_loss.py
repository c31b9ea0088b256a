# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What is lost where one SPF record takes the place of another (RFC 7208), by what the terms mean.

An address is not lost that another network of the new record covers, nor a term to which the new record gives as good
a result by its ``all``. What other domains say, behind include and redirect, is not looked at.
"""

from __future__ import annotations

import functools
import ipaddress
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _spf, _spf_macro
from ansible_collections.mailops.relay.plugins.module_utils._spf_macro import MacroString
from ansible_collections.mailops.relay.plugins.module_utils._spf_term import (
    A,
    All,
    Directive,
    Include,
    Ip4,
    Ip6,
    Mechanism,
    Mx,
    Record,
    Term,
)

_GOOD = ("-", "~", "?", "+")
"""Qualifiers, from the worst one for a sender to the best one (4.6.2)."""

_STRICT = ("+", "?", "~", "-")
"""The qualifiers of ``all``, from the weakest one to the strongest one."""

MAX_COMPARED = 500
"""Directives up to which records are compared by meaning; far more than any real record has."""

Span = t.Tuple[int, int, int]
"""Addresses: version of IP, first and last one as a number."""


def readable(text: str) -> Record:
    """Return the terms of a record that can be read, each for itself: one wrong term makes receivers drop them all."""
    try:
        return _spf.parse(text)
    except ValueError:
        pass
    terms: list[Term] = []
    for word in text.split(" ")[1:]:
        try:
            terms += _spf.parse(f"v=spf1 {word}").terms
        except ValueError:
            continue
    return Record(tuple(terms))


def default(record: Record) -> str | None:
    """Return the qualifier for what no term matches: that of ``all``, ``?`` without one (4.7), None for a redirect."""
    last = record.directives[-1:]
    if last and last[0].mechanism == All():
        return last[0].qualifier
    return None if record.redirect else "?"


def is_weaker(before: Record, after: Record) -> bool:
    """Whether the end of the new record forbids less. A redirect may say anything."""
    old, new = default(before), default(after)
    if old is None or new is None:
        return old in ("-", "~")
    return _STRICT.index(new) < _STRICT.index(old)


def lost_terms(before: Record, after: Record, domain: str) -> list[Term]:
    """Return the terms of a record at ``domain`` that the new one does not make up for."""
    if max(len(before.directives), len(after.directives)) > MAX_COMPARED:
        there = set(after.terms)
        return [term for term in dict.fromkeys(before.terms) if term not in there]
    lost: list[Term] = [
        directive
        for number, directive in enumerate(before.directives)
        if directive.mechanism != All()
        and not _is_kept(directive.qualifier, _given(before.directives[:number], directive, after, domain), after)
    ]
    if before.redirect and not _goes_on(_name(before.redirect.domain_spec, domain), after, domain):
        lost.append(before.redirect)
    if before.explanation and before.explanation != after.explanation:
        lost.append(before.explanation)
    return lost


def _is_kept(qualifier: str, given: t.Iterable[str | None], after: Record) -> bool:
    """Whether senders stay as well off, and forbidden ones forbidden. None in ``given`` is where no term decides."""
    end = default(after)
    if qualifier == "-":
        return all(each is not None or end == "-" for each in given)
    results = [each or end for each in given]
    return all(each is not None and _GOOD.index(each) >= _GOOD.index(qualifier) for each in results)


def _given(earlier: t.Sequence[Directive], directive: Directive, after: Record, domain: str) -> set[str | None]:
    """Return the qualifiers that the new record has for what a directive decides in the old one.

    There are none where earlier directives of the old one decide all of it.
    """
    span = _span(directive.mechanism)
    if span is None:
        if any(_covers(each.mechanism, directive.mechanism, domain) for each in earlier):
            return set()
        covering = (each.qualifier for each in after.directives if _covers(each.mechanism, directive.mechanism, domain))
        return {next(covering, None)}
    spans = [span]
    for each in earlier:
        other = _span(each.mechanism)
        if other and each.qualifier != directive.qualifier:
            spans = _cut(spans, other)[1]
    given: set[str | None] = set()
    for each in after.directives:
        other = _span(each.mechanism)
        if other and spans:
            inside, spans = _cut(spans, other)
            given |= {each.qualifier} if inside else set()
    return given | ({None} if spans else set())


@functools.lru_cache(maxsize=2 * MAX_COMPARED)
def _span(mechanism: Mechanism) -> Span | None:
    if not isinstance(mechanism, (Ip4, Ip6)):
        return None
    network = ipaddress.ip_network((mechanism.network, mechanism.cidr_length), strict=False)
    return network.version, int(network[0]), int(network[-1])


def _cut(spans: t.Iterable[Span], by: Span) -> tuple[list[Span], list[Span]]:
    """Return what of the spans is inside of another one, and what is outside."""
    version, first, last = by
    inside, outside = [], []
    for span in spans:
        if span[0] != version or span[2] < first or last < span[1]:
            outside.append(span)
            continue
        inside.append((version, max(first, span[1]), min(last, span[2])))
        outside += [(version, span[1], first - 1)] if span[1] < first else []
        outside += [(version, last + 1, span[2])] if last < span[2] else []
    return inside, outside


def _name(domain_spec: MacroString, domain: str) -> str:
    """Return what a domain-spec names; without one it is the domain itself. The case of a macro matters (7.3)."""
    text = _spf_macro.join(domain_spec) or domain
    return text if "%" in text else text.lower().rstrip(".")


def _covers(new: Mechanism, old: Mechanism, domain: str) -> bool:
    """Whether a mechanism matches wherever another one does."""
    if type(new) is not type(old) or isinstance(new, (All, Ip4, Ip6)) or isinstance(old, (All, Ip4, Ip6)):
        return False
    if _name(new.domain_spec, domain) != _name(old.domain_spec, domain):
        return False
    if isinstance(new, (A, Mx)) and isinstance(old, (A, Mx)):
        return new.cidr_length.ip4 <= old.cidr_length.ip4 and new.cidr_length.ip6 <= old.cidr_length.ip6
    return True


def _goes_on(name: str, after: Record, domain: str) -> bool:
    """Whether the new record asks a domain as well, by its redirect or an include, or lets everything pass."""
    if default(after) == "+":
        return True
    if after.redirect and _name(after.redirect.domain_spec, domain) == name:
        return True
    return any(
        isinstance(each.mechanism, Include)
        and each.qualifier == "+"
        and _name(each.mechanism.domain_spec, domain) == name
        for each in after.directives
    )

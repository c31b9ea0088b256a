# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the terms of SPF look up: addresses, mail exchangers and names, within the limits of RFC 7208, 4.6.4."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _spf, _spf_macro
from ansible_collections.mailops.relay.plugins.module_utils._spf_macro import MacroString
from ansible_collections.mailops.relay.plugins.module_utils._spf_model import Answer, Arguments, Question
from ansible_collections.mailops.relay.plugins.module_utils._spf_term import DualCidrLength

VOID_TERMS = 2
"""How many terms may get an answer without data (4.6.4)."""
MX_NAMES = 10
"""How many mail exchangers a term may ask for the addresses of; more are a permerror (4.6.4)."""
PTR_NAMES = 10
"""How many names of the client are looked at; more are ignored (4.6.4)."""

_T = t.TypeVar("_T")
Asking = t.Generator[Question, Answer, _T]


class StopError(Exception):
    """An exception of a term (4.6.2): the evaluation ends with this result."""

    def __init__(self, result: str, problem: str) -> None:
        super().__init__(problem)
        self.result = result


def is_within(name: str, domain: str) -> bool:
    """Whether the name is the domain or a subdomain of it (5.5)."""
    return ("." + name.lower()).endswith("." + domain.lower())


def _best_name(names: t.Sequence[str], domain: str) -> str:
    """Return the value of the macro p: the domain, or else a subdomain of it, or else any name (7.3)."""
    ranked = sorted(names, key=lambda name: (name.lower() != domain.lower(), not is_within(name, domain)))
    return ranked[0] if ranked else "unknown"


class Lookups:
    """What stays the same through include and redirect: the arguments, and one count for each limit (4.1)."""

    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments
        self.ip = arguments.client
        self.address_type = "A" if self.ip.version == 4 else "AAAA"
        self.lookup_terms = 0
        self.void_terms = 0
        self.void_lookups = 0
        # Whether the term in hand has had a void lookup; None outside of terms that count.
        self._term_is_void: bool | None = None

    def ask(self, name: str, rdtype: str, *, tolerant: bool = False) -> Asking[t.Tuple[str, ...]]:
        """Return the data; none where the name is not there (5), and, if tolerant, where the lookup failed (5.5)."""
        answer = yield Question(name, rdtype)
        if answer.failure:
            if tolerant:
                return ()
            raise StopError("temperror", f"{name} {rdtype}: {answer.failure} (RFC 7208, 4.4, 5)")
        if not answer.values:
            self._count_void(name, rdtype)
        return answer.values

    def _count_void(self, name: str, rdtype: str) -> None:
        """Count a lookup without data. The limit is on the number of terms that have any (4.6.4)."""
        if self._term_is_void is None:
            return
        self.void_lookups += 1
        if self._term_is_void:
            return
        self._term_is_void = True
        self.void_terms += 1
        if self.void_terms > VOID_TERMS:
            problem = f"{name} {rdtype}: no data; {VOID_TERMS} terms without data are accepted (RFC 7208, 4.6.4)"
            raise StopError("permerror", problem)

    def count_lookup(self) -> None:
        self.lookup_terms += 1
        if self.lookup_terms > _spf.LOOKUP_TERMS:
            raise StopError("permerror", f"more than {_spf.LOOKUP_TERMS} terms that cause lookups (RFC 7208, 4.6.4)")
        self._term_is_void = False

    def end_terms(self) -> None:
        """Leave the terms that the limits are for: what is looked up now is for the explanation (4.6.4, 6.2)."""
        self._term_is_void = None

    def within(self, address: str, cidr_length: int) -> bool:
        return self.ip in ipaddress.ip_network((address, cidr_length), strict=False)

    def has_address(self, name: str, length: DualCidrLength) -> Asking[bool]:
        """Look up A or AAAA records, as the client's address is, and compare (5, 5.3)."""
        addresses = yield from self.ask(name, self.address_type)
        cidr_length = length.ip4 if self.ip.version == 4 else length.ip6
        return any(self.within(address, cidr_length) for address in addresses)

    def mx(self, name: str, length: DualCidrLength) -> Asking[bool]:
        """Compare with the addresses of the mail exchangers; a null MX has none (5.4; RFC 7505, 3)."""
        exchanges = [exchange.removesuffix(".") for exchange in (yield from self.ask(name, "MX"))]
        if len(exchanges) > MX_NAMES:
            problem = f"{name} has {len(exchanges)} mail exchangers; {MX_NAMES} are accepted (RFC 7208, 4.6.4)"
            raise StopError("permerror", problem)
        for exchange in filter(_spf_macro.is_name, exchanges):
            if (yield from self.has_address(exchange, length)):
                return True
        return False

    def validated_names(self) -> Asking[t.List[str]]:
        """Return the names of the client that have its address; a lookup that fails is passed over (5.5)."""
        names = yield from self.ask(self.ip.reverse_pointer, "PTR", tolerant=True)
        validated = []
        for name in filter(_spf_macro.is_name, (name.removesuffix(".") for name in names[:PTR_NAMES])):
            addresses = yield from self.ask(name, self.address_type, tolerant=True)
            if any(self.within(address, self.ip.max_prefixlen) for address in addresses):
                validated.append(name)
        return validated

    def target(self, spec: MacroString, domain: str) -> Asking[str]:
        """Return the target-name: the domain-spec with its macros expanded, or else the domain (4.8, 7.3)."""
        return _spf_macro.target_name((yield from self.expand(spec, domain))) if spec else domain

    def expand(self, parts: MacroString, domain: str) -> Asking[str]:
        arguments = self.arguments
        values = {
            "s": f"{arguments.local_part}@{arguments.sender_domain}",
            "l": arguments.local_part,
            "o": arguments.sender_domain,
            "d": domain,
            "i": _spf_macro.dotted(self.ip),
            "v": "in-addr" if self.ip.version == 4 else "ip6",
            "h": arguments.helo,
            "c": str(self.ip),
            "r": arguments.receiver,
            "t": str(arguments.timestamp),
        }
        if "p" in _spf_macro.letters(parts):
            names = yield from self.validated_names()
            values["p"] = _best_name(names, domain)
        return _spf_macro.expand(parts, values)

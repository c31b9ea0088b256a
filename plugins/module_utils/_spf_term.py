# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The terms of an SPF record as values, named as the ABNF of RFC 7208, section 12, names them.

``str()`` of a term is its text, in the shortest form; ``_spf`` has the way back.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _spf_macro
from ansible_collections.mailops.relay.plugins.module_utils._spf_macro import MacroString


@dataclass(frozen=True)
class DualCidrLength:
    """How many bits of an address count, for either version of IP (5.6)."""

    ip4: int = 32
    ip6: int = 128

    def __str__(self) -> str:
        return (f"/{self.ip4}" if self.ip4 != 32 else "") + (f"//{self.ip6}" if self.ip6 != 128 else "")


def _argument(domain_spec: MacroString) -> str:
    return f":{_spf_macro.join(domain_spec)}" if domain_spec else ""


@dataclass(frozen=True)
class All:
    """Matches always (5.1)."""

    def __str__(self) -> str:
        return "all"


@dataclass(frozen=True)
class Include:
    """Matches where the record of another domain says pass (5.2)."""

    domain_spec: MacroString

    def __str__(self) -> str:
        return f"include{_argument(self.domain_spec)}"


@dataclass(frozen=True)
class A:
    """Matches an address of a name (5.3). An empty domain-spec stands for the domain itself, as in Mx and Ptr."""

    domain_spec: MacroString = ()
    cidr_length: DualCidrLength = DualCidrLength()

    def __str__(self) -> str:
        return f"a{_argument(self.domain_spec)}{self.cidr_length}"


@dataclass(frozen=True)
class Mx:
    """Matches an address of a mail exchanger (5.4)."""

    domain_spec: MacroString = ()
    cidr_length: DualCidrLength = DualCidrLength()

    def __str__(self) -> str:
        return f"mx{_argument(self.domain_spec)}{self.cidr_length}"


@dataclass(frozen=True)
class Ptr:
    """Matches a validated name of the client; not to be published (5.5)."""

    domain_spec: MacroString = ()

    def __str__(self) -> str:
        return f"ptr{_argument(self.domain_spec)}"


@dataclass(frozen=True)
class Ip4:
    """Matches the addresses of an IPv4 network; bits behind the prefix are kept and mean nothing (5.6)."""

    network: ipaddress.IPv4Address
    cidr_length: int = 32

    def __str__(self) -> str:
        return f"ip4:{self.network}{DualCidrLength(ip4=self.cidr_length)}"


@dataclass(frozen=True)
class Ip6:
    """Matches the addresses of an IPv6 network (5.6)."""

    network: ipaddress.IPv6Address
    cidr_length: int = 128

    def __str__(self) -> str:
        return f"ip6:{self.network}" + (f"/{self.cidr_length}" if self.cidr_length != 128 else "")


@dataclass(frozen=True)
class Exists:
    """Matches where a name has an A record (5.7)."""

    domain_spec: MacroString

    def __str__(self) -> str:
        return f"exists{_argument(self.domain_spec)}"


Mechanism = t.Union[All, Include, A, Mx, Ptr, Ip4, Ip6, Exists]


@dataclass(frozen=True)
class Directive:
    """A mechanism, and the qualifier that says the result where it matches (4.6.2)."""

    mechanism: Mechanism
    qualifier: str = "+"

    def __str__(self) -> str:
        return f"{self.qualifier if self.qualifier != '+' else ''}{self.mechanism}"


@dataclass(frozen=True)
class Redirect:
    """The domain whose record is used where no mechanism matches (6.1)."""

    domain_spec: MacroString

    def __str__(self) -> str:
        return f"redirect={_spf_macro.join(self.domain_spec)}"


@dataclass(frozen=True)
class Explanation:
    """Where the text is that explains a fail: the modifier ``exp`` (6.2)."""

    domain_spec: MacroString

    def __str__(self) -> str:
        return f"exp={_spf_macro.join(self.domain_spec)}"


@dataclass(frozen=True)
class UnknownModifier:
    """A modifier of another specification; it is ignored (6). The name is in lower case."""

    name: str
    macro_string: MacroString = ()

    def __str__(self) -> str:
        return f"{self.name}={_spf_macro.join(self.macro_string)}"


Modifier = t.Union[Redirect, Explanation, UnknownModifier]
Term = t.Union[Directive, Modifier]


@dataclass(frozen=True)
class Record:
    """The terms of a record in their order. The properties tell which of them take part in an evaluation."""

    terms: tuple[Term, ...] = ()

    @property
    def directives(self) -> tuple[Directive, ...]:
        """The directives up to the first ``all``: those behind it are ignored (5.1)."""
        directives = [term for term in self.terms if isinstance(term, Directive)]
        end = next((i for i, directive in enumerate(directives, 1) if directive.mechanism == All()), None)
        return tuple(directives[:end])

    @property
    def redirect(self) -> Redirect | None:
        """The redirect, unless there is an ``all`` anywhere: it is ignored then (5.1, 6.1)."""
        if any(directive.mechanism == All() for directive in self.directives):
            return None
        return next((term for term in self.terms if isinstance(term, Redirect)), None)

    @property
    def explanation(self) -> Explanation | None:
        return next((term for term in self.terms if isinstance(term, Explanation)), None)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""TLSRPT records, which say where to report about TLS: RFC 8460 section 3.

:func:`parse` and :func:`join` are inverses: ``parse(join(record)) == record``, and ``join(parse(text))`` means what
``text`` means. Both raise nothing but ``ValueError``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _syntax, _uri

VERSION = "v=TLSRPTv1"
SCHEMES = ("mailto", "https")
"""Schemes that senders of reports know (RFC 8460, 3)."""

_ENCODED = {",": "%2C", "!": "%21", ";": "%3B"}


@dataclass(frozen=True)
class Record:
    """A TLSRPT record: ``rua`` are the URIs that reports go to. Extensions carry no meaning here and are not kept."""

    rua: tuple[_uri.Uri, ...]

    @property
    def usable(self) -> tuple[_uri.Uri, ...]:
        """The URIs of a scheme that RFC 8460, 3 defines; a sender of reports passes over other ones."""
        return tuple(uri for uri in self.rua if uri.scheme in SCHEMES)


def is_record(text: str) -> bool:
    """Whether senders of reports count the text as a TLSRPT record; several at a name count as none (RFC 8460, 3)."""
    return _syntax.starts_with_version(text, VERSION)


def _tlsrpt_uri(text: str) -> _uri.Uri:
    for character, encoded in _ENCODED.items():
        if character in text:
            raise ValueError(f"the URI {text!r} in rua holds a {character!r}; {encoded} is accepted (RFC 8460, 3)")
    return _uri.parse(text)


def parse(text: str) -> Record:
    """Parse the text of a TLSRPT record; the strings of a TXT record are to be joined before (RFC 8460, 3).

    The version is first and there is at least one URI; unknown fields are ignored, and several rua count as one.
    """
    rua: list[_uri.Uri] = []
    for name, value in _syntax.fields(text, VERSION, ("rua",), "RFC 8460, 3"):
        if name == "rua":
            rua += _uri.parse_list(value, _tlsrpt_uri)
    if not rua:
        raise ValueError("the field rua is missing; rua=mailto:name@example.com is accepted (RFC 8460, 3)")
    return Record(tuple(rua))


def join(record: Record) -> str:
    """Write a TLSRPT record."""
    if not record.rua:
        raise ValueError("rua is empty; at least one URI is accepted (RFC 8460, 3)")
    return f"{VERSION}; rua=" + ",".join(_tlsrpt_uri(_uri.join(uri)).text for uri in record.rua)


def record_name(domain: str) -> str:
    """Return where the record of a domain is published, without the final dot (RFC 8460, 3)."""
    return _syntax.owner_name("_smtp._tls", domain)


def only_record(texts: t.Iterable[str]) -> t.Optional[Record]:
    """Return the record of a name: other texts do not count, and of several records none does (RFC 8460, 3)."""
    candidates = [text for text in texts if is_record(text)]
    return parse(candidates[0]) if len(candidates) == 1 else None

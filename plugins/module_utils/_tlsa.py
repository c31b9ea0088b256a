# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""TLSA records: RFC 6698 section 2, and what SMTP takes of them: RFC 7672 section 3.1.

:func:`parse` and :func:`join` are inverses. Both raise nothing but ``ValueError``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _syntax

USAGES = {0: "PKIX-TA", 1: "PKIX-EE", 2: "DANE-TA", 3: "DANE-EE", 255: "PrivCert"}
"""Certificate usages (RFC 6698, 2.1.1) by their names (RFC 7218, 2.1)."""

SELECTORS = {0: "Cert", 1: "SPKI", 255: "PrivSel"}
"""What of the certificate is meant (RFC 6698, 2.1.2) by its name (RFC 7218, 2.2)."""

MATCHING_TYPES = {0: "Full", 1: "SHA2-256", 2: "SHA2-512", 255: "PrivMatch"}
"""How the association data shows it (RFC 6698, 2.1.3) by its name (RFC 7218, 2.3)."""

SMTP_USAGES = (2, 3)
"""Usages that SMTP clients take; the PKIX ones would need a list of CAs common to all (RFC 7672, 3.1.3)."""

RECOMMENDED = (3, 1, 1)
"""Usage, selector and matching type that outlive a new certificate for the same key (RFC 7672, 3.1.1)."""

_DIGESTS = {1: 32, 2: 64}
_RDATA = re.compile(
    r"(?P<usage>[0-9]{1,3})[ \t]+(?P<selector>[0-9]{1,3})[ \t]+(?P<matching_type>[0-9]{1,3})"
    r"[ \t]+(?P<data>[0-9A-Fa-f][0-9A-Fa-f \t]*)"
)


@dataclass(frozen=True)
class Association:
    """A TLSA record (RFC 6698, 2.1)."""

    usage: int
    selector: int
    matching_type: int
    data: bytes


def _checked(record: Association) -> Association:
    for name in ("usage", "selector", "matching_type"):
        if not 0 <= getattr(record, name) <= 255:
            raise ValueError(f"the {name} of the TLSA record is {getattr(record, name)}; 0 to 255 is accepted")
    length = _DIGESTS.get(record.matching_type, len(record.data))
    if len(record.data) != length or not length:
        raise ValueError(
            f"the association data has {len(record.data)} octets; with matching type {record.matching_type}, "
            f"{length or '1 and more'} are accepted (RFC 6698, 2.1.3)"
        )
    return record


def parse(text: str) -> Association:
    """Parse the data of a TLSA record: three numbers, and hexadecimal digits with white space anywhere (RFC 6698, 2.2).

    A digest has the length that its matching type says. Numbers that no RFC has assigned make a record that clients
    pass over, not an error (RFC 6698, 4.1).
    """
    match = _RDATA.fullmatch(text.strip(_syntax.WSP))
    digits = "".join(match["data"].split()) if match else ""
    if not match or len(digits) % 2:
        raise ValueError(
            f"{text[:80]!r} is not a TLSA record; 3 1 1 and 64 hexadecimal digits are accepted (RFC 6698, 2.2)"
        )
    usage, selector, matching_type = (int(match[name]) for name in ("usage", "selector", "matching_type"))
    return _checked(Association(usage, selector, matching_type, bytes.fromhex(digits)))


def join(record: Association) -> str:
    """Write a TLSA record as in a zone file."""
    _checked(record)
    return f"{record.usage} {record.selector} {record.matching_type} {record.data.hex()}"


def associate(usage: int, selector: int, matching_type: int, selected: bytes) -> Association:
    """Return the record for what the selector selects: the DER of the certificate for 0, of its SPKI for 1."""
    if matching_type not in (0, *_DIGESTS):
        raise ValueError(f"the matching type is {matching_type}; 0, 1 or 2 is accepted (RFC 6698, 2.1.3)")
    digests = {1: hashlib.sha256, 2: hashlib.sha512}
    data = digests[matching_type](selected).digest() if matching_type else selected
    return _checked(Association(usage, selector, matching_type, data))


def matches(record: Association, certificate: bytes, public_key: bytes) -> bool:
    """Whether the record is about a certificate, given as its DER and the DER of its SubjectPublicKeyInfo.

    For DANE-EE(3) this is the certificate of the server (RFC 7672, 3.1.1), for DANE-TA(2) one of its chain, which the
    server has to send (RFC 7672, 3.1.2).
    """
    if record.selector not in (0, 1) or record.matching_type not in (0, 1, 2):
        return False
    selected = public_key if record.selector else certificate
    return record.data == associate(record.usage, record.selector, record.matching_type, selected).data


def smtp_problems(record: Association) -> list[str]:
    """Return why SMTP clients pass over a record, a text for the user each."""
    problems = []
    if record.usage not in SMTP_USAGES:
        name = USAGES.get(record.usage, "unassigned")
        problems.append(f"the usage is {record.usage}, {name}; 3 or 2 is accepted for SMTP (RFC 7672, 3.1.3)")
    if record.selector not in (0, 1):
        problems.append(f"the selector is {record.selector}; 1 or 0 is accepted (RFC 6698, 2.1.2)")
    if record.matching_type not in (0, *_DIGESTS):
        problems.append(f"the matching type is {record.matching_type}; 1, 2 or 0 is accepted (RFC 6698, 2.1.3)")
    return problems


def record_name(host: str, port: int = 25) -> str:
    """Return where the records of a TCP service are published: ``_25._tcp.`` and the MX host (RFC 6698, 3)."""
    if not 1 <= port <= 65535:
        raise ValueError(f"the port is {port}; 1 to 65535 is accepted (RFC 6698, 3)")
    return _syntax.owner_name(f"_{port}._tcp", _syntax.host_name(host))

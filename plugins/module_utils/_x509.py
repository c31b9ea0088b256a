# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Certificates (RFC 5280) from their DER, as far as they are judged: times, names, key, and who issued them.

Only reading, and without a library: a host that is still empty has none. That the key fits, and that OpenSSL takes
both, is asked of OpenSSL itself.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

_BOOLEAN, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID = 0x01, 0x02, 0x03, 0x04, 0x06
_SEQUENCE, _SET, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0x31, 0x17, 0x18
_VERSION, _EXTENSIONS, _DNS_NAME, _IP_ADDRESS = 0xA0, 0xA3, 0x82, 0x87
_UTF16, _UTF32 = 0x1E, 0x1C

_SUBJECT_ALT_NAME = "2.5.29.17"
_RSA = "1.2.840.113549.1.1.1"
_EC = "1.2.840.10045.2.1"
_KEYS = {"1.3.101.112": "Ed25519", "1.3.101.113": "Ed448", "1.2.840.10040.4.1": "DSA"}
_CURVES = {"1.2.840.10045.3.1.7": "P-256", "1.3.132.0.34": "P-384", "1.3.132.0.35": "P-521"}
# RFC 4514, 3, and the next most common one.
_ATTRIBUTES = {
    "2.5.4.3": "CN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}


@dataclass(frozen=True)
class Certificate:
    """A certificate. ``names`` are its dNSName and iPAddress entries (RFC 5280, 4.2.1.6), ``spki`` its public key.

    ``subject_name`` and ``issuer_name`` are the names as they are compared, ``subject`` and ``issuer`` as they are
    read (RFC 4514).
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str
    spki: bytes
    subject_name: bytes
    issuer_name: bytes

    @property
    def self_signed(self) -> bool:
        return self.subject_name == self.issuer_name


# DER (ITU-T X.690)


def _value(data: bytes) -> tuple[int, bytes, bytes]:
    """Return tag and content of the value that ``data`` begins with, and what comes after it."""
    if len(data) < 2 or data[0] & 0x1F == 0x1F:
        raise ValueError("its DER structure is broken")
    length, start = data[1], 2
    if length >= 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("it ends too early")
    return data[0], data[start : start + length], data[start + length :]


def _take(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the content of the value that ``data`` begins with, which has to be of a type, and what comes after it."""
    found, content, rest = _value(data)
    if found != tag:
        raise ValueError("its DER structure is broken")
    return content, rest


def _values(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    while data:
        tag, content, data = _value(data)
        yield tag, content


def _oid(content: bytes) -> str:
    numbers, number = [], 0
    for octet in content:
        number = number << 7 | octet & 0x7F
        if octet < 0x80:
            numbers.append(number)
            number = 0
    if not numbers:
        raise ValueError("its DER structure is broken")
    first = min(numbers[0] // 40, 2)
    return ".".join(str(each) for each in (first, numbers[0] - 40 * first, *numbers[1:]))


# The parts of a certificate


def _time(tag: int, content: bytes) -> datetime:
    """Read a time (RFC 5280, 4.1.2.5): of two digits of a year, 50 to 99 are of the last century."""
    text = content.decode("ascii", "replace")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("its DER structure is broken")
    if not re.fullmatch(r"[0-9]{14}Z", text):
        raise ValueError(f"it has a time that is none: {text!r}")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _text(tag: int, content: bytes) -> str:
    encoding = {_UTF16: "utf-16-be", _UTF32: "utf-32-be"}.get(tag, "utf-8")
    plain = content.decode(encoding, "backslashreplace")
    escaped = re.sub(r'([,+"\\<>;])', r"\\\1", plain)
    return re.sub(r"^([# ])|( )$", r"\\\1\2", escaped)


def _name(content: bytes) -> str:
    """Write a name as RFC 4514 does: its last part first."""
    parts = []
    for _tag, part in _values(content):
        pairs = []
        for _sequence, pair in _values(part):
            kind, rest = _take(pair, _OID)
            tag, value, _rest = _value(rest)
            pairs.append(f"{_ATTRIBUTES.get(_oid(kind), _oid(kind))}={_text(tag, value)}")
        parts.append("+".join(pairs))
    return ",".join(reversed(parts))


def _key(spki: bytes) -> str:
    """Say what kind of key it is (SubjectPublicKeyInfo: RFC 3279, 2.3; RFC 5480; RFC 8410)."""
    algorithm, rest = _take(spki, _SEQUENCE)
    kind, parameters = _take(algorithm, _OID)
    name = _oid(kind)
    if name == _RSA:
        public, _rest = _take(_take(rest, _BIT_STRING)[0][1:], _SEQUENCE)
        modulus, _exponent = _take(public, _INTEGER)
        return f"RSA {int.from_bytes(modulus, 'big').bit_length()}"
    if name == _EC:
        curve, _rest = _take(parameters, _OID)
        return f"EC {_CURVES.get(_oid(curve), _oid(curve))}"
    return _KEYS.get(name, name)


def _alternative_names(extensions: bytes) -> tuple[str, ...]:
    """Return the host names and addresses that the certificate is for."""
    names: list[str] = []
    addresses: list[str] = []
    for _tag, extension in _values(extensions):
        kind, rest = _take(extension, _OID)
        if _oid(kind) != _SUBJECT_ALT_NAME:
            continue
        if rest[:1] == bytes([_BOOLEAN]):
            _critical, rest = _take(rest, _BOOLEAN)
        for tag, content in _values(_take(_take(rest, _OCTET_STRING)[0], _SEQUENCE)[0]):
            if tag == _DNS_NAME:
                names.append(content.decode("ascii", "backslashreplace").lower())
            elif tag == _IP_ADDRESS:
                addresses.append(str(ipaddress.ip_address(content)))
    return (*names, *addresses)


def read(der: bytes) -> Certificate:
    """Return a certificate from its DER, or raise ``ValueError`` with what is wrong."""
    signed, _signature = _take(_take(der, _SEQUENCE)[0], _SEQUENCE)
    if signed[:1] == bytes([_VERSION]):
        _version, signed = _take(signed, _VERSION)
    _serial, rest = _take(signed, _INTEGER)
    _algorithm, rest = _take(rest, _SEQUENCE)
    issuer, rest = _take(rest, _SEQUENCE)
    validity, rest = _take(rest, _SEQUENCE)
    subject, at_key = _take(rest, _SEQUENCE)
    spki, rest = _take(at_key, _SEQUENCE)
    times = [_time(tag, content) for tag, content in _values(validity)]
    if len(times) != 2:
        raise ValueError("its DER structure is broken")
    extensions = next((content for tag, content in _values(rest) if tag == _EXTENSIONS), b"")
    return Certificate(
        subject=_name(subject),
        issuer=_name(issuer),
        names=_alternative_names(_take(extensions, _SEQUENCE)[0]) if extensions else (),
        not_before=times[0],
        not_after=times[1],
        key=_key(spki),
        spki=at_key[: len(at_key) - len(rest)],
        subject_name=subject,
        issuer_name=issuer,
    )


# What follows from them


def days_left(certificate: Certificate, now: datetime) -> float:
    """Return the days until it expires, negative ones after that."""
    return (certificate.not_after - now).total_seconds() / 86400


def days_until(certificate: Certificate, now: datetime) -> float:
    """Return the days until its time begins, negative ones after that."""
    return (certificate.not_before - now).total_seconds() / 86400


def _matches(pattern: str, name: str) -> bool:
    """Whether a dNSName covers a name: ``*`` stands for its whole first label (RFC 9525, 6.3)."""
    first, dot, rest = name.partition(".")
    return pattern == name or (bool(first and dot) and "." in rest and pattern == f"*.{rest}")


def covers(certificate: Certificate, name: str) -> bool:
    """Whether the certificate is one for a host name or an address; its subject does not count (RFC 9525, 2)."""
    wanted = name.rstrip(".").lower()
    try:
        wanted = str(ipaddress.ip_address(wanted))
        return wanted in certificate.names
    except ValueError:
        return any(_matches(pattern, wanted) for pattern in certificate.names)


def out_of_order(chain: t.Sequence[Certificate]) -> int | None:
    """Return the index of the first certificate that has issued none of those before it (RFC 5246, 7.4.2)."""
    for index, certificate in enumerate(chain):
        if index and certificate.subject_name not in [before.issuer_name for before in chain[:index]]:
            return index
    return None

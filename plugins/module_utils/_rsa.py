# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The public half of an RSA private key, from its text: RFC 7468 (PEM), RFC 5958 (PKCS #8), RFC 8017 (PKCS #1).

Only reading, only to judge a key that exists: it needs no library on the host and a fraction of a millisecond per
key, where a library that proves the primes again takes 30 ms. Keys are made by cryptography, never here.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

_SEQUENCE, _INTEGER, _BIT_STRING, _OCTET_STRING = 0x30, 0x02, 0x03, 0x04
_RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
"""AlgorithmIdentifier of rsaEncryption with NULL parameters (RFC 3279, 2.3.1)."""

_PEM = re.compile(
    rb"-----BEGIN (?P<label>[A-Z0-9 ]+)-----\r?\n(?P<text>[A-Za-z0-9+/=\s]+)-----END (?P=label)-----\s*", re.ASCII
)


@dataclass(frozen=True)
class RsaPublicKey:
    """Modulus and public exponent (RFC 8017, 3.1)."""

    n: int
    e: int

    @property
    def bits(self) -> int:
        return self.n.bit_length()

    def subject_public_key_info(self) -> bytes:
        """Return the DER form that the tag p of a DKIM key record holds (RFC 5280, 4.1; RFC 6376 erratum 3017)."""
        key = _wrap(_SEQUENCE, _wrap_integer(self.n) + _wrap_integer(self.e))
        return _wrap(_SEQUENCE, _RSA_ALGORITHM + _wrap(_BIT_STRING, b"\0" + key))


def _wrap(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def _wrap_integer(number: int) -> bytes:
    return _wrap(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _unwrap(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return content and rest of the DER value that ``data`` begins with."""
    if len(data) < 2 or data[0] != tag:
        raise ValueError("its DER structure is broken")
    length, start = data[1], 2
    if length >= 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ValueError("it ends too early")
    return data[start : start + length], data[start + length :]


def _unwrap_integer(data: bytes) -> tuple[int, bytes]:
    content, rest = _unwrap(data, _INTEGER)
    return int.from_bytes(content, "big", signed=True), rest


def _pkcs1(data: bytes) -> RsaPublicKey:
    """Read RSAPrivateKey (RFC 8017, A.1.2) and see that its numbers belong together."""
    rest, _trailing = _unwrap(data, _SEQUENCE)
    numbers = []
    for _unused in range(6):
        number, rest = _unwrap_integer(rest)
        numbers.append(number)
    version, n, e, d, p, q = numbers
    if version != 0:
        raise ValueError("it has more than two primes")
    if min(p, q) < 3 or e < 3 or p * q != n or (e * d) % (p - 1) != 1 or (e * d) % (q - 1) != 1:
        raise ValueError("it is damaged: its numbers do not belong together")
    return RsaPublicKey(n, e)


def _pkcs8(data: bytes) -> RsaPublicKey:
    """Read PrivateKeyInfo (RFC 5958, 2) with an RSA key in it."""
    content, _trailing = _unwrap(data, _SEQUENCE)
    _version, rest = _unwrap_integer(content)
    if not rest.startswith(_RSA_ALGORITHM):
        raise ValueError("it is a key of another kind than RSA")
    key, _attributes = _unwrap(rest[len(_RSA_ALGORITHM) :], _OCTET_STRING)
    return _pkcs1(key)


def public_half(text: bytes) -> RsaPublicKey:
    """Return the public half of an RSA private key in PEM, or raise ``ValueError`` with what is wrong.

    The message says nothing of the key itself. Text around the key is not accepted: OpenDKIM does not take it either.
    """
    if b"ENCRYPTED" in text:
        raise ValueError("it is protected by a pass phrase")
    match = _PEM.fullmatch(text)
    readers = {b"RSA PRIVATE KEY": _pkcs1, b"PRIVATE KEY": _pkcs8}
    if match is None or match["label"] not in readers:
        raise ValueError("it is not a private key in PEM form")
    try:
        data = base64.b64decode(b"".join(match["text"].split()), validate=True)
    except binascii.Error:
        raise ValueError("its base64 text is damaged") from None
    return readers[match["label"]](data)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading private keys, against keys that cryptography and OpenSSL have made."""

from __future__ import annotations

import base64
import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _rsa

serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")
ed25519 = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.ed25519")

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
PLAIN = serialization.NoEncryption()
KEYS = {bits: rsa.generate_private_key(public_exponent=65537, key_size=bits) for bits in (1024, 2048)}
TEXT = KEYS[2048].private_bytes(PEM, PKCS8, PLAIN)


def armoured(data: bytes, label: str = "RSA PRIVATE KEY") -> bytes:
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label.encode(), base64.encodebytes(data), label.encode())


def damaged() -> bytes:
    """Return a key whose DER structure is whole, but with one bit of a number changed."""
    data = bytearray(KEYS[2048].private_bytes(serialization.Encoding.DER, PKCS1, PLAIN))
    data[400] ^= 1
    return armoured(bytes(data))


@pytest.mark.parametrize("form", [PKCS8, PKCS1])
@pytest.mark.parametrize("bits", KEYS)
def test_public_half(bits: int, form: object) -> None:
    public = _rsa.public_half(KEYS[bits].private_bytes(PEM, form, PLAIN))
    assert (public.n, public.e, public.bits) == (KEYS[bits].public_key().public_numbers().n, 65537, bits)
    assert public.subject_public_key_info() == KEYS[bits].public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not a private key in PEM"),
        (b"hello", "not a private key in PEM"),
        (b"\xff\x00" * 100, "not a private key in PEM"),
        (TEXT[:600], "not a private key in PEM"),
        (b"# my key\n" + TEXT, "not a private key in PEM"),
        (TEXT + TEXT, "not a private key in PEM"),
        (TEXT[:100] + b"=" + TEXT[100:], "base64 text is damaged"),
        (damaged(), "damaged"),
        (armoured(b"\x30\x82\xff\xff\x02\x01\x00"), "too early"),
        (armoured(b"\x30\x03\x02\x01\x00"), "DER structure"),
        (armoured(b"\x04\x00"), "DER structure"),
        (armoured(b""), "not a private key in PEM"),
        (KEYS[1024].private_bytes(PEM, PKCS8, serialization.BestAvailableEncryption(b"x")), "pass phrase"),
        (KEYS[1024].private_bytes(PEM, PKCS1, serialization.BestAvailableEncryption(b"x")), "pass phrase"),
        (ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, PLAIN), "another kind than RSA"),
        (
            KEYS[1024].public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
            "not a private key in PEM",
        ),
    ],
)
def test_refuses(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _rsa.public_half(text)


def test_every_shortened_or_altered_key_gives_a_value_or_value_error() -> None:
    data = KEYS[1024].private_bytes(serialization.Encoding.DER, PKCS1, PLAIN)
    for i in range(len(data)):
        altered = bytearray(data)
        altered[i] ^= 0x81
        for candidate in (data[:i], bytes(altered)):
            # Some alterations touch numbers that nobody looks at; no other exception may come.
            with contextlib.suppress(ValueError):
                _rsa.public_half(armoured(candidate))

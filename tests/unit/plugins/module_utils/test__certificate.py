# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that are made here, read as values."""

from __future__ import annotations

import datetime
import ipaddress
import typing as t

import pytest

pytest.importorskip("cryptography")

from ansible_collections.mailops.relay.plugins.module_utils import _certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

BEGIN = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
RSA_KEY = rsa.generate_private_key(65537, 2048)


def made(*names: str, key: t.Any = RSA_KEY, issuer: str = "authority", days: int = 90) -> bytes:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = (
        x509.CertificateBuilder()
        .subject_name(named("relay"))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + datetime.timedelta(days=days))
    )
    general = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    if general:
        builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
    signed = builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


def test_what_is_read() -> None:
    der = made("Relay1.example.com", "*.example.org", "192.0.2.25")
    found = _certificate.read(der)
    assert (found.subject, found.issuer, found.self_signed) == ("CN=relay", "CN=authority", False)
    assert found.names == ("relay1.example.com", "*.example.org", "192.0.2.25")
    assert (found.not_before, found.not_after) == (BEGIN, BEGIN + datetime.timedelta(days=90))
    assert found.der == der
    assert found.spki == RSA_KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert _certificate.days_left(found, BEGIN + datetime.timedelta(days=60)) == 30
    assert _certificate.days_left(found, BEGIN + datetime.timedelta(days=91)) == -1


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (RSA_KEY, "RSA 2048"),
        (ec.generate_private_key(ec.SECP256R1()), "EC P-256"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
    ],
)
def test_keys(key: t.Any, text: str) -> None:
    assert _certificate.read(made(key=key)).key == text


def test_a_certificate_of_its_own() -> None:
    found = _certificate.read(made(issuer="relay"))
    assert found.self_signed
    assert found.names == ()


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("relay1.example.com", True),
        ("RELAY1.example.com.", True),
        ("relay2.example.com", False),
        ("a.example.org", True),
        ("a.b.example.org", False),
        ("example.org", False),
        (".example.org", False),
        ("192.0.2.25", True),
        ("192.0.2.26", False),
        ("relay", False),
        ("", False),
    ],
)
def test_names(name: str, covered: bool) -> None:
    found = _certificate.read(made("relay1.example.com", "*.example.org", "192.0.2.25"))
    assert _certificate.covers(found, name) is covered


@given(st.binary(max_size=400))
def test_any_octets_are_a_certificate_or_a_value_error(octets: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        _certificate.read(octets)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_a_changed_octet_is_a_certificate_or_a_value_error(place: int, octet: int) -> None:
    der = bytearray(made("relay1.example.com", key=ED))
    der[place % len(der)] = octet
    try:
        _certificate.covers(_certificate.read(bytes(der)), "relay1.example.com")
    except ValueError:
        return


ED = ed25519.Ed25519PrivateKey.generate()

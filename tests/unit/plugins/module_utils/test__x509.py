# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates that a library makes here, read without it."""

from __future__ import annotations

import datetime
import ipaddress
import typing as t

import pytest

pytest.importorskip("cryptography")

from ansible_collections.mailops.relay.plugins.module_utils import _x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

BEGIN = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
RSA_KEY = rsa.generate_private_key(65537, 2048)
ED_KEY = ed25519.Ed25519PrivateKey.generate()
DAY = datetime.timedelta(days=1)


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def made(
    *names: str,
    key: t.Any = ED_KEY,
    subject: x509.Name | None = None,
    issuer: str = "authority",
    begin: datetime.datetime = BEGIN,
    end: datetime.datetime = BEGIN + 90 * DAY,
    critical: bool = False,
) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject or named("relay"))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    general = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    if general:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([*general, x509.RFC822Name("a@example.com")]), critical=critical
        )
    unhashed = isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey))
    signed = builder.sign(key, None if unhashed else hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("critical", [False, True])
def test_what_is_read(critical: bool) -> None:
    found = _x509.read(made("Relay1.example.com", "192.0.2.25", "*.example.org", "2001:db8::1", critical=critical))
    assert (found.subject, found.issuer, found.self_signed) == ("CN=relay", "CN=authority", False)
    assert found.names == ("relay1.example.com", "*.example.org", "192.0.2.25", "2001:db8::1")
    assert (found.not_before, found.not_after) == (BEGIN, BEGIN + 90 * DAY)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (RSA_KEY, "RSA 2048"),
        (ec.generate_private_key(ec.SECP256R1()), "EC P-256"),
        (ec.generate_private_key(ec.SECP521R1()), "EC P-521"),
        (ec.generate_private_key(ec.BrainpoolP256R1()), "EC 1.3.36.3.3.2.8.1.1.7"),
        (dsa.generate_private_key(2048), "DSA"),
        (ED_KEY, "Ed25519"),
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
    ],
)
def test_keys(key: t.Any, text: str) -> None:
    found = _x509.read(made(key=key))
    assert found.key == text
    assert found.spki == key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize("begin", ["1951-02-03", "1999-12-31", "2049-12-31", "2050-01-01", "2999-01-01"])
def test_times_of_both_forms(begin: str) -> None:
    moment = datetime.datetime.fromisoformat(begin).replace(tzinfo=datetime.timezone.utc)
    found = _x509.read(made(begin=moment, end=moment + DAY))
    assert (found.not_before, found.not_after) == (moment, moment + DAY)


def test_what_is_left() -> None:
    found = _x509.read(made())
    assert _x509.days_left(found, BEGIN + 60 * DAY) == 30
    assert _x509.days_left(found, BEGIN + 91 * DAY) == -1
    assert _x509.days_until(found, BEGIN - 2 * DAY) == 2
    assert _x509.days_until(found, BEGIN + DAY) == -1


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_names_are_written_as_the_library_does(text: str) -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "AT"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, text),
            x509.NameAttribute(NameOID.COMMON_NAME, "relay"),
        ]
    )
    assert _x509.read(made(subject=name)).subject == name.rfc4514_string()


def test_a_name_of_several_values_and_an_unknown_attribute() -> None:
    parts = [
        x509.RelativeDistinguishedName(
            [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.USER_ID, "b")]
        ),
        x509.RelativeDistinguishedName([x509.NameAttribute(x509.ObjectIdentifier("2.999.1"), "c")]),
    ]
    assert set(_x509.read(made(subject=x509.Name(parts))).subject.split(",")[0].split("+")) == {"2.999.1=c"}
    assert set(_x509.read(made(subject=x509.Name(parts))).subject.split(",")[1].split("+")) == {"CN=a", "UID=b"}


def test_a_certificate_of_its_own() -> None:
    found = _x509.read(made(issuer="relay"))
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
    found = _x509.read(made("relay1.example.com", "*.example.org", "192.0.2.25"))
    assert _x509.covers(found, name) is covered


# Each certificate by its subject and issuer.
@pytest.mark.parametrize(
    ("chain", "misplaced"),
    [
        (["ra"], None),
        (["rr"], None),
        (["ra", "ab"], None),
        (["ra", "ab", "bb"], None),
        (["ra", "ab", "ac", "bb", "cc"], None),
        (["ra", "bb"], 1),
        (["ra", "bb", "ab"], 1),
        (["ra", "ab", "xy"], 2),
        (["ab", "ra"], 1),
        ([], None),
    ],
)
def test_order(chain: list[str], misplaced: int | None) -> None:
    certificates = [_x509.read(made(subject=named(each[0]), issuer=each[1])) for each in chain]
    assert _x509.out_of_order(certificates) == misplaced


@given(st.binary(max_size=400))
def test_any_octets_are_a_value_error(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it"):
        _x509.read(octets)


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_a_changed_octet_is_a_certificate_or_a_value_error(place: int, octet: int) -> None:
    der = bytearray(DER)
    der[place % len(der)] = octet
    try:
        _x509.covers(_x509.read(bytes(der)), "relay1.example.com")
    except ValueError:
        return


@given(st.integers(min_value=0))
def test_a_certificate_that_is_cut_off_is_a_value_error(length: int) -> None:
    with pytest.raises(ValueError, match=r"ends too early|broken"):
        _x509.read(DER[: length % len(DER)])


DER = made("relay1.example.com", "192.0.2.25")

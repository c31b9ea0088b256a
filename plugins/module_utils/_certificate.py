# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Certificates (RFC 5280) as plain values. Beside the making of DKIM keys, the only importer of cryptography."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    HAS_CRYPTOGRAPHY = True
except ImportError:
    HAS_CRYPTOGRAPHY = False

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


@dataclass(frozen=True)
class Certificate:
    """A certificate. ``names`` are its dNSName and iPAddress entries (RFC 5280, 4.2.1.6), ``spki`` its public key."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    key: str
    der: bytes
    spki: bytes
    self_signed: bool


def _time(certificate: t.Any, name: str) -> datetime:
    """Return a time in UTC; before cryptography 42 there are only naive ones."""
    aware = getattr(certificate, f"{name}_utc", None)
    found: datetime = aware or getattr(certificate, name).replace(tzinfo=timezone.utc)
    return found


def _names(certificate: t.Any) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    found = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return (*found, *(str(address) for address in names.get_values_for_type(x509.IPAddress)))


def _key(public: t.Any) -> str:
    if isinstance(public, rsa.RSAPublicKey):
        return f"RSA {public.key_size}"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return f"EC {_CURVES.get(public.curve.name, public.curve.name)}"
    kinds = {"Ed25519": ed25519.Ed25519PublicKey, "Ed448": ed448.Ed448PublicKey, "DSA": dsa.DSAPublicKey}
    return next((name for name, kind in kinds.items() if isinstance(public, kind)), type(public).__name__)


def read(der: bytes) -> Certificate:
    """Return a certificate from its DER, or raise ``ValueError``."""
    try:
        found = x509.load_der_x509_certificate(der)
        public = found.public_key()
        return Certificate(
            subject=found.subject.rfc4514_string(),
            issuer=found.issuer.rfc4514_string(),
            names=_names(found),
            not_before=_time(found, "not_valid_before"),
            not_after=_time(found, "not_valid_after"),
            key=_key(public),
            der=der,
            spki=public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            self_signed=found.subject == found.issuer,
        )
    except Exception as error:  # noqa: BLE001 - the library raises many kinds of its own for what is in a certificate
        raise ValueError(f"it is no certificate that can be read ({type(error).__name__}: {error})") from None


def days_left(certificate: Certificate, now: datetime) -> float:
    """Return the days until it expires, negative ones after that."""
    return (certificate.not_after - now).total_seconds() / 86400


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

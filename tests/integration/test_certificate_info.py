# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""certificate_info on hosts of both releases that have nothing but Python."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from container_host import Host
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

NAME = "relay.lab.test"
FILES = {"certificate": "/root/chain.pem", "key": "/root/key.pem", "hostname": NAME, "must_be_usable": True}
KEYS = {"EC P-256": ec.generate_private_key(ec.SECP256R1()), "RSA 2048": rsa.generate_private_key(65537, 2048)}
OTHER = ec.generate_private_key(ec.SECP256R1())


def pem_of(key: t.Any, pass_phrase: bytes | None = None) -> str:
    encryption = serialization.BestAvailableEncryption(pass_phrase) if pass_phrase else serialization.NoEncryption()
    form = serialization.PrivateFormat.TraditionalOpenSSL
    text: bytes = key.private_bytes(serialization.Encoding.PEM, form, encryption)
    return text.decode()


def certificate_of(key: t.Any, name: str = NAME, days: int = 60) -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("certificate", request.param, tmp_path_factory.mktemp("certificate"))
    try:
        host.start()
        yield host
    finally:
        host.remove()


def put(host: Host, certificate: str, key: str) -> None:
    host.run(f"umask 077\ncat >/root/chain.pem <<'EOF'\n{certificate}EOF\ncat >/root/key.pem <<'EOF'\n{key}EOF")


def test_nothing_is_installed_for_it(host: Host) -> None:
    assert host.run("command -v postconf || echo none; python3 -c 'import cryptography' 2>&1 | tail -n 1") == (
        "none\nModuleNotFoundError: No module named 'cryptography'"
    )


@pytest.mark.parametrize("kind", list(KEYS))
def test_a_good_one(host: Host, kind: str) -> None:
    put(host, certificate_of(KEYS[kind]), pem_of(KEYS[kind]))
    result = host.module("certificate_info", **FILES)
    assert not result["failed"], result
    assert (result["usable"], result["findings"]) == (True, [])
    assert (result["seen"]["key"], result["seen"]["names"]) == (kind, [NAME])


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        ({"days": -2}, {}, "The certificate has expired 2 days ago"),
        ({"name": "mx.example.org"}, {}, "The certificate is for mx.example.org, and not for relay.lab.test"),
        ({"key": OTHER}, {}, "The private key does not belong to the certificate"),
        ({}, {"pass_phrase": b"secret"}, "The private key has a pass phrase, and Postfix has none to give"),
    ],
)
def test_one_that_cannot_be_used(host: Host, certificate: dict[str, t.Any], key: dict[str, t.Any], words: str) -> None:
    good = KEYS["EC P-256"]
    put(host, certificate_of(**{"key": good, **certificate}), pem_of(good, **key))
    result = host.module("certificate_info", **FILES)
    assert result["failed"]
    assert words in result["msg"]
    assert "PRIVATE KEY" not in result["msg"]


def test_one_that_is_missing(host: Host) -> None:
    result = host.module("certificate_info", **{**FILES, "key": "/root/none.pem"})
    assert "/root/none.pem cannot be read: No such file or directory" in result["msg"]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import pathlib
import typing as t

import pytest

pytest.importorskip("cryptography")

from ansible_collections.mailops.relay.plugins.modules import certificate_info
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "relay.example.com"
KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _number in range(2))


class Module:
    """Stands in for AnsibleModule."""

    def __init__(self, check_mode: bool = False, **params: t.Any) -> None:
        defaults = {"key": None, "hostname": HOST, "days": 14, "must_be_usable": True}
        self.params = {**defaults, **params}
        self.check_mode = check_mode
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def pem_of(key: t.Any, pass_phrase: bytes | None = None) -> str:
    encryption = serialization.BestAvailableEncryption(pass_phrase) if pass_phrase else serialization.NoEncryption()
    text: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    return text.decode()


def certificate_of(key: t.Any, name: str = HOST, begin: int = -30, end: int = 60, issuer: str = "authority") -> str:
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + datetime.timedelta(days=begin))
        .not_valid_after(now + datetime.timedelta(days=end))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture
def files(tmp_path: pathlib.Path) -> dict[str, str]:
    (tmp_path / "chain").write_text(certificate_of(KEY) + certificate_of(OTHER, "authority", issuer="root"))
    (tmp_path / "key").write_text(pem_of(KEY))
    return {name if name == "key" else "certificate": str(tmp_path / name) for name in ("key", "chain")}


def test_a_good_one(files: dict[str, str]) -> None:
    module = Module(**files)
    result = certificate_info.run(module)
    assert (result["usable"], result["findings"], module.warnings) == (True, [], [])
    assert result["seen"]["names"] == [HOST]
    assert result["seen"]["key_matches"] is True


def test_key_and_certificate_in_one_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "both").write_text(pem_of(KEY) + certificate_of(KEY))
    assert certificate_info.run(Module(certificate=str(tmp_path / "both")))["usable"]
    (tmp_path / "both").write_text(certificate_of(KEY) + pem_of(KEY))
    with pytest.raises(ValueError, match="The private key comes after the certificate"):
        certificate_info.run(Module(certificate=str(tmp_path / "both")))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("key", "", "There is no private key in {key} and {certificate}"),
        ("key", pem_of(OTHER), "The private key does not belong to the certificate"),
        ("key", pem_of(KEY, b"secret"), "The private key has a pass phrase"),
        ("certificate", "", "There is no certificate in {key} and {certificate}"),
        ("certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "Of the certificate: it"),
        ("certificate", certificate_of(KEY, end=-3), "The certificate has expired 3 days ago"),
        ("certificate", certificate_of(KEY, begin=3), "The certificate is not valid before 3.0 days from now"),
        ("certificate", certificate_of(KEY, "mx.example.org"), "is for mx.example.org, and not for relay.example.com"),
        ("certificate", certificate_of(KEY) + certificate_of(OTHER, "root"), "The chain is not in order: CN=root"),
    ],
)
def test_what_cannot_be_used(files: dict[str, str], name: str, text: str, words: str) -> None:
    pathlib.Path(files[name]).write_text(text)
    with pytest.raises(ValueError, match=r"of relay\.example\.com cannot be used; nothing was changed") as raised:
        certificate_info.run(Module(**files))
    assert words.format(**files) in str(raised.value)
    assert "PRIVATE KEY" not in str(raised.value)
    assert not certificate_info.run(Module(**files, must_be_usable=False))["usable"]


def test_everything_is_named_at_once(files: dict[str, str]) -> None:
    pathlib.Path(files["certificate"]).write_text(certificate_of(OTHER, "mx.example.org", end=-3))
    with pytest.raises(ValueError, match="cannot be used") as raised:
        certificate_info.run(Module(**files))
    assert str(raised.value).count("\n- ") == 3


def test_one_that_expires_soon_is_a_warning(files: dict[str, str]) -> None:
    pathlib.Path(files["certificate"]).write_text(certificate_of(KEY, end=3))
    module = Module(**files)
    assert certificate_info.run(module)["usable"]
    assert len(module.warnings) == 1
    assert "The certificate expires in 3 days" in module.warnings[0]


def test_without_a_name_names_are_not_judged(files: dict[str, str]) -> None:
    pathlib.Path(files["certificate"]).write_text(certificate_of(KEY, "mx.example.org"))
    assert certificate_info.run(Module(**files, hostname=None))["usable"]


@pytest.mark.parametrize("name", ["key", "certificate"])
def test_in_check_mode_another_task_may_be_about_to_make_it(files: dict[str, str], name: str) -> None:
    pathlib.Path(files[name]).unlink()
    with pytest.raises(ValueError, match=f"{files[name]} cannot be read: No such file or directory"):
        certificate_info.run(Module(**files))
    assert not certificate_info.run(Module(check_mode=True, **files))["usable"]


@pytest.mark.parametrize("days", [-1, 366])
def test_days(files: dict[str, str], days: int) -> None:
    with pytest.raises(ValueError, match="0 to 365"):
        certificate_info.run(Module(**files, days=days))

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import errno
import getpass
import os
import pathlib
import time

import pytest

pytest.importorskip("cryptography")

from ansible_collections.mailops.relay.plugins.module_utils import (
    _dkim_keys,
    _host_certificate,
    _host_files,
    _host_keys,
)
from ansible_collections.mailops.relay.plugins.module_utils._host_certificate import Source
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "relay.example.com"
PASS_PHRASE = serialization.BestAvailableEncryption(b"secret")


def pem_of(key, encryption=None):
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption or serialization.NoEncryption()
    )
    return text.decode()


def certificate_of(key, name=HOST, days=90, begin=-1000):
    now = datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now + datetime.timedelta(days=begin))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def old_pem_of(key):
    """Return a key with a pass phrase in the form in which OpenSSL once wrote it."""
    text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, PASS_PHRASE)
    return text.decode()


KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _number in range(2))
GOOD = pem_of(KEY) + certificate_of(KEY)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path


def look(folder, *texts, together=True, mode=0o600):
    """Put texts into files, look at them, and return the ids of what is found."""
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.pem"
        path.write_text(text)
        path.chmod(mode)
        paths.append(str(path))
    return looked(paths, together)


def looked(paths, together=True):
    seen = _host_files.observe_certificates(Source(paths, together), HOST, time.time())
    return [finding.id for each in seen for finding in _host_certificate.judge(each, HOST, 14)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([GOOD], []),
        ([pem_of(KEY), certificate_of(KEY)], []),
        ([certificate_of(KEY), pem_of(KEY)], ["certificate_key_mismatch"]),
        ([certificate_of(KEY) + pem_of(KEY)], ["certificate_key_mismatch"]),
        ([pem_of(OTHER), certificate_of(KEY)], ["certificate_key_mismatch"]),
        ([pem_of(KEY), certificate_of(KEY, days=3)], ["certificate_expires"]),
        ([pem_of(KEY), certificate_of(KEY, days=-3)], ["certificate_expired"]),
        ([pem_of(KEY), certificate_of(KEY, name="*.example.com")], []),
        ([pem_of(KEY), certificate_of(KEY, name="*.example.org")], ["certificate_name"]),
        ([GOOD + pem_of(OTHER) + certificate_of(OTHER, name="other.example")], ["certificate_name"]),
        ([pem_of(KEY), certificate_of(KEY, begin=3)], ["certificate_not_yet"]),
        ([GOOD + certificate_of(KEY, name="another.example.com")], ["certificate_order"]),
        ([GOOD + certificate_of(KEY)], []),
        ([pem_of(KEY, PASS_PHRASE), certificate_of(KEY)], ["certificate_key_mismatch"]),
        ([old_pem_of(KEY), certificate_of(KEY)], ["certificate_key_mismatch"]),
        ([pem_of(KEY)], ["certificate_unusable"]),
        ([certificate_of(KEY)], ["certificate_unusable"]),
        (["", ""], ["certificate_unusable"]),
        (["\x00\xff"], ["certificate_unusable"]),
        ([f"{pem_of(KEY)}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"], ["certificate_unusable"]),
        ([f"{pem_of(KEY)}-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n"], ["certificate_unusable"]),
    ],
)
def test_certificates(folder, texts, expected):
    assert look(folder, *texts) == expected


@pytest.mark.parametrize("write", [old_pem_of, lambda key: pem_of(key, PASS_PHRASE)])
def test_a_pass_phrase_is_named(folder, write):
    (folder / "both").write_text(write(KEY) + certificate_of(KEY))
    seen = _host_files.observe_certificates(Source([str(folder / "both")], together=True), HOST, time.time())
    assert [each.mismatch for each in seen] == ["The private key has a pass phrase, and Postfix has none to give"]


def test_files_that_are_none(folder):
    assert looked([str(folder / "gone")]) == ["certificate_unusable"]
    assert looked([str(folder)]) == ["certificate_unusable"]
    os.mkfifo(folder / "pipe")
    assert looked([str(folder / "pipe")]) == ["certificate_unusable"]
    (folder / "large").write_bytes(b"x" * ((1 << 20) + 1))
    assert looked([str(folder / "large")]) == ["certificate_unusable"]


def test_a_key_for_everybody(folder, monkeypatch):
    # pytest's folder is its user's alone, so that nobody gets to the key.
    assert look(folder, GOOD, mode=0o644) == []
    monkeypatch.setattr(_host_files, "_open_to_others", lambda path: bool(os.stat(path).st_mode & 0o004))
    assert look(folder, pem_of(KEY), certificate_of(KEY), mode=0o644) == ["certificate_key_exposed"]
    assert look(folder, pem_of(KEY), certificate_of(KEY), mode=0o640) == []


@pytest.mark.parametrize(
    ("mode", "above", "expected"), [(0o644, 0o711, True), (0o644, 0o700, False), (0o640, 0o755, False)]
)
def test_open_to_others(folder, mode, above, expected):
    path = folder / "a" / "key"
    path.parent.mkdir()
    path.write_text("")
    path.chmod(mode)
    path.parent.chmod(above)
    # Above it are folders of pytest, whose user they belong to.
    reachable = all(os.stat(each).st_mode & 0o001 for each in path.parents[1:])
    assert _host_files._open_to_others(str(path)) is (expected and reachable)


def test_whoever_may_not_read_the_key_reads_the_certificate(folder, monkeypatch):
    def read(path, _largest):
        if path.endswith("0.pem"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return pathlib.Path(path).read_text()

    monkeypatch.setattr(_host_files, "_read", read)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert look(folder, pem_of(KEY), certificate_of(KEY)) == ["certificate_not_checked"]
    assert look(folder, pem_of(KEY), certificate_of(KEY, days=-3)) == ["certificate_not_checked", "certificate_expired"]
    assert look(folder, GOOD) == ["certificate_not_checked"]
    # The system may keep root from it too: that is wrong, since Postfix reads it as root.
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert look(folder, pem_of(KEY), certificate_of(KEY)) == ["certificate_unusable"]


# DKIM keys


@pytest.fixture(scope="module")
def dkim_key():
    return _dkim_keys.make_key(2048)[0]


def configure(folder, *, key_table="example.com example.com:s1:{}\n", signing="*@example.com example.com\n", mode="s"):
    key = folder / "s1.private"
    (folder / "KeyTable").write_text(key_table.format(key))
    (folder / "SigningTable").write_text(signing)
    (folder / "opendkim.conf").write_text(
        f"Mode {mode}\nKeyTable file:{folder}/KeyTable\nSigningTable refile:{folder}/SigningTable\n"
    )
    return key


def judged(folder, user=""):
    seen = _host_files.observe_keys(str(folder / "opendkim.conf"), user, 2048)
    return [finding.id for finding in _host_keys.judge(seen)]


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o600, []), (0o400, []), (0o640, ["key_unsafe"]), (0o644, ["key_unsafe"])]
)
def test_mode_of_a_key(folder, dkim_key, mode, expected):
    key = configure(folder)
    key.write_bytes(dkim_key)
    key.chmod(mode)
    assert judged(folder, getpass.getuser()) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ["key_missing"]),
        ({"signing": "*@example.org nothing\n"}, ["key_table_dangling", "key_missing"]),
        ({"key_table": "example.com\n"}, ["key_table_unusable"]),
        ({"key_table": "", "signing": ""}, ["key_none"]),
        ({"mode": "v"}, ["key_none"]),
    ],
)
def test_tables(folder, change, expected):
    configure(folder, **change)
    assert judged(folder) == expected


def test_no_configuration(folder):
    assert judged(folder) == ["key_table_unusable"]


def test_tables_that_are_no_files(folder):
    (folder / "opendkim.conf").write_text("KeyTable ldap:ldap.example\n")
    assert judged(folder) == ["key_not_checked"]


def test_keys_that_are_no_files(folder):
    configure(folder, key_table="example.com example.com:s1:MIIBOgIBAAJB\n")
    assert judged(folder) == ["key_not_checked"]


def test_a_key_for_the_domain_of_each_sender(folder, dkim_key):
    key = configure(folder, key_table="all %:s1:{}\n", signing="* all\n")
    key.write_bytes(dkim_key)
    key.chmod(0o600)
    assert judged(folder, getpass.getuser()) == []


def test_one_key_without_tables(folder, dkim_key):
    key = folder / "k"
    key.write_bytes(dkim_key)
    key.chmod(0o600)
    (folder / "opendkim.conf").write_text(f"Domain example.com\nSelector s\nKeyFile {key}\n")
    assert judged(folder, getpass.getuser()) == []

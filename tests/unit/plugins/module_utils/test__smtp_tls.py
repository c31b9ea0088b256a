# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ssl

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _smtp_probe, _smtp_session, _smtp_tls


def test_this_library_offers_what_is_of_today() -> None:
    assert {"TLSv1.2", "TLSv1.3"} <= set(_smtp_tls.offered())


def test_a_version_that_the_library_does_not_have_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_version: str) -> ssl.SSLContext:
        raise ValueError("no such version")

    monkeypatch.setattr(_smtp_tls, "version_context", none)
    assert not _smtp_tls.can_offer("TLSv1.2")


def test_no_version_is_looked_for_by_a_context_of_another() -> None:
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_3
    assert _smtp_tls.version_context("TLSv1.2").maximum_version == ssl.TLSVersion.TLSv1_2
    assert _smtp_tls.version_context("TLSv1.2").minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", "refused"),
        ("UNSUPPORTED_PROTOCOL", "refused"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "refused"),
        ("UNEXPECTED_EOF_WHILE_READING", "refused"),
        ("CERTIFICATE_VERIFY_FAILED", "not_checked"),
        ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", "not_checked"),
    ],
)
def test_verdict(reason: str, expected: str) -> None:
    assert _smtp_tls.verdict(ssl.SSLError(1, f"[SSL: {reason}] {reason.lower()}")) == expected


@pytest.mark.parametrize(
    ("source", "networks", "expected"),
    [
        ("10.1.2.3", ["10.0.0.0/8"], True),
        ("10.1.2.3", ["10.0.0.1/8"], True),
        ("::ffff:10.1.2.3", ["10.0.0.0/8"], True),
        ("2001:db8::1", ["10.0.0.0/8", "2001:db8::/64"], True),
        ("198.51.100.1", ["10.0.0.0/8", "2001:db8::/64"], False),
        ("198.51.100.1", [], False),
    ],
)
def test_is_trusted(source: str, networks: list[str], expected: bool) -> None:
    assert _smtp_probe.is_trusted(source, networks) is expected


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"250 ok", "250 ok"),
        ("250 é".encode(), "250 é"),
        (b"250 \xe9", r"250 \xe9"),
        (b"\x1b[2J\x07\t", r"\x1b[2J\x07\t"),
        ("\u202e250".encode(), r"\u202e250"),
    ],
)
def test_what_is_shown_does_no_harm(octets: bytes, expected: str) -> None:
    assert _smtp_session.printable(octets) == expected

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _host_certificate
from ansible_collections.mailops.relay.plugins.module_utils._host_certificate import Facts, Observation, Source

HOST = "relay.example.com"
FACTS = Facts("CN=relay", [HOST], "2027-01-01", 90.0, True, "EC P-256", False)


def pem(label, content):
    return f"-----BEGIN {label}-----\n{base64.b64encode(content.encode()).decode()}\n-----END {label}-----\n"


def ids(findings):
    return [finding.id for finding in findings]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, []),
        ({"smtpd_tls_cert_file": "none"}, []),
        ({"smtpd_tls_cert_file": "/c"}, [Source(["/c"], False)]),
        ({"smtpd_tls_cert_file": "/c", "smtpd_tls_key_file": "/c"}, [Source(["/c"], False)]),
        ({"smtpd_tls_cert_file": "/c", "smtpd_tls_key_file": "/k"}, [Source(["/k", "/c"], False)]),
        (
            {"smtpd_tls_cert_file": "/c", "smtpd_tls_eccert_file": "/e", "smtpd_tls_eckey_file": "/f"},
            [Source(["/c"], False), Source(["/f", "/e"], False)],
        ),
        ({"smtpd_tls_chain_files": "/k, /c", "smtpd_tls_cert_file": "/x"}, [Source(["/k", "/c"], True)]),
    ],
)
def test_sources(parameters, expected):
    assert _host_certificate.sources(parameters) == expected


def test_blocks():
    text = f"Subject: x\n{pem('CERTIFICATE', 'leaf')}\nnoise\n{pem('EC PARAMETERS', 'x')}{pem('EC PRIVATE KEY', 'k')}"
    found = _host_certificate.blocks(text)
    assert [block.label for block in found] == ["CERTIFICATE", "EC PARAMETERS", "EC PRIVATE KEY"]
    assert found[0].der() == b"leaf"
    assert [block.is_key for block in found] == [False, False, True]


@pytest.mark.parametrize(
    ("label", "headers", "encrypted"),
    [
        ("PRIVATE KEY", "", False),
        ("ENCRYPTED PRIVATE KEY", "", True),
        ("RSA PRIVATE KEY", "", False),
        ("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n", True),
        ("CERTIFICATE", "Proc-Type: 4,ENCRYPTED\n\n", False),
    ],
)
def test_pass_phrases(label, headers, encrypted):
    (block,) = _host_certificate.blocks(f"-----BEGIN {label}-----\n{headers}AAAA\n-----END {label}-----\n")
    assert block.is_encrypted is encrypted


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nAAAA", "-----BEGIN A-----\nAA\n-----END B-----"])
def test_no_blocks(text):
    assert _host_certificate.blocks(text) == []


@pytest.mark.parametrize("content", ["A", "AA=A", "!!!!"])
def test_what_is_no_certificate(content):
    (block,) = _host_certificate.blocks(f"-----BEGIN CERTIFICATE-----\n{content}\n-----END CERTIFICATE-----")
    with pytest.raises(ValueError, match="no base64"):
        block.der()


@pytest.mark.parametrize(
    ("order", "together", "expected"),
    [
        ("", True, [("", "")]),
        ("k", True, [("k", "")]),
        ("c", True, [("", "c")]),
        ("kcd", True, [("k", "cd")]),
        # A file of certbot's kind, and one that begins with the certificate.
        ("ck", True, [("k", "c")]),
        ("kclde", True, [("k", "c"), ("l", "de")]),
        ("kcld", False, [("k", "cd")]),
    ],
)
def test_chains(order, together, expected):
    text = "".join(pem("PRIVATE KEY" if letter in "kl" else "CERTIFICATE", letter) for letter in order)
    found = _host_certificate.chains(_host_certificate.blocks(text), together=together)
    letters = [
        (chain.key.der().decode() if chain.key else "", "".join(each.der().decode() for each in chain.certificates))
        for chain in found
    ]
    assert letters == expected


@pytest.mark.parametrize(
    ("order", "late"),
    [("", False), ("k", False), ("c", False), ("kc", False), ("ck", True), ("xkc", False), ("ckc", True)],
)
def test_whether_the_key_is_late(order, late):
    labels = {"k": "PRIVATE KEY", "c": "CERTIFICATE", "x": "EC PARAMETERS"}
    found = _host_certificate.blocks("".join(pem(labels[letter], letter) for letter in order))
    assert _host_certificate.key_is_late(found) is late


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"days": 14.0}, []),
        ({"days": 13.9}, ["certificate_expires"]),
        ({"days": -0.1}, ["certificate_expired"]),
        ({"covers": False}, ["certificate_name"]),
        ({"covers": False, "names": [], "days": -9.0}, ["certificate_expired", "certificate_name"]),
        ({"self_signed": True}, []),
        ({"days_until": -0.1}, []),
        ({"days_until": 0.1}, ["certificate_not_yet"]),
        ({"misplaced": "CN=root"}, ["certificate_order"]),
    ],
)
def test_facts(change, expected):
    seen = Observation(["/k", "/c"], Facts(**{**FACTS.__dict__, **change}))
    findings = list(_host_certificate.judge(seen, HOST, 14))
    assert ids(findings) == expected
    assert {finding.subject for finding in findings} <= {"/c"}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"mismatch": "not his"}, ["certificate_key_mismatch"]),
        ({"error": "No such file"}, ["certificate_unusable"]),
        ({"unseen": ["/k: Permission denied"]}, ["certificate_not_checked"]),
        ({"exposed": ["/k"]}, ["certificate_key_exposed"]),
    ],
)
def test_files(seen, expected):
    assert ids(_host_certificate.judge(Observation(["/k", "/c"], **seen), HOST, 14)) == expected


@pytest.mark.parametrize(
    ("interfaces", "expected"),
    [("all", ["certificate_none"]), ("loopback-only", []), ("10.0.0.1", ["certificate_none"])],
)
def test_no_certificate(interfaces, expected):
    assert ids(_host_certificate.judge_absence("may", interfaces)) == expected


@pytest.mark.parametrize(
    ("seen", "matches"), [({}, True), ({"mismatch": "x"}, False), ({"error": "x"}, None), ({"unseen": ["x"]}, None)]
)
def test_whether_the_key_matches_is_told_only_where_it_was_seen(seen, matches):
    assert _host_certificate.describe(Observation(["/c"], FACTS, **seen))["key_matches"] is matches

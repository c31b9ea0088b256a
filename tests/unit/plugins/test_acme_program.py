# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the program of the role acme concludes: when a certificate is due, and when its key may change."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parents[3] / "roles/acme/files/mailops_relay_acme/judgement.py"
SPEC = importlib.util.spec_from_file_location("judgement", PATH)
judgement = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(judgement)

DAY = 86400
NOW = 1_800_000_000
CA = "https://acme.example.net/directory"
CONFIG = {"hostname": "relay.example.net", "directory": CA, "renew_before": 30}


def certificate(**changes):
    values = {"names": ("relay.example.net",), "self_signed": False, "begins": NOW - 30 * DAY, "ends": NOW + 60 * DAY}
    return judgement.Certificate(**{**values, **changes})


@pytest.mark.parametrize(
    ("found", "issued_by", "reason"),
    [
        (certificate(), CA, ""),
        (None, CA, "there is none"),
        (certificate(self_signed=True), CA, "self-signed"),
        (certificate(names=("other.example.net",)), CA, "it is for other.example.net"),
        (certificate(names=()), CA, "it is for no name"),
        (certificate(), "https://staging.example.net/directory", f"it is not from {CA}"),
        (certificate(), "", "it is not from"),
        (certificate(ends=NOW + 30 * DAY + 1), CA, ""),
        (certificate(begins=NOW - 60 * DAY, ends=NOW + 30 * DAY), CA, "it expires at 2027-02-14 08:00 UTC"),
        (certificate(ends=NOW - 1), CA, "it expires at"),
        # One of six days, which would always be due by renew_before.
        (certificate(begins=NOW - 3 * DAY, ends=NOW + 3 * DAY), CA, ""),
        (certificate(begins=NOW - 4 * DAY, ends=NOW + 2 * DAY), CA, "it expires at"),
    ],
)
def test_when_a_certificate_is_due(found, issued_by, reason):
    why = judgement.why_due(found, CONFIG, issued_by, NOW)
    assert why.startswith(reason) or reason in why
    assert bool(why) == bool(reason)


@pytest.mark.parametrize(
    ("confirmed", "reason"),
    [
        ({"key": "next", "since": NOW - 7200, "last": NOW - 60}, ""),
        ({"key": "next", "since": NOW - 7199, "last": NOW - 60}, "resolvers may know no TLSA record"),
        ({"key": "next", "since": NOW - 9 * DAY, "last": NOW - 3 * DAY - 1}, "were last seen at"),
        ({"key": "other", "since": NOW - 9 * DAY, "last": NOW}, "have not been seen"),
        (None, "have not been seen"),
    ],
)
def test_when_the_key_may_change(confirmed, reason):
    why = judgement.may_change_key({"confirmed": confirmed} if confirmed else {}, "next", 7200, NOW)
    assert reason in why
    assert bool(why) == bool(reason)


TEXT = """subject=CN = relay.example.net
issuer=CN = An Authority, O = "a=b"
notBefore=Nov 26 08:00:00 2026 GMT
notAfter=Feb  4 08:00:00 2027 GMT
X509v3 Subject Alternative Name: critical
    DNS:Relay.example.net, IP Address:192.0.2.1, DNS:mail.example.net
"""


def test_what_openssl_says_of_a_certificate():
    found = judgement.certificate_of(TEXT)
    assert found.names == ("relay.example.net", "mail.example.net")
    assert not found.self_signed
    assert judgement.clock(found.begins) == "2026-11-26 08:00 UTC"
    assert judgement.clock(found.ends) == "2027-02-04 08:00 UTC"
    assert judgement.certificate_of(TEXT.replace('CN = An Authority, O = "a=b"', "CN = relay.example.net")).self_signed


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        (
            "ERROR: Problem connecting to server (get for https://acme.test/dir; curl returned with 7)\n",
            "the authority cannot be reached: nobody answers there",
        ),
        (
            "ERROR: Problem connecting to server (get for https://acme.test/dir; curl returned with 60)\n",
            "its own certificate is not signed by an authority that is trusted here",
        ),
        (
            ' + Challenge validation has failed :(\nERROR: Challenge is invalid! (returned: invalid) (result: ["type"]'
            '\t"http-01"\n["error","detail"]\t"Fetching http://r/.well-known: refused"\n["error","status"]\t400)\n',
            "the authority says: Fetching http://r/.well-known: refused",
        ),
        (
            "  + ERROR: An error occurred while sending post-request to https://acme.test/ (403)\n\nDetails:\n{\n"
            '   "type": "urn:ietf:params:acme:error:caa",\n   "detail": "CAA forbids \\"it\\"",\n   "status": 403\n}\n',
            'the authority says: CAA forbids "it"',
        ),
        (
            "ERROR: port 80 is taken\nERROR: deploy_challenge hook returned with non-zero exit code\n",
            "port 80 is taken",
        ),
        ("", "dehydrated ended with status 3"),
    ],
)
def test_what_went_wrong_in_words(output, problem):
    assert problem in judgement.problem_of(output, 3)

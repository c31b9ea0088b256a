# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dkim_judgement, _dns_judgement
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Observation, Server
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._rsa import RsaPublicKey, _wrap, _wrap_integer
from hypothesis import given, settings
from hypothesis import strategies as st

NAME = "relay1._domainkey.example.com"
ED25519 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
REVOKED = "v=DKIM1; k=rsa; p="


def modulus(bits, number=1):
    return (1 << (bits - 1)) + 2 * number + 1


def p(bits=2048, number=1):
    return base64.b64encode(RsaPublicKey(modulus(bits, number), 65537).subject_public_key_info()).decode()


def key(bits=2048, number=1, tags="k=rsa"):
    return f"v=DKIM1; {tags}; p={p(bits, number)}"


BARE = base64.b64encode(_wrap(0x30, _wrap_integer(modulus(2048)) + _wrap_integer(65537))).decode()

TABLE = [
    ("right", key(), [key()], []),
    ("right, written in another way", key(), [key(tags="k=rsa; s=*").replace("; ", ";")], []),
    ("right, the key without its frame", key(), [f"v=DKIM1; p={BARE}"], [("dns_record_different", "notice")]),
    ("right, with notes", key(), [key(tags="n=hello")], [("dns_record_different", "notice")]),
    ("right, for SHA-256 only", key(), [key(tags="h=sha256")], [("dns_record_different", "notice")]),
    ("right, ed25519", ED25519, [ED25519], []),
    ("missing", key(), [], [("dns_record_missing", "error")]),
    ("another key", key(), [key(number=2)], [("dkim_key_different", "error")]),
    ("a shorter key", key(), [key(1024)], [("dkim_key_different", "error")]),
    ("another kind of key", key(), [ED25519], [("dkim_key_different", "error")]),
    ("no RSA key", key(), ["v=DKIM1; p=AAAA"], [("dkim_key_different", "error")]),
    ("revoked", key(), [REVOKED], [("dkim_key_revoked", "error")]),
    ("not revoked", REVOKED, [key()], [("dkim_key_not_revoked", "error")]),
    ("revoked as it should be", REVOKED, [REVOKED], []),
    ("revoked with a word more", REVOKED, ["v=DKIM1; n=gone; p="], [("dns_record_different", "notice")]),
    ("revoked in test mode", REVOKED, ["v=DKIM1; k=ed25519; t=y; p="], [("dns_record_different", "notice")]),
    ("short as the host's", key(1024), [key(1024)], [("dkim_key_too_short", "warning")]),
    ("too short as the host's", key(1023), [key(1023)], [("dkim_key_too_short", "error")]),
    ("2047 bits", key(2047), [key(2047)], [("dkim_key_too_short", "warning")]),
    (
        "short, and another one",
        key(1024),
        [key(2048)],
        [("dkim_key_different", "error"), ("dkim_key_too_short", "warning")],
    ),
    ("test mode", key(), [key(tags="t=y")], [("dkim_key_testing", "warning")]),
    ("test mode that is asked for", key(tags="t=y"), [key(tags="t=y")], [("dkim_key_testing", "notice")]),
    ("another key in test mode", key(), [key(number=2, tags="t=y")], [("dkim_key_different", "error")]),
    ("SHA-1 only", key(), [key(tags="h=sha1")], [("dkim_key_restricted", "error")]),
    ("SHA-1 too", key(), [key(tags="h=sha1:sha256")], [("dns_record_different", "notice")]),
    ("not for mail", key(), [key(tags="s=tlsrpt")], [("dkim_key_restricted", "error")]),
    ("for mail too", key(), [key(tags="s=tlsrpt:email")], [("dns_record_different", "notice")]),
    ("not for subdomains", key(), [key(tags="t=s")], [("dkim_key_restricted", "warning")]),
    ("not for subdomains, as asked", key(tags="t=s"), [key(tags="t=s")], []),
    (
        "two causes",
        key(),
        [key(tags="h=sha1; t=y")],
        [("dkim_key_restricted", "error"), ("dkim_key_testing", "warning")],
    ),
    ("no key record", key(), ["v=DKIM1; k=rsa"], [("dkim_key_malformed", "error")]),
    ("quotation marks in it", key(), [key().replace("p=", 'p="')], [("dkim_key_malformed", "error")]),
    ("cut in two records", key(), [key()[:200], key()[200:]], [("dkim_several_records", "error")]),
    ("two keys", key(), [key(), key(number=2)], [("dkim_several_records", "error")]),
    ("the host's key is none", "v=DKIM1; p=AAAA", ["v=DKIM1; p=AAAA"], [("dkim_key_malformed", "error")]),
    ("what to publish is none", "v=DKIM1", ["v=DKIM1"], [("dkim_key_malformed", "error")]),
]


def judged(wanted, values, **other):
    record = RecordSet(NAME, "TXT", (wanted,))
    answer = Answer(NAME, "TXT", Server("192.0.2.53"), "present" if values else "no_data", tuple(values), **other)
    return record, _dns_judgement.judge([Observation(record, "example.com", (answer,))])


@pytest.mark.parametrize(("wanted", "values", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_table(wanted, values, expected):
    _record, findings = judged(wanted, values)
    assert [(finding.id, finding.severity) for finding in findings] == expected


@pytest.mark.parametrize(
    "values", [row[2] for row in TABLE if row[1] == key()], ids=lambda values: " ".join(values)[:60]
)
def test_each_finding_tells_what_to_publish(values):
    record, findings = judged(key(), values)
    for finding in findings:
        first = f'{NAME}. 3600 IN TXT "{record.values[0][:255]}" "{record.values[0][255:]}"'
        assert first in finding.remedy


def test_the_length_is_told():
    _record, (finding,) = judged(key(), [key(1024)])
    assert "(rsa, 1024 bits)" in finding.message


@pytest.mark.parametrize("tags", ["t=y", "h=sha1", "s=tlsrpt"])
def test_what_is_asked_for_cannot_be_mended_by_publishing_it(tags):
    _record, (finding,) = judged(key(tags=tags), [key(tags=tags)])
    assert finding.remedy == "Take it out of the record that should be there, and publish that."


def test_an_alias_whose_end_is_right_is_judged_too():
    _record, findings = judged(key(1024), [key(1024)], cnames=("key.example.net",))
    assert [finding.id for finding in findings] == ["dkim_key_too_short", "dns_cname"]


@pytest.mark.parametrize("bits", [512, 1023, 1024, 2048, 4096])
def test_rsa_key(bits):
    public = RsaPublicKey(modulus(bits), 65537)
    assert _dkim_judgement.rsa_key(public.subject_public_key_info()) == public


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_damaged_keys_are_value_errors(data):
    octets = bytearray(RsaPublicKey(modulus(1024), 65537).subject_public_key_info())
    for _change in range(data.draw(st.integers(0, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        _dkim_judgement.rsa_key(bytes(octets[: data.draw(st.integers(0, len(octets)))]))
    with contextlib.suppress(ValueError):
        _dkim_judgement.rsa_key(data.draw(st.binary(max_size=60)))

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import email.policy

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _canary
from ansible_collections.mailops.relay.plugins.module_utils._canary import Hop, Sent, Signature, Through

MARK = "canary-0123456789ab.7"
NEWER = "Received: from r.test (r.test [198.51.100.1])\r\n\tby mx.test (Postfix) with ESMTPS id 1\r\n\tfor <b@c.test>;"
NEWER += " Wed, 25 Nov 2026 21:34:12 +0000 (UTC)\r\n"
OLDER = "Received: from h by r.test with ESMTP; Wed, 25 Nov 2026 21:34:10 +0000\r\n"
OWN = "Authentication-Results: mx.test; dkim=pass header.d=a.test\r\n"
FORGED = "Authentication-Results: other.test; dmarc=pass\r\n"
SIGNED = "DKIM-Signature: v=1; a=rsa-sha256; d=A.test;\r\n\ts=s1; bh=x; b=y\r\n"


def written():
    return _canary.message(MARK, "r.test", "a@a.test", "b@c.test", 1764106452.0)


def test_a_message_is_one():
    parsed = email.message_from_bytes(written(), policy=email.policy.default)
    assert not parsed.defects
    assert parsed["From"].addresses[0].addr_spec == "a@a.test"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Message-ID"] == f"<{MARK}@a.test>"
    assert written().endswith(b"\r\n")
    assert not [line for line in written().split(b"\r\n") if b"\n" in line or line.startswith(b".") or len(line) > 200]


def test_what_was_written_is_read():
    token, arrived = _canary.read(NEWER.encode() + OWN.encode() + SIGNED.encode() + OLDER.encode() + written(), 5.0)
    assert token == MARK
    assert arrived.at == 5.0
    assert [hop.by for hop in arrived.hops] == ["mx.test", "r.test"]
    assert arrived.hops[0] == Hop("r.test", "mx.test", "ESMTPS", 1795642452.0)
    assert arrived.signatures == (Signature("a.test", "s1", "rsa-sha256"),)
    assert arrived.authserv_id == "mx.test"
    assert [(info.method, info.result) for info in arrived.verdicts] == [("dkim", "pass")]


@pytest.mark.parametrize(
    ("authserv_id", "methods"), [("", ["dkim"]), ("MX.test", ["dkim"]), ("other.test", ["dmarc"]), ("x.test", [])]
)
def test_only_verdicts_of_the_receiver_count(authserv_id, methods):
    octets = NEWER.encode() + FORGED.encode() + OWN.encode() + OLDER.encode() + written()
    _token, arrived = _canary.read(octets, 5.0, authserv_id)
    assert [info.method for info in arrived.verdicts] == methods
    assert arrived.authserv_ids == ("other.test", "mx.test")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"Subject: canary-0123456789ab.7\r\n\r\n",
        b"X-Mailops-Canary: \xff\xfe\r\n\r\n",
        b"X-Mailops-Canary: canary-x.1\r\n\r\n",
        b"\r\nX-Mailops-Canary: canary-0123456789ab.7\r\n\r\n",
        b"\x00" * 1000000,
    ],
)
def test_other_messages_are_none(octets):
    assert _canary.read(octets, 0.0) is None


def test_broken_fields_do_no_harm():
    head = b"Received: \xff\xff; ?\r\nReceived:\r\nDKIM-Signature: d\r\nAuthentication-Results: (\r\n" * 100
    token, arrived = _canary.read(head + written(), 0.0)
    assert token == MARK
    assert (arrived.signatures, arrived.verdicts, arrived.authserv_ids) == ((), (), ())
    assert len(arrived.hops) == _canary.MAX_FIELDS
    assert arrived.hops[0].at is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from a by b with SMTP; Wed, 25 Nov 2026 21:34:10 +0000", Hop("a", "b", "SMTP", 1795642450.0)),
        ("by b with LMTP id x for <c@d>; Wed, 25 Nov 2026 23:34:10 +0200", Hop("", "b", "LMTP", 1795642450.0)),
        ("from a (by x) by b; no date", Hop("a", "b", "", None)),
        ("from a by b; Wed, 99 Nov 2026 21:34:10 +0000", Hop("a", "b", "", None)),
        ("", Hop("", "", "", None)),
    ],
)
def test_hop(text, expected):
    assert _canary.hop(text) == expected


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("250 2.0.0 Ok: queued as 4X1bQz3YkJz1f", "4X1bQz3YkJz1f"),
        ("250 2.0.0 Ok: 386 bytes queued as 43CDE1AC290", "43CDE1AC290"),
        ("250 OK id=1xWKdY-000000000Pv-10DI", "1xWKdY-000000000Pv-10DI"),
        ("250 2.0.0 7a3f45b1 Message accepted for delivery", "7a3f45b1"),
        ("250 2.6.0 thanks", ""),
        ("", ""),
    ],
)
def test_queue_id(reply, expected):
    assert _canary.queue_id(reply) == expected
    assert Sent("r", "r:25", MARK, accepted=True, at=0, reply=reply).queue_id == expected
    assert Sent("r", "r:25", MARK, accepted=False, at=0, reply=reply).queue_id == ""


def test_tokens_have_their_run_in_common():
    tokens = _canary.tokens("0123456789ab", 12)
    assert len(set(tokens)) == 12
    assert {_canary.run_of(token) for token in tokens} == {"canary-0123456789ab"}
    for text in ("", "canary-x.1", 'canary-0123456789ab.1" OR ALL', "canary-0123456789ab"):
        with pytest.raises(ValueError, match="no token"):
            _canary.run_of(text)


def test_a_password_is_not_shown():
    assert "hidden" not in repr(Through("r", "r", 25, "encrypt", "u", "hidden"))

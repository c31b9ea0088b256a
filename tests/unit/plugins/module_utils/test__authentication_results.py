# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _authentication_results
from ansible_collections.mailops.relay.plugins.module_utils._authentication_results import ResInfo


# Fields as receivers write them: rspamd, Gmail, opendmarc, and the examples of RFC 8601, B.
@pytest.mark.parametrize(
    ("text", "authserv_id", "results"),
    [
        ("example.org 1; none", "example.org", []),
        ("example.org;none", "example.org", []),
        ("example.org", "example.org", []),
        (
            "example.com;\r\n spf=pass smtp.mailfrom=example.net",
            "example.com",
            [ResInfo("spf", "pass", "", {"smtp.mailfrom": "example.net"})],
        ),
        (
            "mx1.wrong.test;\n\tdkim=pass header.d=sender.test header.s=s1 header.b=qWu1hoM2;\n"
            "\tspf=pass (mx1: domain of a@b.test (really) designates 1.2.3.4) smtp.mailfrom=a@b.test;\n"
            "\tdmarc=pass (policy=reject) header.from=b.test",
            "mx1.wrong.test",
            [
                ResInfo("dkim", "pass", "", {"header.d": "sender.test", "header.s": "s1", "header.b": "qWu1hoM2"}),
                ResInfo("spf", "pass", "", {"smtp.mailfrom": "a@b.test"}),
                ResInfo("dmarc", "pass", "", {"header.from": "b.test"}),
            ],
        ),
        (
            "mx.google.com; dkim=pass header.i=@b.test header.s=s1 header.b=a/b+c; dkim=fail (bad) header.i=@c.test;",
            "mx.google.com",
            [
                ResInfo("dkim", "pass", "", {"header.i": "@b.test", "header.s": "s1", "header.b": "a/b+c"}),
                ResInfo("dkim", "fail", "", {"header.i": "@c.test"}),
            ],
        ),
        (
            'MX.test 1; dkim/1=PermError reason="bad; worse (\\"x\\")" header.d="a b"',
            "mx.test",
            [ResInfo("dkim", "permerror", 'bad; worse ("x")', {"header.d": "a b"})],
        ),
        (
            "a.test; spf=pass smtp.mailfrom=prvs=1234=x@b.test smtp . helo=h",
            "a.test",
            None,  # blanks within a property are not read
        ),
        (
            "a.test; spf=pass smtp.mailfrom=prvs=1234=x@b.test smtp.helo=h",
            "a.test",
            [ResInfo("spf", "pass", "", {"smtp.mailfrom": "prvs=1234=x@b.test", "smtp.helo": "h"})],
        ),
    ],
)
def test_parse(text, authserv_id, results):
    if results is None:
        with pytest.raises(ValueError, match="name=value"):
            _authentication_results.parse(text)
        return
    found = _authentication_results.parse(text)
    assert (found.authserv_id, list(found.results)) == (authserv_id, results)
    assert [info.properties for info in found.results] == [info.properties for info in results]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "does not begin"),
        ("; dkim=pass", "does not begin"),
        ("= x", "does not begin"),
        ("a b c; dkim=pass", "does not begin"),
        ("a; dkim", "name=value"),
        ("a; dkim=", "name=value"),
        ("a; =pass", "name=value"),
        ("a; dkim=pass header.d", "name=value"),
        ("a; d*m=pass", "no result"),
        ("a; dkim=pa*s", "no result"),
        ("a; dkim=pass (", "no end"),
        ('a; dkim=pass reason="x', "no end"),
        ("a; dkim=pass )", "no part"),
        ("a" * 20000, "characters"),
        ("a" + "; dkim=pass" * 101, "101 results"),
        ("a; " + "(" * 15000, "no end"),
    ],
)
def test_what_is_none(text, problem):
    with pytest.raises(ValueError, match=problem):
        _authentication_results.parse(text)


def test_a_forged_verdict_stays_in_its_comment_or_value():
    found = _authentication_results.parse('a; spf=fail (x; dkim=pass) reason="; dmarc=pass"')
    assert [(info.method, info.result) for info in found.results] == [("spf", "fail")]

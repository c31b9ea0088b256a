# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _host_keys
from ansible_collections.mailops.relay.plugins.module_utils._host_keys import Key, Keys
from ansible_collections.mailops.relay.plugins.module_utils._opendkim import KeyEntry

GOOD = {"path": "/k/s.private", "domain": "example.com", "selector": "s", "exists": True, "bits": 2048}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("root", True, {}, None)),
        ("UserID opendkim:mail\nMode v", ("opendkim", False, {}, None)),
        (
            "KeyTable file:/k\nSigningTable refile:/s\nDomain example.com\nSelector s\nKeyFile /x",
            ("root", True, {"keytable": "file:/k", "signingtable": "refile:/s"}, None),
        ),
        (
            "UserID opendkim\nDomain example.com, example.org\nSelector s\nKeyFile /x",
            ("opendkim", True, {}, KeyEntry("example.com", "example.com", "s", "/x")),
        ),
        ("Domain example.com\nSelector s", ("root", True, {}, None)),
    ],
)
def test_configuration(text, expected):
    found = _host_keys.configuration(text, "")
    assert (found.user, found.signs, found.tables, found.single) == expected


def test_the_user_may_come_from_the_unit():
    assert _host_keys.configuration("", "opendkim").user == "opendkim"
    assert _host_keys.configuration("UserID milter", "opendkim").user == "milter"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"exists": False, "bits": None}, ["key_missing"]),
        ({"unsafe": "the file has mode 0644 instead of 0600"}, ["key_unsafe"]),
        ({"refused": ["the key has 1024 bits; accepted: 2048 to 4096"]}, ["key_refused"]),
        ({"unseen": "Permission denied"}, ["key_not_checked"]),
        ({"unseen": "Permission denied", "exists": False}, ["key_not_checked"]),
    ],
)
def test_key(change, expected):
    findings = list(_host_keys.judge(Keys([Key(**{**GOOD, **change})])))
    assert [finding.id for finding in findings] == expected
    assert {finding.subject for finding in findings} <= {"/k/s.private"}


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Keys(), ["key_none"]),
        (Keys(error="KeyTable, line 1"), ["key_table_unusable"]),
        (Keys(unseen="/etc/dkimkeys: Permission denied"), ["key_not_checked"]),
        (Keys([Key(**GOOD)], ["a is to be signed with 'b'; accepted: c"]), ["key_table_dangling"]),
    ],
)
def test_tables(seen, expected):
    assert [finding.id for finding in _host_keys.judge(seen)] == expected


def test_what_is_accepted_is_the_remedy():
    seen = Keys([Key(**{**GOOD, "refused": ["the key has 512 bits; accepted: 2048"]})], ["x; accepted: c, d"])
    table, key = _host_keys.judge(seen)
    assert (table.message, table.remedy) == ("x", "Name one of the KeyTable: c, d")
    assert (key.message, key.remedy) == ("the key has 512 bits", "Accepted: 2048")


def test_many_dangling_lines_are_counted():
    problems = _host_keys.dangling({}, [(f"d{n}.example", "k") for n in range(9)])
    assert len(problems) == 6
    assert problems[-1] == "The same for 4 more lines"


def test_description():
    assert _host_keys.describe(Key(**GOOD)) == GOOD
    assert _host_keys.describe(Key(**{**GOOD, "unseen": "x"}))["exists"] is None

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _postfix_config

MAIN = "a = 1\nb = 2\nsmtpd_new_thing = yes\n"
PARAMS = {
    "directory": "/etc/postfix",
    "files": [{"name": "main.cf", "content": MAIN}, {"name": "table", "content": "x y\n"}],
    "secret_files": {"sasl_passwd": "p\n"},
    "shared_secret_files": {"ldap_senders": "q\n"},
    "main_cf_extra": "b = 3\n",
    "main_cf_protected": {"mynetworks": "relay_networks"},
    "optional_parameters": ["smtpd_new_thing"],
}


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (None, "a = 1\nsmtpd_new_thing = yes\n\nb = 3\n"),
        ({"a", "b", "smtpd_new_thing"}, "a = 1\nsmtpd_new_thing = yes\n\nb = 3\n"),
        ({"a", "b"}, "a = 1\n\nb = 3\n"),
    ],
    ids=["not installed", "known", "unknown"],
)
def test_the_set(known, text):
    main, table, secret, shared = _postfix_config.wanted_files(PARAMS, known)
    assert (main.path, main.content, main.mode) == ("/etc/postfix/main.cf", text.encode(), 0o644)
    assert (table.path, table.content, table.mode) == ("/etc/postfix/table", b"x y\n", 0o644)
    assert (secret.path, secret.content, secret.mode) == ("/etc/postfix/sasl_passwd", b"p\n", 0o600)
    assert (shared.path, shared.content, shared.mode) == ("/etc/postfix/ldap_senders", b"q\n", 0o640)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("b", r"postfix_extra\.main_cf.*line 1: 'b' is not of the form 'name = value'.*Accepted: "),
        ("a = 1\nmynetworks = ::/0\n", r"line 2: mynetworks cannot be set there\. Accepted: relay_networks\."),
        ("mynetworks=::/0", "mynetworks cannot be set there"),
    ],
)
def test_an_extra_that_may_not_be(extra, message):
    with pytest.raises(ValueError, match=message):
        _postfix_config.wanted_files({**PARAMS, "main_cf_extra": extra}, None)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a/b"], "'a/b' is not a file name"),
        ([""], "'' is not a file name"),
        ([".."], "is not a file name"),
        ([".generation.json"], "is not a file name"),
        (["main.cf", "x", "x"], "'x' is listed twice"),
        (["postfix-files"], "belongs to Postfix"),
    ],
)
def test_file_names(names, message):
    _postfix_config.check_names(["main.cf", "master.cf", "sasl_passwd"])
    with pytest.raises(ValueError, match=message):
        _postfix_config.check_names(names)


def test_a_secret_file_must_not_have_the_name_of_another():
    with pytest.raises(ValueError, match=r"'main\.cf' is listed twice"):
        _postfix_config.wanted_files({**PARAMS, "secret_files": {"main.cf": "x"}}, None)

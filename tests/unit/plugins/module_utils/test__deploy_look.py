# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _deploy_look

ANSWERS = """\
Name: postfix/destinations
Template: postfix/destinations
Owners: postfix

Name: postfix/main_mailer_type
Template: postfix/main_mailer_type
Value: No configuration
Owners: postfix
Flags: seen

Name: other/question
Value: a: b
Variables:
 choices = x
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n', ("debian", "13")),
        ("ID='debian'\nVERSION_ID=12\n", ("debian", "12")),
        ("# ID=other\nID=debian\n", ("debian", "")),
        ('ID="opensuse-leap"\nVERSION_ID="15.6"\n', ("opensuse-leap", "15.6")),
        ("", ("linux", "")),
    ],
)
def test_system(text: str, expected: tuple[str, str]) -> None:
    assert _deploy_look.system(text) == expected


def test_packages_that_are_installed_and_no_others() -> None:
    text = "installed adduser\nconfig-files exim4\nhalf-configured postfix\ninstalled nftables\nnot-installed x\n"
    assert _deploy_look.installed(text) == ["adduser", "nftables"]


def test_addresses_but_those_of_the_loopback() -> None:
    links = [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1"}, {"local": "::1"}, {"local": "192.0.2.9"}]},
        {"ifname": "eth0", "addr_info": [{"local": "fe80::1"}, {"local": "192.0.2.1"}, {"label": "none"}]},
        {"ifname": "wg0"},
    ]
    assert _deploy_look.addresses(json.dumps(links)) == ["192.0.2.9", "192.0.2.1", "fe80::1"]


@pytest.mark.parametrize("text", ["", "[]", "[{}]"])
def test_no_addresses(text: str) -> None:
    assert _deploy_look.addresses(text) == []


def test_answers_of_those_asked_for() -> None:
    questions = ["postfix/main_mailer_type", "postfix/destinations", "postfix/unknown"]
    assert _deploy_look.answers(ANSWERS, questions) == {"postfix/main_mailer_type": "No configuration"}
    assert _deploy_look.answers(ANSWERS, ["other/question"]) == {"other/question": "a: b"}
    assert _deploy_look.answers("", questions) == {}

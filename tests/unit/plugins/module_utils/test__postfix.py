# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of Postfix, and what is made of its answers; a real Postfix is asked by the integration tests."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _postfix
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile
from ansible_collections.mailops.relay.plugins.module_utils._postfix import Postfix

FOLDER = "/etc/postfix"


class Programs:
    """Answers by command line; what is not named succeeds in silence."""

    def __init__(self, answers):
        self.answers = answers

    def __call__(self, command, **_options):
        return self.answers.get(" ".join(command), (0, "", ""))


def postfix(answers=None):
    return Postfix(Programs(answers or {}), FOLDER, [], [])


@pytest.mark.parametrize(
    ("answers", "problems"),
    [
        ({}, []),
        (
            {
                "postconf -c /stage -o config_directory=/stage -n": (
                    0,
                    "",
                    "postconf: warning: /stage/main.cf: unused parameter: x=1\n",
                )
            },
            ["Postfix refuses the configuration: postconf: warning: /etc/postfix/main.cf: unused parameter: x=1"],
        ),
        (
            {
                "postconf -c /stage -o config_directory=/stage -n": (0, "", "postconf: fatal: /stage/master.cf\n"),
                "postconf -c /stage -o config_directory=/stage -M": (1, "", "postconf: fatal: /stage/master.cf\n"),
            },
            ["Postfix refuses the configuration: postconf: fatal: /etc/postfix/master.cf"],
        ),
        (
            {
                "postconf -c /stage -o config_directory=/stage -n -x": (
                    0,
                    "transport_maps = cidr:/stage/t\nrelayhost = \n",
                    "",
                ),
                "postmap -c /stage -q 127.0.0.1 cidr:/stage/t": (1, "", "postmap: warning: /stage/t, line 1: bad\n"),
            },
            ["transport_maps: Postfix refuses the configuration: postmap: warning: /etc/postfix/t, line 1: bad"],
        ),
        (
            {
                "postconf -c /stage -o config_directory=/stage -P -x": (
                    0,
                    "smtp/inet/smtpd_client_restrictions = hash:/x\n",
                    "",
                ),
                "postmap -c /stage -q 127.0.0.1 hash:/x": (1, "", "postmap: fatal: open /x.db\n"),
            },
            ["smtp/inet/smtpd_client_restrictions: Postfix refuses the configuration: postmap: fatal: open /x.db"],
        ),
        (
            {
                "postconf -c /stage -o config_directory=/stage -n -x": (0, "transport_maps = cidr:/stage/t\n", ""),
                "postmap -c /stage -q 127.0.0.1 cidr:/stage/t": (1, "", ""),
            },
            [],
        ),
        (
            {"postfix -c /stage check": (1, "", "postfix: fatal: no\n")},
            ["Postfix refuses the configuration: postfix: fatal: no"],
        ),
        (
            # The file in use, which somebody has edited by hand.
            {"postfix -c /stage check": (0, "", "postconf: warning: /etc/postfix/main.cf, line 9: overriding a=b\n")},
            [],
        ),
        (
            {"postfix -c /stage check": (1, "", "postconf: warning: /stage/main.cf, line 9: overriding a=b\n")},
            ["Postfix refuses the configuration: postconf: warning: /etc/postfix/main.cf, line 9: overriding a=b"],
        ),
        (
            {"postfix -c /stage check": (1, "", "")},
            ["Postfix refuses the configuration: postfix -c /etc/postfix check ended with status 1"],
        ),
    ],
)
def test_check(answers, problems):
    assert postfix(answers).check("/stage") == problems


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ("inet_interfaces = all\n", "inet_interfaces = all\nx = 1\n", "reload"),
        ("inet_interfaces = all\n", "inet_interfaces = loopback-only\n", "restart"),
        ("x = 1\n", "inet_protocols = ipv4\n", "restart"),
        ("not a main.cf", "inet_protocols = ipv4\n", "restart"),
        (None, "x = 1\n", "reload"),
    ],
)
def test_due(before, after, action):
    path = f"{FOLDER}/main.cf"
    sets = [{path: ManagedFile(path, text.encode())} if text else {} for text in (before, after)]
    assert postfix().due(*sets) == action


@pytest.mark.parametrize(
    ("line", "listeners"),
    [
        ("25         inet  n       -       y       -       -       smtpd", [("25", 25, "may")]),
        ("smtp inet n - y - - smtpd -o x=y", [("smtp", 25, "may")]),
        ("465 inet n - y - - smtpd -o smtpd_tls_wrappermode=yes", [("465", 465, "wrapper")]),
        ("587 inet n - y - - smtpd -o smtpd_tls_security_level=encrypt", [("587", 587, "encrypt")]),
        ("198.51.100.12:2525 inet n - y - - smtpd", [("198.51.100.12:2525", 2525, "may")]),
        ("127.0.0.1:10025 inet n - n - - smtpd", []),
        ("[::1]:10025 inet n - n - - smtpd", []),
        ("localhost:10025 inet n - n - - smtpd", []),
        ("no-such-service-name inet n - n - - smtpd", []),
        ("smtp unix - - y - - smtp", []),
        ("10026 inet n - n - - qmqpd", []),
    ],
)
def test_listeners_in_master_cf(line, listeners):
    found = postfix({f"postconf -c {FOLDER} -M": (0, line + "\n", "")})._found_listeners()
    assert [tuple(listener) for listener in found] == listeners


def test_known_parameters():
    programs = Programs({"postconf -d": (0, "2bounce_notice_recipient = postmaster\nalias_maps = \n", "")})
    assert _postfix.known_parameters(programs) == {"2bounce_notice_recipient", "alias_maps"}

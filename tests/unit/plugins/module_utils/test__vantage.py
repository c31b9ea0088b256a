# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._vantage import Answers, Vantage, judge, vantages

OWN = ["198.51.100.12", "10.0.0.5", "2001:db8:51::12"]
GREETING = (220, "relay1.example.com ESMTP")


@pytest.mark.parametrize(
    ("addresses", "trusted", "families", "expected"),
    [
        (OWN, [], [4, 6], [Vantage(OWN[0], OWN[0], True), Vantage(OWN[2], OWN[2], True)]),
        (OWN, ["198.51.100.12/32"], [4], [Vantage(OWN[1], OWN[1], True)]),
        (OWN, ["10.0.0.0/8", "198.51.100.0/24"], [4], [Vantage("127.0.0.1", "127.0.0.1", True)]),
        (OWN, ["10.0.0.0/8", "198.51.100.0/24", "127.0.0.1/32"], [4], [Vantage("127.0.0.1", "127.0.0.2", True)]),
        (OWN, ["0.0.0.0/0"], [4], [Vantage(OWN[0], OWN[0], False)]),
        (OWN, ["::/0"], [4, 6], [Vantage(OWN[0], OWN[0], True), Vantage(OWN[2], OWN[2], False)]),
        ([], [], [6], [Vantage("::1", "::1", True)]),
        (OWN, [], [], []),
    ],
)
def test_vantages(addresses, trusted, families, expected):
    assert vantages(addresses, trusted, families) == expected


@pytest.mark.parametrize(
    ("answers", "stranger", "verdict"),
    [
        (Answers(GREETING, (554, "5.7.1 Relay access denied")), True, None),
        (Answers(GREETING, (550, "5.1.1 unknown")), True, None),
        (Answers(GREETING, (250, "2.1.5 Ok")), True, "accepted a foreign recipient from a stranger: 250"),
        (Answers(GREETING, (251, "will forward")), True, "accepted"),
        (Answers(GREETING, (451, "4.7.1 later")), True, "deferred, and did not refuse"),
        (Answers(GREETING, (250, "2.1.5 Ok")), False, None),
        (Answers(GREETING, None, "ended the conversation: closed"), True, "ended the conversation"),
        (Answers((421, "too many"), None), True, "greeted with 421 too many instead of 220"),
        (Answers((554, "no"), None), False, "greeted with 554"),
        (Answers(None, None, "did not answer: refused"), False, "did not answer: refused"),
        (Answers(), True, "did not greet"),
    ],
)
def test_judge(answers, stranger, verdict):
    found = judge(answers, stranger)
    assert found == verdict or found.startswith(verdict)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger gets nothing: no relaying, no names, no second message hidden in the first."""

from __future__ import annotations

from itertools import product

import pytest
from lab import CLIENT, RELAYS, STRANGER, arrived, conversation, new_token

FOREIGN = "RCPT TO:<victim@rcpt.test>\r\n"
DOORS = [
    (relay, family, port, tls)
    for relay, family, (port, tls) in product(
        RELAYS, (4, 6), [(25, "none"), (25, "starttls"), (587, "none"), (587, "starttls"), (465, "wrapper")]
    )
]
LINES = [
    "EHLO stranger1.lab.test\r\n",
    "VRFY postmaster\r\n",
    "EXPN postmaster\r\n",
    "MAIL FROM:<someone@alpha.test>\r\n",
    FOREIGN,
    "RSET\r\n",
    "MAIL FROM:<>\r\n",
    FOREIGN,
    "QUIT\r\n",
]


@pytest.fixture(scope="module")
def answers() -> list[list[str]]:
    """What the stranger hears at each door, greeting first."""
    return STRANGER.talk([conversation(relay, family, port, LINES, tls) for relay, family, port, tls in DOORS])


@pytest.mark.parametrize("number", range(len(DOORS)), ids=[f"{r.name}-ipv{f}-{p}-{t}" for r, f, p, t in DOORS])
def test_stranger_is_turned_away(answers: list[list[str]], number: int) -> None:
    greeting, hello, vrfy, expn, _mail, rcpt, _rset, _null, null_rcpt, _quit = answers[number]
    assert greeting.startswith("220 ")
    assert hello.startswith("250")
    assert rcpt.startswith("5"), rcpt
    assert null_rcpt.startswith("5"), null_rcpt
    for reply in (vrfy, expn):
        assert not reply.startswith("25"), reply
    assert "VRFY" not in hello
    assert "AUTH" not in hello


ENDS = {
    "LF.LF": "\n.\n",
    "LF.CRLF": "\n.\r\n",
    "CRLF.LF": "\r\n.\n",
    "CR.CR": "\r.\r",
    "CR.CRLF": "\r.\r\n",
    "CRLF.CR": "\r\n.\r",
    "CR.LF": "\r.\n",
}


def smuggle(token: str, recipient: str, end: str) -> list[str]:
    """A message, and after an end of data that is none, the commands for a second one."""
    data = (
        f"From: anna@alpha.test\r\nSubject: {token}\r\n\r\nbefore{end}"
        f"MAIL FROM:<smuggled@beta.test>\r\nRCPT TO:<smuggled-{token}@rcpt.test>\r\nDATA\r\n"
        f"From: smuggled@beta.test\r\nSubject: smuggled {token}\r\n\r\nafter\r\n.\r\n"
    )
    return [
        "EHLO client.lab.test\r\n",
        "MAIL FROM:<anna@alpha.test>\r\n",
        f"RCPT TO:<{recipient}>\r\n",
        "DATA\r\n",
        data,
    ]


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_no_second_message_is_smuggled(end: str) -> None:
    """By a client that may relay, and by a stranger who writes to the postmaster.

    mx1 is of the kind that falls for a bare newline, so it would also show what a relay only passes on.
    """
    token = new_token()
    replies = CLIENT.talk([conversation(r, 4, 25, smuggle(token, f"{token}@rcpt.test", end)) for r in RELAYS])
    replies += STRANGER.talk(
        [conversation(r, 4, 25, smuggle(token, f"postmaster@{r.name}.lab.test", end)) for r in RELAYS]
    )
    assert all(reply[4].startswith("354") for reply in replies), replies
    accepted = sum(reply[-1].startswith("250") for reply in replies)
    found = arrived(token, accepted, seconds=20)
    assert len(found) == accepted, replies
    assert not [message.recipient for message in found if message.recipient.startswith("smuggled")]

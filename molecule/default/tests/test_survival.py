# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail waits while something is broken, and leaves signed once it works again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from lab import CLIENT, RELAYS, Host, arrived, mail, new_token


def name_of(relay: Host) -> str:
    return relay.name


@pytest.mark.parametrize("relay", RELAYS, ids=name_of)
def test_nothing_leaves_unsigned_without_the_signer(relay: Host) -> None:
    token = new_token()
    recipients = [f"{token}-smtp@rcpt.test", f"{token}-sendmail@rcpt.test"]
    message = mail(relay, "anna@alpha.test", recipients[:1], token)
    relay.run("systemctl", "stop", relay.signer)
    try:
        (answer,) = CLIENT.send([message])
        assert answer["code"] == 250 or 400 <= answer["code"] < 500, answer
        relay.run("sendmail", "-f", "bert@beta.test", recipients[1], stdin=f"Subject: {token}\n\nHello.\n")
        assert arrived(token, 1, seconds=5) == []
    finally:
        relay.run("systemctl", "start", relay.signer)
    if answer["code"] != 250:
        assert CLIENT.send([message], patience=30)[0]["code"] == 250
    # What waits is tried again by itself, within minutes: this only spares the wait.
    relay.run("postkick", "public", "pickup", "W")
    relay.run("postqueue", "-f")
    found = arrived(token, 2, seconds=150)
    assert sorted(item.recipient for item in found) == sorted(recipients)
    assert all(item.passes for item in found)


@pytest.mark.parametrize("relay", RELAYS, ids=name_of)
def test_killed_postfix_loses_nothing(relay: Host) -> None:
    """500 messages are on their way from client1 by the relay to mx1 when every process of Postfix is killed."""
    token = new_token()
    recipients = [f"{token}-{number}@rcpt.test" for number in range(500)]
    mails = [mail(relay, "anna@alpha.test", [recipient], token) for recipient in recipients]
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(CLIENT.send, mails, 20, 60)
        before = len(arrived(token, 50, seconds=30))
        relay.run("systemctl", "kill", "--kill-whom=all", "--signal=KILL", "postfix*.service")
        time.sleep(1)
        relay.run("systemctl", "restart", "postfix")
        answers = sending.result()
    assert 50 <= before < 500
    assert {answer["code"] for answer in answers} == {250}
    relay.run("postqueue", "-f")
    found = arrived(token, 500, seconds=90, distinct=True)
    # A message may come twice (killed between delivery and note), but none is missing and none is unsigned.
    assert {item.recipient for item in found} == set(recipients)
    assert all(item.passes for item in found)

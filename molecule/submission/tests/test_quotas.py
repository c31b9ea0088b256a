# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas hold over both relays, and mail goes on when their store does not."""

from __future__ import annotations

import threading

from lab import RELAYS, STRANGER, arrived, new_token
from users import BACKEND, message, submit, submit_one

FIRST, SECOND = RELAYS


def counted_anew() -> None:
    BACKEND.run("sh", "-c", "REDISCLI_AUTH=$(awk '/^requirepass/ {print $2}' /etc/redis/redis.conf) redis-cli flushall")


def test_a_quota_reached_at_one_relay_is_noticed_at_the_other() -> None:
    """Five messages in an hour; who is over it is told so, may try again, and is seen in the log."""
    counted_anew()
    results = submit(*[message(FIRST, "newsletter", "newsletter@alpha.test") for _number in range(5)])
    assert [result["code"] for result in results] == [250] * 5
    for relay in (SECOND, FIRST):
        result = submit_one(relay, "newsletter", "newsletter@alpha.test")
        assert 400 <= result["code"] < 500, result
        assert "newsletter" in result["text"]
        assert "5 messages per hour" in result["text"]
    assert submit_one(SECOND, "shop", "shop@alpha.test")["code"] == 250
    counted_anew()
    assert submit_one(SECOND, "newsletter", "newsletter@alpha.test")["code"] == 250


def test_the_store_is_killed_and_comes_back_while_mail_flows() -> None:
    """Not one message is refused or lost; when it is back, it counts again."""
    token = new_token()
    results: list[dict] = []
    stop = threading.Event()
    sent = 0

    def flow() -> None:
        nonlocal sent
        while not stop.is_set():
            relay = RELAYS[sent % 2]
            recipient = f"{token}-{sent}@rcpt.test"
            results.extend(submit(message(relay, "shop", "shop@alpha.test", token, recipients=[recipient])))
            sent += 1

    sender = threading.Thread(target=flow)
    sender.start()
    try:
        BACKEND.run("systemctl", "kill", "--signal=SIGKILL", "redis-server")
        BACKEND.run("systemctl", "stop", "redis-server")
        before = sent
        while sent < before + 10:
            stop.wait(0.2)
        BACKEND.run("systemctl", "start", "redis-server")
        before = sent
        while sent < before + 10:
            stop.wait(0.2)
    finally:
        stop.set()
        sender.join()
        BACKEND.run("systemctl", "start", "redis-server")
    assert {result["code"] for result in results} == {250}
    found = arrived(token, sent, distinct=True)
    assert {message.recipient for message in found} == {f"{token}-{number}@rcpt.test" for number in range(sent)}
    counted_anew()
    STRANGER.send([message(FIRST, "newsletter", "newsletter@alpha.test")] * 5)
    (last,) = STRANGER.send([message(SECOND, "newsletter", "newsletter@alpha.test")])
    assert 400 <= last["code"] < 500, last

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of both relays rotate, a step in each run, while a message is sent every second.

The days between the steps pass by dating back the notes of the relays.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from lab import CLIENT, RELAYS, Arrived, arrived, mail, new_token
from plays import ENVIRONMENT, SECONDARY, command, described, stopped, succeed, texts

pytestmark = pytest.mark.thorough

NOTES = "/etc/dkimkeys/selectors.json"
DOMAINS = ["alpha.test", "beta.test"]
BACKDATE = """
import json, sys, datetime
path, days = sys.argv[1], int(sys.argv[2])
notes = json.load(open(path))
form = "%Y-%m-%dT%H:%M:%SZ"
for each in notes["selectors"]:
    since = datetime.datetime.strptime(each["since"], form) - datetime.timedelta(days=days)
    each["since"] = since.strftime(form)
json.dump(notes, open(path, "w"))
"""


class Sender:
    """Sends a message each second, as a mail server does: what is deferred is tried again."""

    def __init__(self) -> None:
        self.token = new_token()
        self.sent = 0
        self.refused: list[dict[str, Any]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        workers = []
        while not self._stop.wait(1):
            worker = threading.Thread(target=self._send, args=(self.sent,))
            worker.start()
            workers.append(worker)
            self.sent += 1
        for worker in workers:
            worker.join()

    def _send(self, number: int) -> None:
        sender = f"anna@{DOMAINS[number % 2]}"
        recipient = f"{self.token}-{number}@rcpt.test"
        message = mail(RELAYS[number // 2 % 2], sender, [recipient], self.token)
        self.refused += [r for r in CLIENT.send([message], patience=60) if r["code"] != 250]

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


def days_pass(days: int) -> None:
    for relay in RELAYS:
        relay.run("python3", "-c", BACKDATE, NOTES, str(days))


def states() -> list[dict[str, str]]:
    """The states of the selectors of each relay."""
    notes = [json.loads(relay.run("cat", NOTES))["selectors"] for relay in RELAYS]
    return [{each["selector"]: each["state"] for each in of_one} for of_one in notes]


def rotate() -> str:
    """A daily run; what it says."""
    return succeed("rotate_dkim").output.rpartition("TASK [Show the state of the rotation]")[2]


def published(selector: str) -> set[str]:
    """What both servers have of a selector, in all domains: "key", "revoked" or "none"."""
    found = set()
    for domain in DOMAINS:
        for values in (texts(f"{selector}._domainkey.{domain}"), texts(f"{selector}._domainkey.{domain}", SECONDARY)):
            found.add("none" if not values else "revoked" if re.search(r"p=\s*$", values[0]) else "key")
    return found


@pytest.fixture(scope="module")
def flow() -> Iterator[Sender]:
    with Sender() as sender:
        yield sender


def old_and_new() -> list[tuple[str, str]]:
    """The first and the last selector of each relay."""
    return [(next(iter(each)), list(each)[-1]) for each in states()]


@pytest.mark.usefixtures("flow")
def test_nothing_is_due() -> None:
    told = rotate()
    assert told.count("Nothing was due.") == len(RELAYS)
    assert all(list(each.values()) == ["current"] for each in states())


@pytest.mark.usefixtures("flow")
def test_a_key_is_made_and_published_and_does_not_sign() -> None:
    days_pass(180)
    told = rotate()
    assert "does not sign yet" in told
    assert all(list(each.values()) == ["current", "next"] for each in states())
    for old, new in old_and_new():
        assert published(new) == {"key"}
        assert published(old) == {"key"}
    for relay in RELAYS:
        assert relay.selectors() == {f"{relay.name}-lab-test"}


@pytest.mark.usefixtures("flow")
def test_a_server_that_does_not_have_it_keeps_the_old_key_signing() -> None:
    """The secondary is down: nobody can say whether the world sees the key."""
    days_pass(1)
    with stopped(SECONDARY):
        told = succeed("rotate_dkim", **described(wait=0)).output
    assert "Waiting to sign with" in told
    assert "ns2.lab.test" in told
    assert all(list(each.values()) == ["current", "next"] for each in states())


@pytest.mark.usefixtures("flow")
def test_runs_that_are_killed_do_no_harm() -> None:
    """Killed ever later, on their way to the switch; the last one may come to its end."""
    for seconds in (4, 8, 12):
        # In a group of its own, so that it ends with all of its children.
        running = subprocess.Popen(
            command("rotate_dkim"),
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        for each in states():
            assert sorted(each.values()) in (["current", "next"], ["current", "retired"])
    for _run in range(2):
        rotate()
    for (old, new), each, relay in zip(old_and_new(), states(), RELAYS):
        assert each == {old: "retired", new: "current"}
        assert relay.selectors() == {new}
        assert published(old) == {"key"}


@pytest.mark.usefixtures("flow")
def test_the_old_key_is_revoked_when_its_mail_is_through() -> None:
    assert "revoke" in rotate()
    assert all(list(each.values()) == ["retired", "current"] for each in states())
    days_pass(14)
    rotate()
    for (old, new), relay in zip(old_and_new(), RELAYS):
        assert published(old) == {"revoked"}
        assert published(new) == {"key"}
        assert relay.run("sh", "-c", f"ls /etc/dkimkeys/alpha.test/{old}.private 2>/dev/null || true") == ""


@pytest.mark.usefixtures("flow")
def test_the_record_goes_and_is_forgotten() -> None:
    days_pass(30)
    (first, _new), *_other = old_and_new()
    rotate()
    assert published(first) == {"none"}
    rotate()
    assert all(list(each.values()) == ["current"] for each in states())
    assert all(first not in each for each in states())


def test_every_message_has_arrived_with_a_good_signature(flow: Sender) -> None:
    flow.__exit__()
    assert flow.refused == []
    assert flow.sent > 60
    found: list[Arrived] = arrived(flow.token, flow.sent, seconds=90, distinct=True)
    assert {message.recipient for message in found} == {f"{flow.token}-{n}@rcpt.test" for n in range(flow.sent)}
    failed = [message.header("Authentication-Results") for message in found if message.results("dkim") != ["pass"]]
    assert failed == []
    selectors = {re.search(r"header\.s=(\S+)", message.header("Authentication-Results"))[1] for message in found}
    assert len(selectors) == 2 * len(RELAYS)
    print(f"{flow.sent} messages, signed with {sorted(selectors)}")

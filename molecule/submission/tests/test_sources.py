# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to logins and mail while a service that the relays ask is gone: nobody is let in, nobody misled."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from lab import RELAYS, STRANGER, Host, conversation
from plays import stopped
from users import BACKEND, LOGINS, message, submit


def login(relay: Host, user: str, password: str) -> dict[str, Any]:
    """One AUTH PLAIN by hand: smtplib would go on after its answer."""
    response = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    return conversation(relay, 4, 587, ["EHLO stranger1.lab.test\r\n", f"AUTH PLAIN {response}\r\n"])


@contextlib.contextmanager
def hanging(service: str) -> Iterator[None]:
    """A service that takes connections and says nothing."""
    BACKEND.run("systemctl", "kill", "--kill-who=all", "--signal=SIGSTOP", service)
    try:
        yield
    finally:
        BACKEND.run("systemctl", "kill", "--kill-who=all", "--signal=SIGCONT", service)


# Where this is so, Dovecot has left behind what it knew of the outage.
BEGUN_ANEW = """! test -e /run/dovecot/away/login &&
    test "$(systemctl show --property=ActiveState --value mailops-relay-recover.service)" = inactive"""

CASES = {
    "slapd-stopped": (lambda: stopped(BACKEND, "slapd"), "lena", "lena@alpha.test"),
    "slapd-hangs": (lambda: hanging("slapd"), "lena", "lena@alpha.test"),
    "postgresql-stopped": (lambda: stopped(BACKEND, "postgresql"), "sven", "sven@beta.test"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_source_of_users_is_gone(case: str) -> None:
    """A temporary error for its users, with the right password and a wrong one; the description's users go on."""
    gone, user, sender = CASES[case]
    right = [message(relay, user, sender) for relay in RELAYS]
    attempts = [login(relay, user, password) for relay in RELAYS for password in (LOGINS[user][1], "wrong")]
    with gone():
        for _greeting, _hello, answer in STRANGER.talk(attempts):
            assert answer.startswith("454 4.7.0 Temporary authentication failure"), answer
        others = submit(*[message(relay, "shop", "shop@alpha.test") for relay in RELAYS])
        assert [result["code"] for result in others] == [250, 250]
    results = STRANGER.send(right, patience=60)
    assert [result["code"] for result in results] == [250, 250]
    for relay in RELAYS:
        relay.run("timeout", "60", "sh", "-c", f"until {BEGUN_ANEW}; do sleep 0.2; done")
    results = submit(*right * 4)
    assert {result["code"] for result in results} == {250}, results


@pytest.mark.parametrize("relay", RELAYS, ids=lambda relay: relay.name)
def test_the_login_service_itself_is_gone(relay: Host) -> None:
    with stopped(relay, "dovecot"):
        (result,) = submit(message(relay, "shop", "shop@alpha.test"))
        assert result["code"] != 250
        assert result["code"] < 500, result
    (result,) = STRANGER.send([message(relay, "shop", "shop@alpha.test")], patience=60)
    assert result["code"] == 250
    assert LOGINS["shop"][1] not in relay.run("journalctl", "--no-pager", "--output=cat")

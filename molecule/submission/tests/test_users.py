# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may log in where, and send as whom: with real clients, at both listeners of both relays."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from lab import CLIENT, RELAYS, STRANGER, Host, arrived, conversation, mail, new_token
from users import BOTH, IDS, LOGINS, deploy, described_users, message, submit, submit_one

# Each guesses from an address of its own: all of them together would be banned.
GUESSERS = {"shop": "198.51.100.202", "lena": "198.51.100.203", "sven": "198.51.100.204"}

doors = pytest.mark.parametrize(("relay", "port"), BOTH, ids=IDS)


@pytest.fixture(scope="module")
def _guessers() -> None:
    for address in GUESSERS.values():
        STRANGER.run("ip", "address", "replace", f"{address}/24", "dev", "eth0")


@doors
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("user", "sender"),
    [("shop", "shop@alpha.test"), ("lena", "lena@alpha.test"), ("sven", "sven@beta.test")],
)
def test_a_user_sends(relay: Host, port: int, family: int, user: str, sender: str) -> None:
    """Users of all sources; what arrives is signed, and does not tell where they are."""
    token = new_token()
    result = submit_one(relay, user, sender, token, port=port, family=family)
    assert result == {"code": 250, "text": "accepted", "tries": 1}
    (found,) = arrived(token, 1)
    assert found.passes
    text = found.raw
    for trace in (STRANGER.ipv4, STRANGER.ipv6, "stranger1", "Authenticated sender"):
        assert trace not in text
    received = [value for name, value in found.headers if name == "Received"]
    assert re.search(rf"by {relay.name}\.lab\.test \(Postfix\) with ESMTPSA id ", received[-1])


@doors
def test_a_user_with_two_domains(relay: Host, port: int) -> None:
    """Not as an address that another source names for somebody else, nor in a subdomain."""
    senders = ["anybody@alpha.test", "anybody@beta.test", "lena@alpha.test", "x@sub.alpha.test"]
    results = submit(*[message(relay, "agency", sender, port=port) for sender in senders])
    assert [result["code"] for result in results] == [250, 250, 553, 553]


@doors
@pytest.mark.usefixtures("_guessers")
@pytest.mark.parametrize("user", GUESSERS)
def test_a_wrong_password(relay: Host, port: int, user: str) -> None:
    """Refused as such, and nothing is told about whether there is such a user."""
    wrong = {**message(relay, user, "shop@alpha.test", port=port), "login": (user, "not the password")}
    wrong["source"] = GUESSERS[user]
    nobody = {**wrong, "login": ("nobody", "not the password")}
    results = submit(wrong, nobody)
    assert [result["code"] for result in results] == [535, 535], results
    assert len({result["text"].partition(": ")[2] for result in results}) == 1


@doors
@pytest.mark.parametrize(
    ("user", "sender"),
    [
        ("shop", "lena@alpha.test"),
        ("shop", "shop@beta.test"),
        ("shop", "somebody@elsewhere.test"),
        ("lena", "shop@alpha.test"),
        ("sven", "sven@alpha.test"),
    ],
)
def test_a_sender_of_somebody_else(relay: Host, port: int, user: str, sender: str) -> None:
    result = submit_one(relay, user, sender, port=port)
    assert result["code"] == 553
    assert f"<{sender}>: Sender address rejected: not owned by user {user}" in result["text"]


@pytest.mark.parametrize("relay", RELAYS, ids=lambda relay: relay.name)
@pytest.mark.parametrize(
    ("user", "sender", "header"),
    [
        ("shop", "shop@alpha.test", "ceo@alpha.test"),
        ("shop", "shop@alpha.test", "shop@alpha.test, ceo@alpha.test"),
        ("lena", "lena@alpha.test", "ceo@alpha.test"),
        ("sven", "sven@beta.test", "sven@beta.test <ceo@beta.test>"),
    ],
)
def test_a_from_header_of_somebody_else(relay: Host, user: str, sender: str, header: str) -> None:
    result = submit_one(relay, user, sender, header_from=header)
    assert 500 <= result["code"] < 600
    assert "5.7.1 ceo@" in result["text"]


@pytest.mark.parametrize("relay", RELAYS, ids=lambda relay: relay.name)
def test_no_login_without_tls(relay: Host) -> None:
    """Not offered, not taken, and nowhere on port 25."""
    lines = ["EHLO stranger1.lab.test\r\n", "AUTH PLAIN AHNob3AAeA==\r\n"]
    for port, tls, expected in [
        (587, "none", "530"),
        (25, "none", "503"),
        (25, "starttls", "503"),
    ]:
        _greeting, hello, answer = STRANGER.talk([conversation(relay, 4, port, lines, tls)])[0]
        assert "AUTH" not in hello, (port, tls)
        assert answer.startswith(expected), (port, tls, answer)


@doors
def test_mechanisms(relay: Host, port: int) -> None:
    _greeting, hello = STRANGER.talk([conversation(relay, 4, port, ["EHLO stranger1.lab.test\r\n"])])[0]
    # A directory and a database know no verifier for SCRAM.
    assert re.search(r"^250-AUTH (PLAIN LOGIN|LOGIN PLAIN)$", hello, re.MULTILINE), hello


@doors
def test_swaks_sees_the_same(relay: Host, port: int) -> None:
    """Another implementation of a client."""
    name, password = LOGINS["shop"]
    tls = "--tls" if port == 587 else "--tls-on-connect"
    token = new_token()

    def swaks(mechanism: str, secret: str) -> str:
        command = f"swaks --server {relay.ipv4}:{port} {tls} --auth {mechanism} --auth-user {name} --auth-password -"
        command += (
            f" --from shop@alpha.test --to {token}@rcpt.test --header 'Subject: {token}' --hide-all; echo exit=$?"
        )
        return STRANGER.run(
            "sh", "-c", command.replace("--auth-password -", f"--auth-password '{secret}'"), check=False
        )

    assert "exit=0" in swaks("PLAIN", password)
    assert "exit=0" in swaks("LOGIN", password)
    assert "exit=28" in swaks("PLAIN", "wrong")
    arrived(token, 2)


@pytest.mark.parametrize("relay", RELAYS, ids=lambda relay: relay.name)
def test_accounts_of_the_host_do_not_forge(relay: Host) -> None:
    """sendmail(1): www-data as shop, and as itself; not as others. Another account only as itself; root as anybody."""
    token = new_token()

    def sendmail(account: str, sender: str) -> str:
        text = f"From: {sender}\nTo: x@rcpt.test\nSubject: {token}\n\nhello\n"
        command = f"/usr/sbin/sendmail -i -f {sender} {token}@rcpt.test 2>&1; echo exit=$?"
        return relay.run("su", "-s", "/bin/sh", account, "-c", command, stdin=text)

    own = f"{relay.name}.lab.test"
    for account, sender in [
        ("www-data", "shop@alpha.test"),
        ("www-data", f"www-data@{own}"),
        ("nobody", f"nobody@{own}"),
        ("root", "anybody@beta.test"),
    ]:
        assert "exit=0" in sendmail(account, sender), (account, sender)
    for account, sender in [
        ("www-data", "agency@alpha.test"),
        ("nobody", "shop@alpha.test"),
        ("nobody", f"root@{own}"),
    ]:
        assert "exit=0" not in sendmail(account, sender), (account, sender)
    found = arrived(token, 4)
    assert sorted(message.header("From") for message in found) == sorted(
        ["shop@alpha.test", f"www-data@{own}", f"nobody@{own}", "anybody@beta.test"]
    )


def test_who_is_taken_from_the_list_is_out() -> None:
    """No login any more, and no mail in a session that was open before; the others notice nothing."""
    token = new_token()
    held, go = f"/run/{token}.held", f"/run/{token}.go"
    with ThreadPoolExecutor() as pool:
        sessions = [
            pool.submit(
                STRANGER.call,
                "hold",
                mail=message(relay, "leaver", "leaver@alpha.test"),
                held=f"{held}.{relay.name}",
                go=go,
            )
            for relay in RELAYS
        ]
        try:
            for relay in RELAYS:
                STRANGER.run("timeout", "60", "sh", "-c", f"until [ -e {held}.{relay.name} ]; do sleep 0.1; done")
            played = deploy(relay_users=[user for user in described_users() if user["name"] != "leaver"])
            assert played.status == 0, played.output
            for relay in RELAYS:
                assert submit_one(relay, "leaver", "leaver@alpha.test")["code"] == 535
                assert submit_one(relay, "shop", "shop@alpha.test")["code"] == 250
        finally:
            STRANGER.run("touch", go)
    for session in sessions:
        assert session.result()[-1].startswith("5"), session.result()
    played = deploy()
    assert played.status == 0, played.output
    assert [submit_one(relay, "leaver", "leaver@alpha.test")["code"] for relay in RELAYS] == [250, 250]


def test_trusted_networks_need_no_login() -> None:
    token = new_token()
    mails = [mail(relay, "shop@alpha.test", [f"{token}@rcpt.test"], token, port=587) for relay in RELAYS]
    assert [result["code"] for result in CLIENT.send(mails)] == [250, 250]
    arrived(token, 2)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that may pass arrives once, signed, and passes the receiver's checks."""

from __future__ import annotations

from itertools import product

import pytest
from lab import CLIENT, RELAYS, Arrived, Host, arrived, mail, new_token

# And the result of SPF: a subdomain inherits the signature of its domain and its DMARC policy, but no SPF record.
SENDERS = {"anna@alpha.test": "pass", "bert@beta.test": "pass", "news@news.alpha.test": "none"}
ANNA = "anna@alpha.test"
ROUTES = list(product(RELAYS, SENDERS, (4, 6)))


def name_of(value: object) -> str | None:
    return value.name if isinstance(value, Host) else None


@pytest.fixture(scope="module")
def routed() -> dict[str, Arrived]:
    """One message for each route, all sent in one go; by recipient.

    The recipient's domain has an MX of that family only, so the relay is reached and leaves by it.
    """
    token = new_token()
    mails = [
        mail(relay, sender, [f"{token}-{number}@v{family}.rcpt.test"], token, family=family)
        for number, (relay, sender, family) in enumerate(ROUTES)
    ]
    assert {result["code"] for result in CLIENT.send(mails)} == {250}
    found = arrived(token, len(mails))
    return {message.recipient.partition("@")[0].partition("-")[2]: message for message in found}


@pytest.mark.parametrize("number", range(len(ROUTES)), ids=[f"{r.name}-{s.split('@')[1]}-ipv{f}" for r, s, f in ROUTES])
def test_clients_mail_passes(routed: dict[str, Arrived], number: int) -> None:
    relay, sender, family = ROUTES[number]
    message = routed[str(number)]
    assert message.passes_with(SENDERS[sender]), message.header("Authentication-Results")
    assert f"[{'IPv6:' if family == 6 else ''}{relay.address(family)}]" in message.header("Received")
    signer = "alpha.test" if "alpha" in sender else "beta.test"
    assert f"header.d={signer} header.s={relay.name}-lab-test" in message.header("Authentication-Results")


@pytest.mark.parametrize("port", [587, 465])
@pytest.mark.parametrize("relay", RELAYS, ids=name_of)
def test_every_listener_takes_the_clients_mail(relay: Host, port: int) -> None:
    token = new_token()
    assert CLIENT.send([mail(relay, ANNA, [f"{token}@rcpt.test"], token, family=6, port=port)])[0]["code"] == 250
    (message,) = arrived(token, 1)
    assert message.passes, message.header("Authentication-Results")


@pytest.mark.parametrize("relay", RELAYS, ids=name_of)
def test_bounce_is_signed(relay: Host) -> None:
    """mx1 refuses nobody@, so the relay has to tell the sender: in its own name, with its own signature."""
    token = new_token()
    sender = f"{token}@alpha.test"
    assert CLIENT.send([mail(relay, sender, ["nobody@rcpt.test"], token)])[0]["code"] == 250
    (bounce,) = arrived(token, 1)
    assert bounce.recipient == sender
    assert bounce.header("Return-Path") == "<>"
    assert "550 5.1.1" in bounce.raw
    assert bounce.passes, bounce.header("Authentication-Results")
    assert f"header.d={relay.name}.lab.test" in bounce.header("Authentication-Results")


@pytest.mark.parametrize("sender", ["carl@beta.test", None], ids=["beta.test", "the-host-itself"])
@pytest.mark.parametrize("relay", RELAYS, ids=name_of)
def test_mail_from_the_host_is_signed(relay: Host, sender: str | None) -> None:
    token = new_token()
    options = ["-f", sender] if sender else []
    relay.run("sendmail", *options, f"{token}@rcpt.test", stdin=f"Subject: {token}\n\nFrom a program on the relay.\n")
    (message,) = arrived(token, 1)
    assert message.passes, message.header("Authentication-Results")


@pytest.mark.parametrize("relay", RELAYS, ids=name_of)
def test_two_hundred_recipients_once_each(relay: Host) -> None:
    token = new_token()
    recipients = [f"{token}-{number}@rcpt.test" for number in range(200)]
    assert CLIENT.send([mail(relay, ANNA, recipients, token)])[0]["code"] == 250
    found = arrived(token, 200)
    assert sorted(message.recipient for message in found) == sorted(recipients)
    assert all(message.passes for message in found)
    assert len(arrived(token, 201, seconds=1)) == 200


@pytest.mark.parametrize("relay", RELAYS, ids=name_of)
def test_mail_for_the_postmaster_reaches_people(relay: Host) -> None:
    """From anybody: it is the address for complaints (RFC 5321 section 4.5.1)."""
    token = new_token()
    address = f"postmaster@{relay.name}.lab.test"
    assert CLIENT.send([mail(relay, ANNA, [address], token)])[0]["code"] == 250
    (message,) = arrived(token, 1)
    assert message.recipient == "postmaster@rcpt.test"

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All mail by other servers: in order, with a login, over TLS that is verified or not used at all."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from lab import CLIENT, INVENTORY, RELAYS, Host, arrived, inventory, mail, new_token

# Nobody listens on ns1's port 587.
DEAD = {"host": "ns1.lab.test", "tls": "encrypt"}
# RFC 3848: S for TLS, A for a login.
AUTHENTICATED = "with ESMTPSA"


def smarthost(**changes: Any) -> dict[str, Any]:
    variables = inventory()["mx1"]
    login = {"user": variables["lab_smarthost_user"], "password": variables["lab_smarthost_password"]}
    return {"host": "mx1.lab.test", "ca_file": "/etc/ssl/lab-authority.pem", **login, **changes}


def deploy(relay: Host, **variables: Any) -> None:
    command = ["ansible-playbook", "--inventory", str(INVENTORY), "--limit", relay.name, "mailops.relay.deploy"]
    environment = {**os.environ, "ANSIBLE_PIPELINING": "true", "ANSIBLE_FORCE_COLOR": "false"}
    done = subprocess.run(
        [*command, "--extra-vars", json.dumps(variables)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module", params=RELAYS, ids=lambda relay: relay.name)
def relay(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A relay that goes back to the description of the lab when its tests are over."""
    yield request.param
    deploy(request.param)


def test_the_next_one_takes_over_with_a_login_over_verified_tls(relay: Host) -> None:
    deploy(relay, relay_next_hops=[DEAD, smarthost()])
    token = new_token()
    assert CLIENT.send([mail(relay, "anna@alpha.test", [f"{token}@rcpt.test"], token)])[0]["code"] == 250
    (message,) = arrived(token, 1)
    assert AUTHENTICATED in message.header("Received")
    log = relay.run(
        "journalctl", "--output=cat", "--grep", r"TLS connection established to mx1\.lab\.test.*:587", "-n1"
    )
    assert log.startswith("Verified TLS connection")


def test_mail_waits_where_the_certificate_cannot_be_verified(relay: Host) -> None:
    """The authorities of the operating system do not know that of the lab; neither login nor mail is given away."""
    deploy(relay, relay_next_hops=[smarthost(ca_file=None)])
    token = new_token()
    assert CLIENT.send([mail(relay, "anna@alpha.test", [f"{token}@rcpt.test"], token)])[0]["code"] == 250
    assert arrived(token, 1, seconds=5) == []
    waiting = relay.run("postqueue", "-p")
    assert "certificate not verified" in waiting or "certificate not trusted" in waiting
    assert f"{token}@rcpt.test" in waiting
    # The same mail leaves when the description is right again.
    deploy(relay, relay_next_hops=[smarthost()])
    relay.run("postqueue", "-f")
    (message,) = arrived(token, 1, seconds=90)
    assert AUTHENTICATED in message.header("Received")

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The users of the lab, and what a program of theirs does: log in at a relay and hand in a message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from lab import RELAYS, STRANGER, Host, mail, new_token
from plays import Played, play

HERE = Path(__file__).resolve().parents[1] / "inventory"
PASSWORDS: dict[str, str] = yaml.safe_load((HERE / "group_vars" / "all.yml").read_text())["lab_passwords"]
BACKEND = Host("backend1")
BOTH = [(relay, port) for relay in RELAYS for port in (587, 465)]
IDS = [f"{relay.name}-{port}" for relay, port in BOTH]

LOGINS = {name: (name, PASSWORDS[name]) for name in ("shop", "agency", "leaver", "newsletter")}
LOGINS["lena"] = ("lena", PASSWORDS["ldap_user"])
LOGINS["sven"] = ("sven", PASSWORDS["sql_user"])


def described_users() -> list[dict[str, Any]]:
    """The users of the description, with their passwords."""
    users = yaml.safe_load((HERE / "group_vars" / "relays.yml").read_text())["relay_users"]
    return [{**user, "password": PASSWORDS[user["name"]]} for user in users]


def message(relay: Host, user: str, sender: str, token: str | None = None, **more: Any) -> dict[str, Any]:
    """A message of a user, to be sent from a host that nobody trusts."""
    token = token or new_token()
    recipients = more.pop("recipients", [f"{token}@rcpt.test"])
    return mail(relay, sender, recipients, token, **{"port": 587, "login": LOGINS[user], **more})


def submit(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return STRANGER.send(list(messages))


def submit_one(*arguments: Any, **more: Any) -> dict[str, Any]:
    return submit(message(*arguments, **more))[0]


def deploy(**variables: Any) -> Played:
    """Deploy once more, with other variables."""
    inventories = ("--inventory", str(HERE.parents[1] / "inventory"), "--inventory", str(HERE))
    return play("deploy", *inventories, **variables)

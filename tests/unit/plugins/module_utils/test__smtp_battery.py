# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _smtp_battery
from ansible_collections.mailops.relay.plugins.module_utils._smtp_battery import ENDINGS, TRICKS, Names, Trick

NAMES = Names("relay.example.com", "198.51.100.12", "me.example.org", "me@example.org", "you@example.net")
FILLED = {trick.name: NAMES.fill(trick) for trick in TRICKS}


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("foreign to foreign", "RCPT TO:<you@example.net>"),
        ("recipient without brackets", "RCPT TO:you@example.net"),
        ("recipient in capitals", "RCPT TO:<YOU@EXAMPLE.NET>"),
        ("quoted local part", 'RCPT TO:<"you"@example.net>'),
        ("quoted local part with the target", 'RCPT TO:<"you@example.net"@relay.example.com>'),
        ("percent hack", "RCPT TO:<you%example.net@relay.example.com>"),
        ("percent hack to an address literal", "RCPT TO:<you%example.net@[198.51.100.12]>"),
        ("two at signs", "RCPT TO:<you@example.net@relay.example.com>"),
        ("bang path", "RCPT TO:<example.net!you>"),
        ("bang path through the relay", "RCPT TO:<relay.example.com!example.net!you>"),
        ("source route through the relay", "RCPT TO:<@relay.example.com:you@example.net>"),
        ("source route through an address literal", "RCPT TO:<@[198.51.100.12]:you@example.net>"),
        ("foreign postmaster", "RCPT TO:<postmaster@example.net>"),
        ("8-bit recipient", "RCPT TO:<r\udce9cipient@example.net>"),
        ("relay as a parent domain", "RCPT TO:<you@relay.example.com.example.net>"),
    ],
)
def test_recipients(name: str, command: str) -> None:
    assert _smtp_battery.rcpt_command(FILLED[name]) == command


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("null sender", "MAIL FROM:<>"),
        ("sender at the relay", "MAIL FROM:<me@relay.example.com>"),
        ("sender at the relay's parent domain", "MAIL FROM:<postmaster@example.com>"),
        ("sender at the relay's address", "MAIL FROM:<me@[198.51.100.12]>"),
        ("sender without a domain", "MAIL FROM:<me>"),
        ("recipient as its own sender", "MAIL FROM:<you@example.net>"),
        ("UTF-8 addresses", "MAIL FROM:<strängér@example.org> SMTPUTF8"),
    ],
)
def test_senders(name: str, command: str) -> None:
    assert _smtp_battery.mail_command(FILLED[name]) == command


def test_the_table() -> None:
    assert len({trick.name for trick in TRICKS}) == len(TRICKS)
    assert all(trick.reference for trick in TRICKS)
    for trick in FILLED.values():
        commands = [trick.rcpt, trick.mail or "", trick.helo, *trick.before, *trick.between]
        assert not any(re.search(r"[{}\r\n]", text) for text in commands), "each is one line, and filled"
        assert not any(text.upper().startswith(("DATA", "BDAT")) for text in commands), "nothing is ever sent"


def test_what_a_stranger_must_not_reach_is_not_at_the_relay() -> None:
    """A recipient that is plainly the relay's own may be accepted; each trick's leads somewhere else."""
    for trick in TRICKS:
        filled = FILLED[trick.name]
        assert "example.net" in filled.rcpt.lower() or filled.rcpt == "<you@[203.0.113.25]>"
        ends_at_the_relay = re.search(r"@(relay\.example\.com|\[198\.51\.100\.12\])>$", filled.rcpt)
        without_domain = not re.search(r'@[^"]*>?$', filled.rcpt)
        assert trick.own == bool(ends_at_the_relay or without_domain) or "[203" in filled.rcpt, trick.name


def test_address_literals() -> None:
    assert _smtp_battery.literal("2001:db8::1") == "[IPv6:2001:db8::1]"
    assert _smtp_battery.literal("198.51.100.1") == "[198.51.100.1]"


def test_a_relay_right_below_a_top_level_domain_has_no_parent() -> None:
    names = Names("relay.test", "198.51.100.12", "h", "me@example.org", "you@example.net")
    (trick,) = [trick for trick in TRICKS if "parent" in str(trick.mail)]
    assert names.fill(trick).mail == "<postmaster@relay.test>"


@pytest.mark.parametrize(
    ("trick", "alone"),
    [
        (Trick("a", "b"), False),
        (Trick("a", "b", mail="<>"), False),
        (Trick("a", "b", mail=None), True),
        (Trick("a", "b", helo="x"), True),
        (Trick("a", "b", before=("x",)), True),
        (Trick("a", "b", between=("x",)), True),
    ],
)
def test_what_can_share_a_transaction(trick: Trick, alone: bool) -> None:
    assert trick.alone == alone


def test_endings() -> None:
    assert b"\r\n.\r\n" not in ENDINGS.values()
    for name, ending in ENDINGS.items():
        message = _smtp_battery.message(name, ending, "me@example.org", "you@example.org")
        assert message.endswith(ending + b"NOOP\r\n\r\n.\r\n")
        assert message.count(b"\r\n.\r\n") == 1, "one end that counts, at the end"

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who tries passwords is shut out for a while; others notice nothing."""

from __future__ import annotations

import threading
import time

import pytest
from lab import RELAYS, STRANGER, Host
from users import message, submit_one

ATTACKER = "198.51.100.201"


@pytest.fixture(scope="module", autouse=True)
def _second_address() -> None:
    STRANGER.run("ip", "address", "replace", f"{ATTACKER}/24", "dev", "eth0")


@pytest.mark.parametrize("relay", RELAYS, ids=lambda relay: relay.name)
def test_who_tries_passwords_is_banned_while_others_log_in(relay: Host) -> None:
    """A thousand attempts from one address: few of them are answered, and the ban ends by itself."""
    attempt = {**message(relay, "shop", "shop@alpha.test"), "login": ("shop", "wrong"), "source": ATTACKER}
    counts: list[dict[str, int]] = []

    def attack() -> None:
        counts.extend(STRANGER.call("attack", mail=attempt, count=1000, workers=50, timeout=2))

    attacker = threading.Thread(target=attack)
    attacker.start()
    waited = []
    while attacker.is_alive():
        begun = time.monotonic()
        assert submit_one(relay, "shop", "shop@alpha.test")["code"] == 250
        waited.append(time.monotonic() - begun)
    attacker.join()
    (codes,) = counts
    assert sum(codes.values()) == 1000
    assert "welcome" not in codes
    assert codes.get("535", 0) < 200, codes
    print(f"answers to the attacker: {codes}; others waited {max(waited):.1f} s at most, {len(waited)} messages")
    right = {**message(relay, "shop", "shop@alpha.test"), "source": ATTACKER}
    (result,) = STRANGER.send([right], patience=120)
    assert result["code"] == 250

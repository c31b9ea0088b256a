# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each relay that is wrong on purpose is named with its fault and no other; the right ones are not named at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

RELAYS = yaml.safe_load((Path(__file__).parents[1] / "vars" / "relays.yml").read_text(encoding="utf-8"))["relays"]
# A relay of another kind, which is right: Debian's Exim.
ALL = [*RELAYS, {"name": "exim", "fault": "None.", "probe": [], "canary": []}]
FOUND: dict[str, Any] = json.loads(Path(os.environ["OPEN_RELAY_FINDINGS"]).read_text(encoding="utf-8"))

each_relay = pytest.mark.parametrize("relay", ALL, ids=[relay["name"] for relay in ALL])


def results(source: str, relay: dict[str, Any]) -> list[dict[str, Any]]:
    name = f"{relay['name']}.wrong.test"
    return [item for item in FOUND[source]["results"] if item["relay"] == name]


def ids(items: list[dict[str, Any]]) -> list[str]:
    return sorted(finding["id"] for item in items for finding in item["findings"])


@each_relay
def test_the_probe_names_the_fault_and_nothing_else(relay: dict[str, Any]) -> None:
    items = results("probe", relay)
    assert {item["check"] for item in items} == {"listeners", "closed", "tls"}
    assert ids(items) == sorted(relay["probe"]), items


@each_relay
def test_the_probe_left_nothing_out(relay: dict[str, Any]) -> None:
    notes = {item["check"]: item["note"] for item in results("probe", relay) if item["state"] != "done"}
    assert notes == relay.get("not_checked", {})


@each_relay
def test_the_canary_names_the_fault_and_nothing_else(relay: dict[str, Any]) -> None:
    items = results("canary", relay)
    assert {item["check"]: item["state"] for item in items} == {"canary": "done", "signing": "done"}, items
    assert ids(items) == sorted(relay.get("canary", [])), items


def test_the_table_is_what_was_looked_at() -> None:
    names = {f"{relay['name']}.wrong.test" for relay in ALL}
    assert {item["relay"] for item in FOUND["probe"]["results"]} == names
    assert {item["relay"] for item in FOUND["canary"]["results"]} == names
    assert sum(relay["fault"] != "None." for relay in RELAYS) >= 12


def test_the_canary_was_followed() -> None:
    for canary in FOUND["canary"]["canaries"]:
        assert canary["delivered"], canary
        assert canary["authserv_id"] == "mx1.wrong.test"
        by = [hop["by"] for hop in canary["received"]]
        assert by == ["mx1.wrong.test", canary["relay"]], by
    for sent in FOUND["canary"]["sent"]:
        assert sent["queue_id"], sent

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters: the table of wrong relays, as the probe and the canary take it."""

from __future__ import annotations

from typing import Any

PORTS = {"smtp": (25, "may"), "submission": (587, "encrypt"), "submissions": (465, "wrapper")}
FIRST = 10


def target(relay: dict[str, Any], addresses: list[str], domain: str, trusted: list[str]) -> dict[str, Any]:
    services = [
        {"name": name, "port": PORTS[name][0], "tls": PORTS[name][1]} for name in relay.get("listeners", {"smtp": {}})
    ]
    return {"relay": f"{relay['name']}.{domain}", "addresses": addresses, "services": services, "trusted": trusted}


def targets(relays: list[dict[str, Any]], hostvars: Any, domain: str) -> list[dict[str, Any]]:
    """Return the targets of smtp_info: all Postfix relays, and the one of Exim."""
    client = hostvars["mx1"]
    trusted = [client["lab_ipv4"], client["lab_ipv6"]]
    found = []
    for number, relay in enumerate(relays, FIRST):
        public = [f"198.19.200.{number}", f"2001:db8:200::{number}"]
        found.append(target(relay, [f"10.198.200.{number}"] if relay.get("private") else public, domain, trusted))
    exim = hostvars["exim1"]
    return [*found, target({"name": "exim"}, [exim["lab_ipv4"], exim["lab_ipv6"]], domain, trusted)]


def canaries(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the relays of smtp_canary, each at its first address and at port 25."""
    return [
        {
            "relay": each["relay"],
            "address": f"198.19.200.{each['addresses'][0].rpartition('.')[2]}",
            "selectors": ["s1"],
        }
        for each in found
    ]


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {"open_relay_targets": targets, "open_relay_canaries": canaries}

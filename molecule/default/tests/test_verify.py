# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify on relays that are fine, on one that is down, on a host without our roles, and without the rights to look."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from lab import RELAYS, STRANGER
from plays import Played, paused, play

SCRATCH = "/tmp/.ansible-nobody"  # noqa: S108 - on a host of the lab
REPORT = pathlib.Path(__file__).parents[3] / ".ansible" / "relay-report.json"
ON_THE_HOST = ["host", "clock", "queue", "certificate", "signing", "keys", "drift"]
FROM_OUTSIDE = ["listeners", "closed", "tls"]


def verify(*options: str, **variables: Any) -> tuple[Played, dict[str, Any]]:
    """Play verify; return what it came to and its report."""
    REPORT.unlink(missing_ok=True)
    played = play("verify", *options, **variables)
    return played, json.loads(REPORT.read_text())


def ids(report: dict[str, Any], relay: str) -> set[str]:
    return {finding["id"] for finding in report["findings"] if relay in finding["relays"] and not finding["silenced"]}


def test_relays_that_are_fine() -> None:
    played, report = verify()
    assert played.status == 0, played.output
    assert played.changed == 0
    assert report["fleet"] == {"dns": "passed"}
    for relay in RELAYS:
        states = report["matrix"][f"{relay.name}.lab.test"]
        assert set(states) == {*ON_THE_HOST, *FROM_OUTSIDE, "canary"}
        assert {check for check, state in states.items() if state != "passed"} == {"clock", "tls"}
        assert (states["clock"], states["tls"]) == ("silenced", "silenced")
    assert {f["id"] for f in report["findings"]} == {"clock_not_synchronised", "certificate_untrusted"}


@pytest.mark.thorough
def test_a_relay_that_is_down() -> None:
    """It is there and does nothing, as a host that hangs. The other one is looked at all the same."""
    with paused(RELAYS[0]):
        played, report = verify()
    assert played.status != 0
    assert played.output.count("ERROR: ") >= 1
    dead, alive = (report["matrix"][f"{relay.name}.lab.test"] for relay in RELAYS)
    assert {dead[check] for check in ON_THE_HOST if check != "host"} == {"not_checked"}
    assert dead["host"] == "error"
    assert {dead[check] for check in ("closed", "tls")} == {"not_checked"}
    assert "host_unreachable" in ids(report, "relay12.lab.test")
    assert dead["canary"] == "error"
    assert {alive[check] for check in ON_THE_HOST if check != "clock"} == {"passed"}
    assert alive["closed"] == "passed"


@pytest.fixture(name="bare")
def _bare(tmp_path: pathlib.Path) -> list[str]:
    """An inventory in which a host on which nothing was deployed is described as a relay."""
    described = {
        "relay_hostname": "stranger1.lab.test",
        "relay_addresses": [STRANGER.ipv4],
        "relay_postmaster": "postmaster@rcpt.test",
        "relay_domains": [],
        "relay_dns": {"resolver": "198.51.100.54@5353"},
        "relay_verify": {"report": str(REPORT.with_suffix(""))},
        "relay_services": ["smtp"],
        "relay_limits": {},
        "relay_networks": [],
        "ansible_host": "mailops-stranger1",
        "ansible_connection": "podman",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": {"relays": {"hosts": {"stranger1": described}}}}}))
    return ["--inventory", str(inventory)]


@pytest.mark.thorough
def test_a_host_without_our_roles(bare: list[str]) -> None:
    played, report = verify(*bare)
    assert played.status != 0
    found = ids(report, "stranger1.lab.test")
    assert {"service_not_installed", "drift_postfix", "drift_opendkim", "smtp_unreachable"} <= found
    assert report["matrix"]["stranger1.lab.test"]["closed"] == "not_checked"
    assert {record["name"] for record in report["records"]} >= {"stranger1.lab.test"}


@pytest.mark.thorough
def test_without_the_rights_to_look() -> None:
    """As a user who may log in and not become root: what is not seen has not passed."""
    played, report = verify("--user", "nobody", ansible_become=False, ansible_remote_tmp=SCRATCH)
    assert played.status != 0
    states = report["matrix"]["relay13.lab.test"]
    assert states["drift"] == "not_checked"
    # A warning that says so is worse than a check that was not made.
    assert states["keys"] == "warning"
    assert states["closed"] == "passed"
    assert "key_not_checked" in ids(report, "relay13.lab.test")
    assert any("Permission denied" in each["note"] for each in report["not_checked"])

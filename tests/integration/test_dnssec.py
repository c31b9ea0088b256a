# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_records_info with zones that Knot signs and unbound validates: secure, insecure and bogus (RFC 4033, 5)."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from module_call import call, found, record
from signed_zones import BROKEN, EXPIRED, KNOT, PLAIN, UNBOUND, SignedZones, Zone

TEXT = "www A 192.0.2.80\nmx A 192.0.2.25\n_25._tcp.mx TLSA 3 1 1 " + "0" * 64 + "\nalias CNAME www.secure.test.\n"
STATES = {"secure.test": "secure", "plain.test": "insecure", "broken.test": "bogus", "expired.test": "bogus"}
TLSA = "3 1 1 " + "0" * 64

pytestmark = pytest.mark.usefixtures("zones")


@pytest.fixture(scope="module")
def zones() -> t.Iterator[SignedZones]:
    kinds = {"plain.test": PLAIN, "broken.test": BROKEN, "expired.test": EXPIRED}
    servers = SignedZones({name: Zone(TEXT, kinds.get(name, "signed")) for name in STATES})
    try:
        servers.start()
        yield servers
    finally:
        servers.remove()


def states(result: dict[str, t.Any]) -> dict[str, str]:
    return {answer["name"]: answer["dnssec"] for answer in result["answers"] if answer["kind"] == "resolver"}


def test_the_states_of_zones(tmp_path: pathlib.Path) -> None:
    records = [record(f"www.{zone}", "A", "192.0.2.80") for zone in STATES]
    result = call(tmp_path, records=records, resolver=UNBOUND)
    assert states(result) == {f"www.{zone}": state for zone, state in STATES.items()}
    assert found(result) == {("dns_bogus", "error", f"www.{zone} A") for zone in ("broken.test", "expired.test")}
    messages = {finding["subject"]: finding["message"] for finding in result["findings"]}
    assert "Signature Expired" in messages["www.expired.test A"]
    assert "DNSSEC Bogus" in messages["www.broken.test A"]


def test_authoritative_servers_are_asked_all_the_same(tmp_path: pathlib.Path) -> None:
    """Those of zones that are bogus are found, and what they say is judged."""
    records = [record(f"www.{zone}", "A", "192.0.2.81") for zone in STATES]
    result = call(tmp_path, records=records, resolver=UNBOUND)
    answers = [answer for answer in result["answers"] if answer["kind"] == "authoritative"]
    assert {(answer["name"], answer["state"], answer["server"]) for answer in answers} == {
        (f"www.{zone}", "present", f"ns.test ({KNOT})") for zone in STATES
    }
    different = {("dns_record_different", "error", f"www.{zone} A") for zone in STATES}
    bogus = {("dns_bogus", "error", f"www.{zone} A") for zone in ("broken.test", "expired.test")}
    assert found(result) == different | bogus


def test_what_is_not_there_is_proved(tmp_path: pathlib.Path) -> None:
    records = [record(f"none.{zone}", "A", "192.0.2.80") for zone in STATES]
    result = call(tmp_path, records=records, resolver=UNBOUND)
    assert states(result) == {f"none.{zone}": state for zone, state in STATES.items()}
    assert {row for row in found(result) if row[0] != "dns_bogus"} == {
        ("dns_record_missing", "error", f"none.{zone} A") for zone in STATES
    }


def test_aliases_into_a_signed_zone(tmp_path: pathlib.Path) -> None:
    """The whole path counts."""
    names = {"alias.secure.test": "secure", "alias.plain.test": "insecure"}
    result = call(tmp_path, records=[record(name, "A", "192.0.2.80") for name in names], resolver=UNBOUND)
    assert states(result) == names


def test_tlsa_needs_a_secure_zone(tmp_path: pathlib.Path) -> None:
    records = [record(f"_25._tcp.mx.{zone}", "TLSA", TLSA) for zone in STATES]
    result = call(tmp_path, records=records, resolver=UNBOUND, connect=False)
    assert found(result) == {
        ("tlsa_not_secure", "warning", "_25._tcp.mx.plain.test TLSA"),
        ("dns_bogus", "error", "_25._tcp.mx.broken.test TLSA"),
        ("dns_bogus", "error", "_25._tcp.mx.expired.test TLSA"),
    }


def test_the_right_ds_mends_a_zone(zones: SignedZones, tmp_path: pathlib.Path) -> None:
    zones.mend("broken.test", serial=3)
    result = call(tmp_path, records=[record("www.broken.test", "A", "192.0.2.80")], resolver=UNBOUND)
    assert (states(result), result["findings"]) == ({"www.broken.test": "secure"}, [])

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The DNS of a fleet on a real name server, damaged in every way of the table: exactly what is wrong is found."""

from __future__ import annotations

import asyncio
import collections
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailops.relay.plugins.module_utils import _dns_plan, _record
from ansible_collections.mailops.relay.plugins.module_utils._zone_file import render
from ansible_collections.mailops.relay.plugins.modules import dns_records_info
from dns_damages import DAMAGES, Damage, Records, difference, published, published_lines
from dns_fleet import QUESTIONS, WANTED, ZONES
from dns_servers import NET4, NET6, Knots

SOA = "$TTL 300\n@ SOA ns.test. hostmaster.test. {serial} 3600 600 86400 1\n@ NS ns.test.\n"
ROOT = f"ns A {NET4}.2\nns AAAA {NET6}::2\n" + "".join(f"{zone}. NS ns.test.\n" for zone in ZONES if "test" in zone)


class Fleet:
    """The zones of the fleet on a knot: what is asked for is as it was served last."""

    def __init__(self) -> None:
        self.knots = Knots()
        self._served: dict[str, str] = {}
        self._serial = 1

    def start(self) -> None:
        self.knots.start()
        self._served = self._bodies(published())
        zones = {zone: SOA.format(serial=1) + body for zone, body in self._served.items()}
        self.knots.serve("one", {**zones, "test": SOA.format(serial=1) + ROOT})

    @staticmethod
    def _bodies(records: Records) -> dict[str, str]:
        by_zone: dict[str | None, Records] = collections.defaultdict(list)
        for record in records:
            by_zone[_dns_plan.zone_of(record.name.removeprefix("*."), ZONES)].append(record)
        assert None not in by_zone
        return {zone: render(by_zone[zone], comments=False) for zone in ZONES}

    def serve(self, records: Records) -> None:
        """Put records into the zones; only those that change are loaded anew."""
        bodies = self._bodies(records)
        changed = {zone: body for zone, body in bodies.items() if body != self._served[zone]}
        self._serial += 1
        if changed:
            self.knots.change("one", {z: SOA.format(serial=self._serial) + body for z, body in changed.items()})
        self._served = bodies

    def findings(self) -> list[dict[str, str]]:
        options = {"records": [_record.join(record) for record in WANTED], **QUESTIONS, "connect": False}
        options["resolver"] = self.knots.address4["one"]
        given = ArgumentSpecValidator(dns_records_info.OPTIONS).validate(options)
        assert not given.error_messages
        plan = dns_records_info.plan(given.validated_parameters, list)
        found: list[dict[str, str]] = asyncio.run(dns_records_info.run(plan))["findings"]
        return found


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    found = Fleet()
    try:
        found.start()
        yield found
    finally:
        found.knots.remove()


def test_nothing_is_found_where_all_is_right(fleet: Fleet) -> None:
    fleet.serve(published())
    assert fleet.findings() == []


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_damage(fleet: Fleet, damage: Damage) -> None:
    assert damage.change(published()) != published()
    fleet.serve(damage.change(published()))
    found = fleet.findings()
    pairs = [(finding["id"], finding["subject"]) for finding in found]
    assert sorted(pairs) == sorted(damage.expected)
    for finding in found:
        assert (damage.tells or published_lines(finding["subject"])) in finding["remedy"]
        assert damage.tells or published_lines(finding["subject"])


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_a_damage_can_be_done_and_undone_by_updates(damage: Damage) -> None:
    right, wrong = published(), damage.change(published())
    for before, after in ((right, wrong), (wrong, right)):
        remove, put = difference(before, after)
        keys = {record.key for record in (*remove, *put)}
        assert {record.key: record for record in before if record.key not in keys} | {r.key: r for r in put} == {
            record.key: record for record in after
        }
    assert not _record.conflicts(wrong)


def test_the_table_is_long_enough() -> None:
    assert sum(bool(damage.expected) for damage in DAMAGES) >= 35
    assert len({damage.name for damage in DAMAGES}) == len(DAMAGES)

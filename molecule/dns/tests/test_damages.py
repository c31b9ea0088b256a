# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify finds nothing where deploy and publish have run; each record of the lab that goes is found, and nothing else.

The other ways to damage a record, such as another key or a weaker policy, are a table of the integration tests
(dns_damages.py), on a fleet of their own.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import subprocess
import sys
import time
from typing import Any

import pytest
from lab import INVENTORY
from plays import ENVIRONMENT, PRIMARY, SECONDARY, play, succeed, texts, update

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / ".ansible" / "collections"))

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator  # noqa: E402
from ansible_collections.mailops.relay.plugins.module_utils import _dns_plan, _record, _zone_file  # noqa: E402
from ansible_collections.mailops.relay.plugins.modules import dns_records_info  # noqa: E402

ZONES = ["lab.test", "alpha.test", "beta.test", "100.51.198.in-addr.arpa", "0.0.0.0.1.5.0.0.8.b.d.0.1.0.0.2.ip6.arpa"]
REPORT = ROOT / ".ansible" / "relay-report.json"


@pytest.fixture(scope="module", name="asked")
def _asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What verify asks of dns_records_info."""
    output = tmp_path_factory.mktemp("asked") / "asked.json"
    playbook = pathlib.Path(__file__).parents[1] / "playbooks" / "records.yml"
    command = ["ansible-playbook", "--inventory", str(INVENTORY), str(playbook), "--extra-vars", f"output={output}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=300)
    assert done.returncode == 0, done.stdout
    return json.loads(output.read_text())


def findings(asked: dict[str, Any]) -> list[dict[str, str]]:
    """What the module finds, called in this process."""
    questions = {name: value for name, value in asked["questions"].items() if name in dns_records_info.OPTIONS}
    given = ArgumentSpecValidator(dns_records_info.OPTIONS).validate({"records": asked["records"], **questions})
    assert not given.error_messages
    return asyncio.run(dns_records_info.run(dns_records_info.plan(given.validated_parameters, list)))["findings"]


def wait_for_the_secondary(name: str, rdtype: str) -> None:
    deadline = time.monotonic() + 20
    while sorted(texts(name, SECONDARY, rdtype)) != sorted(texts(name, PRIMARY, rdtype)):
        assert time.monotonic() < deadline, f"ns2 does not follow ns1: {name} {rdtype}"
        time.sleep(0.1)


def test_verify_finds_nothing_in_dns() -> None:
    succeed("verify")
    report = json.loads(REPORT.read_text())
    assert report["fleet"]["dns"] == "passed"
    assert [finding for finding in report["findings"] if finding["check"] == "dns"] == []
    assert report["records"] == []


def test_each_record_that_goes_is_found(asked: dict[str, Any]) -> None:
    assert len(asked["records"]) >= 30
    assert findings(asked) == []
    wrong = {}
    for item in asked["records"]:
        record = _record.parse(item)
        zone = _dns_plan.zone_of(record.name, ZONES)
        assert zone
        update(zone, ("delete", record.name, record.type))
        wait_for_the_secondary(record.name, record.type)
        found = findings(asked)
        line = _zone_file.render([record], comments=False).rstrip("\n")
        if [(each["id"], each["subject"]) for each in found] != [
            ("dns_record_missing", f"{record.name} {record.type}")
        ] or line not in found[0]["remedy"]:
            wrong[f"{record.name} {record.type}"] = found
        data = [_zone_file.data(record.type, value) for value in record.values]
        update(zone, *[("add", record.name, record.ttl, record.type, each) for each in data])
        wait_for_the_secondary(record.name, record.type)
    assert wrong == {}
    assert findings(asked) == []
    print(f"{len(asked['records'])} records, each taken away and put back")


def test_verify_names_what_is_to_be_published() -> None:
    """The exit status, the first line, the file for programs and the page name the missing record."""
    update("beta.test", ("delete", "_dmarc.beta.test"), ("delete", "beta.test", "TXT"))
    played = play("verify")
    assert played.status != 0
    assert "ERROR: 1 error, 1 warning" in played.output
    report = json.loads(REPORT.read_text())
    assert not report["ok"]
    assert {record["name"] for record in report["records"]} == {"beta.test", "_dmarc.beta.test"}
    assert '_dmarc.beta.test. 60 IN TXT "v=DMARC1; p=reject"' in report["zone_file"]
    assert "_dmarc.beta.test. 60 IN TXT" in REPORT.with_suffix(".html").read_text()
    assert succeed("publish").changed == 1
    succeed("verify")

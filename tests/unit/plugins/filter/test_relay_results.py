# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tasks came to, as results of checks: nothing that was not seen has passed."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.relay_results import relay_results
from ansible_collections.mailops.relay.plugins.filter.report import report
from ansible_collections.mailops.relay.plugins.module_utils import _results

RELAY = "relay1.example.com"
REACHED = {"ping": "pong", "changed": False}
AWAY = {"unreachable": True, "msg": "Failed to connect to the host via ssh:\n  No route to host\n"}
FINDING = {"id": "queue_old", "severity": "warning", "subject": "queue", "message": "m", "remedy": "r", "reference": ""}
LOOKED = {
    "changed": False,
    "results": [
        {"check": check, "state": "done", "note": "", "findings": [FINDING] if check == "queue" else []}
        for check in _results.ON_THE_HOST
    ],
}
UNCHANGED = {"changed": False}
PLAYED: dict[str, _results.Result] = dict.fromkeys(("postfix", "opendkim", "nftables", "keys"), UNCHANGED)


def of_host(*arguments: t.Any) -> dict[str, tuple[str, str, list[str]]]:
    found = _results.of_host(RELAY, *arguments)
    assert {item["relay"] for item in found} == {RELAY}
    return {item["check"]: (item["state"], item["note"], [f["id"] for f in item["findings"]]) for item in found}


def test_a_host_that_was_seen() -> None:
    found = of_host(REACHED, LOOKED, "")
    assert set(found) == set(_results.ON_THE_HOST)
    assert {state for state, _note, _ids in found.values()} == {"done"}
    assert found["queue"][2] == ["queue_old"]


def test_keys_that_could_not_be_read_are_not_checked() -> None:
    found = _results.of_host(RELAY, REACHED, LOOKED, "Have a key: Permission denied")
    assert [(i["state"], i["note"]) for i in found if i["check"] == "keys"] == [
        ("done", ""),
        ("not_checked", "Have a key: Permission denied"),
    ]
    assert {i["state"] for i in found if i["check"] != "keys"} == {"done"}


def test_a_host_that_is_down() -> None:
    found = of_host(AWAY, None, "")
    assert set(found) == set(_results.ON_THE_HOST)
    assert {state for state, _note, _ids in found.values()} == {"not_checked"}
    assert found["host"][2] == ["host_unreachable"]
    (gone,) = next(i["findings"] for i in _results.of_host(RELAY, AWAY, None, "") if i["check"] == "host")
    assert gone["message"] == ("the controller cannot log in: Failed to connect to the host via ssh: No route to host")


@pytest.mark.parametrize(
    ("looked", "problem", "note"),
    [
        (None, "", "it was not looked at, since an earlier task had failed"),
        (None, "Read the keys: Missing sudo password", "Read the keys: Missing sudo password"),
        ({"failed": True, "msg": "one\ntwo\nthree\nfour"}, "", "one two three"),
        ({"failed": True}, "", "no reason was given"),
        ({"skipped": True, "changed": False}, "", "it was not looked at"),
    ],
)
def test_a_host_that_could_not_be_looked_at(looked: t.Any, problem: str, note: str) -> None:
    found = of_host(REACHED, looked, problem)
    assert {(state, text) for state, text, _ids in found.values()} == {("not_checked", note)}


def test_no_drift() -> None:
    assert _results.of_drift(RELAY, REACHED, PLAYED, "") == {
        "relay": RELAY,
        "check": "drift",
        "state": "done",
        "note": "",
        "findings": [],
    }


def test_drift_names_the_files() -> None:
    played = {
        **PLAYED,
        "postfix": {"changed": True, "changed_files": ["/etc/postfix/main.cf"], "diff": [{"after_header": "x"}]},
        "nftables": {"changed": True, "diff": {"before_header": "inet mailops_relay", "before": "a", "after": "b"}},
    }
    found = _results.of_drift(RELAY, REACHED, played, "")
    assert [(f["id"], f["severity"]) for f in found["findings"]] == [
        ("drift_postfix", "warning"),
        ("drift_nftables", "warning"),
    ]
    assert found["findings"][0]["message"].endswith(": /etc/postfix/main.cf")
    assert found["findings"][1]["message"].endswith(": inet mailops_relay")
    assert "postfix_extra" in found["findings"][0]["remedy"]


def test_drift_that_was_not_seen_is_no_pass() -> None:
    assert _results.of_drift(RELAY, AWAY, {}, "")["state"] == "not_checked"
    broken = _results.of_drift(RELAY, REACHED, {**PLAYED, "nftables": None}, "Load: not allowed")
    assert (broken["state"], broken["note"]) == ("not_checked", "Load: not allowed")
    failed = _results.of_drift(RELAY, REACHED, {**PLAYED, "postfix": {"failed": True, "msg": "x"}}, "")
    assert failed["note"] == "postfix: x"
    skipped = _results.of_drift(RELAY, REACHED, {**PLAYED, "keys": {"skipped": True, "changed": False}}, "")
    assert skipped["state"] == "done"


def test_the_fleet() -> None:
    (found,) = _results.of_fleet("dns", {"findings": [FINDING]})
    assert (found["relay"], found["state"], found["findings"]) == ("", "done", [FINDING])
    (failed,) = _results.of_fleet("dns", {"failed": True, "msg": "no"}, "Ask: no")
    assert (failed["state"], failed["note"], failed["findings"]) == ("not_checked", "Ask: no", [])
    (missing,) = _results.of_fleet("dns", None)
    assert missing["state"] == "not_checked"


SEEN = {
    "relay_hostname": "Relay1.example.com",
    "verify_reached": REACHED,
    "verify_host": LOOKED,
    "verify_dns": {"findings": []},
    "verify_probe": {
        "results": [
            {"relay": RELAY, "check": check, "state": "done", "note": "", "findings": []}
            for check in ("listeners", "closed", "tls")
        ]
    },
    "postfix_configured": UNCHANGED,
    "opendkim_configured": UNCHANGED,
    "nftables_loaded": UNCHANGED,
    "dkim_keys": UNCHANGED,
}


def test_the_filter_makes_what_a_report_takes() -> None:
    hostvars = {"one": SEEN, "two": {"relay_hostname": "relay2.example.com", "verify_reached": AWAY}}
    made = report(relay_results(["one", "two"], hostvars))
    assert made["relays"] == [RELAY, "relay2.example.com"]
    assert not made["ok"]
    assert made["matrix"][RELAY]["drift"] == "passed"
    assert made["matrix"]["relay2.example.com"]["drift"] == "not_checked"
    assert {finding["id"] for finding in made["findings"]} == {"host_unreachable", "queue_old"}
    assert report(relay_results(["one"], {"one": SEEN}))["ok"]


def test_a_probe_that_failed_is_no_pass() -> None:
    broken = {**SEEN, "verify_probe": {"failed": True, "msg": "x"}, "verify_probe_problem": "Be a stranger: no route"}
    made = report(relay_results(["one"], {"one": broken}))
    assert not made["ok"]
    assert {made["matrix"][RELAY][check] for check in ("listeners", "closed", "tls")} == {"not_checked"}
    assert "Be a stranger: no route" in str(made["not_checked"])


def test_a_canary_that_nobody_sent_is_no_check() -> None:
    assert (
        "canary" not in report(relay_results(["one"], {"one": {**SEEN, "verify_canary": {"skipped": True}}}))["checks"]
    )
    lost = {**SEEN, "verify_canary_problem": "Look for it: no such folder"}
    assert report(relay_results(["one"], {"one": lost}))["matrix"][RELAY]["canary"] == "not_checked"


def test_a_null_client_has_no_listener() -> None:
    quiet = {**SEEN, "relay_services": [], "verify_probe": {"results": []}}
    made = report(relay_results(["one"], {"one": quiet}))
    assert made["ok"]
    assert "closed" not in made["checks"]


@pytest.mark.parametrize("arguments", [(5, {}), (["one"], {}), (["one"], {"one": {**SEEN, "verify_dns": {"x": 1}}})])
def test_bad_input_is_named(arguments: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="relay_results: "):
        relay_results(*arguments)

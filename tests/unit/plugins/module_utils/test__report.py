# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _report, _report_input
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._report import Wishes

R1, R2 = "relay1.example", "relay2.example"
SPF = RecordSet("example.org", "TXT", ("v=spf1 -all",), reason="why")
LINE = 'example.org. 3600 IN TXT "v=spf1 -all"'


def finding(severity="error", subject="port 25", **other):
    given = {"id": "smtp_broken", "message": "it is broken", "remedy": "Mend it.", **other}
    return {**given, "severity": severity, "subject": subject}


def result(relay=R1, check="tls", *findings, **other):
    return {"relay": relay, "check": check, "state": "done", "findings": list(findings), **other}


def gap(relay=R1, check="tls", note="it is down", *findings):
    return result(relay, check, *findings, state="not_checked", note=note)


def built(*results, silence=(), records=(), **wishes):
    return _report.build(
        _report_input.parse_results(list(results)),
        Wishes(_report_input.parse_silences(list(silence)), **wishes),
        records,
        "noon",
    )


def silence(finding_id="smtp_broken", reason="meant", **other):
    return {"id": finding_id, "reason": reason, **other}


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([result()], "passed"),
        ([result(R1, "tls", finding("notice"))], "notice"),
        ([result(R1, "tls", finding("notice"), finding("error"), finding("warning"))], "error"),
        ([gap()], "not_checked"),
        ([gap(R1, "tls", "down", finding("error"))], "error"),
        # Two looked at it, and one of them could not.
        ([result(), gap()], "not_checked"),
        ([result(R1, "tls", finding("notice")), gap()], "not_checked"),
        ([result(R1, "tls", finding("warning")), gap()], "warning"),
        ([result(), result(R1, "tls", finding("notice"))], "notice"),
    ],
)
def test_the_state_of_a_cell_is_the_worst(results, state):
    assert built(*results)["matrix"] == {R1: {"tls": state}}


def test_where_nobody_looked_it_has_not_passed():
    report = built(result(R1, "tls"), result(R2, "closed"))
    assert report["matrix"] == {
        R1: {"closed": "not_checked", "tls": "passed"},
        R2: {"closed": "passed", "tls": "not_checked"},
    }
    assert not report["ok"]
    assert report["status"] == "not_checked"
    assert [item["note"] for item in report["not_checked"]] == ["there is no result", "there is no result"]


def test_what_the_whole_fleet_has_need_not_be_on_each_relay():
    report = built(result("", "dns"), result(R1, "tls"))
    assert report["fleet"] == {"dns": "passed"}
    assert report["matrix"] == {R1: {"tls": "passed"}}
    assert report["relays"] == [R1]
    assert report["checks"] == ["dns", "tls"]
    assert report["ok"]


def test_what_must_be_checked_cannot_be_forgotten():
    report = built(result(R1, "tls"), must=["tls", "closed"])
    assert report["checks"] == ["closed", "tls"]
    assert report["matrix"][R1]["closed"] == "not_checked"
    assert not report["ok"]
    assert not built(result("", "dns"), must=["tls"])["ok"]


@pytest.mark.parametrize(
    ("results", "wishes", "ok", "status"),
    [
        ([result()], {}, True, "passed"),
        ([result(R1, "tls", finding("error"))], {}, False, "error"),
        ([result(R1, "tls", finding("warning"))], {}, True, "warning"),
        ([result(R1, "tls", finding("warning"))], {"fail_from": "warning"}, False, "warning"),
        ([result(R1, "tls", finding("notice"))], {"fail_from": "warning"}, True, "notice"),
        ([result(R1, "tls", finding("notice"))], {"fail_from": "notice"}, False, "notice"),
        ([result(R1, "tls", finding("error")), gap(R1, "dns")], {"fail_from": "never"}, True, "error"),
        ([gap()], {}, False, "not_checked"),
        ([gap()], {"must": []}, True, "passed"),
        ([gap(R1, "canary"), result()], {}, True, "passed"),
        ([gap(R1, "canary"), result()], {"must": ["canary"]}, False, "not_checked"),
        ([gap(), result(R1, "dns", finding("warning"))], {}, False, "not_checked"),
        ([gap()], {"silence": [silence("not_checked")]}, True, "passed"),
        ([gap()], {"silence": [silence("not_checked", subject=f"{R1} tls")]}, True, "passed"),
        ([gap()], {"silence": [silence("not_checked", subject=f"{R1} closed")]}, False, "not_checked"),
        ([gap("", "dns")], {"silence": [silence("not_checked", subject="dns")]}, True, "passed"),
    ],
)
def test_what_fails(results, wishes, ok, status):
    report = built(*results, **wishes)
    assert (report["ok"], report["status"]) == (ok, status)


def test_a_finding_of_many_relays_is_one():
    report = built(result(R1, "tls", finding()), result(R2, "tls", finding(), finding(subject="port 465")))
    assert [(item["subject"], item["relays"]) for item in report["findings"]] == [
        ("port 25", [R1, R2]),
        ("port 465", [R2]),
    ]
    assert report["summary"] == {
        "error": 2, "warning": 0, "notice": 0, "silenced": 0, "passed": 0, "not_checked": 0, "checks": 2,
    }  # fmt: skip


def test_the_worst_is_first_in_any_order():
    results = [
        result(R1, "tls", finding("notice", "a")),
        result(R1, "dns", finding("error", "z")),
        result(R1, "keys", finding("warning", "a"), finding("error", "b")),
    ]
    for order in (results, results[::-1]):
        assert [(item["severity"], item["subject"]) for item in built(*order)["findings"]] == [
            ("error", "b"),
            ("error", "z"),
            ("warning", "a"),
            ("notice", "a"),
        ]


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        ({}, [R1, R2]),
        ({"subject": "PORT 25"}, [R1, R2]),
        ({"subject": "port *"}, [R1, R2]),
        ({"subject": "port"}, []),
        ({"relay": R1}, [R1]),
        ({"relay": "relay?.example"}, [R1, R2]),
        ({"relay": R1, "subject": "port 465"}, []),
    ],
)
def test_silence_covers_by_subject_and_relay(rule, covered):
    report = built(result(R1, "tls", finding()), result(R2, "tls", finding()), silence=[silence(**rule)])
    known = [item for item in report["findings"] if item["silenced"] == "meant"]
    assert [relay for item in known for relay in item["relays"]] == covered
    assert {relay for relay, cells in report["matrix"].items() if cells["tls"] == "silenced"} == set(covered)
    assert report["summary"]["silenced"] == len(known)
    assert report["ok"] == (len(covered) == 2)
    unused = [item for item in report["findings"] if item["id"] == "report_silence_unused"]
    assert len(unused) == (not covered)


def test_an_address_is_no_pattern():
    rule = silence(subject="[2001:db8::1]:25")
    assert built(result(R1, "tls", finding(subject="[2001:db8::1]:25")), silence=[rule])["ok"]


def test_a_silence_that_covers_nothing_is_a_notice():
    report = built(result(), silence=[silence("smtp_brokne")])
    (notice,) = report["findings"]
    assert (notice["id"], notice["severity"], notice["subject"], notice["check"]) == (
        "report_silence_unused", "notice", "smtp_brokne", "report",
    )  # fmt: skip
    assert report["ok"]
    assert report["status"] == "notice"
    assert "may be in what was not checked" not in notice["message"]
    (notice,) = built(gap(), silence=[silence("smtp_brokne")])["findings"]
    assert "may be in what was not checked" in notice["message"]


def test_one_remedy_is_one_step_and_what_mends_most_is_first():
    report = built(
        result(R1, "tls", finding("warning", "w", remedy="Deploy.")),
        result(R1, "dns", finding("error", "one", remedy="Alone."), finding("error", "x", remedy="Deploy.")),
        result(R2, "keys", finding("error", "y", remedy="Deploy."), finding("notice", "n", remedy="")),
        result(R2, "clock", finding("error", "c", remedy="Wait."), finding("error", "d", remedy="Wait.")),
    )
    steps = [(step["severity"], step["text"], step["subjects"]) for step in report["todo"] if step["findings"]]
    assert steps == [
        ("error", "Deploy.", ["x", "y", "w"]),
        ("error", "Alone.", ["one"]),
        ("error", "Wait.", ["c", "d"]),
        ("notice", "Look into it: it is broken.", ["n"]),
    ]
    keys = [key for step in report["todo"] for key in step["findings"]]
    assert sorted(keys) == sorted(item["key"] for item in report["findings"])


def test_what_has_to_be_checked_is_a_step_and_what_is_silenced_is_none():
    report = built(
        gap(R1, "tls"),
        gap(R1, "closed"),
        gap(R2, "closed"),
        gap(R2, "tls"),
        gap(R2, "canary", "no mailbox is named"),
        result(R1, "dns", finding("warning")),
        result(R2, "dns", finding("error", "other", remedy="Never mind.")),
        silence=[silence(subject="other")],
        must=["tls", "closed"],
    )
    assert [(step["severity"], step["text"], step["relays"]) for step in report["todo"]] == [
        ("not_checked", "See to it that closed and tls can be checked: it is down.", [R1, R2]),
        ("warning", "Mend it.", [R1]),
    ]
    assert [(item["relays"], item["checks"], item["must"]) for item in report["not_checked"]] == [
        ([R1, R2], ["closed", "tls"], True),
        ([R2], ["canary"], False),
        ([R1], ["canary"], False),
    ]


def dns(finding_id, remedy, severity="error", subject="example.org TXT"):
    return finding(severity, subject, id=finding_id, remedy=remedy)


@pytest.mark.parametrize(
    ("item", "published", "step"),
    [
        (dns("dns_record_missing", f"Publish: {LINE}"), True, "Publish the record below."),
        (dns("dns_record_different", "In other words."), True, "In other words."),
        (dns("dmarc_policy_weaker", f"Replace it. Publish: {LINE}"), True, "Publish the record below."),
        # Publishing alone would not help.
        (
            dns("dns_spf_several_records", f"Remove all but one. Publish: {LINE}"),
            True,
            f"Remove all but one. Publish: {LINE}",
        ),
        (dns("dns_record_cached", "Wait."), False, "Wait."),
        (dns("dns_record_missing", f"Publish: {LINE}", subject="example.org MX"), False, f"Publish: {LINE}"),
    ],
)
def test_records_to_publish_are_those_that_findings_ask_for(item, published, step):
    other = RecordSet("example.org", "A", ("192.0.2.1",))
    report = built(result("", "dns", item), records=[other, SPF])
    assert [record["name"] for record in report["records"]] == ["example.org"] * published
    assert report["zone_file"] == (f"; required: why\n{LINE}\n" if published else "")
    assert [each["text"] for each in report["todo"]] == [step]


def test_publishing_many_records_is_one_step():
    other = RecordSet("example.net", "TXT", ("v=spf1 -all",))
    items = [
        dns("dns_record_missing", "Publish: 1"),
        dns("dns_record_missing", "Publish: 2", subject="example.net TXT"),
    ]
    report = built(result("", "dns", *items), records=[other, SPF])
    assert [step["text"] for step in report["todo"]] == ["Publish the 2 records below."]
    assert len(report["todo"][0]["findings"]) == 2


def test_what_is_silenced_is_not_published():
    rule = silence("dns_record_missing")
    assert built(result("", "dns", dns("dns_record_missing", "x")), records=[SPF], silence=[rule])["records"] == []


def test_a_key_says_whether_it_is_the_same_finding():
    def key(**changes):
        return built(result(R1, "tls", finding(**changes)))["findings"][0]["key"]

    assert key(message="9 days left") == key(message="8 days left") == key(severity="warning")
    assert key() != key(subject="port 587")
    several = built(result(R1, "tls", finding(message="a"), finding(message="b")))["findings"]
    assert len({item["key"] for item in several}) == 2


def test_the_report_is_plain_and_ready_for_monitoring():
    hostile = finding(subject="\x1b[2J", message="\udc80 \u202e", remedy="x" * 9000)
    report = built(result(R1, "tls", hostile), gap("", "dns"), records=[SPF])
    assert json.loads(json.dumps(report)) == report
    json.dumps(report, ensure_ascii=False).encode()
    assert (report["schema"], report["generated"]) == (1, "noon")
    assert report["findings"][0]["subject"] == "\\x1b[2J"
    assert len(report["findings"][0]["remedy"]) < 5000

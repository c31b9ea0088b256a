# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.report import report
from ansible_collections.mailops.relay.plugins.filter.report_html import report_html
from ansible_collections.mailops.relay.plugins.filter.report_text import report_text
from ansible_collections.mailops.relay.plugins.module_utils import _report_text

FINDING = {"id": "smtp_broken", "severity": "error", "subject": "port 25", "message": "it is broken"}
DONE = {"relay": "relay1", "check": "tls", "state": "done"}
FOUND = {**DONE, "findings": [FINDING]}
KNOWN = {"id": "smtp_broken", "reason": "meant"}
HOSTILE = "<script>\x1b[2Jx</script>\r\u202e\"'&\x00\udc80 " + "\u6f22" * 120


def many(count):
    """Return results with as many things to do."""
    findings = [
        {**FINDING, "subject": f"port {number}", "remedy": f"Mend {number:03}."} for number in range(1, count + 1)
    ]
    return [{**DONE, "findings": findings}]


@pytest.mark.parametrize(
    ("results", "options", "problem"),
    [
        ({}, {}, "results is dict. Accepted: a list."),
        (None, {}, "results is None. Accepted: a list."),
        ([], {}, "results is empty, so nothing was checked. Accepted: one result or more."),
        (["x"], {}, "results[0] is 'x'. Accepted: a dictionary."),
        ([{**DONE, "check": "tsl"}], {}, "results[0].check is 'tsl'. Accepted: dns, listeners, closed, tls"),
        ([{**DONE, "state": "ok"}], {}, "results[0].state is 'ok'. Accepted: done, not_checked."),
        ([{"check": "tls"}], {}, "results[0] has no state."),
        ([{**DONE, "findings": [{"id": "x"}]}], {}, "results[0].findings[0] has no severity."),
        ([{**DONE, "findings": [{**FINDING, "severity": "bad"}]}], {}, "severity is 'bad'. Accepted: error, warning"),
        ([{**DONE, "findings": [{**FINDING, "id": "Bad Id"}]}], {}, "words of lower case"),
        ([DONE], {"silence": "x"}, "silence is 'x'. Accepted: a list."),
        ([DONE], {"silence": [{"id": "x"}]}, "silence[0] has no reason."),
        ([DONE], {"silence": [{"id": "x", "reason": " "}]}, "silence[0] (x) has an empty reason. Accepted: why it is"),
        ([DONE], {"silence": [{**KNOWN, "until": "May"}]}, "silence[0] has 'until'. Accepted: id, reason, subject"),
        ([DONE], {"must": ["all"]}, "must[0] is 'all'. Accepted: dns"),
        ([DONE], {"fail_from": "fatal"}, "fail_from is 'fatal'. Accepted: error, warning, notice, never."),
        ([DONE], {"records": [{"name": "a.example"}]}, "records[0] has no type."),
        ([DONE], {"records": [{"name": "a.example", "type": "A", "values": ["x"]}]}, "records[0]: the record 'a.ex"),
        ([DONE], {"generated": 5}, "generated is 5. Accepted: text."),
    ],
)  # fmt: skip
def test_bad_input_is_named_with_what_is_accepted(results, options, problem):
    with pytest.raises(AnsibleFilterError) as caught:
        report(results, **options)
    assert str(caught.value).startswith("report: ")
    assert problem in str(caught.value)


def test_what_is_left_out_or_null_has_its_default():
    found = report([{**FOUND, "note": None}], silence=None, must=None, records=None)
    assert found["findings"][0]["remedy"] == ""
    assert not found["ok"]


@pytest.mark.parametrize("render", [report_text, report_html])
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda _given: [], "its input is list. Accepted: what the filter report returns."),
        (lambda _given: {}, "its input is dict. Accepted: what the filter report returns."),
        (lambda given: {**given, "schema": 2}, "its input has the schema 2. Accepted: 1."),
        (lambda given: {**given, "todo": None}, "report.todo is None. Accepted: a list."),
        (lambda given: {**given, "findings": []}, "report.todo[0] has no finding 'smtp_broken-"),
        (lambda given: {**given, "matrix": {"relay1": {"tls": "fine"}}}, "report.matrix.relay1.tls is 'fine'."),
    ],
)
def test_only_a_report_is_shown(render, change, problem):
    with pytest.raises(AnsibleFilterError) as caught:
        render(change(report([FOUND])))
    assert str(caught.value).startswith(f"{render.__name__}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize("render", [report_text, report_html])
def test_a_report_from_a_file_looks_the_same(render):
    given = report([FOUND], silence=[{"id": "x", "reason": HOSTILE}])
    assert render(json.loads(json.dumps(given))) == render(given)


@pytest.mark.parametrize(
    ("results", "options", "first"),
    [
        ([DONE], {}, "OK: 1 check passed (1 relay)"),
        ([DONE], {"generated": "noon"}, "OK: 1 check passed (1 relay, noon)"),
        ([FOUND], {}, "ERROR: 1 error (1 relay)"),
        ([FOUND], {"silence": [KNOWN]}, "OK: 0 checks passed (1 relay, 1 silenced)"),
        (many(3), {}, "ERROR: 3 errors (1 relay)"),
        ([{**FOUND, "findings": [{**FINDING, "severity": "warning"}]}], {}, "WARNING: 1 warning (1 relay)"),
        ([{**DONE, "state": "not_checked"}], {}, "NOT CHECKED: 1 check not made (1 relay)"),
        ([DONE, {**DONE, "check": "dns", "state": "not_checked"}], {},
         "NOT CHECKED: 1 check passed, 1 check not made (1 relay)"),
        ([{"check": "dns", "state": "done"}], {}, "OK: 1 check passed"),
    ],
)  # fmt: skip
def test_the_first_line_says_it_all(results, options, first):
    assert report_text(report(results, **options)).partition("\n")[0] == first


def test_a_first_line_that_would_be_too_long_leaves_out_the_circumstances():
    lines = report_text(report([FOUND], generated="n" * 80)).split("\n")
    assert lines[:3] == ["ERROR: 1 error", f"    1 relay, {'n' * 80}", ""]


def test_a_whole_text():
    results = [
        {"check": "dns", "state": "done", "findings": [
            {**FINDING, "id": "dns_record_missing", "subject": "example.org TXT", "message": "it is missing",
             "remedy": "Publish: it"}]},
        {**DONE, "findings": [{**FINDING, "severity": "warning", "remedy": "Mend it.", "reference": "RFC 1, 2"}]},
        {**DONE, "check": "canary", "state": "not_checked", "note": "no mailbox is named"},
        {**DONE, "check": "clock", "findings": [{**FINDING, "id": "clock_off", "subject": "clock"}]},
    ]  # fmt: skip
    records = [{"name": "example.org", "type": "TXT", "values": ["v=spf1 -all"]}]
    silence = [{"id": "clock_off", "reason": "the hypervisor sets it"}]
    shown = report_text(report(results, silence=silence, records=records, generated="noon"))
    assert (
        shown
        == """\
ERROR: 1 error, 1 warning, 1 check not made (1 relay, 1 silenced, noon)

What to do next
---------------
  1. error        Publish the record below. [example.org TXT]
  2. warning      Mend it. [port 25]

Relays
------
  whole fleet  0/1 passed; error: dns
  relay1       0/3 passed; warning: tls; not checked: canary; silenced: clock

Findings, by what mends them
----------------------------
  1. Publish the record below.
     error    example.org TXT
              it is missing
              dns_record_missing | dns | whole fleet
  2. Mend it.
     warning  port 25
              it is broken
              smtp_broken | tls | relay1 | RFC 1, 2

Records to publish
------------------
example.org. 3600 IN TXT "v=spf1 -all"

Not checked
-----------
  relay1: canary: no mailbox is named

Silenced
--------
  clock_off: clock: the hypervisor sets it
"""
    )


def hostile():
    """Return a report all texts of which are from somebody who means ill."""
    finding = {**FINDING, "subject": HOSTILE, "message": HOSTILE, "remedy": HOSTILE, "reference": HOSTILE}
    results = [
        {"relay": HOSTILE, "check": "tls", "state": "done", "findings": [finding]},
        {"relay": HOSTILE, "check": "dns", "state": "not_checked", "note": HOSTILE},
        {"relay": HOSTILE, "check": "host", "state": "done", "findings": [{**finding, "id": "known"}]},
    ]
    silence = [{"id": "known", "reason": HOSTILE}, {"id": "unused", "reason": HOSTILE, "subject": HOSTILE}]
    return report(results, silence=silence, generated=HOSTILE)


def test_text_has_at_most_100_columns_and_nothing_that_moves_the_cursor():
    shown = report_text(hostile())
    assert max(map(_report_text.width, shown.split("\n"))) <= 100
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\udc80]", shown)
    assert "<script>\\x1b[2Jx</script>" in shown


def test_only_records_are_longer():
    finding = {**FINDING, "id": "dns_record_missing", "subject": "example.org TXT"}
    records = [{"name": "example.org", "type": "TXT", "values": ["x" * 600]}]
    shown = report_text(report([{"check": "dns", "state": "done", "findings": [finding]}], records=records))
    (long,) = [line for line in shown.split("\n") if len(line) > 100]
    assert long.startswith("example.org. 3600 IN TXT ")


def test_colours_only_where_wanted():
    found = report([FOUND])
    assert "\033" not in report_text(found)
    painted = report_text(found, colour=True)
    assert painted.startswith("\033[1;31mERROR\033[0m: 1 error")
    assert re.sub("\033\\[[0-9;]*m", "", painted) == report_text(found)


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("a b c", 3, ["a b", "c"]),
        ("abcdef", 4, ["abcd", "ef"]),
        ("\u6f22\u6f22\u6f22", 4, ["\u6f22\u6f22", "\u6f22"]),
        ("e\u0301e\u0301", 2, ["e\u0301e\u0301"]),
        ("a\n b", 9, ["a", "b"]),
        ("", 9, [""]),
    ],
)
def test_lines_are_as_wide_as_a_terminal_shows_them(text, room, lines):
    assert _report_text.wrap(text, room) == lines


@pytest.mark.parametrize(("render", "more"), [(report_text, "and 20 more"), (report_html, "and 18 more")])
def test_the_top_is_short_and_everything_is_below(render, more):
    shown = render(report(many(30)))
    assert more in shown
    for number in range(1, 31):
        assert f"Mend {number:03}." in shown


def test_a_page_is_one_file_that_nothing_gets_into():
    page = report_html(hostile())
    assert "<script" not in page
    assert "&lt;script&gt;\\x1b[2Jx&lt;/script&gt;" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\udc80]", page)
    assert not re.search(r"(src|href)=\"(?!#|data:,)", page)
    assert not re.search(r"url\(|@import|https?:", page)
    page.encode()


def test_what_the_matrix_links_to_is_there():
    results = [FOUND, {**DONE, "relay": "r2", "state": "not_checked"}, {**DONE, "check": "dns", "relay": "r2"}]
    for page in (report_html(hostile()), report_html(report(results)), report_html(report(many(30)))):
        anchors = re.findall(r' id="([^"]*)"', page)
        assert len(anchors) == len(set(anchors))
        links = re.findall(r' href="#([^"]*)"', page)
        assert set(links) <= set(anchors)
        assert links


def test_records_stand_in_one_piece():
    finding = {**FINDING, "id": "dns_record_missing", "subject": "example.org TXT"}
    records = [{"name": "example.org", "type": "TXT", "values": ["a<b&c"], "reason": "why"}]
    page = report_html(report([{"check": "dns", "state": "done", "findings": [finding]}], records=records))
    assert ">; required: why\nexample.org. 3600 IN TXT &quot;a&lt;b&amp;c&quot;\n</pre>" in page

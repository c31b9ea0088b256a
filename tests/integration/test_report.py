# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a report in a real browser: what it shows, on which screens, to whom, and that it asks nobody."""

from __future__ import annotations

import json
import os
import re
import subprocess
import zlib

import browser as chromium
import pytest
import report_samples
from ansible_collections.mailops.relay.plugins.filter.report_html import report_html
from page_checks import CONTRAST, OVERFLOW

SAMPLES = list(report_samples.SAMPLES)


@pytest.fixture(scope="module")
def browser():
    try:
        with chromium.browser() as running:
            yield running
    except chromium.BrowserError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def reports():
    return {name: make() for name, make in report_samples.SAMPLES.items()}


@pytest.fixture(scope="module")
def pages(reports, tmp_path_factory):
    """Addresses of the pages, by their names."""
    base = tmp_path_factory.mktemp("pages")
    for name, report in reports.items():
        (base / f"{name}.html").write_text(report_html(report), encoding="utf-8")
    return {name: (base / f"{name}.html").as_uri() for name in reports}


def text_of(browser) -> str:
    """Return what is seen of the page, with single blanks."""
    return " ".join(browser.value("document.body.innerText").split())


def seen(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("how", [{}, {"width": 380}, {"media": "print"}], ids=str)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_finding_is_seen(browser, pages, reports, name, how):
    browser.show(pages[name], **how)
    shown = text_of(browser)
    report = reports[name]
    for finding in report["findings"]:
        for key in ("subject", "message", "id"):
            assert seen(finding[key]) in shown, (key, finding[key])
        assert seen(finding["silenced"] or finding["reference"]) in shown
    for step in report["todo"]:
        if not step["findings"]:
            continue  # What was not checked has its own part.
        assert seen(step["text"]) in shown
    for relay in report["relays"]:
        assert seen(relay) in shown
    for gap in report["not_checked"]:
        assert seen(gap["note"]) in shown
    for record in report["records"]:
        assert f"{record['name']}. 3600 IN {record['type']}" in shown


@pytest.mark.parametrize("name", SAMPLES)
def test_the_worst_comes_first(browser, pages, reports, name):
    browser.show(pages[name])
    headings = browser.value("[...document.querySelectorAll('h1, h2')].map(e => e.innerText)")
    report = reports[name]
    wanted = ["What to do next"] * bool(report["todo"]) + ["Relays and checks"]
    assert headings[1 : len(wanted) + 1] == wanted
    first = {
        "fine": "31 checks passed, 3 checks not made",
        "few": "3 errors",
        "many": "75 errors",
        "hostile": "2 errors",
    }[name]
    assert browser.value("document.querySelector('h1').innerText").endswith(headings[0])
    assert first in headings[0]
    # The heading is on the first screen, with the first things to do.
    bottom = browser.value(
        "(document.querySelector('.todo li') ?? document.querySelector('tr')).getBoundingClientRect().bottom"
    )
    assert bottom < 900


@pytest.mark.parametrize("width", [1200, 700, 380, 320])
@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_sticks_out(browser, pages, name, width):
    browser.show(pages[name], width=width)
    assert browser.value("document.documentElement.clientWidth") == width
    assert browser.value(OVERFLOW) == []


def test_sticking_out_would_be_noticed(browser, tmp_path):
    page = tmp_path / "wide.html"
    page.write_text(
        "<!DOCTYPE html><meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<body><div style='width: 900px'>x</div><p style='width: 9px'>xxxxxxxxxxxx</p>"
    )
    browser.show(page.as_uri(), width=380)
    assert {"DIV.", "P."} <= set(browser.value(OVERFLOW))


@pytest.mark.parametrize(("scheme", "media"), [("light", "screen"), ("dark", "screen"), ("light", "print")])
@pytest.mark.parametrize("name", SAMPLES)
def test_all_text_can_be_read(browser, pages, name, scheme, media):
    browser.show(pages[name], scheme=scheme, media=media)
    count, faint = browser.value(CONTRAST)
    assert faint == []
    assert count > 40


def test_faint_text_would_be_noticed(browser, tmp_path):
    page = tmp_path / "faint.html"
    page.write_text("<!DOCTYPE html><body style='background: #fff'><p style='color: #888'>x</p><p>y</p>")
    browser.show(page.as_uri())
    assert browser.value(CONTRAST) == [2, ["rgb(136, 136, 136) on rgb(255, 255, 255) at "]]


def first_pixel(png: bytes) -> tuple[int, ...]:
    """Return the red, green and blue of the corner: no filter of PNG changes it (ISO 15948, 9.2)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    data, position = b"", 8
    while position < len(png):
        size = int.from_bytes(png[position : position + 4], "big")
        if png[position + 4 : position + 8] == b"IDAT":
            data += png[position + 8 : position + 8 + size]
        position += size + 12
    return tuple(zlib.decompress(data)[1:4])


def test_light_and_dark_follow_the_browser(browser, pages):
    for scheme, bright in (("light", True), ("dark", False)):
        browser.show(pages["few"], scheme=scheme)
        assert (min(first_pixel(browser.screenshot())) > 200) == bright
        assert (max(first_pixel(browser.screenshot())) > 60) == bright


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_prints(browser, pages, scheme):
    browser.show(pages["many"], scheme=scheme)
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 3
    browser.show(pages["few"], scheme=scheme, media="print")
    assert not browser.value("document.querySelector('nav').checkVisibility()")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("name", SAMPLES)
def test_it_asks_nobody_and_runs_nothing(browser, pages, name):
    browser.show(pages[name])
    assert [url for url in browser.requests() if url not in (pages[name], "data:,")] == []
    assert "owned" not in browser.value("document.title")
    assert browser.value("document.scripts.length + document.images.length + document.forms.length") == 0
    assert browser.value("document.styleSheets.length") == 1
    assert browser.errors() == []


def test_what_got_in_all_the_same_would_do_nothing(browser, reports, tmp_path):
    intruder = "<script>document.title = 'owned'</script><img src='http://evil.example/x'><style>p{color:red}</style>"
    with_it, without_policy = tmp_path / "with.html", tmp_path / "without.html"
    page = report_html(reports["few"]).replace("<main>", f"<main>{intruder}")
    with_it.write_text(page, encoding="utf-8")
    without_policy.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page), encoding="utf-8")

    browser.show(with_it.as_uri())
    assert browser.value("document.title") != "owned"
    assert browser.value("getComputedStyle(document.querySelector('p')).color") != "rgb(255, 0, 0)"
    assert browser.value("[...document.images].every(image => image.naturalWidth === 0)")

    browser.show(without_policy.as_uri())
    assert browser.value("document.title") == "owned"
    assert "http://evil.example/x" in browser.requests()


def test_a_click_selects_all_records(browser, pages, reports):
    browser.show(pages["few"], width=380)
    browser.click("pre")
    assert browser.value("getSelection().toString()").strip() == reports["few"]["zone_file"].strip()


@pytest.mark.parametrize("width", [1200, 380])
def test_cells_lead_to_what_was_found(browser, pages, reports, width):
    browser.show(pages["many"], width=width)
    cell = "td a:has(.mark.error)"
    key = browser.value(f"document.querySelector({cell!r}).hash.slice(1)")
    assert key in {finding["key"] for finding in reports["many"]["findings"]}
    browser.click(cell)
    place = browser.value("document.querySelector(':target').getBoundingClientRect().toJSON()")
    assert browser.value("document.querySelector(':target').id") == key
    assert place["height"] > 10
    assert 0 <= place["top"] < 900


@pytest.mark.parametrize("width", [1200, 380])
def test_assistive_programs_are_told_all(browser, pages, reports, width):
    browser.show(pages["few"], width=width)
    tree = browser.tree()
    report = reports["few"]
    assert ("table", "The state of each check on each relay") in tree
    assert {name for role, name in tree if role == "columnheader"} >= {"Relay", *report["checks"]}
    assert {name for role, name in tree if role == "rowheader"} >= {"whole fleet", *report["relays"]}
    assert ("heading", "ERROR: 3 errors, 5 warnings, 2 notices, 12 checks not made") in tree
    assert browser.value("document.documentElement.lang") == "en"
    table = browser.value(
        "[...document.querySelectorAll('.matrix tbody tr')].map(row => [row.cells[0].textContent,"
        " ...[...row.querySelectorAll('td')].map(cell => cell.querySelector('.hidden').textContent)])"
    )
    cells = {row[0]: dict(zip(report["checks"], row[1:])) for row in table}
    for relay, states in report["matrix"].items():
        assert {check: word.replace(" ", "_") for check, word in cells[relay].items() if check in states} == states
    # The table can be scrolled with the keyboard where it is wider than the screen.
    assert browser.value("document.querySelector('.scroll').tabIndex") == 0


PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Say what a server says
      ansible.builtin.command: "{% raw %}echo '{{ 7 * 7 }}'{% endraw %}"
      changed_when: false
      register: said
    - ansible.builtin.copy:
        content: "{{ report | to_json }}"
        dest: report.json
    - ansible.builtin.copy:
        content: "{{ lookup('ansible.builtin.file', 'report.json') | from_json | mailops.relay.report_html }}"
        dest: report.html
    - ansible.builtin.assert:
        that: report.ok
        fail_msg: "{{ report | mailops.relay.report_text }}"
  vars:
    relay: relay1.example.com
    report: "{{ results | mailops.relay.report(silence=known, generated='noon', fail_from=from_severity) }}"
    from_severity: warning
    known: [{id: smtp_known, reason: "{{ relay }} is like that"}]
    results:
      - check: tls
        relay: "{{ relay }}"
        state: done
        findings:
          - {id: smtp_odd, severity: warning, subject: "{{ relay }} port 25", message: "{{ said.stdout }}"}
          - {id: smtp_known, severity: error, subject: port 465, message: x}
"""


def play(path, *options):
    (path / "play.yml").write_text(PLAYBOOK, encoding="utf-8")
    command = ["ansible-playbook", "play.yml", *options]
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "false", "COLUMNS": "1000"}
    return subprocess.run(
        command,
        cwd=path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
        stdin=subprocess.DEVNULL,
    )


def test_the_filters_in_a_play(browser, tmp_path):
    ended = play(tmp_path)
    assert "WARNING: 1 warning (1 relay, 1 silenced, noon)" in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 2
    findings = {each["id"]: each for each in json.loads((tmp_path / "report.json").read_text())["findings"]}
    assert findings["smtp_odd"]["message"] == "{{ 7 * 7 }}"
    assert findings["smtp_known"]["silenced"] == "relay1.example.com is like that"
    browser.show((tmp_path / "report.html").as_uri())
    assert "{{ 7 * 7 }}" in text_of(browser)
    assert play(tmp_path, "-e", "from_severity=error").returncode == 0


def test_errors_in_a_play_are_readable(tmp_path):
    ended = play(tmp_path, "-e", "from_severity=fatal")
    assert ended.returncode == 2
    assert "report: fail_from is 'fatal'. Accepted: error, warning, notice, never." in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr

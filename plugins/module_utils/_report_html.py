# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A report as one page of HTML that needs nothing else: no network, no script, no other file."""

from __future__ import annotations

import base64
import hashlib
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _report_style, _report_words
from ansible_collections.mailops.relay.plugins.module_utils._html import Html, element
from ansible_collections.mailops.relay.plugins.module_utils._report_words import WORDS, Item, Report

TOP = 12
"""Steps that are listed on top; the findings below have them all."""

MARKS = {"error": "✕", "warning": "!", "not_checked": "?", "notice": "i", "silenced": "○", "passed": "✓"}
"""States differ in form and in words, not by their colour alone (WCAG 2.2, 1.4.1)."""

Markup = t.Iterator[Html]


def _mark(state: str) -> Html:
    return element("span", MARKS[state], class_=f"mark {state}", aria_hidden="true")


def _badge(state: str) -> Html:
    return element("span", WORDS[state], class_=f"badge {state}")


def _section(anchor: str, title: str, *children: str) -> Html:
    heading = element("h2", title, id=f"{anchor}-title")
    return element("section", heading, *children, id=anchor, aria_labelledby=f"{anchor}-title")


def _header(report: Report) -> Html:
    return element(
        "header",
        _mark(report["status"]),
        element("h1", element("span", f"{_report_words.verdict(report)}: ", class_="hidden"), _title(report)),
        element("p", " · ".join(filter(None, ["Mail relays", _report_words.scope(report)])), class_="scope"),
    )


def _title(report: Report) -> str:
    return _report_words.headline(report)


def _todo_item(number: int, step: Item) -> Html:
    about = _report_words.listed(step["subjects"] or step["relays"], 2)
    target = f"#step-{number}" if step["findings"] else "#not-checked"
    text = [element("a", step["text"], href=target)]
    if about:
        text.append(element("span", about, class_="source"))
    return element("li", _badge(step["severity"]), element("div", *text))


def _todo(report: Report) -> Markup:
    todo = report["todo"]
    items = [_todo_item(number, step) for number, step in enumerate(todo[:TOP], 1)]
    if len(todo) > TOP:
        more = f"and {len(todo) - TOP} more, in the same order among the findings"
        items.append(element("li", element("a", more, href="#findings"), class_="more"))
    if items:
        yield _section("todo", "What to do next", element("ol", *items, class_="todo"))


def _targets(report: Report) -> dict[tuple[str, str], str]:
    """Return the worst finding of each relay and check."""
    found: dict[tuple[str, str], str] = {}
    for finding in report["findings"]:
        if finding["silenced"] is None:
            for relay in finding["relays"] or [_report_words.FLEET]:
                found.setdefault((relay, finding["check"]), finding["key"])
    return found


def _cell(state: str | None, target: str | None) -> Html:
    if state is None:
        return element("td", element("span", "does not apply", class_="hidden"))
    content = [_mark(state), element("span", WORDS[state], class_="hidden")]
    if target:
        content = [element("a", *content, href=f"#{target}")]
    return element("td", *content, title=WORDS[state])


def _row(name: str, cells: dict[str, str], checks: t.Iterable[str], targets: dict[tuple[str, str], str]) -> Html:
    fixed = {"not_checked": "not-checked", "silenced": "silenced"}
    shown = []
    for check in checks:
        state = cells.get(check)
        target = None if state in (None, "passed") else fixed.get(str(state), targets.get((name, check)))
        shown.append(_cell(state, target))
    return element("tr", element("th", name, scope="row"), *shown)


def _matrix(report: Report) -> Html:
    rows = _report_words.rows(report)
    targets = _targets(report)
    head = [element("th", element("span", check), scope="col") for check in report["checks"]]
    table = element(
        "table",
        element("caption", "The state of each check on each relay", class_="hidden"),
        element("thead", element("tr", element("th", "Relay", scope="col"), *head)),
        element("tbody", *(_row(name, cells, report["checks"], targets) for name, cells in rows)),
        class_="matrix",
    )
    present = {state for _name, cells in rows for state in cells.values()}
    legend = [element("span", _mark(state), WORDS[state]) for state in MARKS if state in present]
    return _section(
        "matrix",
        "Relays and checks",
        element("div", table, class_="scroll", tabindex="0", role="region", aria_label="Relays and checks"),
        element("p", *legend, class_="legend"),
    )


def _source(finding: Item) -> Html:
    """Return by what, where and by which rule something was found."""
    about = [finding["check"], _report_words.whose(finding["relays"], 8), finding["reference"]]
    return element("div", element("code", finding["id"]), f" · {' · '.join(filter(None, about))}", class_="source")


def _finding(finding: Item) -> Html:
    return element(
        "li",
        _badge(finding["severity"]),
        element("span", finding["subject"], class_="subject"),
        element("div", element("div", finding["message"], class_="message"), _source(finding)),
        id=finding["key"],
    )


def _step(number: int, step: Item, findings: t.Sequence[Item]) -> Html:
    title = element("h3", element("span", str(number)), element("span", _report_words.remedy(step, findings)))
    return element("article", title, element("ul", *map(_finding, findings)), class_="step", id=f"step-{number}")


def _findings(report: Report) -> Markup:
    steps = enumerate(_report_words.steps(report), 1)
    articles = [_step(number, step, findings) for number, (step, findings) in steps if findings]
    if articles:
        yield _section("findings", "Findings, by what mends them", *articles)


def _records(report: Report) -> Markup:
    if report["zone_file"]:
        hint = element("p", "Lines of a zone file. A click selects them all.", class_="muted")
        lines = element("pre", report["zone_file"], tabindex="0", aria_label="Records to publish")
        yield _section("records", "Records to publish", hint, lines)


def _table(columns: t.Iterable[str], rows: t.Iterable[t.Sequence[str]]) -> Html:
    head = element("tr", *(element("th", column, scope="col") for column in columns))
    body = (
        element("tr", element("th", first, scope="row"), *(element("td", cell) for cell in cells))
        for first, *cells in rows
    )
    return element("table", element("thead", head), element("tbody", *body), class_="plain")


def _not_checked(report: Report) -> Markup:
    rows = []
    for gap in report["not_checked"]:
        note = gap["note"] or "no reason was given"
        if gap["silenced"] is not None:
            note += f" (silenced: {gap['silenced']})"
        rows.append((", ".join(gap["relays"]) or _report_words.FLEET, ", ".join(gap["checks"]), note))
    if rows:
        yield _section("not-checked", "Not checked", _table(("Relay", "Checks", "Why"), rows))


def _silenced(report: Report) -> Markup:
    rows = [
        (f"{finding['id']}: {finding['subject']}", finding["message"], finding["silenced"])
        for finding in _report_words.silenced(report)
    ]
    if rows:
        yield _section("silenced", "Silenced", _table(("Finding", "What was seen", "Why it is left"), rows))


def _nav(sections: t.Iterable[Html]) -> Html:
    titles = {
        "todo": "What to do next",
        "matrix": "Relays and checks",
        "findings": "Findings",
        "records": "Records to publish",
        "not-checked": "Not checked",
        "silenced": "Silenced",
    }
    text = "".join(sections)
    links = [element("a", title, href=f"#{key}") for key, title in titles.items() if f'<section id="{key}"' in text]
    return element("nav", *links, aria_label="Parts of this page")


def _head(report: Report) -> Html:
    digest = base64.b64encode(hashlib.sha256(_report_style.STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("link", rel="icon", href="data:,"),
        element("title", f"{_report_words.verdict(report)}: {_title(report)} (mail relays)"),
        element("style", Html(_report_style.STYLE)),
    )


def render(report: Report) -> str:
    """Return the page."""
    sections = [
        *_todo(report),
        _matrix(report),
        *_findings(report),
        *_records(report),
        *_not_checked(report),
        *_silenced(report),
    ]
    footer = element("footer", f"Fails from: {report['fail_from']}. Made by mailops.relay.", class_="muted")
    body = element("body", _header(report), _nav(sections), element("main", *sections), footer)
    return f"<!DOCTYPE html>\n{element('html', _head(report), body, lang='en')}\n"

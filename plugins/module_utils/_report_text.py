# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A report as text for a terminal, a log or a mail: up to 100 columns, but for records, which are to be pasted."""

from __future__ import annotations

import typing as t
import unicodedata

from ansible_collections.mailops.relay.plugins.module_utils import _report_words
from ansible_collections.mailops.relay.plugins.module_utils._report_words import WORDS, Item, Report

COLUMNS = 100
TOP = 10
"""Steps that are listed on top; the findings below have them all."""

_COLOURS = {"error": "1;31", "not_checked": "1;35", "warning": "33", "notice": "36", "passed": "32", "silenced": "2"}
_SHOWN = ("error", "warning", "not_checked", "notice", "silenced")

Lines = t.Iterator[str]


def width(text: str) -> int:
    """Return the columns that a text takes in a terminal (UAX #11)."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)


def _cut(word: str, room: int) -> t.Iterator[str]:
    """Yield a word in pieces that are no wider than the room."""
    piece, used = "", 0
    for character in word:
        columns = width(character)
        if piece and used + columns > room:
            yield piece
            piece, used = "", 0
        piece, used = piece + character, used + columns
    yield piece


def wrap(text: str, room: int) -> list[str]:
    """Return a text in lines that are no wider than the room; its own line breaks stay."""
    lines = []
    for line in text.split("\n"):
        shown = ""
        for word in line.split():
            for piece in _cut(word, room):
                if shown and width(shown) + 1 + width(piece) > room:
                    lines.append(shown)
                    shown = ""
                shown = f"{shown} {piece}" if shown else piece
        lines.append(shown)
    return lines


def _paragraph(text: str, first: str, rest: str = "") -> Lines:
    """Yield a text after ``first``, and its other lines after ``rest`` or as many blanks."""
    rest = rest or " " * width(first)
    for index, line in enumerate(wrap(text, COLUMNS - max(width(first), width(rest)))):
        yield f"{rest if index else first}{line}".rstrip()


class _Text:
    """Renders one report."""

    def __init__(self, report: Report, colour: bool) -> None:
        self.report = report
        self.colour = colour

    def paint(self, text: str, state: str) -> str:
        return f"\033[{_COLOURS[state]}m{text}\033[0m" if self.colour else text

    def painted(self, lines: Lines, state: str) -> Lines:
        """Yield the lines, with the word for the state painted where it is the first to stand."""
        word = WORDS[state]
        for index, line in enumerate(lines):
            yield line if index else line.replace(word, self.paint(word, state), 1)

    def heading(self, text: str) -> Lines:
        yield ""
        yield f"\033[1m{text}\033[0m" if self.colour else text
        yield "-" * len(text)

    def first_line(self) -> Lines:
        """Yield what was found and of what; where that is too long for one line, the first says what was found."""
        verdict, scope = _report_words.verdict(self.report), _report_words.scope(self.report)
        first = f"{verdict}: {_report_words.headline(self.report)}"
        if scope and width(f"{first} ({scope})") <= COLUMNS:
            first, scope = f"{first} ({scope})", ""
        yield first.replace(verdict, self.paint(verdict, self.report["status"]), 1)
        if scope:
            yield from _paragraph(scope, "    ")

    def todo(self) -> Lines:
        todo = self.report["todo"]
        if todo:
            yield from self.heading("What to do next")
        for number, step in enumerate(todo[:TOP], 1):
            about = _report_words.listed(step["subjects"] or step["relays"], 1)
            text = f"{step['text']}{f' [{about}]' if about else ''}"
            yield from self.painted(_paragraph(text, f"{number:>3}. {WORDS[step['severity']]:<11}  "), step["severity"])
        if len(todo) > TOP:
            yield f"     and {len(todo) - TOP} more, in the same order below"

    def relays(self) -> Lines:
        rows = _report_words.rows(self.report)
        room = min(max(width(name) for name, _cells in rows), 40)
        yield from self.heading("Relays")
        for name, cells in rows:
            passed = list(cells.values()).count("passed")
            parts = [f"{passed}/{len(cells)} passed"]
            for state in _SHOWN:
                checks = [check for check, value in cells.items() if value == state]
                parts += [f"{WORDS[state]}: {', '.join(checks)}"] if checks else []
            if width(name) > room:
                yield from _paragraph(name, "  ")
            label = name if width(name) <= room else ""
            yield from _paragraph("; ".join(parts), f"  {label}{' ' * (room - width(label))}  ")

    def finding(self, finding: Item) -> Lines:
        start = f"     {WORDS[finding['severity']]:<7}  "
        rest = " " * len(start)
        yield from self.painted(_paragraph(finding["subject"], start), finding["severity"])
        yield from _paragraph(finding["message"], rest)
        source = [finding["id"], finding["check"], _report_words.whose(finding["relays"], 6), finding["reference"]]
        yield from _paragraph(" | ".join(filter(None, source)), rest)

    def findings(self) -> Lines:
        steps = _report_words.steps(self.report)
        if steps:
            yield from self.heading("Findings, by what mends them")
        for number, (step, findings) in enumerate(steps, 1):
            if findings:
                yield from _paragraph(_report_words.remedy(step, findings), f"{number:>3}. ")
                for finding in findings:
                    yield from self.finding(finding)

    def not_checked(self) -> Lines:
        if self.report["not_checked"]:
            yield from self.heading("Not checked")
        for gap in self.report["not_checked"]:
            text = f"{', '.join(gap['checks'])}: {gap['note'] or 'no reason was given'}"
            if gap["silenced"] is not None:
                text += f" (silenced: {gap['silenced']})"
            yield from _paragraph(f"{_report_words.whose(gap['relays'], 6)}: {text}", "  ", "      ")

    def silenced(self) -> Lines:
        findings = _report_words.silenced(self.report)
        if findings:
            yield from self.heading("Silenced")
        for finding in findings:
            text = f"{finding['id']}: {finding['subject']}: {finding['silenced']}"
            yield from _paragraph(text, "  ", "      ")

    def records(self) -> Lines:
        if self.report["zone_file"]:
            yield from self.heading("Records to publish")
            yield from self.report["zone_file"].rstrip("\n").split("\n")

    def lines(self) -> Lines:
        yield from self.first_line()
        yield from self.todo()
        yield from self.relays()
        yield from self.findings()
        yield from self.records()
        yield from self.not_checked()
        yield from self.silenced()


def render(report: Report, colour: bool = False) -> str:
    """Return the report as lines; the first one says it all."""
    return "".join(f"{line}\n" for line in _Text(report, colour).lines())

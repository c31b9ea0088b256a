# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variants measured in turn, so that what else happens on the machine happens to all of them.

A B C A B C …: each figure is the median over the rounds, and what counts is its ratio to the first variant's.
"""

from __future__ import annotations

import os
import statistics
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
"""How often each variant is measured."""

Figures = dict[str, float]
"""Figure by name, as one round of one variant gives them."""


def in_turn(variants: Mapping[str, Callable[[], Figures]], rounds: int = ROUNDS) -> dict[str, Figures]:
    """Measure each variant once per round.

    :param variants: what measures a variant once, by the variant's name
    :returns: the median of each figure, by variant
    """
    seen: dict[str, list[Figures]] = {name: [] for name in variants}
    for number in range(rounds):
        for name, measure in variants.items():
            seen[name].append(measure())
            progress(f"round {number + 1} of {rounds}: {name}: {_short(seen[name][-1])}")
    return {name: medians(runs) for name, runs in seen.items()}


def medians(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure; where a run lacks one, that is none of it."""
    names = dict.fromkeys(figure for run in runs for figure in run)
    return {figure: statistics.median(run.get(figure, 0.0) for run in runs) for figure in names}


def progress(line: str) -> None:
    """Tell whoever waits, apart from the results."""
    print(f"    {line}", file=sys.stderr, flush=True)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown, so that it can stand in docs/performance.md as it is."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    print(f"\n{title}\n", flush=True)
    for row in (cells[0], None, *cells[1:]):
        print(f"| {' | '.join(_line(row, widths))} |")
    sys.stdout.flush()


def _line(row: Sequence[str] | None, widths: Sequence[int]) -> list[str]:
    """Return the cells of a row, the first one left and figures right; of no row, the rule below the head."""
    if row is None:
        return [("-" * width if not at else "-" * (width - 1) + ":") for at, width in enumerate(widths)]
    return [cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(zip(row, widths))]


def _short(figures: Figures) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in figures.items())

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""How the page of a report looks: on wide and narrow screens, in light and dark rooms, and on paper.

Each colour of text has a contrast of 4.5 or more with each ground that it stands on (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fcfcfa; --raised: #f3f3ef; --ink: #1c2024; --muted: #59616a; --line: #dddfdb; --link: #1a5a9c;
  --error: #a81e16; --error-ground: #fbe6e3; --warning: #7d4a00; --warning-ground: #fdf0d2;
  --notice: #1b5790; --notice-ground: #e4effa; --not_checked: #5d3f96; --not_checked-ground: #eee9f8;
  --passed: #1c6638; --silenced: #59616a;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", "Liberation Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #15181b; --raised: #1e2226; --ink: #e3e6e8; --muted: #9ca5ae; --line: #33393f; --link: #8fbdf0;
    --error: #ff968b; --error-ground: #421c19; --warning: #efbd63; --warning-ground: #372a10;
    --notice: #93bff2; --notice-ground: #182b40; --not_checked: #c3b2f2; --not_checked-ground: #2b2342;
    --passed: #77cd96; --silenced: #9ca5ae;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 76rem; padding: 2rem 1.5rem 3rem; background: var(--ground); color: var(--ink);
  font: 0.9375rem/1.45 var(--sans); font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
a { color: var(--link); text-underline-offset: 0.15em; }
a:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1, h2, h3, p, ol, ul, pre, table { margin: 0; padding: 0; }
h1 { font-size: 1.75rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 1.0625rem; font-weight: 650; margin: 2.25rem 0 0.6rem; }
h3 { font-size: 0.9375rem; font-weight: 600; white-space: pre-wrap; }
ol, ul { list-style: none; }
code, pre, .subject { font-family: var(--mono); font-size: 0.8125rem; }
.muted, .source, .scope { color: var(--muted); }
.hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}

header { display: grid; grid-template-columns: auto 1fr; column-gap: 0.9rem; align-items: center; }
header .mark {
  grid-row: span 2; width: 3rem; height: 3rem; border-radius: 50%; display: grid; place-items: center;
  font-size: 1.5rem; font-weight: 700;
}
h1::first-letter { text-transform: uppercase; }
nav { margin-top: 1rem; display: flex; flex-wrap: wrap; gap: 0.25rem 1.1rem; font-size: 0.875rem; }

.mark { font-style: normal; font-weight: 700; }
.error { color: var(--error); } .warning { color: var(--warning); } .notice { color: var(--notice); }
.not_checked { color: var(--not_checked); } .passed { color: var(--passed); } .silenced { color: var(--silenced); }
.mark.error, .badge.error { background: var(--error-ground); }
.mark.warning, .badge.warning { background: var(--warning-ground); }
.mark.notice, .badge.notice { background: var(--notice-ground); }
.mark.not_checked, .badge.not_checked { background: var(--not_checked-ground); }
header .mark.passed { background: var(--raised); }
.badge {
  display: inline-block; padding: 0 0.45rem; border-radius: 0.6rem; font-size: 0.75rem; font-weight: 600;
  line-height: 1.25rem; white-space: nowrap; text-align: center;
}

.todo { counter-reset: step; border-top: 1px solid var(--line); }
.todo > li {
  display: grid; grid-template-columns: 1.6rem 6rem 1fr; gap: 0 0.5rem; padding: 0.4rem 0; counter-increment: step;
  border-bottom: 1px solid var(--line); align-items: baseline;
}
.todo > li::before { content: counter(step); color: var(--muted); text-align: right; padding-right: 0.35rem; }
.todo > li.more::before { content: none; }
.todo > li.more { display: block; padding-left: 8.6rem; counter-increment: none; }
.todo > li > div { display: flex; flex-wrap: wrap; gap: 0 0.75rem; align-items: baseline; }
.todo a, .todo .source { min-width: 0; }
.todo a { color: inherit; text-decoration-color: var(--line); }
.todo a:hover { color: var(--link); text-decoration-color: currentColor; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
th { font-weight: 500; text-align: left; }
thead th { color: var(--muted); font-size: 0.8125rem; vertical-align: bottom; padding: 0.3rem 0.2rem; }
tbody th { padding: 0 0.75rem 0 0; font-weight: 500; line-height: 1.25; }
tr { border-bottom: 1px solid var(--line); }
tbody tr:hover { background: var(--raised); }
.matrix { table-layout: fixed; min-width: 18rem; }
.matrix thead th:not(:first-child), .matrix td { text-align: center; }
.matrix thead th { overflow-wrap: normal; }
.matrix thead th:first-child { width: 24%; padding-left: 0; }
.matrix td { padding: 0.15rem 0; height: 1.75rem; }
.matrix td a { text-decoration: none; }
.matrix td .mark { display: inline-block; min-width: 1.5rem; line-height: 1.4rem; border-radius: 0.3rem; }
.matrix td a:hover .mark { box-shadow: 0 0 0 2px currentColor; }
.matrix .passed, .matrix .silenced { font-weight: 400; }
.legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; margin-top: 0.5rem; font-size: 0.8125rem; }
.legend { color: var(--muted); }
.legend .mark { display: inline-block; min-width: 1.4rem; text-align: center; border-radius: 0.3rem; }
.legend .mark { margin-right: 0.3rem; }
.plain td { padding: 0.35rem 0.75rem 0.35rem 0; vertical-align: top; }
.plain { table-layout: fixed; }
.plain th { padding: 0.35rem 0.75rem 0.35rem 0; vertical-align: top; }
.plain th:first-child { width: 28%; }
.plain th:nth-child(2) { width: 30%; }

.step { border-top: 1px solid var(--line); padding: 0.6rem 0 0.5rem; }
.step > h3 { display: grid; grid-template-columns: 1.6rem 1fr; gap: 0 0.5rem; }
.step > h3 > span:first-child { color: var(--muted); text-align: right; padding-right: 0.35rem; font-weight: 400; }
.step li {
  display: grid; grid-template-columns: 5.5rem minmax(0, 1fr) minmax(0, 2fr); gap: 0 0.75rem; padding: 0.2rem 0.4rem;
  margin-left: 1.7rem; border-radius: 0.3rem; align-items: baseline; overflow: clip;
  scroll-margin-top: 1rem;
}
section, .step { scroll-margin-top: 0.5rem; }
.step li:target { background: var(--raised); box-shadow: 0 0 0 1px var(--line); }
.message { white-space: pre-wrap; }
.source { font-size: 0.8125rem; }
.source code { font-size: 0.75rem; }

pre {
  padding: 0.75rem 0.9rem; background: var(--raised); border: 1px solid var(--line); border-radius: 0.4rem;
  white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; -webkit-user-select: all; line-height: 1.5;
}
footer { margin-top: 2.5rem; padding-top: 0.7rem; border-top: 1px solid var(--line); font-size: 0.8125rem; }

@media print, (max-width: 64rem) {
  .matrix thead th:not(:first-child) { height: 5.2rem; padding: 0 0 0.2rem; }
  .matrix thead th:not(:first-child) span { writing-mode: vertical-rl; transform: rotate(180deg); line-height: 1; }
}
@media screen and (max-width: 44rem) {
  body { padding: 1.1rem 0.85rem 2rem; }
  h1 { font-size: 1.3rem; }
  header .mark { width: 2.4rem; height: 2.4rem; font-size: 1.2rem; }
  .todo > li { grid-template-columns: 1.4rem 1fr; }
  .todo > li > .badge { justify-self: start; }
  .todo > li > :last-child { grid-column: 2; }
  .todo > li.more { padding-left: 1.9rem; }
  .matrix td { padding: 0.1rem 0; }
  .matrix td .mark { min-width: 1.1rem; }
  .matrix thead th:first-child { width: 7rem; }
  .matrix tbody th { padding-right: 0.3rem; font-size: 0.8125rem; }
  .step li { display: block; margin-left: 0; padding: 0.35rem 0.1rem; }
  .step li > .subject { margin-left: 0.4rem; }
  .step li > div { margin-top: 0.1rem; }
  .plain, .plain tbody, .plain tr, .plain td, .plain th { display: block; }
  .plain thead { display: none; }
  .plain td, .plain tbody th { padding: 0.1rem 0; }
  .plain tbody th:first-child { width: auto; }
  .plain tr { padding: 0.3rem 0; }
}
@media print {
  @page { margin: 14mm; }
  :root {
    --ground: #fff; --raised: #fff; --ink: #000; --muted: #444; --line: #bbb; --link: #000;
    --error: #8c130c; --warning: #6b3f00; --notice: #123f6b; --not_checked: #452c75; --passed: #0f4a26;
    --silenced: #444; --error-ground: #fff; --warning-ground: #fff; --notice-ground: #fff; --not_checked-ground: #fff;
  }
  body { padding: 0; max-width: none; font-size: 9pt; }
  nav { display: none; }
  a { text-decoration: none; color: inherit; }
  .badge { padding-left: 0; text-align: left; }
  header .mark, .matrix td .mark.error, .matrix td .mark.warning, .matrix td .mark.not_checked { border: 1px solid; }
  h2, h3 { break-after: avoid; }
  tr, .todo > li, .step li { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
}
"""

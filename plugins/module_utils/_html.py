# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""HTML from plain values. Text and markup are different types, so that nothing gets into a page unescaped."""

from __future__ import annotations

import html
import typing as t

_VOID = ("link", "meta")


class Html(str):
    """Markup; every other string is text."""


def escape(text: str) -> Html:
    """Return a text as markup."""
    return text if isinstance(text, Html) else Html(html.escape(text, quote=True))


def join(parts: t.Iterable[str]) -> Html:
    """Return the parts, texts escaped, one after the other."""
    return Html("".join(map(escape, parts)))


def element(tag: str, /, *children: str, **attributes: str) -> Html:
    """Return an element. The attribute ``aria-label`` is written ``aria_label``, and ``class`` is ``class_``."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{join(children)}</{tag}>")

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _saslprep


# The examples of RFC 4013 section 3, and more.
@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a b", "a b"),
        ("a\u00a0b\u2003c", "a b c"),
        ("u\u0308", "\u00fc"),
        ("\u00fc", "\u00fc"),
        ("\u0627\u0628\u0627", "\u0627\u0628\u0627"),
        ("", ""),
    ],
)
def test_prepared(text: str, prepared: str) -> None:
    assert _saslprep.prepare(text) == prepared


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\u0007", "a control character"),
        ("a\u0085", "a control character"),
        ("a\ue000", "for private use"),
        ("a\ufffe", "is no character"),
        ("a\ud800", "a surrogate"),
        ("a\ufffd", "is no plain text"),
        ("a\u2ff0", "describes others"),
        ("a\u202e", "changes the display"),
        ("a\U000e0041", "a tag"),
        ("a\u0221", "does not assign"),
        ("\u0627a\u0627", "both writing directions"),
        ("\u06271", "does not begin and end so"),
    ],
)
def test_refused_without_the_text(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        _saslprep.prepare(text)
    assert text not in str(caught.value)

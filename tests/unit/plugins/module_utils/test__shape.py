# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _shape
from ansible_collections.mailops.relay.plugins.module_utils._shape import ANY, LIMIT, Exact, Optional

SHAPE = {"name": str, "kind": ("a", "b"), "size": Optional(int, 7), "parts": Optional([{"on": bool}], ())}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\r\nhere", "two\nlines\nhere"),
        ("a\tb", "a b"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("over\rwritten", "over\\rwritten"),
        ("exe.\u202egnp", "exe.\\u202egnp"),
        ("no\u200bwidth\ufeff", "no\\u200bwidth\\ufeff"),
        ("octet \udc80", "octet \\udc80"),
        ("tag \U000e0041", "tag \\U000e0041"),
        ("\u00fc \u6f22 \U0001f4ec", "\u00fc \u6f22 \U0001f4ec"),
    ],
)
def test_what_nobody_sees_becomes_visible(text, shown):
    assert _shape.visible(text) == shown
    assert _shape.visible(shown) == shown
    shown.encode()


def test_a_long_text_ends_with_what_is_left_out():
    shown = _shape.visible("x" * (LIMIT + 5))
    assert shown == "x" * LIMIT + " … and 5 characters more"
    assert _shape.visible(shown) == shown
    assert _shape.visible("x" * LIMIT) == "x" * LIMIT
    # The end of a text is no way around the limit.
    assert len(_shape.visible("x" * 3 * LIMIT + " characters more")) < LIMIT + 50


def test_a_copy_is_complete():
    given = {"name": "n\x1b", "kind": "a", "parts": [{"on": True}]}
    assert _shape.read(given, SHAPE, "it") == {"name": "n\\x1b", "kind": "a", "size": 7, "parts": [{"on": True}]}
    assert _shape.read({"name": "", "kind": "b", "size": None}, SHAPE, "it")["size"] == 7


def test_data_stay_as_they_are():
    assert _shape.read(["\x1b" * 9000], [Exact], "it") == ["\x1b" * 9000]


def test_keys_that_are_names():
    assert _shape.read({"a\x1b": 1}, {ANY: int}, "it") == {"a\\x1b": 1}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "it is None. Accepted: a dictionary."),
        ({1: 2}, "it is dict. Accepted: a dictionary."),
        ({"kind": "a"}, "it has no name."),
        ({"name": 5, "kind": "a"}, "it.name is 5. Accepted: text."),
        ({"name": "", "kind": "c"}, "it.kind is 'c'. Accepted: a, b."),
        ({"name": "", "kind": ["a"]}, "it.kind is list. Accepted: a, b."),
        ({"name": "", "kind": "a", "size": True}, "it.size is True. Accepted: a number."),
        ({"name": "", "kind": "a", "size": "7"}, "it.size is '7'. Accepted: a number."),
        ({"name": "", "kind": "a", "parts": {}}, "it.parts is dict. Accepted: a list."),
        ({"name": "", "kind": "a", "parts": [{"on": 1}]}, "it.parts[0].on is 1. Accepted: true or false."),
        ({"name": "", "kind": "a", "nmae": ""}, "it has 'nmae'. Accepted: name, kind, size, parts."),
        ({"name": "", "kind": "\x1b" * 99}, "it.kind is '\\x1b"),
    ],
)
def test_a_problem_names_its_place_and_what_is_accepted(value, problem):
    with pytest.raises(ValueError) as caught:
        _shape.read(value, SHAPE, "it")
    assert str(caught.value).startswith(problem)
    assert len(str(caught.value)) < 200


def test_all_problems_are_named_and_not_a_million():
    with pytest.raises(ValueError) as caught:
        _shape.read([1] * 1000, [str], "it")
    lines = str(caught.value).split("\n")
    assert lines[0] == "it[0] is 1. Accepted: text."
    assert lines[-1] == "and 980 problems more"
    assert len(lines) == 21

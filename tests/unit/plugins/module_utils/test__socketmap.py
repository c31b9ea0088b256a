# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Netstrings of socketmap_table(5), whole, in part, and wrong."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _socketmap


def test_a_request() -> None:
    assert _socketmap.request("policy", "example.net") == b"18:policy example.net,"


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (b"9:NOTFOUND ,", "NOTFOUND "),
        (b"0:,", ""),
        (b"14:OK secure a=\xc3\xa9,", "OK secure a=\u00e9"),
        (b"14:OK secure a=\xc3\xa9, more", "OK secure a=\u00e9"),
        (b"", None),
        (b"1", None),
        (b"9:", None),
        (b"9:NOTFOUND ", None),
    ],
)
def test_replies(octets: bytes, reply: str | None) -> None:
    assert _socketmap.reply(octets) == reply


@pytest.mark.parametrize("octets", [b"x:", b"HTTP/1.1", b"3:abcd", b"100001:x", b"1000000000"])
def test_what_is_no_reply(octets: bytes) -> None:
    with pytest.raises(ValueError, match="netstring"):
        _socketmap.reply(octets)

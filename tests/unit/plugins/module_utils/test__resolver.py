# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 1035 where no other RFC is named."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _resolver
from ansible_collections.mailops.relay.plugins.module_utils._resolver import Reply

NOT_NAMES = ["a" * 64 + ".test", ".".join(["a" * 50] * 6)]


def head(number: int = 7, flags: int = 0x8180, answers: int = 1) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in (number, flags, 1, answers, 0, 0))


@pytest.mark.parametrize(
    ("name", "owner"),
    [(".", b"\0"), ("test", b"\4test\0"), ("a.test.", b"\1a\4test\0")],
)
def test_a_question_for_soa_that_asks_for_validation(name: str, owner: bytes) -> None:
    """4.1: RD and AD are set (RFC 6840, 5.7), the type is 6 and the class 1."""
    assert _resolver.question(name, 0x0102) == b"\1\2\1\x20\0\1\0\0\0\0\0\0" + owner + b"\0\6\0\1"


@pytest.mark.parametrize("name", NOT_NAMES, ids=["2.3.4: label", "2.3.4: name"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        _resolver.question(name, 1)


@pytest.mark.parametrize(
    ("octets", "reply"),
    [
        (head(), Reply(0, False, 1)),
        (head(flags=0x81A0), Reply(0, True, 1)),
        (head(flags=0x8182, answers=0), Reply(2, False, 0)),
        (head(flags=0x81A3, answers=0) + b"more", Reply(3, True, 0)),
    ],
)
def test_heads(octets: bytes, reply: Reply) -> None:
    assert _resolver.read(octets, 7) == reply


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"", "0 octets"),
        (head()[:11], "11 octets"),
        (head(number=8), "does not answer the question"),
        (head(flags=0x0120), "does not answer the question"),
        (head(flags=0x8380), "truncated"),
    ],
)
def test_what_is_no_answer(octets: bytes, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        _resolver.read(octets, 7)


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        (Reply(0, True, 1), []),
        (Reply(3, True, 0), []),
        (Reply(0, False, 1), ["does not validate", "signed_name", "without AD"]),
        (Reply(3, False, 0), ["does not validate"]),
        (Reply(2, False, 0), ["cannot resolve", "SERVFAIL"]),
        (Reply(5, False, 0), ["REFUSED"]),
        (Reply(9, True, 0), ["code 9"]),
    ],
)
def test_a_signed_name_proves_validation(reply: Reply, texts: list[str]) -> None:
    problems = " ".join(_resolver.judge_signed(reply, "example.net"))
    assert bool(problems) == bool(texts)
    assert all(text in problems for text in texts)


@pytest.mark.parametrize(
    ("rcode", "text"), [(2, ""), (0, "NOERROR for bogus."), (3, "NXDOMAIN for bogus."), (5, "REFUSED")]
)
def test_what_is_bogus_is_refused_by_servfail_alone(rcode: int, text: str) -> None:
    problems = " ".join(_resolver.judge_bogus(Reply(rcode, False, 0)))
    assert bool(problems) == bool(text)
    assert text in problems

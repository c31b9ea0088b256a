# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _spf, _spf_loss
from hypothesis import given
from hypothesis import strategies as st

DOMAIN = "example.com"


def lost(before: str, after: str) -> list[str]:
    old, new = (_spf.parse(f"v=spf1 {text}".strip()) for text in (before, after))
    return [str(term) for term in _spf_loss.lost_terms(old, new, DOMAIN)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Only more.
        ("ip4:192.0.2.1 -all", "ip4:192.0.2.1 ip4:192.0.2.2 include:b.test -all"),
        ("-all", "ip4:192.0.2.1 -all"),
        ("", "-all"),
        # The same in other words.
        ("+ip4:192.0.2.1/32 -ALL", "ip4:192.0.2.1 -all"),
        ("ip6:2001:DB8:0::1 -all", "ip6:2001:db8::1 -all"),
        ("include:B.test. -all", "include:b.test -all"),
        ("a mx ptr -all", "a:example.com mx:EXAMPLE.com ptr:example.com -all"),
        ("ip4:192.0.2.1 include:b.test -all", "include:b.test ip4:192.0.2.1 -all"),
        # Wider ones.
        ("ip4:192.0.2.1 ip4:192.0.2.0/28 -all", "ip4:192.0.2.0/24 -all"),
        ("ip4:192.0.2.0/24 -all", "ip4:192.0.2.128/25 ip4:192.0.2.0/25 -all"),
        ("ip6:2001:db8::/64 -all", "ip6:2001:db8::/32 -all"),
        ("a:b.test/30 mx//64 -all", "a:b.test/24//96 mx/28//48 -all"),
        ("ip4:192.0.2.1 include:b.test redirect=c.test", "+all"),
        # What the end of the new one says anyway.
        ("-ip4:192.0.2.1 ~all", "-all"),
        ("~include:b.test ?a -all", "?all"),
        ("?ip4:192.0.2.1 -all", "ip4:192.0.2.2 ?all"),
        # What is said of an address now was not said by mistake.
        ("-ip4:192.0.2.1 ~all", "ip4:192.0.2.1 ~all"),
        # What did not count before.
        ("-all ip4:192.0.2.1 include:b.test", "-all"),
        ("-ip4:192.0.2.0/24 ip4:192.0.2.1 -all", "-all"),
        ("-all redirect=b.test", "-all"),
        ("x-unknown=1 -all", "-all"),
        # The domain behind a redirect is asked all the same.
        ("redirect=b.test", "ip4:192.0.2.1 include:b.test -all"),
        ("redirect=b.test", "a redirect=B.test"),
        ("exp=e.test -all", "a -all exp=e.test"),
    ],
)
def test_nothing_is_lost(before, after) -> None:
    assert lost(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "terms"),
    [
        ("include:b.test ip4:192.0.2.9 -all", "ip4:192.0.2.1 -all", ["include:b.test", "ip4:192.0.2.9"]),
        ("a mx ptr exists:%{i}.b.test -all", "-all", ["a", "mx", "ptr", "exists:%{i}.b.test"]),
        ("ip4:192.0.2.0/24 -all", "ip4:192.0.2.0/25 -all", ["ip4:192.0.2.0/24"]),
        ("ip6:2001:db8::/32 -all", "ip4:0.0.0.0/0 -all", ["ip6:2001:db8::/32"]),
        ("ip4:192.0.2.1 -all", "~ip4:192.0.2.1 -all", ["ip4:192.0.2.1"]),
        ("ip4:192.0.2.1 -all", "-ip4:192.0.2.0/24 ip4:192.0.2.1 -all", ["ip4:192.0.2.1"]),
        ("ip4:192.0.2.1 -all", "-all ip4:192.0.2.1", ["ip4:192.0.2.1"]),
        ("ip4:192.0.2.1", "?all", ["ip4:192.0.2.1"]),
        ("ip4:192.0.2.1 -all", "redirect=b.test", ["ip4:192.0.2.1"]),
        ("?ip4:192.0.2.1 -all", "-all", ["?ip4:192.0.2.1"]),
        ("-ip4:192.0.2.1 ~all", "~all", ["-ip4:192.0.2.1"]),
        ("-include:b.test ~all", "~all", ["-include:b.test"]),
        ("include:b.test -all", "?include:b.test -all", ["include:b.test"]),
        ("a:b.test/24 -all", "a:b.test/30 -all", ["a:b.test/24"]),
        ("a//64 -all", "a -all", ["a//64"]),
        ("a -all", "mx:example.com -all", ["a"]),
        ("exists:%{L}.b.test -all", "exists:%{l}.b.test -all", ["exists:%{L}.b.test"]),
        ("redirect=b.test", "a -all", ["redirect=b.test"]),
        ("redirect=b.test", "?include:b.test -all", ["redirect=b.test"]),
        ("-all exp=e.test", "-all", ["exp=e.test"]),
    ],
)
def test_what_is_lost(before, after, terms) -> None:
    assert lost(before, after) == terms


@pytest.mark.parametrize(
    ("before", "after", "weaker"),
    [
        ("-all", "~all", True),
        ("-all", "?all", True),
        ("-all", "", True),
        ("-all", "redirect=b.test", True),
        ("~all", "?all", True),
        ("~all", "a", True),
        ("?all", "+all", True),
        ("", "+all", True),
        ("-all", "-all", False),
        ("~all", "-all", False),
        ("?all", "", False),
        ("", "redirect=b.test", False),
        ("+all", "?all", False),
        ("redirect=b.test", "?all", False),
    ],
)
def test_a_weaker_end(before, after, weaker) -> None:
    old, new = (_spf.parse(f"v=spf1 {text}".strip()) for text in (before, after))
    assert _spf_loss.is_weaker(old, new) is weaker


def test_one_wrong_term_does_not_hide_the_others() -> None:
    record = _spf_loss.readable("v=spf1 include:b.test ipv4:192.0.2.1 a ip4:1.2 -all")
    assert [str(term) for term in record.terms] == ["include:b.test", "a", "-all"]


networks = st.tuples(st.sampled_from(["192.0.2.", "198.51.100."]), st.integers(0, 255), st.integers(22, 32))
terms = st.one_of(
    networks.map(lambda n: f"ip4:{n[0]}{n[1]}/{n[2]}"), st.sampled_from(["a", "mx", "include:b.test", "exists:c.test"])
)
records = st.tuples(
    st.lists(st.tuples(st.sampled_from("+-~?"), terms).map("".join), max_size=6), st.sampled_from("-~?")
)


@given(records, st.lists(terms, max_size=4))
def test_a_record_loses_nothing_to_itself_and_more(record, more) -> None:
    old, end = record
    assert lost(" ".join([*old, f"{end}all"]), " ".join([*old, *more, f"{end}all"])) == []


@given(st.lists(networks, min_size=1, max_size=5), st.lists(networks, max_size=5), st.integers(0, 511))
def test_addresses_are_lost_as_the_arithmetic_of_sets_says(old, new, number) -> None:
    """No lost term means that each address that passed still passes."""
    before, after = ([f"ip4:{a}{b}/{c}" for a, b, c in each] for each in (old, new))
    address = f"{'192.0.2.' if number < 256 else '198.51.100.'}{number % 256}"
    passed = not lost(f"ip4:{address} -all", " ".join([*before, "-all"]))
    passes = not lost(f"ip4:{address} -all", " ".join([*after, "-all"]))
    if not lost(" ".join([*before, "-all"]), " ".join([*after, "-all"])):
        assert passes or not passed


@pytest.mark.parametrize("count", [_spf_loss.MAX_COMPARED - 1, 3500])
def test_a_record_of_any_length_is_compared_in_bounded_time(count) -> None:
    """The bound is far above what it takes."""
    words = [f"{'-+'[n % 2]}ip4:10.{n // 250}.{n % 250}.1" for n in range(count)]
    old = _spf.parse(" ".join(["v=spf1", *words, "-all"]))
    begin = time.process_time()
    assert len(_spf_loss.lost_terms(old, _spf.parse("v=spf1 -all"), DOMAIN)) >= count // 2
    assert _spf_loss.lost_terms(old, old, DOMAIN) == []
    assert time.process_time() - begin < 60

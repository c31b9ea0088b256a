# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The macros of SPF; the numbers are sections of RFC 7208."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _spf_macro
from hypothesis import given, settings
from hypothesis import strategies as st

examples = settings(database=None, deadline=None, derandomize=True, max_examples=200)

# The values of 7.4.
VALUES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "p": "mx.example.org",
    "v": "in-addr",
    "h": "mx.example.org",
    "c": "192.0.2.3",
    "r": "unknown",
    "t": "1700000000",
}
VALUES_6 = {**VALUES, "i": _spf_macro.dotted(ipaddress.ip_address("2001:db8::cb01")), "v": "ip6"}
NIBBLES = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        ("%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ],
)
def test_the_examples_of_7_4(text: str, expanded: str) -> None:
    assert _spf_macro.expand(_spf_macro.domain_spec(text), VALUES) == expanded


def test_the_ipv6_example_of_7_4() -> None:
    parts = _spf_macro.domain_spec("%{ir}.%{v}._spf.%{d2}")
    assert _spf_macro.expand(parts, VALUES_6) == f"{NIBBLES}.ip6._spf.example.com"


@pytest.mark.parametrize(
    ("text", "values", "expanded"),
    [
        pytest.param("%%a%_b%-c", {}, "%a b%20c", id="7.1 escapes"),
        pytest.param("%{D}", {"d": "a.example"}, "a.example", id="7.3 upper case, unreserved characters"),
        pytest.param("%{L}", {"l": "a+b c/~_-."}, "a%2Bb%20c%2F~_-.", id="7.3 upper case, URL escaping"),
        pytest.param("%{L}", {"l": "\u00fc"}, "%C3%BC", id="7.3 upper case, other than ASCII"),
        pytest.param("%{L+}", {"l": "a+b@c"}, "a.b%40c", id="7.3 escaped after the split"),
        pytest.param("%{l.-+,/_=}", {"l": "a.b-c+d,e/f_g=h"}, "a.b.c.d.e.f.g.h", id="7.1 all delimiters"),
        pytest.param("%{l-}", {"l": "a.b-c.d"}, "a.b.c.d", id="7.3 dots stay beside other delimiters"),
        pytest.param("%{l1-}", {"l": "a.b-c.d"}, "c.d", id="7.3 dots do not split beside other delimiters"),
        pytest.param("%{lr+}", {"l": "+a++b"}, "b..a.", id="7.3 empty parts stay"),
        pytest.param("%{l2+}", {"l": "a++b"}, ".b", id="7.3 empty parts count"),
        pytest.param("%{d127}", {"d": "a.example"}, "a.example", id="7.3 127 parts"),
        pytest.param("%{d99999999999999999999}", {"d": "a.example"}, "a.example", id="7.3 more parts than there are"),
        pytest.param("%{d01}", {"d": "a.example"}, "example", id="7.1 a zero before a digit"),
        pytest.param("%{d1R}", {"d": "a.example"}, "a", id="7.1 r in upper case escapes nothing"),
        pytest.param("%{l}%{l}", {"l": "%{d}"}, "%{d}%{d}", id="7.3 what was expanded is not expanded again"),
    ],
)
def test_expand(text: str, values: dict[str, str], expanded: str) -> None:
    assert _spf_macro.expand(_spf_macro.macro_string(text), values) == expanded


@pytest.mark.parametrize("text", ["Mail from %{o} is sent by %{c} at %{t}, says %{r}.", "", "  ", "100%%"])
def test_an_explanation_may_have_spaces_and_c_r_t(text: str) -> None:
    assert _spf_macro.join(_spf_macro.explain_string(text)) == text


@pytest.mark.parametrize("text", ["50% off", "%{x}", "\u00fc", "a\tb", "%{d", "line\n"])
def test_explanations_that_are_wrong(text: str) -> None:
    with pytest.raises(ValueError, match=r"6\.2"):
        _spf_macro.explain_string(text)


LONG = ".".join("abcdefghij"[i % 10] * 49 for i in range(5))  # 249 characters


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param("a.example.", "a.example", id="7.3 a dot at the end"),
        pytest.param(f"abc.{LONG}", f"abc.{LONG}", id="7.3 253 characters"),
        pytest.param(f"abc.{LONG}.", f"abc.{LONG}", id="7.3 253 characters and a dot at the end"),
        pytest.param(f"abcd.{LONG}", LONG, id="7.3 254 characters: a whole label goes"),
        pytest.param(f"a.b.c.d.{LONG}", f"c.d.{LONG}", id="7.3 labels go from the left"),
        pytest.param("a" * 254, "a" * 254, id="7.3 one label stays, and is no name"),
    ],
)
def test_target_name(name: str, target: str) -> None:
    assert _spf_macro.target_name(name) == target


@pytest.mark.parametrize(
    ("name", "is_name", "is_domain"),
    [
        ("example.com", True, True),
        ("_spf.a-b.example", True, True),
        ("3.example", True, True),
        (f"{'a' * 63}.example", True, True),
        ("com", True, False),
        ("192.0.2.1", True, False),
        ("[192.0.2.1]", True, False),
        ("[IPv6:2001:db8::1]", True, False),
        ("[a.example]", True, False),
        ("a b.example", True, True),
        ("", False, False),
        (".", False, False),
        ("a..example", False, False),
        (".example", False, False),
        ("a.example.", False, False),
        (f"{'a' * 64}.example", False, False),
        (f"abcd.{LONG}", False, False),
        ("\u00fc.example", False, False),
        ("a\n.example", False, False),
    ],
)
def test_names_and_domains(name: str, is_name: bool, is_domain: bool) -> None:
    assert (_spf_macro.is_name(name), _spf_macro.is_domain(name)) == (is_name, is_domain)


@examples
@given(st.text(), st.text())
def test_what_expands_to_a_name_fits_into_dns(text: str, value: str) -> None:
    for sample in (text, "%{l}.%{L1r-}.example", "%{lr+-}.example"):
        try:
            parts = _spf_macro.macro_string(sample)
        except ValueError:
            continue
        name = _spf_macro.target_name(_spf_macro.expand(parts, dict.fromkeys("slodiphcrtv", value)))
        assert len(name) <= 253 or "." not in name

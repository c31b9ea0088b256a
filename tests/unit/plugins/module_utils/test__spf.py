# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The grammar of SPF records, rule by rule; the numbers are sections of RFC 7208."""

from __future__ import annotations

import ipaddress
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _spf
from ansible_collections.mailops.relay.plugins.module_utils._spf_macro import MacroExpand
from ansible_collections.mailops.relay.plugins.module_utils._spf_term import (
    A,
    All,
    Directive,
    DualCidrLength,
    Exists,
    Explanation,
    Include,
    Ip4,
    Ip6,
    Mx,
    Ptr,
    Record,
    Redirect,
    Term,
    UnknownModifier,
)

X = ("x.example",)
IP4 = ipaddress.IPv4Address
IP6 = ipaddress.IPv6Address


def case(rule: str, text: str, *terms: Term) -> t.Any:
    return pytest.param(text, Record(terms), id=rule)


RECORDS = [
    case("4.5 version alone", "v=spf1"),
    case("4.5 version and spaces", "v=spf1   "),
    case("4.5 version in any case", "V=SpF1 all", Directive(All())),
    case("4.6.1 one or more spaces between terms", "v=spf1  a   mx  ", Directive(A()), Directive(Mx())),
    case("4.6.1 mechanisms in any case", "v=spf1 -ALL", Directive(All(), "-")),
    case("4.6.1 modifiers in any case", "v=spf1 ReDiRect=x.example", Redirect(X)),
    case(
        "4.6.2 qualifiers",
        "v=spf1 a +a -a ~a ?a",
        *(Directive(A(), qualifier) for qualifier in "++-~?"),
    ),
    case("4.6.1 a term with = is a modifier, whatever its name", "v=spf1 all=", UnknownModifier("all")),
    case("4.6.1 = behind a colon is part of a mechanism", "v=spf1 a:b=c.example", Directive(A(("b=c.example",)))),
    case("5.2 include", "v=spf1 include:x.example", Directive(Include(X))),
    case("5.3 a", "v=spf1 a", Directive(A())),
    case("5.3 a with a domain", "v=spf1 a:x.example", Directive(A(X))),
    case("5.3 a with a prefix length", "v=spf1 a/24", Directive(A((), DualCidrLength(24)))),
    case("5.3 a with two prefix lengths", "v=spf1 a/24//64", Directive(A((), DualCidrLength(24, 64)))),
    case("5.3 a with one for IPv6", "v=spf1 a:x.example//64", Directive(A(X, DualCidrLength(32, 64)))),
    case("5.4 mx", "v=spf1 mx:x.example/0//0", Directive(Mx(X, DualCidrLength(0, 0)))),
    case("5.5 ptr", "v=spf1 ptr ptr:x.example", Directive(Ptr()), Directive(Ptr(X))),
    case("5.6 ip4", "v=spf1 ip4:192.0.2.1", Directive(Ip4(IP4("192.0.2.1")))),
    case("5.6 ip4 with host bits", "v=spf1 ip4:192.0.2.1/24", Directive(Ip4(IP4("192.0.2.1"), 24))),
    case("5.6 ip4 /0 and /32", "v=spf1 ip4:0.0.0.0/0 ip4:255.255.255.255/32",
         Directive(Ip4(IP4("0.0.0.0"), 0)), Directive(Ip4(IP4("255.255.255.255")))),
    case("5.6 ip6", "v=spf1 ip6:2001:DB8::CD30", Directive(Ip6(IP6("2001:db8::cd30")))),
    case("5.6 ip6 with a prefix length", "v=spf1 ip6:2001:db8::/32", Directive(Ip6(IP6("2001:db8::"), 32))),
    case("5.6 ip6 with IPv4 in it", "v=spf1 ip6:::ffff:192.0.2.1/128", Directive(Ip6(IP6("::ffff:192.0.2.1")))),
    case("5.6 ip6 /0", "v=spf1 ip6:::/0", Directive(Ip6(IP6("::"), 0))),
    case("5.7 exists", "v=spf1 exists:x.example", Directive(Exists(X))),
    case("6 modifiers anywhere", "v=spf1 redirect=x.example a exp=x.example",
         Redirect(X), Directive(A()), Explanation(X)),
    case("6 unknown modifiers, again and again", "v=spf1 X-y_1.z=a/b:c x=", *(
        UnknownModifier("x-y_1.z", ("a/b:c",)), UnknownModifier("x"))),
    case("6 unknown modifiers may have any macro", "v=spf1 x=%{c}", UnknownModifier("x", (MacroExpand("c"),))),
    case("7.1 a domain that is a macro", "v=spf1 a:%{d}", Directive(A((MacroExpand("d"),)))),
    case("7.1 a slash in a domain and a prefix length", "v=spf1 a:b/1.example/8",
         Directive(A(("b/1.example",), DualCidrLength(8)))),
    case("7.1 a slash in a macro", "v=spf1 a:%{l/}//64",
         Directive(A((MacroExpand("l", delimiters="/"),), DualCidrLength(32, 64)))),
    case("7.1 a dot at the end of a domain", "v=spf1 a:x.example.", Directive(A(("x.example.",)))),
]  # fmt: skip

NOT_RECORDS = [
    pytest.param(text, message, id=rule)
    for rule, text, message in [
        ("4.5 empty", "", r"4\.5"),
        ("4.5 another version", "v=spf10 all", r"4\.5"),
        ("4.5 a tab behind the version", "v=spf1\tall", r"4\.5"),
        ("4.5 a space before the version", " v=spf1", r"4\.5"),
        ("4.5 the long s", "v=\u017fpf1", r"4\.5"),
        ("4.6.1 unknown mechanism", "v=spf1 all ipv4:192.0.2.1", r"'ipv4:192.0.2.1'.*4\.6\.1"),
        ("4.6.1 an address alone", "v=spf1 192.0.2.1 all", r"'192.0.2.1'.*4\.6\.1"),
        ("4.6.1 a domain alone", "v=spf1 x.example", r"4\.6\.1"),
        ("4.6.1 a modifier with a qualifier", "v=spf1 -redirect=x.example", r"4\.6\.1"),
        ("4.6.1 two qualifiers", "v=spf1 --all", r"4\.6\.1"),
        ("4.6.1 a qualifier alone", "v=spf1 - all", r"4\.6\.1"),
        ("4.6.1 a version again", "v=spf1 :a", r"4\.6\.1"),
        ("4.6.1 the Kelvin sign", "v=spf1 \u212a=a", "printable ASCII"),
        ("3.1 other than ASCII", "v=spf1 a:\u00fc.example", "printable ASCII"),
        ("12 a tab between terms", "v=spf1 a\tmx", "printable ASCII"),
        ("12 a line break at the end", "v=spf1 all\n", "printable ASCII"),
        ("5.1 all with a domain", "v=spf1 all:x.example", r"5\.1"),
        ("5.1 all with a prefix length", "v=spf1 all/8", r"5\.1"),
        ("5.2 include without a domain", "v=spf1 include", "'include'"),
        ("5.2 include with an empty domain", "v=spf1 include:", "'include:'"),
        ("5.2 include with a prefix length", "v=spf1 include:x.example/24", r"7\.1"),
        ("5.3 a with an empty domain", "v=spf1 a:", r"7\.1"),
        ("5.3 a with an empty domain and a prefix length", "v=spf1 a:/24", r"7\.1"),
        ("5.5 ptr with a prefix length", "v=spf1 ptr/24", "domain"),
        ("5.6 a prefix length above 32", "v=spf1 a/33", "'a/33'.*0 to 32"),
        ("5.6 a prefix length above 128", "v=spf1 mx//129", "'mx//129'.*0 to 128"),
        ("5.6 a prefix length with a zero before it", "v=spf1 a/024", "dual-cidr-length"),
        ("5.6 an empty prefix length", "v=spf1 a/", "dual-cidr-length"),
        ("5.6 an empty one for IPv6", "v=spf1 a/24//", "dual-cidr-length"),
        ("5.6 one slash before that for IPv6", "v=spf1 a/24/64", "dual-cidr-length"),
        ("5.6 a negative one", "v=spf1 a/-1", "dual-cidr-length"),
        ("5.6 ip4 without a network", "v=spf1 ip4", r"5\.6"),
        ("5.6 ip4 with a slash only", "v=spf1 ip4/24", r"5\.6"),
        ("5.6 ip4 of three parts", "v=spf1 ip4:192.0.2", r"5\.6"),
        ("5.6 ip4 of five parts", "v=spf1 ip4:192.0.2.1.1", r"5\.6"),
        ("5.6 ip4 above 255", "v=spf1 ip4:192.0.2.256", r"5\.6"),
        ("5.6 ip4 with a zero before a number", "v=spf1 ip4:192.0.02.1", r"5\.6"),
        ("5.6 ip4 with /33", "v=spf1 ip4:192.0.2.1/33", "0 to 32"),
        ("5.6 ip4 with a prefix for IPv6", "v=spf1 ip4:192.0.2.1//64", r"5\.6"),
        ("5.6 ip4 with a name", "v=spf1 ip4:x.example", r"5\.6"),
        ("5.6 ip4 with digits of another script", "v=spf1 ip4:192.0.2.\u0661", "printable ASCII"),
        ("5.6 ip6 with IPv4", "v=spf1 ip6:192.0.2.1", r"5\.6"),
        ("5.6 ip6 with /129", "v=spf1 ip6:2001:db8::/129", "0 to 128"),
        ("5.6 ip6 with two gaps", "v=spf1 ip6:2001::db8::1", r"5\.6"),
        ("5.6 ip6 with a zone", "v=spf1 ip6:fe80::1%eth0", r"5\.6"),
        ("5.6 ip6 in brackets", "v=spf1 ip6:[2001:db8::1]", r"5\.6"),
        ("5.6 ip6 that is empty", "v=spf1 ip6:", r"5\.6"),
        ("5.7 exists without a domain", "v=spf1 exists", r"\(RFC 7208, 5\)"),
        ("6 redirect twice", "v=spf1 redirect=x.example redirect=x.example", "redirect occurs more than once"),
        ("6 exp twice", "v=spf1 exp=x.example a EXP=y.example", "exp occurs more than once"),
        ("6.1 redirect without a domain", "v=spf1 redirect=", r"'redirect='.*7\.1"),
        ("6.2 exp without a domain", "v=spf1 exp=", r"7\.1"),
        ("6 unknown modifier with a wrong macro", "v=spf1 x=%a", r"7\.1"),
        ("7.1 a name of one label", "v=spf1 a:localhost", r"7\.1"),
        ("7.1 an address for a domain", "v=spf1 a:192.0.2.1", r"7\.1"),
        ("7.1 a hyphen at the start of the top-level label", "v=spf1 a:x.-example", r"7\.1"),
        ("7.1 a hyphen at its end", "v=spf1 a:x.example-", r"7\.1"),
        ("7.1 an underscore in it", "v=spf1 a:x.exa_mple", r"7\.1"),
        ("7.1 two dots at the end", "v=spf1 a:x.example..", r"7\.1"),
        ("7.1 a macro and no dot", "v=spf1 a:%{d}example", r"7\.1"),
        ("7.1 a percent sign alone", "v=spf1 a:%.example", r"7\.1"),
        ("7.1 a percent sign at the end", "v=spf1 a:x.example%", r"7\.1"),
        ("7.1 parentheses", "v=spf1 -exists:%(ir).sbl.example.org", r"7\.1"),
        ("7.1 a macro without its end", "v=spf1 a:%{d", r"7\.1"),
        ("7.1 no macro letter", "v=spf1 a:%{}.example", r"7\.1"),
        ("7.1 no such macro letter", "v=spf1 a:%{x}.example", r"7\.1"),
        ("7.1 transformers in the wrong order", "v=spf1 a:%{dr2}.example", r"7\.1"),
        ("7.1 no such delimiter", "v=spf1 a:%{d;}.example", r"7\.1"),
        ("7.2 c outside of an explanation", "v=spf1 exists:%{c}.example", r"7\.2"),
        ("7.2 R outside of an explanation", "v=spf1 redirect=%{R}", r"7\.2"),
        ("7.2 t in the domain of exp", "v=spf1 exp=%{t}.example", r"7\.2"),
        ("7.3 zero parts", "v=spf1 a:%{d0}", r"7\.3"),
        ("7.3 zero parts, twice", "v=spf1 a:%{d00r}", r"7\.3"),
    ]
]


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_parse(text: str, record: Record) -> None:
    assert _spf.parse(text) == record


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_join_and_parse_are_inverses(text: str, record: Record) -> None:
    assert _spf.parse(_spf.join(_spf.parse(text))) == record


@pytest.mark.parametrize(("text", "message"), NOT_RECORDS)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _spf.parse(text)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("V=SPF1  +MX:x.example/32//128  -ALL ", "v=spf1 mx:x.example -all"),
        ("v=spf1 IP6:2001:DB8:0::0/32 ip4:192.0.2.0/24 ~all", "v=spf1 ip6:2001:db8::/32 ip4:192.0.2.0/24 ~all"),
        ("v=spf1 a//64 EXP=%{D04R-}.x.example X=%%%_%-", "v=spf1 a//64 exp=%{D4r-}.x.example x=%%%_%-"),
        ("v=spf1 ip6:::ffff:192.0.2.1/96 ?ptr", None),
    ],
)
def test_join_writes_the_shortest_form(text: str, joined: str | None) -> None:
    once = _spf.join(_spf.parse(text))
    assert joined in (once, None)
    assert _spf.join(_spf.parse(once)) == once


@pytest.mark.parametrize(
    "terms",
    [
        pytest.param((Directive(Include(("localhost",))),), id="7.1 a domain of one label"),
        pytest.param((Directive(Include(())),), id="5.2 no domain"),
        pytest.param((Directive(A(("a", ".example"))),), id="7.1 literals that would be read as one"),
        pytest.param((Directive(A(("a b.example",))),), id="12 a space"),
        pytest.param((Directive(All(), "!"),), id="4.6.2 no qualifier"),
        pytest.param((Directive(Ip4(IP4("192.0.2.0"), 33)),), id="5.6 a prefix length"),
        pytest.param((UnknownModifier("redirect", X),), id="6 a known modifier as an unknown one"),
        pytest.param((UnknownModifier("A"),), id="6 a name in upper case"),
        pytest.param((Redirect(X), Redirect(X)), id="6 redirect twice"),
    ],
)
def test_join_refuses_what_would_be_read_otherwise(terms: tuple[Term, ...]) -> None:
    with pytest.raises(ValueError, match="RFC 7208"):
        _spf.join(Record(terms))


@pytest.mark.parametrize(
    ("texts", "selected"),
    [
        pytest.param([], None, id="4.5 no TXT record"),
        pytest.param(["", "v=DMARC1", "v=spf10 all", "spf1", "v=spf2.0/pra all"], None, id="4.5 no SPF record"),
        pytest.param(["v=spf1"], "v=spf1", id="4.5 the end of the record ends the version"),
        pytest.param(["x", "V=SPF1 all", "v=spf1-all"], "V=SPF1 all", id="4.5 a space ends the version"),
        pytest.param(["v=spf1 nonsense"], "v=spf1 nonsense", id="4.5 the terms do not matter"),
    ],
)
def test_select(texts: list[str], selected: str | None) -> None:
    assert _spf.select(texts) == selected


def test_select_refuses_more_than_one() -> None:
    with pytest.raises(ValueError, match=r"2 SPF records.*4\.5"):
        _spf.select(["v=spf1 -all", "other", "v=spf1"])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 exp=x.example y=z all", 0),
        ("v=spf1 include:x.example a mx ptr exists:x.example redirect=x.example", 6),
        ("v=spf1 a all mx include:x.example", 1),
        ("v=spf1 a redirect=x.example -all", 1),
    ],
)
def test_lookup_terms(text: str, count: int) -> None:
    assert len(_spf.lookup_terms(_spf.parse(text))) == count


def test_what_takes_part_in_an_evaluation() -> None:
    record = _spf.parse("v=spf1 redirect=x.example a -all mx exp=x.example")
    assert record.directives == (Directive(A()), Directive(All(), "-"))
    assert record.redirect is None
    assert record.explanation == Explanation(X)
    assert _spf.parse("v=spf1 redirect=x.example a").redirect == Redirect(X)

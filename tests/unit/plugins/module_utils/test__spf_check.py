# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evaluation of SPF, rule by rule and limit by limit; the numbers are sections of RFC 7208."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _spf_check, _spf_model
from ansible_collections.mailops.relay.plugins.module_utils._spf_model import (
    NO_DATA,
    NO_NAME,
    Answer,
    Outcome,
    Question,
)

Zone = t.Dict[str, t.Union[t.List[str], Answer]]

HERE = "192.0.2.1"
HERE_6 = "2001:db8::1"
DOWN = Answer(failure="timed out")


class Dns:
    """A name server made of a dictionary: "name TYPE" to its values, or to the answer itself. It keeps what it was
    asked."""

    def __init__(self, zone: Zone) -> None:
        self.zone = {key.lower(): value for key, value in zone.items()}
        self.names = {key.split(" ")[0] for key in self.zone}
        self.asked: list[str] = []

    def __call__(self, question: Question) -> Answer:
        key = f"{question.name} {question.rdtype}"
        self.asked.append(key)
        value = self.zone.get(key.lower())
        if value is None:
            return NO_DATA if question.name.lower() in self.names else NO_NAME
        return value if isinstance(value, Answer) else Answer(tuple(value))


def check(zone: Zone, ip: str = HERE, mail_from: str = "me@example.com", helo: str = "relay.example.com") -> Outcome:
    return _spf_check.check_host(_spf_model.mail_from_identity(ip, mail_from, helo), Dns(zone))


def case(rule: str, record: str, result: str, zone: Zone | None = None, ip: str = HERE) -> t.Any:
    """A record of example.com, and the result for mail from me@example.com."""
    return pytest.param({"example.com TXT": [record], **(zone or {})}, ip, result, id=rule)


def spf(text: str) -> list[str]:
    return [f"v=spf1 {text}"]


REVERSE = "1.2.0.192.in-addr.arpa PTR"
REVERSE_6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa PTR"

CASES = [
    # 4.4 and 4.5: the record
    pytest.param({}, HERE, "none", id="4.3 no such domain"),
    pytest.param({"example.com A": [HERE]}, HERE, "none", id="4.5 no TXT record"),
    pytest.param({"example.com TXT": ["v=spf10 -all"]}, HERE, "none", id="4.5 no SPF record"),
    pytest.param({"example.com TXT": DOWN}, HERE, "temperror", id="4.4 lookup failed"),
    pytest.param({"example.com TXT": ["other", "v=spf1 +all"]}, HERE, "pass", id="4.5 one among others"),
    pytest.param({"example.com TXT": ["v=spf1 +all", "v=spf1 +all"]}, HERE, "permerror", id="4.5 two SPF records"),
    # 4.6, 4.7: terms
    case("4.6 an error behind the match counts too", "v=spf1 +all nonsense", "permerror"),
    case("4.6.2 from left to right", "v=spf1 ?ip4:192.0.2.0/24 -ip4:192.0.2.1 +all", "neutral"),
    case("4.6.2 qualifier +", "v=spf1 +all", "pass"),
    case("4.6.2 qualifier -", "v=spf1 -all", "fail"),
    case("4.6.2 qualifier ~", "v=spf1 ~all", "softfail"),
    case("4.6.2 qualifier ?", "v=spf1 ?all", "neutral"),
    case("4.7 default", "v=spf1 ip4:198.51.100.1", "neutral"),
    case("4.7 no terms", "v=spf1", "neutral"),
    case("6 unknown modifiers are ignored", "v=spf1 x=%{d} x=y -all", "fail"),
    # 5.1: all
    case("5.1 nothing behind all", "v=spf1 -all ip4:192.0.2.1", "fail"),
    case("5.1 no redirect beside all", "v=spf1 redirect=x.example ~all", "softfail"),
    # 5.2: include, each line of its table
    case("5.2 pass: match", "v=spf1 -include:x.example +all", "fail", {"x.example TXT": spf("+all")}),
    case("5.2 fail: not match", "v=spf1 include:x.example ~all", "softfail", {"x.example TXT": spf("-all")}),
    case("5.2 softfail: not match", "v=spf1 include:x.example -all", "fail", {"x.example TXT": spf("~all")}),
    case("5.2 neutral: not match", "v=spf1 include:x.example -all", "fail", {"x.example TXT": spf("?all")}),
    case("5.2 default: not match", "v=spf1 include:x.example -all", "fail", {"x.example TXT": spf("")}),
    case("5.2 temperror", "v=spf1 include:x.example -all", "temperror", {"x.example TXT": DOWN}),
    case("5.2 temperror within", "v=spf1 include:x.example -all", "temperror", {"x.example TXT": spf("mx"),
                                                                                "x.example MX": DOWN}),
    case("5.2 permerror", "v=spf1 include:x.example -all", "permerror", {"x.example TXT": spf("nonsense")}),
    case("5.2 permerror: two records", "v=spf1 include:x.example -all", "permerror",
         {"x.example TXT": spf("-all") * 2}),
    case("5.2 none: permerror", "v=spf1 include:x.example +all", "permerror", {"x.example A": [HERE]}),
    case("5.2 no such name: permerror", "v=spf1 include:x.example +all", "permerror"),
    case("5.2 a target of one label: permerror", "v=spf1 include:%{d1} +all", "permerror"),
    case("5.2 the domain is the target's", "v=spf1 include:x.example -all", "pass",
         {"x.example TXT": spf("a"), "x.example A": [HERE]}),
    case("5.2 the domain comes back", "v=spf1 include:x.example a -all", "pass",
         {"x.example TXT": spf("-all"), "example.com A": [HERE]}),
    # 5: comparing addresses
    case("5 equality without a prefix length", "v=spf1 a -all", "fail", {"example.com A": ["192.0.2.2"]}),
    case("5 A for an IPv4 client only", "v=spf1 a -all", "fail", {"example.com AAAA": [HERE_6]}),
    case("5 AAAA for an IPv6 client", "v=spf1 a -all", "pass", {"example.com AAAA": [HERE_6]}, HERE_6),
    case("5 an IPv4-mapped client is an IPv4 client", "v=spf1 a -all", "pass", {"example.com A": [HERE]},
         "::ffff:192.0.2.1"),
    case("5 an IPv4-mapped client and ip4", "v=spf1 ip4:192.0.2.0/24 -all", "pass", ip="::ffff:c000:201"),
    case("5 an IPv4-mapped client and ip6", "v=spf1 ip6:::ffff:0:0/96 -all", "fail", ip="::ffff:192.0.2.1"),
    case("5 no such name is no data", "v=spf1 a:x.example -all", "fail"),
    # 5.3: a
    case("5.3 any of the addresses", "v=spf1 a:x.example -all", "pass", {"x.example A": ["192.0.2.9", HERE]}),
    case("5.3 IPv4 prefix length", "v=spf1 a/24 -all", "pass", {"example.com A": ["192.0.2.200"]}),
    case("5.3 IPv4 prefix length, outside", "v=spf1 a/25 -all", "fail", {"example.com A": ["192.0.2.200"]}),
    case("5.3 /0 needs an address", "v=spf1 a/0 -all", "fail", {"example.com AAAA": [HERE_6]}),
    case("5.3 /0 matches with one", "v=spf1 a/0 -all", "pass", {"example.com A": ["203.0.113.1"]}),
    case("5.3 IPv6 prefix length", "v=spf1 a//64 -all", "pass", {"example.com AAAA": ["2001:db8::ffff"]}, HERE_6),
    case("5.3 IPv6 prefix length, outside", "v=spf1 a//64 -all", "fail",
         {"example.com AAAA": ["2001:db8:0:1::1"]}, HERE_6),
    case("5.3 each version has its own prefix length", "v=spf1 a/24 -all", "fail",
         {"example.com AAAA": ["2001:db8::2"]}, HERE_6),
    case("5.3 lookup failed", "v=spf1 a +all", "temperror", {"example.com A": DOWN}),
    # 5.4: mx
    case("5.4 any mail exchanger", "v=spf1 mx -all", "pass",
         {"example.com MX": ["m1.example", "m2.example."], "m1.example A": ["192.0.2.9"], "m2.example A": [HERE]}),
    case("5.4 prefix length", "v=spf1 mx:x.example/24 -all", "pass",
         {"x.example MX": ["m.x.example"], "m.x.example A": ["192.0.2.9"]}),
    case("5.4 IPv6", "v=spf1 mx//48 -all", "pass", {"example.com MX": ["m.example"],
                                                    "m.example AAAA": ["2001:db8:0:9::9"]}, HERE_6),
    case("5.4 no implicit MX", "v=spf1 mx -all", "fail", {"example.com A": [HERE]}),
    case("5.4 null MX", "v=spf1 mx -all", "fail", {"example.com MX": ["."], "example.com A": [HERE]}),
    case("5.4 lookup failed", "v=spf1 mx +all", "temperror", {"example.com MX": DOWN}),
    case("5.4 lookup of an exchanger failed", "v=spf1 mx +all", "temperror",
         {"example.com MX": ["m.example"], "m.example A": DOWN}),
    # 5.5: ptr
    case("5.5 the domain itself", "v=spf1 ptr -all", "pass", {REVERSE: ["example.com."], "example.com A": [HERE]}),
    case("5.5 a subdomain, in any case", "v=spf1 ptr -all", "pass",
         {REVERSE: ["A.Example.COM"], "a.example.com A": [HERE]}),
    case("5.5 another domain with the same end", "v=spf1 ptr -all", "fail",
         {REVERSE: ["bad-example.com"], "bad-example.com A": [HERE]}),
    case("5.5 a parent domain", "v=spf1 ptr:a.example.com -all", "fail",
         {REVERSE: ["example.com"], "example.com A": [HERE]}),
    case("5.5 not validated", "v=spf1 ptr -all", "fail", {REVERSE: ["a.example.com"],
                                                          "a.example.com A": ["192.0.2.9"]}),
    case("5.5 one of the names", "v=spf1 ptr:x.example -all", "pass",
         {REVERSE: ["other.example", "x.example"], "x.example A": [HERE]}),
    case("5.5 IPv6", "v=spf1 ptr -all", "pass", {REVERSE_6: ["a.example.com"], "a.example.com AAAA": [HERE_6]}, HERE_6),
    case("5.5 PTR lookup failed: not match", "v=spf1 ptr -all", "fail", {REVERSE: DOWN}),
    case("5.5 A lookup failed: name skipped", "v=spf1 ptr -all", "pass",
         {REVERSE: ["a.example.com", "b.example.com"], "a.example.com A": DOWN, "b.example.com A": [HERE]}),
    case("5.5 no PTR", "v=spf1 ptr -all", "fail"),
    # 5.6: ip4, ip6
    case("5.6 ip4", "v=spf1 ip4:192.0.2.1 -all", "pass"),
    case("5.6 ip4 is /32", "v=spf1 ip4:192.0.2.0 -all", "fail"),
    case("5.6 ip4 with host bits", "v=spf1 ip4:192.0.2.77/24 -all", "pass"),
    case("5.6 ip4 /31", "v=spf1 ip4:192.0.2.2/31 -all", "fail"),
    case("5.6 ip4 /0", "v=spf1 ip4:0.0.0.0/0 -all", "pass"),
    case("5.6 ip4 and an IPv6 client", "v=spf1 ip4:0.0.0.0/0 -all", "fail", ip=HERE_6),
    case("5.6 ip6", "v=spf1 ip6:2001:db8:0:0:0:0:0:1 -all", "pass", ip=HERE_6),
    case("5.6 ip6 is /128", "v=spf1 ip6:2001:db8:: -all", "fail", ip=HERE_6),
    case("5.6 ip6 /32", "v=spf1 ip6:2001:db8:ffff::/32 -all", "pass", ip=HERE_6),
    case("5.6 ip6 and an IPv4 client", "v=spf1 ip6:::/0 -all", "fail"),
    # 5.7: exists
    case("5.7 any address", "v=spf1 exists:x.example -all", "pass", {"x.example A": ["127.0.0.2"]}),
    case("5.7 A also for an IPv6 client", "v=spf1 exists:x.example -all", "pass", {"x.example A": ["127.0.0.2"]},
         HERE_6),
    case("5.7 AAAA does not count", "v=spf1 exists:x.example -all", "fail", {"x.example AAAA": [HERE_6]}, HERE_6),
    case("5.7 lookup failed", "v=spf1 exists:x.example -all", "temperror", {"x.example A": DOWN}),
    # 6.1: redirect
    case("6.1 the result is the target's", "v=spf1 redirect=x.example", "softfail", {"x.example TXT": spf("~all")}),
    case("6.1 after all mechanisms", "v=spf1 redirect=x.example a", "pass",
         {"x.example TXT": spf("-all"), "example.com A": [HERE]}),
    case("6.1 the domain is the target's", "v=spf1 redirect=x.example", "pass",
         {"x.example TXT": spf("a -all"), "x.example A": [HERE]}),
    case("6.1 one after the other", "v=spf1 redirect=x.example", "fail",
         {"x.example TXT": spf("redirect=y.example"), "y.example TXT": spf("-all")}),
    case("6.1 no record: permerror", "v=spf1 redirect=x.example", "permerror"),
    case("6.1 malformed: permerror", "v=spf1 redirect=%{d1}", "permerror"),
    case("6.1 temperror", "v=spf1 redirect=x.example", "temperror", {"x.example TXT": DOWN}),
    case("6.1 inside an include", "v=spf1 include:x.example -all", "pass",
         {"x.example TXT": spf("redirect=y.example"), "y.example TXT": spf("+all")}),
    # 4.8, 7: names made of macros
    case("4.8 an empty label: not match", "v=spf1 a:a..example.com -all", "fail"),
    case("4.8 a label of 64 characters: not match", f"v=spf1 a:{'a' * 64}.example.com mx:{'a' * 64}.example -all",
         "fail"),
    case("4.8 a label of 64 characters in an include", f"v=spf1 include:{'a' * 64}.example.com +all", "permerror"),
    case("7.3 a dot at the end", "v=spf1 a:x.example. -all", "pass", {"x.example A": [HERE]}),
    case("7.3 longer than 253 characters", f"v=spf1 exists:{'.'.join(['a' * 40] * 6)}.%{{ir}}.x.example -all", "pass",
         {f"{'.'.join(['a' * 40] * 5)}.1.2.0.192.x.example A": ["127.0.0.2"]}),
    case("7.3 IPv6 nibbles", "v=spf1 exists:%{ir}.%{v}.x.example -all", "pass",
         {f"{REVERSE_6.partition('.ip6')[0]}.ip6.x.example A": ["127.0.0.2"]}, HERE_6),
    case("7.2 l, o, h and s", "v=spf1 exists:%{l}.%{o}.%{h}.%{s}.x.example -all", "pass",
         {"me.example.com.relay.example.com.me@example.com.x.example A": ["127.0.0.2"]}),
    case("7.2 o stays and d changes in an include", "v=spf1 include:x.example -all", "pass",
         {"x.example TXT": spf("exists:%{o}.%{d}"), "example.com.x.example A": ["127.0.0.2"]}),
    case("7.2 p: the domain first", "v=spf1 exists:%{p}.x.example -all", "pass",
         {REVERSE: ["other.example", "a.example.com", "example.com"], "other.example A": [HERE],
          "a.example.com A": [HERE], "example.com A": [HERE], "example.com.x.example A": ["127.0.0.2"]}),
    case("7.2 p: a subdomain next", "v=spf1 exists:%{p}.x.example -all", "pass",
         {REVERSE: ["other.example", "a.example.com"], "other.example A": [HERE], "a.example.com A": [HERE],
          "a.example.com.x.example A": ["127.0.0.2"]}),
    case("7.2 p: any other", "v=spf1 exists:%{p}.x.example -all", "pass",
         {REVERSE: ["other.example"], "other.example A": [HERE], "other.example.x.example A": ["127.0.0.2"]}),
    case("7.3 p: not validated", "v=spf1 exists:%{p}.x.example -all", "pass",
         {REVERSE: ["a.example.com"], "unknown.x.example A": ["127.0.0.2"]}),
    case("7.3 p: no name", "v=spf1 exists:%{p}.x.example -all", "pass", {"unknown.x.example A": ["127.0.0.2"]}),
    case("7.3 p: lookup failed", "v=spf1 exists:%{p}.x.example -all", "pass",
         {REVERSE: DOWN, "unknown.x.example A": ["127.0.0.2"]}),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "ip", "result"), CASES)
def test_result(zone: Zone, ip: str, result: str) -> None:
    outcome = check(zone, ip)
    assert outcome.result == result, outcome
    assert bool(outcome.problem) == (result in ("none", "permerror", "temperror"))


# 2.3, 2.4, 4.3: which domain is asked for.


@pytest.mark.parametrize(
    ("mail_from", "helo", "domain", "sender"),
    [
        pytest.param("me@example.com", "h.example", "example.com", "me@example.com", id="2.4 MAIL FROM"),
        pytest.param("<me@example.com>", "h.example", "example.com", "me@example.com", id="2.4 with its brackets"),
        pytest.param("", "h.example", "h.example", "postmaster@h.example", id="2.4 null"),
        pytest.param("<>", "h.example", "h.example", "postmaster@h.example", id="2.4 null in brackets"),
        pytest.param("@example.com", "h.example", "example.com", "postmaster@example.com", id="4.3 no local-part"),
        pytest.param("example.com", "h.example", "example.com", "postmaster@example.com", id="4.3 only a domain"),
        pytest.param('"a@b.example"@example.com', "h", "example.com", '"a@b.example"@example.com', id="2.2 quotes"),
        pytest.param("<@a.example,@b.example:me@c.example>", "h", "c.example", "me@c.example", id="2.2 source route"),
    ],
)
def test_identity(mail_from: str, helo: str, domain: str, sender: str) -> None:
    arguments = _spf_model.mail_from_identity(HERE, mail_from, helo)
    assert (arguments.domain, f"{arguments.local_part}@{arguments.sender_domain}") == (domain, sender)
    assert arguments.helo == helo


def test_helo_identity() -> None:
    zone: Zone = {"relay.example.com TXT": spf("exists:%{l}.%{o}.%{h}.x.example -all")}
    zone["postmaster.relay.example.com.relay.example.com.x.example A"] = ["127.0.0.2"]
    assert _spf_check.check_host(_spf_model.helo_identity(HERE, "relay.example.com"), Dns(zone)).result == "pass"


@pytest.mark.parametrize(
    "helo",
    [
        pytest.param("", id="2.3 empty"),
        pytest.param("localhost", id="4.3 one label"),
        pytest.param("[192.0.2.1]", id="2.3 address literal"),
        pytest.param("[IPv6:2001:db8::1]", id="2.3 IPv6 address literal"),
        pytest.param("192.0.2.1", id="2.3 address"),
        pytest.param("a..example", id="4.3 empty label"),
        pytest.param(".example.com", id="4.3 empty label at the start"),
        pytest.param("example.com..", id="4.3 empty label at the end"),
        pytest.param(f"{'a' * 64}.example", id="4.3 label of 64 characters"),
        pytest.param(".".join(["a" * 63] * 4), id="4.3 name of 255 characters"),
        pytest.param("\u00fc.example", id="4.3 not an A-label"),
    ],
)
def test_a_domain_that_is_malformed_is_none_and_not_asked_for(helo: str) -> None:
    dns = Dns({})
    for arguments in (_spf_model.helo_identity(HERE, helo), _spf_model.mail_from_identity(HERE, f"me@{helo}", "h")):
        outcome = _spf_check.check_host(arguments, dns)
        assert (outcome.result, dns.asked) == ("none", [])
        assert "4.3" in outcome.problem


def test_a_dot_at_the_end_of_the_domain_is_accepted() -> None:
    assert check({"example.com TXT": spf("+all")}, mail_from="me@example.com.").result == "pass"


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("exists:%{l}.example.com -all", "fail"),
        ("include:%{S} -all", "fail"),
        ("exists:%{o}.example.com -all", "pass"),
        ("redirect=%{l}.example.com", "permerror"),
    ],
)
def test_terms_with_a_local_part_that_is_not_ascii_match_nothing_rfc_8616(record: str, result: str) -> None:
    zone: Zone = {"example.com TXT": spf(record), "example.com.example.com A": ["127.0.0.2"]}
    assert check(zone, mail_from="\u00fc@example.com").result == result


def test_an_address_that_is_none_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        check({}, ip="192.0.2")


def test_the_zone_of_an_address_is_left_out() -> None:
    assert check({"example.com TXT": spf("exists:%{ir}.example -all")}, ip="fe80::1%eth0").result == "fail"

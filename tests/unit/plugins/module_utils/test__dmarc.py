# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 9989 where no other RFC is named."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dmarc, _uri
from ansible_collections.mailops.relay.plugins.module_utils._dmarc import PolicyRecord, ReportUri
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=300, deadline=None, database=None)


def to(*addresses: str, size: str = "") -> tuple[ReportUri, ...]:
    return tuple(ReportUri(_uri.mailto(address), size) for address in addresses)


FEEDBACK = to("dmarc-feedback@example.com")
RUA = "rua=mailto:dmarc-feedback@example.com"

RECORDS = [
    pytest.param(f"v=DMARC1; p=none; {RUA}", PolicyRecord("none", rua=FEEDBACK), id="B.2.1: monitoring"),
    pytest.param(
        f"v=DMARC1; p=none; {RUA}; ruf=mailto:auth-reports@example.com",
        PolicyRecord("none", rua=FEEDBACK, ruf=to("auth-reports@example.com")),
        id="B.2.2: failure reports",
    ),
    pytest.param("v=DMARC1;", PolicyRecord(), id="B.2.3: agreement to get reports"),
    pytest.param(
        f"v=DMARC1; p=quarantine; {RUA},mailto:tld-test@thirdparty.example.net; t=y",
        PolicyRecord("quarantine", t="y", rua=to("dmarc-feedback@example.com", "tld-test@thirdparty.example.net")),
        id="B.2.5: test of a subdomain",
    ),
    pytest.param("v=DMARC1", PolicyRecord(), id="4.8: no tag"),
    pytest.param("v \t= DMARC1 ;\tp = reject ; ", PolicyRecord("reject"), id="4.8: white space"),
    pytest.param("v=DMARC1; p=Reject; adkim=S", PolicyRecord("reject", adkim="s"), id="RFC 5234 2.3: case of values"),
    pytest.param("v=DMARC1; sp=none; p=reject", PolicyRecord("reject", sp="none"), id="4.8: order does not matter"),
    pytest.param(
        "v=DMARC1; p=reject; sp=quarantine; np=none; psd=n; t=y; adkim=s; aspf=s",
        PolicyRecord("reject", sp="quarantine", np="none", psd="n", t="y", adkim="s", aspf="s"),
        id="4.7: all but reports",
    ),
    pytest.param("v=DMARC1; psd=y; t=n; aspf=r", PolicyRecord(psd="y"), id="4.7: defaults"),
    pytest.param("v=DMARC1; p=none; fo=1", PolicyRecord("none", fo=("1",)), id="4.7: fo=1"),
    pytest.param("v=DMARC1; p=none; fo=d:0:s", PolicyRecord("none", fo=("d", "0", "s")), id="4.7: fo in any order"),
    pytest.param("v=DMARC1; p=none; fo=d:s", PolicyRecord("none", fo=("d", "s")), id="4.7: fo without 0 and 1"),
    pytest.param(
        "v=DMARC1; p=none; rua=mailto:a@example.com!10M , mailto:b@example.com",
        PolicyRecord("none", rua=to("a@example.com", size="10m") + to("b@example.com")),
        id="4.8: obsolete size",
    ),
    pytest.param(
        "v=DMARC1; p=none; pct=50; rf=afrf; ri=86400",
        PolicyRecord("none", removed=(("pct", "50"), ("rf", "afrf"), ("ri", "86400"))),
        id="C.5.2: removed tags",
    ),
    pytest.param("v=DMARC1; p=none; rua=x", PolicyRecord("none"), id="4.8: no URI"),
]

# What receivers discard, what they read then, and what is said about it.
DISCARDED = [
    pytest.param("v=DMARC1; p=none; x=1", PolicyRecord("none"), "tag x is not known", id="4.7: unknown tag"),
    pytest.param(
        "v=DMARC1; p=none; P=reject", PolicyRecord("none"), "tag P is not known", id="RFC 6376 3.2: case of tags"
    ),
    pytest.param("v=DMARC1;; p=none", PolicyRecord("none"), "'' is not a tag", id="4.8: empty tag"),
    pytest.param("v=DMARC1; p=none; aspf", PolicyRecord("none"), "'aspf' is not a tag", id="4.8: no value"),
    pytest.param("v=DMARC1; p=none; aspf=", PolicyRecord("none"), "'aspf=' is not a tag", id="4.8: empty value"),
    pytest.param("v=DMARC1; p=none; aspf=\u00e4", PolicyRecord("none"), "is not a tag", id="4.8: not ASCII"),
    pytest.param("v=DMARC1; p=none; a1=b", PolicyRecord("none"), "'a1=b' is not a tag", id="4.8: digit in a tag"),
    pytest.param("v=DMARC1; p=none; adkim=x", PolicyRecord("none"), "adkim has the value 'x'; one of r, s", id="adkim"),
    pytest.param("v=DMARC1; p=none; aspf=rs", PolicyRecord("none"), "aspf has the value 'rs'; one of r, s", id="aspf"),
    pytest.param("v=DMARC1; p=none; t=1", PolicyRecord("none"), "t has the value '1'; one of y, n", id="t"),
    pytest.param("v=DMARC1; p=none; psd=x", PolicyRecord("none"), "psd has the value 'x'; one of y, n, u", id="psd"),
    pytest.param("v=DMARC1; p=none; fo=0:1", PolicyRecord("none"), "fo has the value '0:1'", id="fo: 0 and 1"),
    pytest.param("v=DMARC1; p=none; fo=d:d", PolicyRecord("none"), "fo has the value 'd:d'", id="fo: d twice"),
    pytest.param("v=DMARC1; p=none; fo=2", PolicyRecord("none"), "fo has the value '2'", id="fo: not an option"),
    pytest.param("v=DMARC1; p=none; fo=01", PolicyRecord("none"), "fo has the value '01'", id="fo: no colon"),
    pytest.param("v=DMARC1; p=none; fo=1", PolicyRecord("none", fo=("1",)), "without a tag ruf", id="fo without ruf"),
    pytest.param(
        f"v=DMARC1; p=none; {RUA},reports@example.com",
        PolicyRecord("none", rua=FEEDBACK),
        "rua has an item that receivers ignore: 'reports@example.com' is not a URI",
        id="rua: no URI",
    ),
    pytest.param(
        f"v=DMARC1; p=none; {RUA},mailto:a!b@example.com",
        PolicyRecord("none", rua=FEEDBACK),
        "not written as %21",
        id="rua: exclamation mark",
    ),
    pytest.param(
        f"v=DMARC1; p=none; {RUA}!5g",
        PolicyRecord("none", rua=to("dmarc-feedback@example.com", size="5g")),
        "the size 5g",
        id="rua: size",
    ),
    pytest.param(
        "v=DMARC1; p=none; pct=0", PolicyRecord("none", removed=(("pct", "0"),)), "pct=0 is ignored .* t=y", id="pct"
    ),
    pytest.param("v=DMARC1; p=block", PolicyRecord(), "p has the value 'block'; one of none, quarantine", id="p"),
    pytest.param("v=DMARC1; p=reject; sp=off", PolicyRecord(), "sp has the value 'off'", id="4.10.1: sp takes p along"),
    pytest.param("v=DMARC1; p=reject; np=off", PolicyRecord(), "np has the value 'off'", id="4.10.1: np takes p along"),
    pytest.param(f"v=DMARC1; {RUA}", PolicyRecord(rua=FEEDBACK), "act as for p=none", id="4.10.1: no p, but rua"),
    pytest.param("v=DMARC1; adkim=s", PolicyRecord(adkim="s"), "do not apply DMARC", id="4.10.1: neither p nor rua"),
]

NOT_RECORDS = [
    pytest.param("", "v=DMARC1", id="4.7: empty"),
    pytest.param("p=none; v=DMARC1", "first tag", id="4.7: v not first"),
    pytest.param(" v=DMARC1; p=none", "first tag", id="4.8: space in front"),
    pytest.param("v=dmarc1; p=none", "first tag", id="4.7: case of the version"),
    pytest.param("V=DMARC1; p=none", "first tag", id="RFC 6376 3.2: case of v"),
    pytest.param("v=DMARC2; p=none", "first tag", id="4.7: version"),
    pytest.param("v=DMARC1 p=none", "first tag", id="4.8: no separator"),
    pytest.param("v=DMARC1\n", "first tag", id="4.8: line end"),
    pytest.param("v=DMARC1; p=none; p=reject", "the tag p occurs twice", id="RFC 6376 3.2: twice"),
    pytest.param("v=DMARC1; v=DMARC1", "the tag v occurs twice", id="RFC 6376 3.2: v twice"),
]

NOT_WRITTEN = [
    (PolicyRecord("block"), "the tag p has the value 'block'; one of none, quarantine, reject is accepted"),
    (PolicyRecord("none", adkim="x"), "the tag adkim has the value 'x'; one of r, s is accepted"),
    (PolicyRecord("none", t=""), "the tag t has the value ''"),
    (PolicyRecord("none", fo=("0", "1")), "the tag fo has the value '0:1'"),
    (PolicyRecord("none", fo=()), "the tag fo has the value ''"),
    (PolicyRecord("none", rua=(ReportUri(_uri.parse("https://example.com/a,b")),)), "%2C"),
    (PolicyRecord("none", rua=(ReportUri(_uri.parse("https://example.com/a;b")),)), "%3B"),
    (PolicyRecord("none", rua=(ReportUri(_uri.parse("https://example.com/"), "big"),)), "does not say"),
    (PolicyRecord("none", removed=(("pct", "0; p=reject"),)), "occurs twice"),
    (PolicyRecord("none", removed=(("x", "0"),)), "does not say"),
    (PolicyRecord("Reject"), "does not say"),
    (PolicyRecord(None, sp="reject"), None),
]


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_parse(text: str, record: PolicyRecord) -> None:
    assert _dmarc.is_record(text)
    assert _dmarc.parse(text) == record


@pytest.mark.parametrize("record", [param.values[1] for param in RECORDS])
def test_join_and_parse_are_inverses(record: PolicyRecord) -> None:
    assert _dmarc.parse(_dmarc.join(record)) == record


@pytest.mark.parametrize(("text", "record", "message"), DISCARDED)
def test_what_receivers_discard(text: str, record: PolicyRecord, message: str) -> None:
    assert _dmarc.parse(text) == record
    with pytest.raises(AssertionError, match=message):
        raise AssertionError("\n".join(_dmarc.problems(text)))


def test_a_record_without_problems() -> None:
    text = f"v=DMARC1; p=reject; fo=1:d; {RUA}; ruf=mailto:a@example.com; "
    assert _dmarc.problems(text) == []


@pytest.mark.parametrize(("text", "message"), NOT_RECORDS)
def test_parse_refuses(text: str, message: str) -> None:
    for function in (_dmarc.parse, _dmarc.problems):
        with pytest.raises(ValueError, match=message):
            function(text)


@pytest.mark.parametrize(("record", "message"), NOT_WRITTEN)
def test_join_refuses(record: PolicyRecord, message: t.Optional[str]) -> None:
    if message is None:
        assert _dmarc.parse(_dmarc.join(record)) == record
        return
    with pytest.raises(ValueError, match=message):
        _dmarc.join(record)


def test_join_writes_p_behind_v_for_old_receivers() -> None:
    record = PolicyRecord("reject", sp="none", t="y", fo=("1", "d"), rua=FEEDBACK, removed=(("pct", "0"),))
    assert _dmarc.join(record) == f"v=DMARC1; p=reject; sp=none; t=y; fo=1:d; {RUA}; pct=0"


@pytest.mark.parametrize(
    ("texts", "record"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(["v=spf1 -all", "v=DMARC1; p=none"], PolicyRecord("none"), id="others do not count"),
        pytest.param(["v=DMARC1; p=none", "v=DMARC1; p=none"], None, id="several count as none"),
        pytest.param(["v=DMARC1; p=none; p=none"], None, id="not valid"),
    ],
)
def test_only_record(texts: list[str], record: t.Optional[PolicyRecord]) -> None:
    assert _dmarc.only_record(texts) == record


# A record, and what is applied to its domain, to a subdomain, and to one that does not exist: by receivers that follow
# RFC 9989, and by those that still follow RFC 7489.
POLICIES = [
    ("p=reject", ("reject", "reject", "reject"), ("reject", "reject", "reject")),
    ("p=reject; sp=quarantine", ("reject", "quarantine", "quarantine"), ("reject", "quarantine", "quarantine")),
    ("p=none; sp=quarantine; np=reject", ("none", "quarantine", "reject"), ("none", "quarantine", "quarantine")),
    ("p=none; np=reject", ("none", "none", "reject"), ("none", "none", "none")),
    ("p=reject; sp=none; np=quarantine; t=y", ("quarantine", "none", "none"), ("reject", "none", "none")),
    ("p=quarantine; t=y", ("none", "none", "none"), ("quarantine", "quarantine", "quarantine")),
    ("p=quarantine; t=y; pct=0", ("none", "none", "none"), ("none", "none", "none")),
    ("p=reject; pct=0", ("reject", "reject", "reject"), ("quarantine", "quarantine", "quarantine")),
    ("p=reject; pct=50", ("reject", "reject", "reject"), ("reject", "reject", "reject")),
    ("rua=mailto:a@example.com", ("none", "none", "none"), ("none", "none", "none")),
    ("sp=reject; rua=mailto:a@example.com", ("none", "none", "none"), ("none", "none", "none")),
    ("p=reject; sp=off; rua=mailto:a@example.com", ("none", "none", "none"), ("none", "none", "none")),
    ("adkim=s", (None, None, None), (None, None, None)),
]


@pytest.mark.parametrize(("tags", "new", "old"), POLICIES)
def test_policy(tags: str, new: tuple[str, ...], old: tuple[str, ...]) -> None:
    record = _dmarc.parse(f"v=DMARC1; {tags}")
    kinds: tuple[_dmarc.Kind, ...] = ("domain", "subdomain", "nonexistent")
    assert tuple(_dmarc.policy_for(record, kind) for kind in kinds) == new
    assert tuple(_dmarc.old_policy_for(record, kind) for kind in kinds) == old


def test_policy_refuses_another_kind() -> None:
    with pytest.raises(ValueError, match="'host' is not a kind of domain; one of domain, subdomain, nonexistent"):
        _dmarc.policy_for(PolicyRecord("none"), t.cast("_dmarc.Kind", "host"))


@pytest.mark.parametrize("policy", ["none", "quarantine", "reject"])
def test_a_test_is_a_test_for_old_receivers_too(policy: str) -> None:
    record = _dmarc.for_old_receivers(PolicyRecord(policy, t="y"))
    assert _dmarc.old_policy_for(record, "domain") == _dmarc.policy_for(record, "domain")
    assert _dmarc.join(record).endswith("t=y; pct=0")
    assert _dmarc.for_old_receivers(PolicyRecord(policy, removed=(("pct", "0"),))) == PolicyRecord(policy)


TREE_WALKS = [
    pytest.param(
        "a.mail.example.com",
        ["_dmarc.a.mail.example.com", "_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"],
        id="4.10.2",
    ),
    pytest.param("com", ["_dmarc.com"], id="one label"),
    pytest.param(
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        [
            "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
            "_dmarc.g.h.i.j.mail.example.com",
            "_dmarc.h.i.j.mail.example.com",
            "_dmarc.i.j.mail.example.com",
            "_dmarc.j.mail.example.com",
            "_dmarc.mail.example.com",
            "_dmarc.example.com",
            "_dmarc.com",
        ],
        id="4.10: shortcut",
    ),
    pytest.param(
        "A.b.c.d.e.f.g.com.",
        [f"_dmarc.{'.'.join(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'com'][i:])}" for i in range(8)],
        id="4.10: eight labels",
    ),
]


@pytest.mark.parametrize(("domain", "names"), TREE_WALKS)
def test_tree_walk(domain: str, names: list[str]) -> None:
    assert _dmarc.tree_walk_names(domain) == names


def at(*domains: str) -> dict[str, PolicyRecord]:
    """Return records at ``domain`` or ``domain psd``."""
    found = {}
    for domain in domains:
        name, _space, psd = domain.partition(" ")
        found[_dmarc.record_name(name)] = PolicyRecord("reject", psd=psd or "u")
    return found


BANK = at("bank.example y", "giant.bank.example")
ORGANIZATIONAL_DOMAINS = [
    pytest.param(
        "a.mail.example.com", at("mail.example.com", "example.com"), "example.com", id="4.10.2: fewest labels"
    ),
    pytest.param("a.mail.example.com", at("mail.example.com n", "example.com"), "mail.example.com", id="4.10.2: psd=n"),
    pytest.param("a.mail.example.com", at("com y"), "example.com", id="4.10.2: below psd=y"),
    pytest.param("mail.example.com", at("example.com y"), "mail.example.com", id="4.10.2: directly below psd=y"),
    pytest.param("example.com", at("example.com y", "com"), "example.com", id="4.10.2: psd=y where the walk starts"),
    pytest.param("a.example.com", {}, "a.example.com", id="4.10.2: no record"),
    pytest.param("signing.example.com", at("signing.example.com", "example.com"), "example.com", id="B.4.1"),
    pytest.param("a.b.c.d.e.f.g.h.i.j.k.example.com", at("example.com"), "example.com", id="B.4.2: deep"),
    pytest.param("giant.bank.example", BANK, "giant.bank.example", id="B.4.3: author"),
    pytest.param("mail.giant.bank.example", BANK, "giant.bank.example", id="B.4.3: MAIL FROM"),
    pytest.param("mail.mega.bank.example", BANK, "mega.bank.example", id="B.4.3: signer"),
    pytest.param("a.b.c.d.e.f.g.h.com", at("c.d.e.f.g.h.com y"), "b.c.d.e.f.g.h.com", id="below psd=y, name not asked"),
]


@pytest.mark.parametrize(("domain", "found", "organizational"), ORGANIZATIONAL_DOMAINS)
def test_organizational_domain(domain: str, found: dict[str, PolicyRecord], organizational: str) -> None:
    assert _dmarc.organizational_domain(domain, found) == organizational
    assert _dmarc.organizational_domain(domain.upper() + ".", found) == organizational


DISCOVERIES = [
    pytest.param("example.com", at("example.com"), "example.com", id="Author Domain"),
    pytest.param("a.example.com", at("a.example.com", "example.com"), "a.example.com", id="Author Domain first"),
    pytest.param(
        "a.mail.example.com", at("mail.example.com", "example.com"), "example.com", id="Organizational Domain"
    ),
    pytest.param("a.b.example.com", at("com y"), "com", id="Public Suffix Domain"),
    pytest.param(
        "a.b.example.com", at("example.com", "com y"), "example.com", id="PSD is not for its tenants' records"
    ),
    pytest.param("example.com", at("example.net"), None, id="nothing"),
]


@pytest.mark.parametrize(("author", "found", "domain"), DISCOVERIES)
def test_discover(author: str, found: dict[str, PolicyRecord], domain: t.Optional[str]) -> None:
    discovered = _dmarc.discover(author, found)
    assert discovered == (domain and (domain, found[_dmarc.record_name(domain)]))


COM = at("example.com", "example.net")
ALIGNMENTS = [
    pytest.param("example.com", "example.com", "s", True, id="B.1.1: strict"),
    pytest.param("example.com", "child.example.com", "r", True, id="B.1.1: relaxed"),
    pytest.param("child.example.com", "example.net", "r", False, id="B.1.1: not aligned"),
    pytest.param("child.example.com", "example.com", "r", True, id="B.1.2: relaxed, signed by the parent"),
    pytest.param("child.example.com", "example.com", "s", False, id="strict, signed by the parent"),
    pytest.param("a.example.com", "b.example.com", "r", True, id="relaxed, siblings"),
    pytest.param("EXAMPLE.com", "example.COM.", "s", True, id="case does not matter"),
    pytest.param("other.org", "other.org", "r", True, id="same domain, no record"),
    pytest.param("a.other.org", "b.other.org", "r", False, id="siblings, no record"),
]


@pytest.mark.parametrize(("author", "identifier", "mode", "aligned"), ALIGNMENTS)
def test_is_aligned(author: str, identifier: str, mode: str, aligned: bool) -> None:
    assert _dmarc.is_aligned(author, identifier, mode, COM) is aligned


def test_is_aligned_in_the_example_of_a_public_suffix() -> None:
    assert _dmarc.is_aligned("giant.bank.example", "mail.giant.bank.example", "r", BANK)
    assert not _dmarc.is_aligned("giant.bank.example", "mail.mega.bank.example", "r", BANK)


def test_is_aligned_refuses_another_mode() -> None:
    with pytest.raises(ValueError, match="the alignment mode has the value 'x'; r or s is accepted"):
        _dmarc.is_aligned("example.com", "example.com", "x", {})


def test_reports_to_others() -> None:
    assert _dmarc.is_external("blue.example.com", "red.example.net", COM)
    assert not _dmarc.is_external("blue.example.com", "mail.example.com", COM)
    assert (
        _dmarc.report_name("blue.example.com", "red.example.net") == "blue.example.com._report._dmarc.red.example.net"
    )
    assert _dmarc.report_name("*", "red.example.net") == "*._report._dmarc.red.example.net"


def test_report_name_refuses_what_is_too_long() -> None:
    with pytest.raises(ValueError, match="up to 253"):
        _dmarc.report_name(".".join(["a" * 63] * 3), ".".join(["b" * 63] * 2))


TAGS = st.sampled_from(["p", "sp", "np", "t", "psd", "adkim", "aspf", "fo", "rua", "ruf", "pct", "rf", "x", "v", ""])
VALUES = st.sampled_from(
    [
        "none",
        "reject",
        "Quarantine",
        "y",
        "n",
        "u",
        "r",
        "s",
        "0",
        "1:d",
        "d:s",
        "mailto:a@b.example!1k,x",
        "https://a/",
    ]
)
SPECS = st.builds("{}{}{}".format, TAGS, st.sampled_from(["=", " = ", "", "=\t"]), VALUES | st.text(max_size=5))


@QUICK
@given(st.text() | st.lists(SPECS, max_size=8).map(lambda specs: "; ".join(["v=DMARC1", *specs])))
def test_any_text_is_a_record_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        record = _dmarc.parse(text)
        assert _dmarc.parse(_dmarc.join(record)) == record
        for kind in t.get_args(_dmarc.Kind):
            assert _dmarc.policy_for(record, kind) in ("none", "quarantine", "reject", None)
        assert isinstance(_dmarc.problems(text), list)


@QUICK
@given(
    st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=14).map(".".join),
    st.dictionaries(st.integers(0, 13), st.sampled_from("ynu")),
)
def test_a_tree_walk_is_short_and_finds_a_parent(domain: str, flags: dict[int, str]) -> None:
    names = _dmarc.tree_walk_names(domain)
    found = {names[i]: PolicyRecord("none", psd=flag) for i, flag in flags.items() if i < len(names)}
    organizational = _dmarc.organizational_domain(domain, found)
    assert len(names) <= 8
    assert f".{domain}".endswith(f".{organizational}")
    discovered = _dmarc.discover(domain, found)
    assert discovered is None or _dmarc.record_name(discovered[0]) in found

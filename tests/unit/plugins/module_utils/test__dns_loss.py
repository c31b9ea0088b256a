# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dns_loss
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from hypothesis import given
from hypothesis import strategies as st

ZONE = "example.com"
DMARC = "_dmarc.example.com"
TLSRPT = "_smtp._tls.example.com"
STS = "_mta-sts.example.com"
KEY = "s1._domainkey.example.com"
P1 = "v=DKIM1; k=rsa; p=AAAA"
P2 = "v=DKIM1; k=rsa; p=BBBB"


def losses(name: str, new: str | list[str], *old: str, rdtype: str = "TXT") -> list[_dns_loss.Loss]:
    values = (new,) if isinstance(new, str) else tuple(new)
    return _dns_loss.losses(RecordSet(name, rdtype, values), old)


@pytest.mark.parametrize(
    ("name", "new", "old"),
    [
        (ZONE, "v=spf1 a include:b.test -all", "v=spf1 include:b.test -all"),
        (ZONE, "v=spf1 -all", "google-site-verification=abc"),
        (ZONE, "free text", "v=spf1 include:b.test -all"),
        (ZONE, "v=spf1 -all", "v=spf1 nonsense"),
        (DMARC, "v=DMARC1; p=reject", "v=DMARC1; p=none; sp=quarantine; t=y"),
        (DMARC, "v=DMARC1; p=reject", "v=DMARC1; p=reject; pct=50; ri=3600; x=y"),
        (DMARC, "v=DMARC1; p=none; rua=mailto:A@b.test,mailto:c@b.test", "v=DMARC1;p=none;rua=mailto:a@B.test!10m"),
        (DMARC, "v=DMARC1; p=reject", "v=DMARC1; p=reject; p=none"),
        (DMARC, "v=DMARC1; p=reject", "v=DMARC1; p=reject; sp=reject; np=reject"),
        (DMARC, "v=DMARC1; p=none", "somebody else's text"),
        (TLSRPT, "v=TLSRPTv1; rua=mailto:b@b.test,mailto:a@b.test", "v=TLSRPTv1;rua=mailto:A@b.test"),
        (TLSRPT, "v=TLSRPTv1; rua=mailto:b@b.test", "v=TLSRPTv1; nothing"),
        (STS, "v=STSv1; id=2;", "v=STSv1; id=1"),
        (KEY, P1, "k=rsa; p=AA AA"),
        (KEY, P1, "v=DKIM1; p="),
        (KEY, "v=DKIM1; p=", P1),
        (KEY, P1, "v=DKIM1; k=rsa; t=y:s; h=sha256; s=email; p=AAAA"),
        (KEY, [P1, P2], P1),
        (KEY, P1, "no key at all"),
    ],
)
def test_no_loss(name, new, old) -> None:
    assert losses(name, new, old) == []


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (["10 mx1.b.test"], ["20 mx1.b.test."]),
        (["10 mx1.b.test", "20 mx2.b.test"], ["10 MX1.b.test."]),
        (["10 mx1.b.test"], ["0 ."]),
        (["10 mx1.b.test"], []),
    ],
)
def test_no_mail_server_is_lost(new, old) -> None:
    assert losses(ZONE, new, *old, rdtype="MX") == []


@pytest.mark.parametrize("rdtype", ["A", "TLSA"])
def test_other_types_hold_nothing_of_others(rdtype) -> None:
    values = {"A": ("192.0.2.1", "192.0.2.2"), "TLSA": (f"3 1 1 {'ab' * 32}", f"3 1 1 {'cd' * 32}")}[rdtype]
    assert losses(ZONE, values[0], values[1], rdtype=rdtype) == []


@pytest.mark.parametrize(
    ("name", "new", "old", "lost", "keep"),
    [
        (ZONE, "v=spf1 a -all", "v=spf1 include:b.test mx -all", "include:b.test, mx", "relay_domains[].spf.terms"),
        (
            ZONE,
            "v=spf1 -all",
            "v=spf1 redirect=b.test",
            "redirect=b.test",
            "include:b.test in relay_domains[].spf.terms",
        ),
        (ZONE, "v=spf1 a ~all", "v=spf1 a -all", "the strength of -all, for ~all", "relay_domains[].spf.all: fail"),
        (ZONE, "v=spf1 ?all", "v=spf1 ~all", "the strength of ~all, for ?all", "relay_domains[].spf.all: softfail"),
        (
            ZONE,
            "v=spf1 redirect=b.test",
            "v=spf1 -all",
            "for what redirect=b.test says",
            "relay_domains[].spf.all: fail",
        ),
        (ZONE, "v=spf1 oops", "v=spf1 a -all", 'all of it: receivers ignore "v=spf1 oops"', "one valid record"),
        (ZONE, ["v=spf1 a", "v=spf1 mx"], "v=spf1 ?all", "all of it: receivers ignore", "one valid record"),
        (
            DMARC,
            "v=DMARC1; p=none",
            "v=DMARC1; p=reject; np=reject; sp=quarantine",
            "reject for the domain, names that do not exist (now none); quarantine for subdomains (now none)",
            "relay_domains[].dmarc.policy",
        ),
        (
            DMARC,
            "v=DMARC1; p=reject; sp=none",
            "v=DMARC1; p=reject",
            "reject for subdomains, names",
            "subdomain_policy",
        ),
        (DMARC, "v=DMARC1; p=reject; np=none", "v=DMARC1; p=reject", "reject for names that do not exist", "policy"),
        (DMARC, "v=DMARC1; p=reject; t=y", "v=DMARC1; p=reject", "(now quarantine)", "policy"),
        (DMARC, "v=DMARC1; p=wrong", "v=DMARC1; p=quarantine", "quarantine for the domain", "policy"),
        (DMARC, "v=DMARC1; p=none; p=none", "v=DMARC1; p=none", "all of it", "one valid record"),
        (
            DMARC,
            "v=DMARC1; p=none; rua=mailto:a@b.test",
            "v=DMARC1; p=none; rua=mailto:x@b.test,mailto:a@b.test,https://b.test/r",
            "the reports to mailto:x@b.test, https://b.test/r",
            "relay_domains[].dmarc.rua",
        ),
        (
            DMARC,
            "v=DMARC1; p=none",
            "v=DMARC1; p=none; ruf=mailto:a@b.test",
            "ruf=mailto:a@b.test (now nobody)",
            "same",
        ),
        (DMARC, "v=DMARC1; p=none", "v=DMARC1; p=none; adkim=s", "adkim=s (now r)", "same"),
        (DMARC, "v=DMARC1; p=none; aspf=s", "v=DMARC1; p=none", "aspf=r (now s)", "same"),
        (DMARC, "v=DMARC1; p=none", "v=DMARC1; p=none; psd=n", "psd=n (now u)", "same"),
        (DMARC, "v=DMARC1; p=reject; pct=10", "v=DMARC1; p=reject; pct=50", "pct=50 (now 10)", "same"),
        (
            TLSRPT,
            "v=TLSRPTv1; rua=mailto:a@b.test",
            "v=TLSRPTv1; rua=mailto:z@b.test",
            "the reports to mailto:z@b.test",
            "relay_domains[].tlsrpt.rua",
        ),
        (
            TLSRPT,
            "v=TLSRPTv1; no",
            "v=TLSRPTv1; rua=mailto:z@b.test",
            "all of it: receivers ignore",
            "one valid record",
        ),
        (STS, "v=STSv1; id=-", "v=STSv1; id=1", "all of it: receivers ignore", "one valid record"),
        (KEY, P2, P1, "this key", "relay_dkim.selector"),
        (KEY, "v=DKIM1; k=ed25519; p=" + "A" * 43 + "=", P1, "this key", "v=DKIM1; p= there first"),
        (KEY, "v=DKIM1; p=?", P1, "this key", "relay_dkim.selector"),
        (KEY, [P2, "v=DKIM1; p="], P1, "this key", "relay_dkim.selector"),
        (KEY, "v=DKIM1; k=rsa; t=y; p=AAAA", P1, "mail that t=y leaves out", "the same tags"),
        (
            KEY,
            "v=DKIM1; h=sha1; s=email; t=s; p=AAAA",
            P1,
            "mail that t=s, h=sha1, s=email leaves out",
            "the same tags",
        ),
    ],
)
def test_a_loss(name, new, old, lost, keep) -> None:
    (loss,) = losses(name, new, old)
    assert lost in loss.lost
    assert keep in loss.keep
    assert f'{loss.lost} (there is "{old[:20]}' in str(loss)
    assert f"or {name} in confirm_loss" in str(loss)


def test_lost_mail_servers() -> None:
    (loss,) = losses(ZONE, ["0 ."], "10 mx1.b.test.", "20 mx2.b.test.", "30 odd", rdtype="MX")
    assert loss.there == "10 mx1.b.test., 20 mx2.b.test., 30 odd"
    assert loss.lost == "the mail servers mx1.b.test, mx2.b.test, odd"
    assert loss.keep == "these servers in relay_domains[].mx"


def test_each_respect_is_a_line() -> None:
    found = losses(DMARC, "v=DMARC1; p=none", "v=DMARC1; p=reject; adkim=s; rua=mailto:a@b.test")
    assert len({loss.lost for loss in found}) == 3


def test_of_two_spf_records_both_are_looked_at() -> None:
    found = losses(ZONE, "v=spf1 -all", "v=spf1 a -all", "v=spf1 mx -all")
    assert [loss.lost for loss in found] == ["a", "mx"]


def test_an_address_that_left_is_named_with_what_to_do() -> None:
    (loss,) = losses(ZONE, "v=spf1 ip4:192.0.2.1 -all", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all")
    assert "it would lose ip4:192.0.2.2 (" in str(loss)
    assert "such as a relay that left; or example.com in confirm_loss" in str(loss)


def test_long_data_are_shortened() -> None:
    words = " ".join(f"ip4:192.0.2.{n}" for n in range(200))
    (loss,) = losses(ZONE, "v=spf1 -all", f"v=spf1 {words} -all")
    assert len(str(loss)) < 700
    assert "and 192 more" in loss.lost


texts = st.one_of(
    st.text(),
    st.text(st.sampled_from('v=spf1 DMARC;pra:.-~?all\n\x00\\"%{}/0192')),
    st.sampled_from(["v=spf1 ", "v=DMARC1; ", "v=TLSRPTv1; ", "v=STSv1; ", "v=DKIM1; "]).flatmap(
        lambda start: st.text().map(lambda rest: start + rest)
    ),
)


@given(st.sampled_from([ZONE, DMARC, TLSRPT, STS, KEY]), texts, st.lists(texts, max_size=3))
def test_whatever_is_there_makes_one_printable_line(name, new, old) -> None:
    for loss in losses(name, new, *old):
        assert str(loss).isprintable()

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 8461 where no other RFC is named."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _mta_sts, _mta_sts_judgement
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts import Policy
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts_judgement import Fetched, Observation, Wanted

SERVER = Server("192.0.2.53")
DOMAIN, URL = "example.com", "https://mta-sts.example.com/.well-known/mta-sts.txt"
POLICY = Policy("enforce", 604800, ("mail.example.com", "*.example.net"))
OLD = Policy("testing", 86400, ("mail.example.com", "*.example.net"))
ID = _mta_sts.policy_id(POLICY)
FOREIGN = "20160831085700Z"


def answer(name, rdtype, *values, state=None):
    return Answer(name, rdtype, SERVER, state or ("present" if values else "no_data"), values)


def served(policy=POLICY, **changes):
    text = policy if isinstance(policy, bytes) else _mta_sts.join_policy(policy).encode()
    return dataclasses.replace(Fetched("192.0.2.80", "fetched", 200, "text/plain", text), **changes)


def record(*ids):
    return answer("_mta-sts.example.com", "TXT", *(f"v=STSv1; id={each};" for each in ids))


def mx(*hosts, state=None):
    return answer(DOMAIN, "MX", *(f"10 {host}." for host in hosts), state=state)


def observed(*fetched, published=ID, due=None, exchanges=None, hosts=None):
    now = record(*([published] if isinstance(published, str) else published))
    return Observation(
        Wanted(DOMAIN, POLICY),
        hosts or (answer("mta-sts.example.com", "A", "192.0.2.80"), answer("mta-sts.example.com", "AAAA")),
        fetched,
        now,
        record(due) if due else now,
        exchanges or mx("mail.example.com", "a.example.net"),
    )


def judged(*fetched, **other):
    return [(finding.id, finding.severity) for finding in _mta_sts_judgement.judge(observed(*fetched, **other))]


def test_all_is_well():
    assert judged(served()) == []
    assert judged(served(dataclasses.replace(POLICY, mx=POLICY.mx[::-1]), address="2001:db8::80"), served()) == []


@pytest.mark.parametrize(
    ("fetched", "expected"),
    [
        pytest.param(Fetched("a", "unreachable", detail="Connection refused"), "unreachable", id="3.3: no server"),
        pytest.param(Fetched("a", "timed_out"), "unreachable", id="3.3: no answer in time"),
        pytest.param(Fetched("a", "certificate", detail="expired"), "certificate_invalid", id="3.3: certificate"),
        pytest.param(Fetched("a", "malformed", detail="no HTTP"), "invalid", id="no HTTP"),
        pytest.param(served(status=301, detail="https://x.test/"), "redirected", id="3.3: redirects"),
        pytest.param(served(status=404), "missing", id="3.3: only 200 counts"),
        pytest.param(served(status=204), "missing", id="3.3: only 200 counts, of 2xx too"),
        pytest.param(served(content_type="text/html"), "type_wrong", id="3.2: type"),
        pytest.param(served(content_type=""), "type_wrong", id="3.2: no type"),
        pytest.param(served(b"<html>"), "invalid", id="3.2: no policy"),
        pytest.param(served(b"\xff\xfe"), "invalid", id="3.2: no text"),
        pytest.param(served(b""), "invalid", id="3.2: nothing"),
    ],
)
def test_what_senders_do_not_take(fetched, expected):
    assert judged(fetched) == [(f"mta_sts_policy_{expected}", "warning")]


def test_a_policy_of_the_wrong_type_is_compared_too():
    assert [kind for kind, _severity in judged(served(OLD, content_type="text/html"), published=FOREIGN)] == [
        "mta_sts_policy_type_wrong",
        "mta_sts_policy_different",
    ]


def test_addresses_with_the_same_trouble_are_one_finding():
    down = [Fetched(address, "unreachable", detail="No route to host") for address in ("192.0.2.80", "2001:db8::80")]
    finding, other = _mta_sts_judgement.judge(observed(*down, served(status=404)))
    assert (finding.subject, finding.message) == (
        URL,
        "192.0.2.80 and 2001:db8::80: it is unreachable: No route to host",
    )
    assert other.id == "mta_sts_policy_missing"


@pytest.mark.parametrize(
    ("fetched", "severity"),
    [
        (Fetched("2001:db8::80", "unreachable"), "notice"),
        (Fetched("2001:db8::80", "timed_out"), "notice"),
        (Fetched("2001:db8::80", "certificate"), "warning"),
        (served(status=404), "warning"),
    ],
)
def test_one_address_of_two(fetched, severity):
    """Senders try the other one where this cannot be reached; what it says wrong, it may say to any of them."""
    assert [each for _kind, each in judged(served(), fetched)] == [severity]


@pytest.mark.parametrize(
    ("hosts", "text"),
    [
        ([answer("h", "A"), answer("h", "AAAA")], "mta-sts.example.com: it has no address"),
        ([answer("h", "A", state="timed_out"), answer("h", "AAAA")], "mta-sts.example.com: A is timed_out"),
    ],
)
def test_no_address(hosts, text):
    (finding,) = _mta_sts_judgement.judge(observed(hosts=tuple(hosts)))
    assert (finding.id, finding.message) == ("mta_sts_policy_unreachable", text)


@pytest.mark.parametrize(
    ("policy", "published", "expected"),
    [
        pytest.param(POLICY, ID, [], id="3.1: the id is that of the policy"),
        pytest.param(POLICY, _mta_sts.policy_id(OLD), ["mta_sts_id_not_changed"], id="3.1: the id was not changed"),
        pytest.param(OLD, _mta_sts.policy_id(OLD), ["mta_sts_policy_different"], id="both are the old ones"),
        pytest.param(OLD, ID, ["mta_sts_policy_different"], id="5.1: the record came first"),
        pytest.param(
            OLD, "0" * 32, ["mta_sts_id_not_changed", "mta_sts_policy_different"], id="3.1: the id of a third policy"
        ),
        pytest.param(POLICY, FOREIGN, [], id="3.1: of a foreign id nothing is known"),
        pytest.param(OLD, FOREIGN, ["mta_sts_policy_different"], id="3.1: of a foreign id nothing is known, again"),
        pytest.param(POLICY, "F" * 32, [], id="3.1: one in upper case is foreign"),
        pytest.param(POLICY, [], [], id="3.1: without a record, it is the record that is missing"),
        pytest.param(POLICY, ["0" * 32, "1" * 32], [], id="3.1: of two records none counts"),
    ],
)
def test_id(policy, published, expected):
    assert [kind for kind, _severity in judged(served(policy), published=published)] == expected


def test_an_id_that_is_published_too_early_is_told():
    (early,) = _mta_sts_judgement.judge(observed(served(OLD)))
    (late,) = _mta_sts_judgement.judge(observed(served(OLD), published=_mta_sts.policy_id(OLD)))
    assert (
        early.message == f"{late.message}. The id of the new one is published, so senders keep what they get now, "
        "for 86400 s"
    )
    assert late.message.startswith("192.0.2.80: it is mode testing, mx mail.example.com, *.example.net, max_age 86400,")


def test_whether_the_record_is_there_is_judged_elsewhere():
    assert judged(served(), published="0" * 32, due=ID) == []
    assert judged(served(), published=[], due=ID) == []
    assert judged(served(), due="0" * 32) == [("mta_sts_id_not_changed", "warning")]


def test_the_remedy_for_an_id_is_the_record():
    (finding,) = _mta_sts_judgement.judge(observed(served(), published="0" * 32))
    line = f'_mta-sts.example.com. IN TXT "v=STSv1; id={ID};"'
    assert (finding.subject, finding.remedy) == (
        "_mta-sts.example.com TXT",
        f"Publish, when the right policy is served: {line}",
    )


@pytest.mark.parametrize(
    ("mode", "exchanges", "expected"),
    [
        pytest.param("enforce", mx("mail.example.com"), None, id="4.1: named"),
        pytest.param("enforce", mx("MAIL.example.com", "x.example.net"), None, id="4.1: by its first label"),
        pytest.param("enforce", mx("x.y.example.net"), "error", id="4.1: * is one label"),
        pytest.param("enforce", mx("example.net"), "error", id="4.1: * is a label"),
        pytest.param("enforce", mx("mail.example.com", "other.example.org"), "error", id="5: one of two"),
        pytest.param("testing", mx("other.example.org"), "warning", id="5: testing"),
        pytest.param("enforce", mx(), "error", id="RFC 5321, 5.1: without MX the domain is its own"),
        pytest.param("enforce", answer(DOMAIN, "MX", "0 ."), None, id="RFC 7505: no mail"),
        pytest.param("enforce", mx(state="timed_out"), "unknown", id="MX not known"),
        pytest.param("enforce", answer(DOMAIN, "MX", r"10 a\.b.example.net."), "error", id="no host name"),
        pytest.param("none", mx("other.example.org"), None, id="5: none"),
    ],
)
def test_mail_servers(mode, exchanges, expected):
    policy = dataclasses.replace(POLICY, mode=mode)
    found = [pair for pair in judged(served(policy), published=FOREIGN, exchanges=exchanges) if "mx" in pair[0]]
    unknown = [("mta_sts_mx_unknown", "warning")]
    assert found == {None: [], "unknown": unknown}.get(expected, [("mta_sts_mx_not_covered", expected)])


def test_parse():
    text = _mta_sts.join_policy(POLICY)
    assert _mta_sts_judgement.parse({"domain": "Example.com", "url": URL, "content": text}) == Wanted(DOMAIN, POLICY)
    assert _mta_sts_judgement.parse({"domain": DOMAIN, "url": None, "content": text}) == Wanted(DOMAIN, POLICY)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"domain": "a..b", "content": ""}, "is not a host name"),
        ({"domain": DOMAIN, "content": "x"}, "name: value is accepted"),
        ({"domain": DOMAIN, "content": "", "url": "https://example.com/"}, "is not where senders look"),
        ({"domain": DOMAIN, "content": "", "url": URL.replace("example", "x")}, "is not where senders look"),
    ],
)
def test_parse_refuses(item, text):
    with pytest.raises(ValueError, match=text):
        _mta_sts_judgement.parse(item)


def test_describe():
    found = _mta_sts_judgement.describe(observed(served(), Fetched("2001:db8::80", "timed_out")))
    assert [(item["address"], item["state"], item["content"]) for item in found] == [
        ("192.0.2.80", "fetched", _mta_sts.join_policy(POLICY)),
        ("2001:db8::80", "timed_out", ""),
    ]
    assert {item["id"] for item in found} == {ID}

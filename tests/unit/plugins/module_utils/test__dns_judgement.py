# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dns_answer, _dns_judgement
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Observation, Server
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

ONE, TWO = Server("192.0.2.53", name="ns1.example.com"), Server("2001:db8::53", name="ns2.example.com")
RESOLVER = Server("192.0.2.1")
NAME = "example.com"
SPF = "v=spf1 ip4:192.0.2.25 -all"
OTHER_SPF = "v=spf1 -all"


def wanted(rdtype="TXT", values=(SPF,), grade="required", name=NAME):
    return RecordSet(name, rdtype, tuple(values), grade=grade)


def answer(*values, server=ONE, rdtype="TXT", state=None, **other):
    return Answer(NAME, rdtype, server, state or ("present" if values else "no_data"), values=values, **other)


def judged(record, *answers, **other):
    findings = _dns_judgement.judge([Observation(record, other.pop("zone", NAME), tuple(answers), **other)])
    return [(finding.id, finding.severity) for finding in findings]


CONTENT = [
    ("right", wanted(), [answer(SPF)], []),
    ("right, beside the TXT of others", wanted(), [answer("google-site=1", SPF)], []),
    ("other spelling", wanted(), [answer(SPF.replace("ip4", "IP4"))], []),
    ("TTL", wanted(), [answer(SPF, ttl=7)], []),
    ("no data", wanted(), [answer()], [("dns_record_missing", "error")]),
    ("no name", wanted(), [answer(state="no_name")], [("dns_record_missing", "error")]),
    ("recommended", wanted(grade="recommended"), [answer()], [("dns_record_missing", "warning")]),
    ("optional", wanted(grade="optional"), [answer()], [("dns_record_missing", "notice")]),
    ("only the TXT of others", wanted(), [answer("google-site=1")], [("dns_record_missing", "error")]),
    ("different", wanted(), [answer(OTHER_SPF)], [("dns_record_different", "error")]),
    ("two SPF", wanted(), [answer(SPF, OTHER_SPF)], [("dns_spf_several_records", "error")]),
    ("broken SPF", wanted(), [answer("v=spf1 ipv4:x")], [("dns_record_different", "error")]),
    (
        "two MX instead of one",
        wanted("MX", ["10 mail.example.com."]),
        [answer("10 mail.example.com.", "20 old.example.com.", rdtype="MX")],
        [("dns_record_different", "error")],
    ),
    (
        "order",
        wanted("A", ["192.0.2.1", "192.0.2.2"]),
        [answer("192.0.2.2", "192.0.2.1", rdtype="A")],
        [],
    ),
    (
        "values that cannot be",
        wanted("TLSA", ["3 1 1 " + "ab" * 32]),
        [answer("3 1 1 ab", rdtype="TLSA")],
        [("dns_record_different", "error")],
    ),
    ("one lags", wanted(), [answer(SPF), answer(OTHER_SPF, server=TWO)], [("dns_servers_disagree", "error")]),
    ("one has none", wanted(), [answer(SPF), answer(server=TWO)], [("dns_servers_disagree", "error")]),
    (
        "both are wrong",
        wanted(),
        [answer(OTHER_SPF), answer(OTHER_SPF, server=TWO)],
        [("dns_record_different", "error")],
    ),
    ("only others differ", wanted(), [answer(SPF, "a=1"), answer(SPF, "a=2", server=TWO)], []),
    ("alias, right", wanted(), [answer(SPF, cnames=("a.test",))], [("dns_cname", "notice")]),
    ("alias, wrong", wanted(), [answer(OTHER_SPF, cnames=("a.test",))], [("dns_cname", "error")]),
    ("alias, dangling", wanted(), [answer(state="no_name", cnames=("a.test",))], [("dns_cname", "error")]),
    ("alias, unknown", wanted(), [answer(cnames=("a.test",), detail="a.test is bogus")], [("dns_cname", "error")]),
    (
        "alias of a reverse name",
        wanted("PTR", ["relay.example.com."], name="1.2.0.192.in-addr.arpa"),
        [answer("relay.example.com.", rdtype="PTR", cnames=("1.0-31.2.0.192.in-addr.arpa",))],
        [("dns_cname", "notice")],
    ),
    (
        "alias of a host",
        wanted("A", ["192.0.2.1"]),
        [answer("192.0.2.1", rdtype="A", cnames=("a.test",))],
        [("dns_cname", "warning")],
    ),
]


@pytest.mark.parametrize(
    ("record", "answers", "expected"), [row[1:] for row in CONTENT], ids=[row[0] for row in CONTENT]
)
def test_content(record, answers, expected):
    assert judged(record, *answers) == expected


def test_an_alias_is_found_once():
    """It is in the way of every record that should be at the name."""
    records = [wanted("A", ["192.0.2.1"]), wanted(grade="optional")]
    there = answer("192.0.2.1", rdtype="A", cnames=("a.test",)), answer(state="no_name", cnames=("a.test",))
    observations = [Observation(record, NAME, (given,)) for record, given in zip(records, there)]
    (finding,) = _dns_judgement.judge(observations)
    assert (finding.id, finding.severity, finding.subject) == ("dns_cname", "warning", NAME)
    assert finding.message.endswith("CNAME a.test, A: where the data are right; TXT: where there is no such record")
    assert finding.remedy.endswith('3600 IN A 192.0.2.1\nexample.com. 3600 IN TXT "v=spf1 ip4:192.0.2.25 -all"')


@pytest.mark.parametrize("state", ["refused", "timed_out", "unreachable", "malformed", "failed", "not_authoritative"])
def test_a_server_that_says_nothing(state):
    silent = answer(server=TWO, state=state, detail="x")
    assert judged(wanted(), answer(SPF), silent) == [(f"dns_server_{state}", "warning")]
    assert judged(wanted(), silent) == [(f"dns_server_{state}", "error")]


def test_a_server_is_found_once():
    silent = answer(server=TWO, state="timed_out")
    observations = [Observation(wanted(), NAME, (answer(SPF), silent)) for _number in range(5)]
    (finding,) = _dns_judgement.judge(observations)
    assert finding.subject == "ns2.example.com (2001:db8::53)"
    assert "example.com TXT and 4 more" in finding.message


RESOLVED = [
    ("secure", answer(SPF, server=RESOLVER, secure=True), []),
    ("bogus", answer(server=RESOLVER, state="bogus"), [("dns_bogus", "error")]),
    ("old", answer(OTHER_SPF, server=RESOLVER, ttl=1234), [("dns_record_cached", "notice")]),
    ("none yet", answer(server=RESOLVER), [("dns_record_cached", "notice")]),
    ("is the server", answer(OTHER_SPF, server=RESOLVER, authoritative=True), []),
    ("silent", answer(server=RESOLVER, state="timed_out"), []),
]


@pytest.mark.parametrize(("resolved", "expected"), [row[1:] for row in RESOLVED], ids=[row[0] for row in RESOLVED])
def test_resolver(resolved, expected):
    assert judged(wanted(), answer(SPF), resolved=resolved) == expected


def test_old_data_are_no_news_where_the_servers_are_wrong():
    assert judged(wanted(), answer(), resolved=answer(server=RESOLVER)) == [("dns_record_missing", "error")]


def test_seconds_left():
    resolved = answer(OTHER_SPF, server=RESOLVER, ttl=1234)
    (finding,) = _dns_judgement.judge([Observation(wanted(), NAME, (answer(SPF),), resolved)])
    assert "1234 s" in finding.message


def test_wildcard():
    assert judged(wanted(), answer("a=1"), wildcards=("a=1",)) == [("dns_wildcard_answers", "error")]
    assert judged(wanted(), answer(OTHER_SPF), wildcards=("a=1",)) == [("dns_record_different", "error")]


def test_zone():
    assert judged(wanted(), zone="com") == [("dns_zone_not_delegated", "error")]
    assert judged(wanted(), zone=".") == [("dns_zone_not_delegated", "error")]
    problem = answer(server=RESOLVER, state="timed_out")
    assert judged(wanted(grade="optional"), zone="", problem=problem) == [("dns_servers_unknown", "notice")]


def test_findings_tell_what_to_publish():
    record = wanted("TXT", ["v=DKIM1; p=" + 'a"' * 150], name="s._domainkey.example.com")
    (finding,) = _dns_judgement.judge([Observation(record, NAME, (answer(state="no_name"),))])
    assert finding.message == "the name does not exist"
    assert finding.remedy.startswith('Publish: s._domainkey.example.com. 3600 IN TXT "v=DKIM1; p=a\\"')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", Server("192.0.2.1")),
        ("2001:DB8::1", Server("2001:db8::1")),
        ("192.0.2.1@5353", Server("192.0.2.1", 5353)),
    ],
)
def test_parse_server(text, expected):
    assert _dns_answer.parse_server(text) == expected


@pytest.mark.parametrize(
    "text", ["", "ns1.example.com", "192.0.2.1@", "192.0.2.1@0", "192.0.2.1@65536", "192.0.2.1:53"]
)
def test_parse_server_refuses(text):
    with pytest.raises(ValueError, match="accepted: an IP address"):
        _dns_answer.parse_server(text)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cause, one finding: what follows from a wrong record is not told beside it, what has another cause is."""

from __future__ import annotations

import asyncio

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dns_consequences
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server
from ansible_collections.mailops.relay.plugins.module_utils._dns_survey import Survey
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._sender import Sender
from ansible_collections.mailops.relay.plugins.modules.dns_records_info import Seen, result_of

SERVER = Server("192.0.2.53")
RELAY, DOMAIN, REVERSE = "relay.example.com", "example.com", "1.2.0.192.in-addr.arpa"
A = RecordSet(RELAY, "A", ("192.0.2.1",))
PTR = RecordSet(REVERSE, "PTR", (f"{RELAY}.",))
MX = RecordSet(DOMAIN, "MX", (f"10 {RELAY}.",))
SPF = RecordSet(DOMAIN, "TXT", ("v=spf1 include:_spf.example.com -all",))
OURS = RecordSet("_spf.example.com", "TXT", ("v=spf1 ip4:192.0.2.1 -all",))
HELO = RecordSet(RELAY, "TXT", ("v=spf1 a -all",))
DMARC = RecordSet("_dmarc.example.com", "TXT", ("v=DMARC1; p=reject; rua=mailto:d@example.org",))
AGREED = RecordSet("example.com._report._dmarc.example.org", "TXT", ("v=DMARC1",))
ALL = [A, PTR, MX, SPF, OURS, HELO, DMARC, AGREED]
SENDER = Sender(RELAY, ("192.0.2.1",), (DOMAIN,), (DOMAIN,))


class Client:
    """Answers from a table, as one server of all zones would; silent names time out."""

    def __init__(self, records, silent=()):
        self._records = {record.key: record for record in records}
        self._names = {record.name for record in records}
        self._silent = silent

    async def ask(self, server, name, rdtype, **_options):
        record = self._records.get((name, rdtype)) or self._records.get((name, "CNAME"))
        if name in self._silent:
            return Answer(name, rdtype, server, "timed_out")
        if record is None:
            return Answer(name, rdtype, server, "no_data" if name in self._names else "no_name")
        if record.type == rdtype:
            return Answer(name, rdtype, server, "present", record.values)
        end = await self.ask(server, record.values[0].rstrip("."), rdtype)
        return Answer(name, rdtype, server, end.state, end.values, cnames=(end.name, *end.cnames))


def found(wanted, present, senders=(SENDER,), silent=()):
    async def run():
        survey = Survey(Client(present, silent), [SERVER], None, wanted)
        observations = await survey.observe_all(wanted)
        seen = await _dns_consequences.observe(survey, senders, wanted)
        return result_of(Seen(observations, seen))

    result = asyncio.run(run())
    return {(finding["id"], finding["subject"]) for finding in result["findings"]}, [r["result"] for r in result["spf"]]


def changed(record, *values, rdtype=None):
    return RecordSet(record.name, rdtype or record.type, values)


def without(*gone):
    return [record for record in ALL if record not in gone]


EXPLAINED = [
    ("nothing is wrong", ALL, set()),
    ("address: HELO, its SPF, PTR, MX", without(A), {("dns_record_missing", f"{RELAY} A")}),
    ("another address", [*without(A), changed(A, "192.0.2.9")], {("dns_record_different", f"{RELAY} A")}),
    ("SPF", without(SPF), {("dns_record_missing", f"{DOMAIN} TXT")}),
    ("SPF with an error", [*without(SPF), changed(SPF, "v=spf1 x -all")], {("dns_record_different", f"{DOMAIN} TXT")}),
    ("two SPF", [*without(SPF), changed(SPF, *SPF.values, "v=spf1")], {("dns_spf_several_records", f"{DOMAIN} TXT")}),
    ("an include of ours", without(OURS), {("dns_record_missing", "_spf.example.com TXT")}),
    ("both", without(SPF, OURS), {("dns_record_missing", f"{name} TXT") for name in (DOMAIN, "_spf.example.com")}),
    ("SPF of HELO", without(HELO), {("dns_record_missing", f"{RELAY} TXT")}),
    ("the agreement of ours", without(AGREED), {("dns_record_missing", f"{AGREED.name} TXT")}),
    ("the policy", without(DMARC), {("dns_record_missing", "_dmarc.example.com TXT")}),
    (
        "adkim",
        [*without(DMARC), changed(DMARC, f"{DMARC.values[0]}; adkim=s")],
        {("dns_record_different", "_dmarc.example.com TXT")},
    ),
    (
        "an alias in place of an address",
        [*without(A, HELO), RecordSet(RELAY, "CNAME", ("elsewhere.example.net.",))],
        {("dns_cname", RELAY)},
    ),
]


@pytest.mark.parametrize(("present", "expected"), [row[1:] for row in EXPLAINED], ids=[row[0] for row in EXPLAINED])
def test_what_follows_from_a_record_is_not_told_beside_it(present, expected):
    assert found(ALL, present)[0] == expected


def test_what_dns_says_now_is_told():
    assert found(ALL, ALL)[1] == ["pass", "pass"]
    assert found(ALL, without(SPF))[1] == ["pass", "none"]
    assert found(ALL, without(A))[1] == ["fail", "pass"]


OTHER = Sender(RELAY, ("192.0.2.7",), (DOMAIN,), (DOMAIN,))
NOT_PASSED = {("spf_not_pass", f"{DOMAIN} TXT"), ("spf_not_pass", f"{RELAY} TXT")}
NOT_OURS = [record for record in ALL if record not in (OURS, AGREED, A)]
STAYS = [
    ("a sender that no record names", ALL, ALL, OTHER, {*NOT_PASSED, ("dns_helo_not_confirmed", f"{RELAY} A")}),
    (
        "which DNS passes now",
        ALL,
        [*without(SPF), changed(SPF, "v=spf1 +all")],
        OTHER,
        {
            *NOT_PASSED,
            ("dns_helo_not_confirmed", f"{RELAY} A"),
            ("dns_record_different", f"{DOMAIN} TXT"),
        },
    ),
    (
        "records of others",
        NOT_OURS,
        NOT_OURS,
        SENDER,
        {
            *NOT_PASSED,
            ("dns_helo_not_confirmed", f"{RELAY} A"),
            ("dns_ptr_not_confirmed", f"{REVERSE} PTR"),
            ("dns_target_without_address", f"{DOMAIN} MX"),
            ("dmarc_reports_not_authorized", f"{AGREED.name} TXT"),
        },
    ),
    (
        "a sender that signs with another domain",
        ALL,
        ALL,
        Sender(RELAY, ("192.0.2.1",), (DOMAIN,), ("example.net",)),
        {("dmarc_dkim_not_aligned", f"From {DOMAIN}")},
    ),
]


@pytest.mark.parametrize(
    ("wanted", "present", "sender", "expected"), [row[1:] for row in STAYS], ids=[row[0] for row in STAYS]
)
def test_what_has_another_cause_stays(wanted, present, sender, expected):
    assert found(wanted, present, [sender])[0] == expected


def test_no_answer_is_told_once_of_our_records():
    """The AAAA record of the relay is nobody's: not to know it does no harm, since there is an A record."""
    for name in (RELAY, DOMAIN, "_spf.example.com", "_dmarc.example.com", REVERSE, AGREED.name):
        assert found(ALL, ALL, silent=[name])[0] == {("dns_server_timed_out", "192.0.2.53")}


@pytest.mark.parametrize(
    ("silent", "expected"),
    [
        ("_spf.example.com", {("spf_temperror", f"{DOMAIN} TXT")}),
        (
            RELAY,
            {
                ("dns_server_timed_out", "192.0.2.53"),
                ("dns_target_unknown", f"{RELAY} A"),
                ("dns_target_unknown", f"{REVERSE} PTR"),
                ("dns_target_unknown", f"{DOMAIN} MX"),
                ("spf_temperror", f"{RELAY} TXT"),
            },
        ),
        (AGREED.name, {("dmarc_reports_unknown", f"{AGREED.name} TXT")}),
        ("_dmarc.com", {("dmarc_unknown", f"From {DOMAIN}"), ("dmarc_reports_unknown", f"{AGREED.name} TXT")}),
    ],
)
def test_no_answer_is_another_thing_than_no_record(silent, expected):
    assert found(NOT_OURS, ALL, silent=[silent])[0] == expected


def test_an_alias_of_ours_leads_on():
    alias = RecordSet("mx.example.com", "CNAME", (f"{RELAY}.",))
    mx = RecordSet(DOMAIN, "MX", ("10 mx.example.com.",))
    wanted = [*without(MX), alias, mx]
    there = [record for record in wanted if record is not alias]
    # The alias is a fault of what is wanted; that it is missing is one of what is there.
    fault = ("dns_target_alias", f"{DOMAIN} MX")
    assert found(wanted, wanted)[0] == {fault}
    assert found(wanted, there)[0] == {fault, ("dns_record_missing", "mx.example.com CNAME")}


def test_a_wildcard_of_ours():
    wildcard = RecordSet("*._report._dmarc.example.org", "TXT", AGREED.values)
    assert found([DMARC, wildcard], [DMARC])[0] >= {("dns_record_missing", f"{wildcard.name} TXT")}
    assert "dmarc_reports_not_authorized" not in {id_ for id_, _subject in found([DMARC, wildcard], [DMARC])[0]}
    assert "dmarc_reports_not_authorized" in {id_ for id_, _subject in found([DMARC], [DMARC])[0]}


def test_spf_ends_in_time():
    async def slow(name, rdtype):
        return Answer(name, rdtype, SERVER, "present", ("v=spf1 redirect=example.net",))

    arguments = SENDER.identities[0].arguments
    outcome = asyncio.run(_dns_consequences.evaluate_spf(slow, arguments, seconds=-1))
    assert (outcome.result, "more than -1 s" in outcome.problem) == ("temperror", True)

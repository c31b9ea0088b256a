# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dmarc_judgement, _dns_judgement
from ansible_collections.mailops.relay.plugins.module_utils._dmarc_judgement import Author, Policies, Receiver
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Observation, Server
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

SERVER = Server("192.0.2.53")
DOMAIN = "example.com"
NONE, QUARANTINE, REJECT = (f"v=DMARC1; p={policy}" for policy in ("none", "quarantine", "reject"))
RUA = "rua=mailto:d@example.com"
WEAKER, STRICTER = [("dmarc_policy_weaker", "warning")], [("dmarc_policy_stricter", "notice")]
DIFFERENT = [("dns_record_different", "warning")]

POLICIES = [
    ("right", REJECT, [REJECT], []),
    ("right, spelled otherwise", f"{REJECT}; {RUA}", [f"v=DMARC1;{RUA} ;p=Reject;"], []),
    ("defaults written out", REJECT, [f"{REJECT}; sp=reject; adkim=r"], [("dns_record_different", "notice")]),
    ("missing", REJECT, [], [("dns_record_missing", "warning")]),
    ("none instead of reject", REJECT, [NONE], WEAKER),
    ("quarantine instead of reject", REJECT, [QUARANTINE], WEAKER),
    ("reject instead of none", NONE, [REJECT], STRICTER),
    ("reject instead of quarantine", QUARANTINE, [REJECT], STRICTER),
    ("test mode", QUARANTINE, [f"{QUARANTINE}; t=y"], WEAKER),
    ("no test mode", f"{REJECT}; t=y", [REJECT], STRICTER),
    ("subdomains weaker", REJECT, [f"{REJECT}; sp=none"], WEAKER),
    ("subdomains that do not exist weaker", REJECT, [f"{REJECT}; np=quarantine"], WEAKER),
    ("subdomains stricter", NONE, [f"{NONE}; sp=reject"], STRICTER),
    ("one weaker, one stricter", QUARANTINE, [f"{REJECT}; sp=none"], WEAKER),
    ("misspelt, without reports", NONE, ["v=DMARC1; p=non"], WEAKER),
    ("misspelt, with reports", f"{REJECT}; {RUA}", [f"v=DMARC1; p=rejct; {RUA}"], WEAKER),
    ("without reports", f"{NONE}; {RUA}", [NONE], DIFFERENT),
    ("weaker and without reports", f"{REJECT}; {RUA}", [NONE], WEAKER),
    ("alignment", NONE, [f"{NONE}; adkim=s"], DIFFERENT),
    ("a tag nobody knows", NONE, [f"{NONE}; x=1"], [("dmarc_tag_ignored", "notice")]),
    ("failure reports to nobody", NONE, [f"{NONE}; fo=x"], [("dmarc_tag_ignored", "notice")]),
    ("a tag that was removed", REJECT, [f"{REJECT}; pct=50"], [("dmarc_tag_ignored", "warning")]),
    ("which is asked for", f"{REJECT}; pct=50", [f"{REJECT}; pct=50"], []),
    ("which is asked for and not there", f"{REJECT}; pct=50", [REJECT], DIFFERENT),
    ("two", REJECT, [REJECT, NONE], [("dmarc_several_records", "warning")]),
    ("the same twice", REJECT, [REJECT, f"{REJECT};"], [("dmarc_several_records", "warning")]),
    ("a tag twice", REJECT, [f"{REJECT}; p=none"], [("dmarc_malformed", "warning")]),
    ("another version", REJECT, ["v=DMARC2; p=reject"], [("dns_record_missing", "warning")]),
    ("beside others", REJECT, ["site=1", REJECT], []),
]


def observed(wanted, values):
    record = RecordSet(f"_dmarc.{DOMAIN}", "TXT", (wanted,), grade="recommended")
    answer = Answer(record.name, "TXT", SERVER, "present" if values else "no_data", tuple(values))
    return _dns_judgement.judge([Observation(record, DOMAIN, (answer,))])


@pytest.mark.parametrize(("wanted", "values", "expected"), [row[1:] for row in POLICIES], ids=[r[0] for r in POLICIES])
def test_policies(wanted, values, expected):
    findings = observed(wanted, values)
    assert [(finding.id, finding.severity) for finding in findings] == expected
    for finding in findings:
        assert f'_dmarc.{DOMAIN}. 3600 IN TXT "{wanted}"' in finding.remedy


def test_what_to_publish_may_be_wrong_itself():
    (finding,) = observed(f"{REJECT}; p=none", [REJECT])
    assert (finding.id, finding.remedy) == ("dmarc_malformed", "Mend that record.")


def test_whose_policy_is_told():
    (finding,) = observed(REJECT, [f"{REJECT}; sp=none"])
    assert finding.message == (
        "the policy is weaker than asked for: none for subdomains, and should be reject;"
        " none for subdomains that do not exist, and should be reject"
    )
    (finding,) = observed(NONE, ["v=DMARC1; p=non"])
    assert "no DMARC at all for its mail" in finding.message
    assert "the tag p has the value 'non'" in finding.message


def policies(domains, records=(), silent=(), state="timed_out"):
    """Return what tree walks say, by names of records."""
    found = {}
    for name in _dmarc_judgement.walk(domains):
        text = dict(records).get(name)
        answered = state if name in silent else "present" if text else "no_name"
        found[name] = Answer(name, "TXT", SERVER, answered, (text,) if text else (), detail="why" if silent else "")
    return Policies(found)


STRICT, STRICT_SPF = f"{REJECT}; adkim=s", f"{REJECT}; adkim=s; aspf=s"
NOT_PASSED = ("192.0.2.1",)
ALIGNMENT = [
    ("the same domain", REJECT, [DOMAIN], (), []),
    ("a subdomain signs", REJECT, ["mail.example.com"], (), []),
    ("one of several", REJECT, ["example.org", DOMAIN], (), []),
    ("SPF does not matter then", REJECT, [DOMAIN], NOT_PASSED, []),
    ("a foreign domain signs", REJECT, ["example.org"], (), [("dmarc_dkim_not_aligned", "warning")]),
    ("and SPF does not pass", REJECT, ["example.org"], NOT_PASSED, [("dmarc_not_aligned", "error")]),
    ("p=none as well", NONE, ["example.org"], NOT_PASSED, [("dmarc_not_aligned", "error")]),
    ("strict, a subdomain signs", STRICT, ["mail.example.com"], (), [("dmarc_dkim_not_aligned", "warning")]),
    ("strict: subdomains by SPF", STRICT, [DOMAIN], (), [("dmarc_subdomains_not_aligned", "notice")]),
    ("strict: subdomains", STRICT, [DOMAIN], NOT_PASSED, [("dmarc_subdomains_not_aligned", "warning")]),
    ("both strict: subdomains", STRICT_SPF, [DOMAIN], (), [("dmarc_subdomains_not_aligned", "warning")]),
    ("no record", None, ["example.org"], NOT_PASSED, []),
    ("a record that asks for nothing", "v=DMARC1; p=x", ["example.org"], NOT_PASSED, []),
    ("not known to sign", REJECT, [], NOT_PASSED, []),
]


def aligned(author, records, **options):
    seen = policies([author.domain, *author.dkim], records, **options)
    return list(_dmarc_judgement.judge_alignment(author, seen))


@pytest.mark.parametrize(
    ("record", "dkim", "not_passed", "expected"), [row[1:] for row in ALIGNMENT], ids=[row[0] for row in ALIGNMENT]
)
def test_alignment(record, dkim, not_passed, expected):
    records = {f"_dmarc.{DOMAIN}": record} if record else {}
    found = aligned(Author(DOMAIN, tuple(dkim), not_passed), records)
    assert [(finding.id, finding.severity) for finding in found] == expected


def test_the_record_of_the_organization_counts():
    author = Author("shop.example.com", ("example.com",))
    assert aligned(author, {"_dmarc.example.com": REJECT}) == []
    (finding,) = aligned(author, {"_dmarc.example.com": STRICT})
    assert finding.id == "dmarc_dkim_not_aligned"
    two = {"_dmarc.example.com": REJECT, "_dmarc.shop.example.com": f"{REJECT}; psd=n"}
    assert [finding.id for finding in aligned(author, two)] == ["dmarc_dkim_not_aligned"]


def test_the_remedy_for_subdomains_is_a_record():
    (finding,) = aligned(Author(DOMAIN, (DOMAIN,)), {"_dmarc.example.com": f"{STRICT}; {RUA}"})
    assert finding.remedy.endswith(f'or publish: _dmarc.example.com. IN TXT "v=DMARC1; p=reject; {RUA}"')


@pytest.mark.parametrize("state", ["refused", "timed_out", "unreachable", "failed", "bogus", "malformed"])
@pytest.mark.parametrize("name", ["_dmarc.example.com", "_dmarc.com", "_dmarc.org"])
def test_no_answer_is_another_thing_than_no_record(name, state):
    author = Author(DOMAIN, ("example.org",), NOT_PASSED)
    (finding,) = aligned(author, {}, silent=[name], state=state)
    assert (finding.id, finding.severity) == ("dmarc_unknown", "warning")
    assert finding.message == f"it is not known now: {name} TXT is {state} (why), says 192.0.2.53"


def test_where_the_signer_comes_from_does_not_matter_where_it_is_the_author():
    assert aligned(Author(DOMAIN, (DOMAIN, "example.org")), {}, silent=["_dmarc.org"]) == []


LONGEST = ".".join(["a" * 61] * 4)


def test_names_without_room():
    assert _dmarc_judgement.walk([LONGEST, "2001:db8::1"]) == []
    assert aligned(Author(LONGEST, ("example.org",), NOT_PASSED), {}) == []


def dmarc_set(text, name="_dmarc.example.com"):
    return RecordSet(name, "TXT", (text,))


def test_receivers():
    text = f"{NONE}; rua=mailto:a@example.org,mailto:b@example.com,https://example.net/r; ruf=mailto:c@example.org"
    records = [dmarc_set(text), dmarc_set("site=1", "_dmarc.example.net"), RecordSet("a.test", "A", ("192.0.2.1",))]
    assert _dmarc_judgement.receivers(records) == [Receiver(DOMAIN, "example.org"), Receiver(DOMAIN, "example.net")]


AGREEMENTS = [
    ("agrees", "example.org", ("v=DMARC1",), "present", []),
    ("agrees, with another address", "example.org", ("v=DMARC1; rua=mailto:x@example.org",), "present", []),
    ("says something else", "example.org", ("x",), "present", ["dmarc_reports_not_authorized"]),
    ("does not agree", "example.org", (), "no_name", ["dmarc_reports_not_authorized"]),
    ("is not known", "example.org", (), "timed_out", ["dmarc_reports_unknown"]),
    ("need not agree", "mail.example.com", (), "no_name", []),
]


@pytest.mark.parametrize(
    ("host", "values", "state", "expected"), [row[1:] for row in AGREEMENTS], ids=[row[0] for row in AGREEMENTS]
)
def test_reports(host, values, state, expected):
    receiver = Receiver(DOMAIN, host)
    seen = policies([DOMAIN, host], {"_dmarc.example.com": REJECT})
    agreement = Answer(receiver.name, "TXT", SERVER, state, values, zone="org")
    found = list(_dmarc_judgement.judge_receiver(receiver, seen, agreement))
    assert [finding.id for finding in found] == expected
    assert all(finding.severity == "warning" for finding in found)


def test_who_is_to_publish_what():
    receiver = Receiver(DOMAIN, "reports.example.org")
    agreement = Answer(receiver.name, "TXT", SERVER, "no_name", zone="example.org")
    (finding,) = _dmarc_judgement.judge_receiver(receiver, policies([DOMAIN, receiver.host]), agreement)
    assert finding.subject == "example.com._report._dmarc.reports.example.org TXT"
    assert finding.remedy == (
        "Have whoever has the zone example.org publish:"
        ' example.com._report._dmarc.reports.example.org. IN TXT "v=DMARC1"'
    )


@pytest.mark.parametrize("host", ["2001:db8::1", LONGEST])
def test_hosts_that_cannot_agree(host):
    receiver = Receiver(DOMAIN, host)
    assert receiver.name == ""
    (finding,) = _dmarc_judgement.judge_receiver(receiver, policies([DOMAIN]), None)
    assert finding.id == "dmarc_reports_not_authorized"


def test_a_walk_without_an_answer():
    receiver = Receiver(DOMAIN, "example.org")
    seen = policies([DOMAIN, receiver.host], silent=["_dmarc.org"])
    (finding,) = _dmarc_judgement.judge_receiver(receiver, seen, Answer(receiver.name, "TXT", SERVER, "no_name"))
    assert finding.id == "dmarc_reports_unknown"

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _target_judgement
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Observation, Server
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

SERVER = Server("192.0.2.53")
HOST, OTHER = "mail.example.com", "other.example.com"
MX = RecordSet("example.com", "MX", (f"10 {HOST}.",))
PTR = RecordSet("1.2.0.192.in-addr.arpa", "PTR", (f"{HOST}.",))


def address(rdtype, *values, name=HOST, state=None, cnames=()):
    return Answer(name, rdtype, SERVER, state or ("present" if values else "no_data"), values, cnames=cnames)


def judged(record, *targets, values=None):
    answer = Answer(record.name, record.type, SERVER, "present", record.values if values is None else values)
    observation = Observation(record, "example.com", (answer,), targets=targets)
    return [finding.id for finding in _target_judgement.judge(observation)]


@pytest.mark.parametrize(
    ("rdtype", "values", "expected"),
    [
        ("MX", ["10 a.example.com.", "20 b.example.com."], ["a.example.com", "b.example.com"]),
        ("MX", ["0 ."], []),
        ("SRV", ["0 1 587 a.example.com."], ["a.example.com"]),
        ("SRV", ["0 0 0 ."], []),
        ("PTR", ["a.example.com."], ["a.example.com"]),
        ("TXT", ["10 a.example.com."], []),
        ("CNAME", ["a.example.com."], []),
    ],
)
def test_targets(rdtype, values, expected):
    assert _target_judgement.targets(RecordSet("example.com", rdtype, tuple(values))) == expected


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([address("A", "192.0.2.1"), address("AAAA")], []),
        ([address("A"), address("AAAA", "2001:db8::1")], []),
        ([address("A", "192.0.2.1"), address("AAAA", state="timed_out")], []),
        ([address("A"), address("AAAA")], ["dns_target_without_address"]),
        ([address("A", state="no_name"), address("AAAA", state="no_name")], ["dns_target_without_address"]),
        ([address("A"), address("AAAA", state="timed_out")], ["dns_target_unknown"]),
        ([address("A", "192.0.2.1", cnames=(OTHER,)), address("AAAA", cnames=(OTHER,))], ["dns_target_alias"]),
    ],
)
def test_mail_exchanges(targets, expected):
    assert judged(MX, *targets) == expected


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([address("A", "192.0.2.1"), address("AAAA")], []),
        ([address("A", "192.0.2.1", cnames=(OTHER,)), address("AAAA")], []),
        ([address("A", "192.0.2.2"), address("AAAA")], ["dns_ptr_not_confirmed"]),
        ([address("A"), address("AAAA")], ["dns_ptr_not_confirmed"]),
        ([address("A", state="refused"), address("AAAA")], ["dns_target_unknown"]),
        ([address("A"), address("A", "192.0.2.1", name=OTHER)], []),
    ],
)
def test_reverse_names(targets, expected):
    assert judged(PTR, *targets) == expected


def test_a_record_that_is_wrong_is_judged_elsewhere():
    assert judged(MX, address("A"), values=("10 other.example.com.",)) == []
    assert judged(MX, address("A"), values=()) == []


@pytest.mark.parametrize(
    ("address_of", "answers", "expected"),
    [
        ("192.0.2.1", [address("A", "192.0.2.1"), address("AAAA")], []),
        ("2001:db8::1", [address("A"), address("AAAA", "2001:db8::1")], []),
        ("192.0.2.2", [address("A", "192.0.2.1"), address("AAAA")], ["dns_helo_not_confirmed"]),
        ("192.0.2.2", [address("A", state="failed"), address("AAAA")], ["dns_target_unknown"]),
    ],
)
def test_helo(address_of, answers, expected):
    assert [finding.id for finding in _target_judgement.judge_helo(address_of, answers)] == expected

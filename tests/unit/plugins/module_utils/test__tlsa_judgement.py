# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 7672 where no other RFC is named."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _tlsa, _tlsa_judgement
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Observation as Records
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._tlsa_judgement import Observation, Peer, Service, Shown

NAME, HOST = "_25._tcp.mx.example.com", "mx.example.com"
SERVER = Server("192.0.2.53")


def certificate(word):
    return Shown(f"certificate {word}".encode(), f"key {word}".encode())


OWN, NEXT, AUTHORITY = certificate("own"), certificate("next"), certificate("authority")


def tlsa(of, usage=3, selector=1, matching_type=1):
    selected = of.spki if selector else of.der
    return _tlsa.join(_tlsa.associate(usage, selector, matching_type, selected))


def answer(*values, state=None, **more):
    return Answer(NAME, "TLSA", SERVER, state or ("present" if values else "no_data"), values, **more)


def peer(*chain, address="192.0.2.25", **more):
    return Peer(address, "shown", chain or (OWN, AUTHORITY), **more)


RIGHT = (tlsa(OWN),)


def observed(*peers, published=RIGHT, wanted=None, resolved=None, name=NAME, addresses=None):
    record = RecordSet(name, "TLSA", tuple(wanted or published or [tlsa(OWN)]))
    hosts = (Answer(HOST, "A", SERVER, "present", tuple(each.address for each in peers)),)
    records = Records(record, "example.com", (answer(*published),), resolved)
    return Observation(records, hosts if addresses is None else addresses, peers)


def judged(*peers, **other):
    return [(finding.id, finding.severity) for finding in _tlsa_judgement.judge(observed(*peers, **other))]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (NAME, Service(HOST, 25, True)),
        ("_587._tcp.mx.example.com", Service(HOST, 587, True)),
        ("_465._tcp.mx.example.com", Service(HOST, 465, False)),
        ("_443._tcp.mta-sts.example.com", Service("mta-sts.example.com", 443, False)),
        ("_993._tcp.mx.example.com", None),
        ("_25._udp.mx.example.com", None),
        ("*._tcp.mx.example.com", None),
        ("mx.example.com", None),
    ],
)
def test_service(name, expected):
    assert _tlsa_judgement.service(name) == expected


WRONG = [("tlsa_not_matching", "error")]


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        pytest.param([tlsa(OWN)], [], id="3.1.1: 3 1 1"),
        pytest.param([tlsa(OWN, 3, 0, 2)], [], id="3.1.1: 3 0 2"),
        pytest.param([tlsa(OWN, 3, 1, 0)], [], id="3.1.1: 3 1 0"),
        pytest.param([tlsa(NEXT), tlsa(OWN)], [], id="8.1: the next one is published beside"),
        pytest.param([tlsa(NEXT)], WRONG, id="2.2: of another key"),
        pytest.param([tlsa(AUTHORITY)], WRONG, id="3.1.1: 3 is not about an authority"),
        pytest.param([tlsa(AUTHORITY, 2, 0, 1)], [], id="3.1.2: 2 0 1 of its authority"),
        pytest.param([tlsa(NEXT, 2, 0, 1)], WRONG, id="3.1.2: 2 0 1 of another authority"),
        pytest.param([tlsa(OWN, 1)], [("tlsa_unusable", "warning")], id="3.1.3: 1, and nothing else"),
        pytest.param([tlsa(OWN, 0), tlsa(OWN)], [("tlsa_unusable", "notice")], id="3.1.3: 0, and one that counts"),
        pytest.param(
            [tlsa(OWN, 1), tlsa(NEXT)], [("tlsa_unusable", "notice"), *WRONG], id="3.1.3: what is unusable fits nothing"
        ),
        pytest.param(["3 1 9 00"], [("tlsa_unusable", "warning")], id="RFC 6698, 2.1.3: matching type"),
    ],
)
def test_records(published, expected):
    assert judged(peer(), published=published) == expected


@pytest.mark.parametrize("usage", [0, 1])
def test_the_pkix_usages_count_for_https(usage):
    """3.1.3 is about SMTP only."""
    name, of = "_443._tcp.mta-sts.example.com", AUTHORITY if usage == 0 else OWN
    assert judged(peer(), published=[tlsa(of, usage)], name=name) == []
    assert judged(peer(), published=[tlsa(NEXT, usage)], name=name) == WRONG


def test_the_remedy_is_the_record_to_publish():
    seen = observed(peer(NEXT), peer(NEXT, address="2001:db8::25"), peer(address="192.0.2.26"))
    (finding,) = _tlsa_judgement.judge(seen)
    assert finding.message == (
        "no record fits the certificate at 192.0.2.25 and 2001:db8::25 port 25: senders with DANE do not deliver there"
    )
    assert finding.remedy == (
        f"Publish, beside the others until they have left all caches: {NAME}. IN TLSA {tlsa(NEXT)}"
    )


def test_what_is_to_be_published_is_tried_as_well():
    assert judged(peer(), published=[], wanted=[tlsa(OWN)]) == []
    assert judged(peer(), published=[], wanted=[tlsa(NEXT)]) == [("tlsa_not_matching", "warning")]
    assert judged(peer(), published=[tlsa(OWN)], wanted=[tlsa(NEXT)]) == [("tlsa_not_matching", "warning")]
    assert judged(peer(), published=[tlsa(NEXT)], wanted=[tlsa(OWN)]) == WRONG


def test_records_of_servers_that_disagree_count_all():
    seen = observed(peer())
    records = dataclasses.replace(seen.records, answers=(answer(tlsa(NEXT)), answer(tlsa(OWN)), answer(state="failed")))
    assert list(_tlsa_judgement.judge(dataclasses.replace(seen, records=records))) == []


UNSEEN = Peer("2001:db8::25", "not_seen", detail="Network is unreachable")
PLAIN = Peer("192.0.2.26", "no_starttls")


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        pytest.param([peer(), UNSEEN], [("tlsa_not_checked", "notice")], id="one of two addresses"),
        pytest.param([UNSEEN], [("tlsa_not_checked", "warning")], id="none"),
        pytest.param([peer(), PLAIN], [("tlsa_no_starttls", "error")], id="2.2: no STARTTLS"),
        pytest.param([peer(NEXT), UNSEEN], [*WRONG, ("tlsa_not_checked", "notice")], id="wrong, and not seen"),
    ],
)
def test_servers(peers, expected):
    assert judged(*peers) == expected


def test_no_starttls_does_not_matter_where_no_record_counts():
    assert judged(PLAIN, published=[tlsa(OWN, 1)]) == [("tlsa_unusable", "warning")]


@pytest.mark.parametrize(
    ("addresses", "text"),
    [
        ([Answer(HOST, "A", SERVER, "no_data")], "the host has no address"),
        ([Answer(HOST, "A", SERVER, "timed_out")], "mx.example.com A is timed_out"),
    ],
)
def test_no_addresses(addresses, text):
    (finding,) = _tlsa_judgement.judge(observed(addresses=tuple(addresses)))
    assert (finding.id, finding.message) == (
        "tlsa_not_checked",
        f"the certificate at port 25 was not compared: {text}",
    )


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ([tlsa(OWN)], []),
        ([tlsa(NEXT)], WRONG),
        ([tlsa(AUTHORITY, 2)], [("tlsa_not_checked", "warning")]),
        ([tlsa(AUTHORITY, 2), tlsa(OWN)], []),
    ],
)
def test_a_chain_that_is_not_seen(published, expected):
    assert judged(peer(OWN, whole=False), published=published) == expected


@pytest.mark.parametrize(
    ("resolved", "expected"),
    [
        (None, []),
        (answer(tlsa(OWN), secure=True), []),
        (answer(tlsa(OWN)), [("tlsa_not_secure", "warning")]),
        (answer(tlsa(OWN), authoritative=True), []),
        (answer(), []),
        (answer(state="bogus"), []),
        (answer(state="timed_out"), []),
    ],
)
def test_dnssec(resolved, expected):
    assert judged(peer(), resolved=resolved) == expected


def test_nobody_was_connected_to():
    seen = Observation(observed(published=[tlsa(OWN, 1)], resolved=answer(tlsa(OWN))).records)
    assert [finding.id for finding in _tlsa_judgement.judge(seen)] == ["tlsa_not_secure", "tlsa_unusable"]


def test_a_port_that_is_not_known():
    assert judged(name="_993._tcp.mx.example.com") == [("tlsa_not_checked", "notice")]


def test_describe():
    found = _tlsa_judgement.describe(observed(peer(), UNSEEN))
    assert found == [
        {
            "name": NAME,
            "host": HOST,
            "port": 25,
            "address": "192.0.2.25",
            "state": "shown",
            "tlsa": tlsa(OWN),
            "detail": "",
        },
        {
            "name": NAME,
            "host": HOST,
            "port": 25,
            "address": "2001:db8::25",
            "state": "not_seen",
            "tlsa": "",
            "detail": "Network is unreachable",
        },
    ]

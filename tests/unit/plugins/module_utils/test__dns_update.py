# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent in an update, and what each answer becomes; a connection that gives fixed answers is passed in."""

from __future__ import annotations

import pytest

pytest.importorskip("dns")

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
from ansible_collections.mailops.relay.plugins.module_utils._dns_plan import Change, Published, Value, ZonePlan
from ansible_collections.mailops.relay.plugins.module_utils._dns_tcp import Connection, DnsError, TsigKey
from ansible_collections.mailops.relay.plugins.module_utils._dns_update import Primary

KEY = TsigKey("mailops", "c2VjcmV0")


class Fixed:
    """Answers by ``zone``, lines of a zone file; every update with ``rcode``. Keeps what it was asked."""

    label = "ns1.test"
    key = KEY

    def __init__(self, zone: str = "", rcode: str = "NOERROR", authoritative: bool = True) -> None:
        self.rcode = dns.rcode.from_text(rcode)
        self.flags = dns.flags.AA if authoritative else 0
        self.lines = [line.split(None, 3) for line in zone.splitlines()]
        self.asked: list = []

    def ask(self, messages, signed=True):
        self.asked += messages
        return [self._answer(message) for message in messages]

    def _answer(self, message):
        answer = dns.message.make_response(message)
        answer.flags |= self.flags
        if message.opcode() == dns.opcode.UPDATE:
            answer.set_rcode(self.rcode)
            return answer
        name = message.question[0].name
        rdtype = dns.rdatatype.to_text(message.question[0].rdtype)
        for owner, ttl, kind, data in self.lines:
            if dns.name.from_text(owner) == name and kind in (rdtype, "CNAME"):
                answer.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
        if not any(dns.name.from_text(owner) == name for owner, *_rest in self.lines):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        if not answer.answer:
            zone = dns.name.from_text("a.test")
            answer.authority.append(dns.rrset.from_text(zone, 60, "IN", "SOA", "ns1 hm 1 2 3 4 5"))
        return answer


def change(name="x.a.test", rdtype="A", before=(), after=("192.0.2.1",)):
    return Change(name, rdtype, before, after, 60, 300)


def sent(*changes, trial=False):
    """Return the update as text: its prerequisites and its changes."""
    connection = Fixed()
    Primary(connection).update(ZonePlan("a.test", changes), trial)
    (message,) = connection.asked
    return [
        [line for r in part for line in r.to_text().splitlines()] for part in (message.prerequisite, message.update)
    ]


@pytest.mark.parametrize(
    ("of", "prerequisites", "updates"),
    [
        (
            change(),
            ["x.a.test. NONE A", "x.a.test. NONE CNAME"],
            ["x.a.test. 300 IN A 192.0.2.1"],
        ),
        (
            change(before=("192.0.2.7", "192.0.2.8")),
            ["x.a.test. 0 IN A 192.0.2.7", "x.a.test. 0 IN A 192.0.2.8", "x.a.test. NONE CNAME"],
            ["x.a.test. ANY A", "x.a.test. 300 IN A 192.0.2.1"],
        ),
        (change(before=("192.0.2.7",), after=()), ["x.a.test. 0 IN A 192.0.2.7"], ["x.a.test. ANY A"]),
        (
            change(rdtype="CNAME", after=("b.test.",)),
            ["x.a.test. NONE ANY"],
            ["x.a.test. 300 IN CNAME b.test."],
        ),
        (
            change(rdtype="TXT", after=('"one" "two"',)),
            ["x.a.test. NONE TXT", "x.a.test. NONE CNAME"],
            ['x.a.test. 300 IN TXT "one" "two"'],
        ),
    ],
)
def test_an_update_requires_what_the_plan_saw(of, prerequisites, updates) -> None:
    assert sent(of) == [prerequisites, updates]
    no_change = [f"x.a.test. 0 NONE {of.type} {data}" for data in of.after]
    assert sent(of, trial=True) == [prerequisites, no_change]


def test_an_alias_that_goes_makes_room_in_the_same_update() -> None:
    alias = change(rdtype="CNAME", before=("b.test.",), after=())
    assert sent(change(), alias)[0] == ["x.a.test. NONE A", "x.a.test. 0 IN CNAME b.test."]


@pytest.mark.parametrize(
    ("rcode", "authoritative", "text"),
    [
        ("REFUSED", True, "the key mailops (hmac-sha256) may not update this zone"),
        ("NOTAUTH", True, "the key mailops (hmac-sha256) may not update this zone"),
        ("NOTAUTH", False, "it is not the primary of this zone"),
        ("NOTZONE", True, "a record is not in this zone"),
        ("NOTIMP", True, "it does not take updates"),
        ("SERVFAIL", True, "it failed. Look at its log"),
        ("NXRRSET", True, "somebody changed its records meanwhile, and nothing was overwritten. Run again."),
        ("YXRRSET", True, "somebody changed its records meanwhile, and nothing was overwritten. Run again."),
        ("YXDOMAIN", True, "somebody changed its records meanwhile, and nothing was overwritten. Run again."),
        ("FORMERR", True, "it did not take the update"),
    ],
)
def test_each_refusal_is_one_line(rcode, authoritative, text) -> None:
    with pytest.raises(DnsError) as caught:
        Primary(Fixed("", rcode, authoritative)).update(ZonePlan("a.test", (change(),)))
    message = str(caught.value)
    assert message.startswith(f"a.test: ns1.test answered {rcode}: ")
    assert text in message
    assert "\n" not in message


def test_what_is_there_is_read_to_the_byte() -> None:
    zone = 'a.test 60 TXT "one" "two"\na.test 60 TXT "v=spf1 \\255"\nb.a.test 5 CNAME c.test.'
    seen = Primary(Fixed(zone)).observe([("a.test", "TXT"), ("b.a.test", "A"), ("c.a.test", "A")])
    values = (Value("onetwo", '"one" "two"'), Value("v=spf1 \\xff", '"v=spf1 \\255"'))
    assert {v for has in seen["a.test"].sets.values() for v in has.values} <= set(values)
    assert seen["b.a.test"].sets == {"CNAME": Published(5, (Value("c.test.", "c.test."),))}
    assert not seen["c.a.test"].sets


def test_zones_are_found_or_given() -> None:
    zone = "a.test 60 SOA ns1. hm. 1 2 3 4 5\nalias.a.test 60 CNAME x.b.test."
    names = ["a.test", "x.a.test", "alias.a.test"]
    assert Primary(Fixed(zone)).zones(names, []) == dict.fromkeys(names, "a.test")
    assert Primary(Fixed(zone)).zones(names, ["a.test"]) == dict.fromkeys(names, "a.test")


@pytest.mark.parametrize(
    ("names", "given", "text"),
    [
        (["x.b.test"], [], "x.b.test: zone not found: ns1.test is not authoritative for it"),
        (["x.b.test"], ["a.test"], "zones: x.b.test is in none of a.test"),
        (["x.a.test"], ["x.a.test"], "x.a.test: zone not found"),
    ],
)
def test_zones_that_are_not_there(names, given, text) -> None:
    with pytest.raises(DnsError, match=text):
        Primary(Fixed("a.test 60 SOA ns1. hm. 1 2 3 4 5")).zones(names, given)


@pytest.mark.parametrize("secret", ["", "not base64!", "abc"])
def test_a_secret_that_is_none_is_not_shown(secret) -> None:
    with pytest.raises(DnsError, match="key_secret: it is no base64 text") as caught:
        Connection("ns1.test", key=TsigKey("mailops", secret))
    assert not secret or secret not in str(caught.value)
    assert "c2VjcmV0" not in repr(KEY) + str(KEY)

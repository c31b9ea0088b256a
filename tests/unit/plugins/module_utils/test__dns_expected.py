# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server
from ansible_collections.mailops.relay.plugins.module_utils._dns_expected import MAX_ALIASES, Expected
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

SERVER = Server("192.0.2.53")
HOST, DOMAIN = "relay.example.com", "example.com"
SPF, OTHER_SPF, FOREIGN = "v=spf1 ip4:192.0.2.1 -all", "v=spf1 -all", "site=1"
RECORDS = [
    RecordSet(HOST, "A", ("192.0.2.1",)),
    RecordSet(DOMAIN, "TXT", (SPF,)),
    RecordSet("site.example.com", "TXT", (FOREIGN,)),
    RecordSet("alias.example.com", "CNAME", (f"{HOST}.",)),
    RecordSet("_dmarc.example.com", "TXT", ("v=DMARC1; p=reject",)),
    RecordSet("*.wild.example.com", "TXT", ("v=DMARC1",)),
    RecordSet("in.wild.example.com", "A", ("192.0.2.1",)),
]


def now(name, rdtype, *values, state=None, cnames=()):
    return Answer(name, rdtype, SERVER, state or ("present" if values else "no_data"), values, cnames=cnames)


TABLE = [
    ("missing", now(DOMAIN, "TXT"), ("present", (SPF,), ())),
    ("no name", now(DOMAIN, "TXT", state="no_name"), ("present", (SPF,), ())),
    ("timed out", now(DOMAIN, "TXT", state="timed_out"), ("present", (SPF,), ())),
    ("right", now(DOMAIN, "TXT", SPF), ("present", (SPF,), ())),
    ("different", now(DOMAIN, "TXT", OTHER_SPF), ("present", (SPF,), ())),
    ("two", now(DOMAIN, "TXT", OTHER_SPF, SPF), ("present", (SPF,), ())),
    ("others stay", now(DOMAIN, "TXT", FOREIGN, OTHER_SPF), ("present", (SPF, FOREIGN), ())),
    ("upper case", now("EXAMPLE.com", "TXT"), ("present", (SPF,), ())),
    ("alias", now(DOMAIN, "TXT", FOREIGN, cnames=("a.test",)), ("present", (SPF,), ())),
    ("SPF of others at the name", now("site.example.com", "TXT", SPF), ("present", (FOREIGN, SPF), ())),
    ("which is not known", now("site.example.com", "TXT", state="refused"), ("refused", (), ())),
    ("an alias where records are", now(HOST, "AAAA", "2001:db8::9", cnames=("a.test",)), ("no_data", (), ())),
    ("a name that will be there", now(HOST, "AAAA", state="no_name"), ("no_data", (), ())),
    ("another type at the name", now(HOST, "AAAA", "2001:db8::1"), ("present", ("2001:db8::1",), ())),
    ("which is not known", now(HOST, "AAAA", state="timed_out"), ("timed_out", (), ())),
    ("a wildcard", now("a.b.wild.example.com", "TXT", state="no_name"), ("present", ("v=DMARC1",), ())),
    ("which is not known", now("a.wild.example.com", "TXT", state="failed"), ("present", ("v=DMARC1",), ())),
    ("of another type", now("a.wild.example.com", "A", state="no_name"), ("no_name", (), ())),
    ("above a name", now("a.in.wild.example.com", "TXT", state="no_name"), ("no_name", (), ())),
    ("beside a name", now("a.wild.example.com", "TXT", state="no_data"), ("no_data", (), ())),
    ("not at the name of its parent", now("wild.example.com", "TXT", state="no_name"), ("no_name", (), ())),
    ("another name", now("example.org", "TXT", SPF, cnames=("a.test",)), ("present", (SPF,), ("a.test",))),
]


@pytest.mark.parametrize(("answer", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_answer(answer, expected):
    found = Expected(RECORDS).answer(answer)
    assert (found.state, found.values, found.cnames) == expected


def test_what_needs_no_question():
    expected = Expected(RECORDS)
    assert expected.whole("Relay.Example.com", "A").values == ("192.0.2.1",)
    assert expected.whole(HOST, "AAAA") is None
    assert expected.whole(DOMAIN, "TXT") is None, "there may be other TXT records"


def test_aliases():
    assert Expected(RECORDS).aliases("Alias.example.com") == (HOST,)
    assert Expected(RECORDS).aliases(HOST) == ()
    circle = [RecordSet("a.test", "CNAME", ("b.test",)), RecordSet("b.test", "CNAME", ("a.test",))]
    assert len(Expected(circle).aliases("a.test")) == MAX_ALIASES


def test_without_records_nothing_changes():
    answer = now(DOMAIN, "TXT", SPF)
    assert Expected().answer(answer) is answer

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishing to another real primary (BIND): records of all types, and its ways to refuse."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._dns_plan import Change, ZonePlan
from ansible_collections.mailops.relay.plugins.module_utils._dns_tcp import Connection, DnsError, TsigKey
from ansible_collections.mailops.relay.plugins.module_utils._dns_update import Primary
from ansible_collections.mailops.relay.plugins.modules import dns_records
from bind_server import BIND, ZONES, BindServer
from dns_task import Task
from knot_server import SECRETS

DKIM = "v=DKIM1; k=rsa; p=" + "A" * 700


@pytest.fixture(name="bind", scope="module")
def _bind():
    with BindServer() as server:
        yield server


@pytest.fixture(name="task")
def _task(tmp_path, bind):
    return Task(tmp_path, bind, BIND, ZONES)


def record(name, rdtype, *values, ttl=300):
    return {"name": name, "type": rdtype, "values": list(values), "ttl": ttl}


def test_publish_and_publish_again(task, bind):
    wanted = [
        record("s1._domainkey.alpha.test", "TXT", DKIM),
        record("alpha.test", "TXT", "v=spf1 ip4:192.0.2.1 include:_spf.elsewhere.test -all"),
        record("alpha.test", "MX", "10 ns1.alpha.test", "20 b.example.net"),
        record("alpha.test", "CAA", '0 issue "ca.example"'),
        record("www.alpha.test", "CNAME", "ns1.alpha.test"),
        record("_submission._tcp.alpha.test", "SRV", "0 1 587 ns1.alpha.test"),
        record("_25._tcp.ns1.alpha.test", "TLSA", f"3 1 1 {'ab' * 32}"),
        record("1.alpha.test", "PTR", "ns1.alpha.test"),
        record("mail.alpha.test", "AAAA", "2001:0DB8::1"),
        record("partly.test", "TXT", "v=spf1 include:_spf.elsewhere.test ~all"),
    ]
    before = [bind.has(zone) for zone in ZONES]
    assert task(records=wanted, _check=True, confirm_loss=["partly.test"])["changed"]
    assert [bind.has(zone) for zone in ZONES] == before
    first = task(records=wanted, confirm_loss=["partly.test"], wait=20)
    assert not first["failed"], first["msg"]
    assert [zone["zone"] for zone in first["zones"]] == ["alpha.test", "partly.test"]
    assert f'"{DKIM[:255]}" "{DKIM[255:510]}" "{DKIM[510:]}"' in bind.has("alpha.test")
    assert not task(records=wanted, wait=20)["changed"]
    gone = task(records=wanted[:1], state="absent", confirm_removal=True)
    assert gone["zones"][0]["changes"][0]["action"] == "remove"
    assert "_domainkey" not in bind.has("alpha.test")


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["the key nobody (hmac-sha256)"], {"key_name": "nobody"}),
        (["BADSIG", "another secret", "Look at key_secret"], {"key_secret": SECRETS["stranger"][1]}),
        (["BADTIME", "s behind this machine's", "Set the clocks."], {"_skew": 4000}),
        (["alpha.test: ", "answered REFUSED: the key stranger"], {"key_name": "stranger"}),
        (["locked.test: ", "answered REFUSED"], {"records": [record("x.locked.test", "TXT", "x")]}),
        (["partly.test: ", "answered REFUSED"], {"records": [record("x.partly.test", "A", "192.0.2.1")]}),
        (
            ["a.gamma.test: zone not found", "Look at server and zones"],
            {"records": [record("a.gamma.test", "TXT", "x")]},
        ),
        (["it would lose include:_spf.elsewhere.test ("], {"records": [record("locked.test", "TXT", "v=spf1 -all")]}),
    ],
    ids=["key", "secret", "clock", "stranger", "zone", "type", "unknown zone", "loss"],
)
def test_what_is_refused_is_one_line_and_changes_nothing(task, texts, options):
    if options.get("key_name") == "stranger":
        options = {**options, "key_secret": SECRETS["stranger"][1]}
    task.refused(*texts, **options)


def test_a_zone_that_refuses_keeps_the_others_unchanged(task):
    records = [record("half.alpha.test", "TXT", "x"), record("half.locked.test", "TXT", "x")]
    task.refused("locked.test: ", "answered REFUSED: the key mailops (hmac-sha256) may not", records=records)


@pytest.mark.usefixtures("bind")
def test_an_update_for_a_zone_that_it_does_not_have():
    key = TsigKey("mailops", SECRETS["mailops"][1])
    change = Change("a.gamma.test", "A", (), ("192.0.2.1",), 0, 300)
    with (
        Connection(BIND, key=key, timeout=3) as connection,
        pytest.raises(DnsError, match="NOTAUTH: it is not the primary"),
    ):
        Primary(connection).update(ZonePlan("gamma.test", (change,)))


def test_a_colleagues_change_is_not_overwritten(bind):
    key = TsigKey("mailops", SECRETS["mailops"][1])

    class Late(Primary):
        def update(self, plan, trial=False):
            bind.run(
                f"printf 'server {BIND}\\nupdate add race.alpha.test 300 TXT two\\nsend\\n' | nsupdate -y"
                f" {SECRETS['mailops'][0]}:mailops:{key.secret}"
            )
            super().update(plan, trial)

    params = {"records": [record("race.alpha.test", "TXT", "one")], "remove": [], "zones": [], "state": "present"}
    params.update({"confirm_removal": False, "confirm_loss": [], "timeout": 3, "wait": 0, "servers": []})
    with Connection(BIND, key=key, timeout=3) as connection, pytest.raises(dns_records.PublishError) as caught:
        dns_records.run(params, Late(connection), False)
    assert "somebody changed its records meanwhile, and nothing was overwritten" in str(caught.value)
    assert '"one"' not in bind.has("alpha.test")

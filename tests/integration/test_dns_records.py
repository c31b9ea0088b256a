# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishing to a real primary (Knot DNS): what is sent, what is refused, and that nothing is half-published."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time

import dns.opcode
import pytest
from ansible_collections.mailops.relay.plugins.module_utils._dns_plan import Change, ZonePlan
from ansible_collections.mailops.relay.plugins.module_utils._dns_tcp import Connection, DnsError, TsigKey
from ansible_collections.mailops.relay.plugins.module_utils._dns_update import Primary
from ansible_collections.mailops.relay.plugins.modules import dns_records
from dns_task import Task
from knot_server import PRIMARY, SECONDARY, SECRETS, ZONES, KnotServer

DKIM = "v=DKIM1; k=rsa; p=" + "A" * 700
DEFAULTS = {
    "remove": [],
    "zones": [],
    "state": "present",
    "confirm_removal": False,
    "confirm_loss": [],
    "timeout": 3,
    "wait": 0,
    "servers": [],
}


@pytest.fixture(scope="module")
def knot():
    with KnotServer() as server:
        yield server


def key(name: str = "mailops", secret_of: str = "") -> TsigKey:
    return TsigKey(name, SECRETS[secret_of or name][1], SECRETS[secret_of or name][0])


def record(name, rdtype, *values, ttl=300):
    return {"name": name, "type": rdtype, "values": list(values), "ttl": ttl}


class Sent(Primary):
    """Counts the updates, and calls ``before`` ahead of the first real one, as a colleague's change would come."""

    def __init__(self, connection, before=None):
        super().__init__(connection)
        self.before = before
        self.updates = 0

    def update(self, plan, trial=False):
        if self.before and not trial:
            self.before, before = None, self.before
            before()
        self.updates += 1
        super().update(plan, trial)


def publish(*records, check_mode=False, tsig=None, server=PRIMARY, port=53, clock=time.time, before=None, **options):
    """Call the module's body; return its result with the number of updates."""
    params = {**DEFAULTS, "records": records, **options}
    with Connection(server, port, tsig or key(), params["timeout"], clock) as connection:
        primary = Sent(connection, before)
        result, warnings = dns_records.run(params, primary, check_mode)
    return {**result, "warnings": list(warnings), "updates": primary.updates}


def refused(knot, *texts, **arguments):
    """Publish, and see that it fails with one readable line and leaves all zones as they were."""
    before = [knot.has(zone) for zone in ZONES]
    records = arguments.pop("records", [record("refused.alpha.test", "TXT", "x")])
    with pytest.raises((DnsError, dns_records.PublishError)) as caught:
        publish(*records, **arguments)
    message = str(caught.value)
    assert [knot.has(zone) for zone in ZONES] == before
    assert len(message.splitlines()) <= 2, message
    assert "Traceback" not in message
    for secret in SECRETS.values():
        assert secret[1] not in message
    for text in texts:
        assert text in message, message
    print(message)


def test_publish_and_publish_again(knot):
    wanted = [
        record("s1._domainkey.alpha.test", "TXT", DKIM),
        record("alpha.test", "TXT", "v=spf1 ip4:192.0.2.1 -all"),
        record("alpha.test", "MX", "10 ns1.alpha.test"),
        record("alpha.test", "CAA", '0 issue "ca.example"'),
        record("www.alpha.test", "CNAME", "ns1.alpha.test"),
        record("_submission._tcp.alpha.test", "SRV", "0 1 587 ns1.alpha.test"),
        record("_25._tcp.ns1.alpha.test", "TLSA", f"3 1 1 {'ab' * 32}"),
        record("_dmarc.beta.test", "TXT", 'v=DMARC1; p=none; rua="x"'),
        record("ns1.beta.test", "AAAA", "2001:0DB8::1"),
    ]
    before = [knot.has(zone) for zone in ZONES]
    check = publish(*wanted, check_mode=True)
    assert check["updates"] == 0
    assert [knot.has(zone) for zone in ZONES] == before
    first = publish(*wanted)
    assert first["updates"] == 4, "each of two zones is tried, then changed"
    assert {key_: check[key_] for key_ in ("changed", "diff", "zones")} == {
        key_: first[key_] for key_ in ("changed", "diff", "zones")
    }
    assert '_dmarc.beta.test. 300 IN TXT "v=DMARC1; p=none; rua=\\"x\\""' in first["diff"][1]["after"]
    text = knot.has("alpha.test")
    assert f'"{DKIM[:255]}" "{DKIM[255:510]}" "{DKIM[510:]}"' in text
    assert '"site-verification=abc" "def"' in text
    assert "v=spf1 -all" not in text
    second = publish(*wanted)
    assert second == {"changed": False, "zones": [], "warnings": [], "updates": 0}


@pytest.mark.parametrize("name", ["strong", "middle"])
@pytest.mark.usefixtures("knot")
def test_stronger_keys(name):
    assert publish(record(f"{name}.alpha.test", "TXT", "x"), tsig=key(name))["updates"] == 1


def test_a_colleagues_change_is_not_overwritten(knot):
    publish(record("race.beta.test", "TXT", "one"))
    for line in ('race 300 TXT "two"', "new 300 A 192.0.2.7"):
        with pytest.raises(dns_records.PublishError, match=r"beta.test: .* answered [NY]XRRSET: somebody changed"):
            publish(
                record("race.beta.test", "TXT", "three"),
                record("new.beta.test", "A", "192.0.2.8"),
                before=lambda line=line: knot.set("beta.test", line),
            )
        assert "three" not in knot.has("beta.test")
        assert "192.0.2.8" not in knot.has("beta.test")


def test_what_was_published_before_a_failure_is_said(knot):
    with pytest.raises(dns_records.PublishError) as caught:
        publish(
            record("late.alpha.test", "TXT", "x"),
            record("late.beta.test", "A", "192.0.2.8"),
            before=lambda: knot.set("beta.test", "late 300 A 192.0.2.7"),
        )
    assert caught.value.published == ["alpha.test"]
    assert "Published: alpha.test. Nothing else was changed." in str(caught.value)


def test_removal(knot):
    publish(record("gone.beta.test", "TXT", "keep", "drop"))
    gone = {"name": "gone.beta.test", "type": "TXT", "values": ["drop"]}
    refused(knot, "beta.test: the plan removes 1 values and adds 0", records=[gone], state="absent")
    assert publish(gone, state="absent", confirm_removal=True)["changed"]
    assert "keep" in knot.has("beta.test")
    gone["values"] = None
    assert publish(gone, state="absent", confirm_removal=True)["changed"]
    assert "gone" not in knot.has("beta.test")
    assert not publish(gone, state="absent")["changed"]


@pytest.mark.usefixtures("knot")
def test_a_name_under_a_wildcard_is_known_to_be_missing():
    wanted = record("x.wild.alpha.test", "TXT", "from a wildcard")
    first = publish(wanted)
    assert first["zones"][0]["changes"][0]["action"] == "add"
    assert "no MX any more" in first["warnings"][0]
    assert not publish(wanted)["changed"]


@pytest.mark.parametrize(
    ("texts", "arguments"),
    [
        (["alpha.test", "the key nobody (hmac-sha256)", "not known"], {"tsig": key("nobody", "mailops")}),
        (["BADSIG", "another secret"], {"tsig": TsigKey("mailops", SECRETS["stranger"][1])}),
        (["key_secret: it is no base64"], {"tsig": TsigKey("mailops", "secret")}),
        (
            ["the key mailops (hmac-sha512)", "key_algorithm"],
            {"tsig": TsigKey("mailops", SECRETS["mailops"][1], "hmac-sha512")},
        ),
        (["BADTIME", " s behind this machine's"], {"clock": lambda: time.time() + 4000}),
        (["BADTIME", " s ahead of this machine's"], {"clock": lambda: time.time() - 4000}),
        (["the key stranger (hmac-sha256) may not update this zone"], {"tsig": key("stranger")}),
        (["zone not found", "a.gamma.test"], {"records": [record("a.gamma.test", "A", "192.0.2.1")]}),
        (["zone not found", "alpha.test"], {"zones": ["refused.alpha.test"]}),
        (["zones: refused.alpha.test is in none of beta.test"], {"zones": ["beta.test"]}),
        (["delegated child.alpha.test"], {"records": [record("a.child.alpha.test", "A", "192.0.2.1")]}),
        (["there is CNAME", "(RFC 1034"], {"records": [record("alias.alpha.test", "A", "192.0.2.1")]}),
        (["there is A 1", "so CNAME"], {"records": [record("ns1.alpha.test", "CNAME", "a.test")]}),
        (["port 5399: no connection over TCP"], {"port": 5399}),
        (["no address is known"], {"server": "ns.invalid"}),
    ],
    ids=lambda value: value[0].split(":")[0] if isinstance(value, list) else "",
)
def test_what_is_refused(knot, texts, arguments):
    refused(knot, *texts, **arguments)


@pytest.mark.parametrize(
    "last", [record("half.locked.test", "TXT", "x"), record("half.partly.test", "A", "192.0.2.1")], ids=["zone", "type"]
)
def test_a_zone_that_refuses_keeps_the_others_unchanged(knot, last):
    records = [record("half.alpha.test", "TXT", "x"), record("half.partly.test", "TXT", "x"), last]
    refused(knot, f"{last['name'][5:]}: ", "the key mailops (hmac-sha256) may not", records=records)


@pytest.mark.usefixtures("knot")
def test_a_zone_that_the_server_does_not_have():
    change = Change("a.gamma.test", "A", (), ("192.0.2.1",), 0, 300)
    with Connection(PRIMARY, key=key(), timeout=3) as connection, pytest.raises(DnsError, match="NOTAUTH"):
        Primary(connection).update(ZonePlan("gamma.test", (change,)))


@pytest.mark.usefixtures("knot")
def test_a_record_outside_of_its_zone():
    change = Change("a.gamma.test", "A", (), ("192.0.2.1",), 0, 300)
    with Connection(PRIMARY, key=key(), timeout=3) as connection, pytest.raises(DnsError, match="NOTZONE"):
        Primary(connection).update(ZonePlan("beta.test", (change,)))


def test_a_server_that_does_not_answer(knot):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refused(knot, "no answer in 0.5 s", server="127.0.0.1", port=silent.getsockname()[1], timeout=0.5)


def test_waiting_for_a_secondary(knot):
    knot.control("zone-freeze alpha.test", "secondary")
    arguments = {"wait": 2, "timeout": 2}
    with pytest.raises(dns_records.PublishError) as caught:
        publish(record("slow.alpha.test", "TXT", "x"), **arguments)
    assert f"ns2.alpha.test ({SECONDARY}): it still serves other data for slow.alpha.test TXT" in str(caught.value)
    assert caught.value.published == ["alpha.test"]
    knot.control("zone-thaw alpha.test", "secondary")
    again = publish(record("slow.alpha.test", "TXT", "x"), **{**arguments, "wait": 20})
    assert again["updates"] == 0
    assert publish(record("fast.alpha.test", "TXT", "x"), wait=20)["changed"]
    assert publish(record("listed.alpha.test", "TXT", "x"), wait=20, servers=[f"{SECONDARY}@53"])["changed"]
    with pytest.raises(dns_records.PublishError, match=r"is the server up|no connection in"):
        publish(record("fast.alpha.test", "TXT", "x"), wait=1, timeout=1, servers=[SECONDARY.replace(".54", ".99")])


@pytest.fixture(name="task")
def _task(tmp_path, knot):
    return Task(tmp_path, knot, PRIMARY, ZONES)


def test_as_a_task(task):
    """The module as Ansible calls it: options, no secret in what it prints, and one line when it fails."""
    wanted = [{"name": "task.beta.test.", "type": "TXT", "values": ["x"]}]
    assert task(records=wanted)["changed"]
    assert not task(records=wanted)["changed"]
    wrong = [{"name": "a..b", "type": "A", "values": ["x"]}, {"name": "c.test", "type": "MX"}]
    assert task(records=wrong)["msg"].count("records: ") == 2


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["the key nobody (hmac-sha256)", "Look at key_name, key_algorithm"], {"key_name": "nobody"}),
        (["BADSIG", "with another secret. Look at key_secret"], {"key_secret": SECRETS["stranger"][1]}),
        (["BADTIME", "s ahead of this machine's", "Set the clocks."], {"_skew": -4000}),
        (
            ["alpha.test: ", "answered NOTAUTH: the key stranger (hmac-sha256) may not update this zone"],
            {"key_name": "stranger", "key_secret": SECRETS["stranger"][1]},
        ),
        (
            ["a.gamma.test: zone not found", "(REFUSED). Look at server and zones"],
            {"records": [record("a.gamma.test", "A", "192.0.2.1")]},
        ),
        (
            ["has delegated child.alpha.test to other servers. Ask the primary of that zone."],
            {"records": [record("a.child.alpha.test", "A", "192.0.2.1")]},
        ),
        (["port 5399: no connection over TCP", "is the server up?"], {"port": 5399}),
        ([": no connection", "up?"], {"server": PRIMARY.replace(".53", ".99"), "timeout": 1}),
        (
            [
                'alpha.test TXT: it would lose ip4:192.0.2.1 (there is "v=spf1 ip4:192.0.2.1 -all"). Accepted: ',
                "ip4:192.0.2.1 in relay_domains[].spf.terms, unless nobody sends by it now, ",
                "such as a relay that left; or alpha.test in confirm_loss, if that is meant.",
            ],
            {"records": [record("alpha.test", "TXT", "v=spf1 ip4:192.0.2.9 -all")]},
        ),
    ],
    ids=lambda value: value[0][:20] if isinstance(value, list) else "",
)
def test_each_refusal_of_a_task_is_one_line_and_changes_nothing(task, texts, options):
    publish(record("alpha.test", "TXT", "v=spf1 ip4:192.0.2.1 -all"), confirm_loss=["alpha.test"])
    task.refused(*texts, **options)


def test_a_loss_that_is_named_is_published(task, knot):
    publish(record("loss.alpha.test", "TXT", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all", "kept"))
    wanted = [record("loss.alpha.test", "TXT", "v=spf1 ip4:192.0.2.1 -all")]
    with pytest.raises(dns_records.PublishError, match=r"it would lose ip4:192\.0\.2\.2 "):
        publish(*wanted, check_mode=True)
    assert task(records=wanted, confirm_loss=["Loss.alpha.test."])["changed"]
    assert "192.0.2.2" not in knot.has("alpha.test")
    assert '"kept"' in knot.has("alpha.test")


class Middleman(socketserver.ThreadingTCPServer):
    """Passes messages on to the primary; ``answer`` makes of each question and answer what comes back, or nothing."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Passing)
        self.answer = answer
        self.port = self.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error):
        self.shutdown()
        self.server_close()


class Passing(socketserver.BaseRequestHandler):
    """One connection of a client, and one to the primary."""

    def handle(self):
        with socket.create_connection((PRIMARY, 53), 5) as primary:
            while question := self.message(self.request):
                primary.sendall(len(question).to_bytes(2, "big") + question)
                answer = self.server.answer(question, self.message(primary))
                if answer:
                    self.request.sendall(answer)

    @staticmethod
    def message(sock):
        with contextlib.suppress(OSError):
            size = int.from_bytes(sock.recv(2, socket.MSG_WAITALL), "big")
            return sock.recv(size, socket.MSG_WAITALL) if size else b""
        return b""


def is_update(question: bytes) -> bool:
    return question[2] >> 3 & 15 == dns.opcode.UPDATE


def sized(answer: bytes) -> bytes:
    return len(answer).to_bytes(2, "big") + answer


def test_a_lost_answer_to_an_update_is_said(task, knot):
    """The update has been done, which the module cannot know."""
    wanted = [record("lost.beta.test", "TXT", "x")]
    with Middleman(lambda question, answer: b"" if is_update(question) else sized(answer)) as middleman:
        failed = task(server="127.0.0.1", port=middleman.port, timeout=1, records=wanted)
    assert failed["failed"]
    assert failed["changed"]
    assert "no answer in 1 s" in failed["msg"]
    assert "not known whether beta.test was changed" in failed["msg"]
    assert "lost.beta.test" in knot.has("beta.test")
    assert publish(*wanted)["updates"] == 0


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("no answer in 1 s", lambda _question, _answer: b""),
        ("no answer in 1 s", lambda _question, answer: sized(answer)[:-1]),
        ("malformed or not signed", lambda _question, answer: sized(answer[:-1] + bytes([answer[-1] ^ 1]))),
        ("malformed or not signed", lambda _question, answer: sized(answer[: len(answer) // 2])),
        ("no answer to us", lambda _question, answer: sized(b"\xff\xff" + answer[2:])),
        ("no answer to us", lambda _question, _answer: sized(b"x")),
    ],
    ids=["silent", "cut", "forged", "half", "other number", "too short"],
)
@pytest.mark.usefixtures("knot")
def test_what_a_bad_server_says_is_one_line(knot, text, answer):
    with Middleman(answer) as middleman:
        refused(knot, f"127.0.0.1 port {middleman.port}: ", text, server="127.0.0.1", port=middleman.port, timeout=1)


def test_a_server_that_drips_is_given_up_in_time(knot):
    """One octet at a time, each in time: the time is for the whole answer."""

    class Dripping(Passing):
        def handle(self):
            self.message(self.request)
            for octet in b"\x0f\xff" + bytes(500):
                self.request.sendall(bytes([octet]))
                time.sleep(0.2)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Dripping) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        begin = time.monotonic()
        refused(knot, "no answer in 1 s", server="127.0.0.1", port=server.server_address[1], timeout=1)
        server.shutdown()
    assert time.monotonic() - begin < 60, "100 s would be the whole answer"

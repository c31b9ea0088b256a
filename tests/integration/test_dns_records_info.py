# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dns_records_info and its client against real name servers, and servers that misbehave."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time
import typing as t

import dns.flags
import dns.rcode
import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dns, _dns_answer, _dns_survey
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server
from ansible_collections.mailops.relay.plugins.module_utils._dns_client import Client
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.modules import dns_records_info
from container_host import ENVIRONMENT
from dns_fleet import key
from dns_servers import KNOTS, NET4, NET6, Knots, closed_port, is_checking, response, silence, udp_server

LONG = key("long", tags="k=rsa; n=" + "x" * 2500)
SPF = {"one": "v=spf1 ip4:192.0.2.25 -all", "two": "v=spf1 ip4:192.0.2.26 -all"}
HEAD = "@ 3600 SOA {ns} hostmaster.alpha.test. 1 3600 600 86400 300\n"
GLUE = "".join(f"{{0}}{name} A {NET4}.{host}\n{{0}}{name} AAAA {NET6}::{host}\n" for name, host in KNOTS.items())


def quoted(text: str) -> str:
    return " ".join(f'"{text[i : i + 255]}"' for i in range(0, len(text), 255))


def alpha(knot: str) -> str:
    return (
        f"$TTL 300\n{HEAD.format(ns='ns-one')}"
        f"@ NS ns-one\n@ NS ns-two\n{GLUE.format('ns-')}"
        f'@ TXT "{SPF[knot]}"\n@ TXT "somebody-else=1"\n'
        "@ MX 10 mail\nmail A 192.0.2.25\nmail AAAA 2001:db8::25\nrelay A 192.0.2.25\n"
        'relay TXT "v=spf1 a -all"\n'
        f"long._domainkey TXT {quoted(LONG)}\n"
        "alias._domainkey CNAME long._domainkey\nhost CNAME mail\nout CNAME www.beta.test.\ndangling CNAME nothing\n"
        '*.wild A 192.0.2.99\ntwice TXT "v=spf1 -all"\ntwice TXT "v=spf1 a -all"\n'
        'include TXT "v=spf1 include:spf.beta.test -all"\n_dmarc.include TXT "v=DMARC1; p=none; adkim=s"\n'
        "lame NS ns-two\n"
        f"out-of-names CNAME {chr(92)}255{(chr(92) + '255') * 39}.beta.test.\n"
        "mx MX 10 host\nmx MX 20 none.beta.test.\nmx MX 30 www.beta.test.\nmx MX 40 exchange\nexchange CNAME mail\n"
    )


BETA = f'$TTL 300\n{HEAD.format(ns="ns-one.alpha.test.")}@ NS ns-one.alpha.test.\nwww A 192.0.2.80\n\
spf TXT "v=spf1 ip4:192.0.2.25 ~all"\n'
REVERSE = (
    f"$TTL 300\n{HEAD.format(ns='ns-one.alpha.test.')}@ NS ns-one.alpha.test.\n"
    "25 PTR relay.alpha.test.\n26 PTR relay.alpha.test.\n"
)
TEST = (
    f"$TTL 300\n{HEAD.format(ns='ns.test.')}@ NS ns\nns A {NET4}.2\n"
    "alpha NS ns-one.alpha\nalpha NS ns-two.alpha\nbeta NS ns-one.alpha\n"
    + GLUE.format("ns-").replace(" A", ".alpha A")
)


@pytest.fixture(scope="module")
def knots() -> t.Iterator[Knots]:
    found = Knots()
    try:
        found.start()
        found.serve(
            "one", {"alpha.test": alpha("one"), "beta.test": BETA, "test": TEST, "2.0.192.in-addr.arpa": REVERSE}
        )
        found.serve("two", {"alpha.test": alpha("two")})
        yield found
    finally:
        found.remove()


def ask(server: Server, name: str, rdtype: str) -> Answer:
    async def run() -> Answer:
        return await Client(timeout=2).ask(server, name, rdtype)

    return asyncio.run(run())


TABLE = [
    ("mail.alpha.test", "A", "present", ("192.0.2.25",), ()),
    ("MAIL.alpha.test", "AAAA", "present", ("2001:db8::25",), ()),
    ("alpha.test", "MX", "present", ("10 mail.alpha.test.",), ()),
    ("long._domainkey.alpha.test", "TXT", "present", (LONG,), ()),
    ("alias._domainkey.alpha.test", "TXT", "present", (LONG,), ("long._domainkey.alpha.test",)),
    ("host.alpha.test", "CNAME", "present", ("mail.alpha.test.",), ()),
    ("dangling.alpha.test", "A", "no_name", (), ("nothing.alpha.test",)),
    ("out.alpha.test", "A", "no_data", (), ("www.beta.test",)),
    ("mail.alpha.test", "TXT", "no_data", (), ()),
    ("none.alpha.test", "A", "no_name", (), ()),
    ("any.wild.alpha.test", "A", "present", ("192.0.2.99",), ()),
    (r"a\.b c.wild.alpha.test", "A", "present", ("192.0.2.99",), ()),
    ("x.lame.alpha.test", "A", "not_authoritative", (), ()),
    ("gamma.example", "A", "refused", (), ()),
    (f"{'x' * 64}.alpha.test", "A", "malformed", (), ()),
    ("a..alpha.test", "A", "malformed", (), ()),
    ("out-of-names.alpha.test", "A", "no_data", (), (r"\255" * 40 + ".beta.test",)),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]} {row[1]}")
@pytest.mark.parametrize("family", ["address4", "address6"])
def test_answers_of_knot(knots: Knots, family: str, row: tuple[t.Any, ...]) -> None:
    """What the server itself holds; aliases are not followed to where it does not."""
    answer = ask(Server(getattr(knots, family)["one"]), row[0], row[1])
    assert (answer.state, answer.values, answer.cnames) == row[2:], answer


def test_the_servers_of_a_zone_are_found(knots: Knots) -> None:
    async def run() -> list[_dns_survey.Authority]:
        finder = _dns_survey.Authorities(Client(timeout=2), Server(knots.address4["one"]))
        names = ["alpha.test", "long._domainkey.alpha.test", "none.alpha.test", "host.alpha.test", "nobody.test"]
        return [await finder.of(name) for name in names]

    *found, nobody = asyncio.run(run())
    addresses = {*knots.address4.values(), *knots.address6.values()}
    for authority in found:
        assert authority.zone == "alpha.test"
        assert {server.address for server in authority.servers} == addresses
    assert (nobody.zone, nobody.servers) == ("test", ())


GARBAGE: list[tuple[str, t.Callable[[bytes], bytes | None], str]] = [
    ("not a message", lambda data: data[:2] + b"\xff" * 40, "malformed"),
    ("short", lambda data: data[:2], "malformed"),
    ("the question", lambda data: data, "malformed"),
    ("the number of another question", lambda data: bytes([data[0] ^ 1]) + data[1:], "malformed"),
    ("another name", lambda data: response(data).replace(b"\x01a", b"\x01b"), "malformed"),
    ("nothing", silence, "timed_out"),
    ("SERVFAIL", lambda data: response(data, rcode=dns.rcode.SERVFAIL), "failed"),
    ("NOTAUTH", lambda data: response(data, rcode=dns.rcode.NOTAUTH), "refused"),
    ("a loop", lambda data: response(data, "a.test 60 CNAME b.test.", "b.test 60 CNAME a.test."), "no_data"),
    ("no EDNS", lambda data: response(data, rcode=dns.rcode.FORMERR) if len(data) > 24 else response(data), "no_data"),
    ("always truncated", lambda data: response(data, flags=dns.flags.TC), "unreachable"),
]


@pytest.mark.parametrize(("reply", "state"), [row[1:] for row in GARBAGE], ids=[row[0] for row in GARBAGE])
def test_servers_that_misbehave(reply: t.Callable[[bytes], bytes | None], state: str) -> None:
    async def run() -> Answer:
        async with udp_server(reply) as (port, _sink):
            return await Client(timeout=0.5).ask(Server("127.0.0.1", port), "a.test", "TXT")

    answer = asyncio.run(run())
    assert answer.state == state, answer


def test_no_octets_are_worse_than_malformed() -> None:
    """Answers with octets changed, left out and added."""
    question = _dns.Question("a.test", "TXT")
    asked = _dns.query(question)
    good = response(asked.wire, "a.test 60 CNAME b.test.", 'b.test 60 TXT "x" "y"', "b.test 60 MX 10 c.test.")
    states = set()
    for seed in range(4000):
        chance = random.Random(seed)
        octets = bytearray(good)
        for _change in range(chance.randint(1, 4)):
            octets[chance.randrange(2, len(octets))] = chance.randrange(256)
        wire = bytes(octets[: chance.randint(2, len(octets))] if seed % 3 == 0 else octets)
        with contextlib.suppress(_dns.TruncatedError, _dns.PlainError):
            answer = _dns.read(asked, question, Server("192.0.2.1"), wire)
            json.dumps([*answer.values, *answer.cnames, answer.detail]).encode()
            states.add(answer.state)
    assert {"present", "malformed", "failed"} <= states


def test_a_closed_port() -> None:
    answer = ask(Server("127.0.0.1", closed_port()), "a.test", "TXT")
    assert (answer.state, answer.detail) == ("unreachable", "Connection refused")


def test_lost_datagrams_are_sent_again() -> None:
    async def run() -> tuple[Answer, int]:
        lost = iter([None, None])
        async with udp_server(lambda data: next(lost, response(data, 'a.test 60 TXT "x"'))) as (port, sink):
            return await Client(timeout=1).ask(Server("127.0.0.1", port), "a.test", "TXT"), sink.seen

    answer, seen = asyncio.run(run())
    assert (answer.values, seen) == (("x",), 3)


def test_dead_servers_cost_one_time_out(knots: Knots) -> None:
    """400 questions for each of three dead servers and a live one, 8 in flight."""

    async def run() -> tuple[list[Answer], float, tuple[int, int]]:
        client = Client(timeout=1, in_flight=8)
        async with (
            udp_server(silence) as (one, sink),
            udp_server(silence) as (two, _asked),
            udp_server(lambda _data: b"?") as (three, _asked),
        ):
            servers = [Server("127.0.0.1", port) for port in (one, two, three)] + [Server(knots.address4["one"])]
            names = [f"n{number}.wild.alpha.test" for number in range(400)]
            begin = time.monotonic()
            answers = await asyncio.gather(*(client.ask(server, name, "A") for name in names for server in servers))
            return list(answers), time.monotonic() - begin, (client.asked, sink.seen)

    answers, seconds, seen = asyncio.run(run())
    states = [answer.state for answer in answers]
    assert {state: states.count(state) for state in set(states)} == {"present": 400, "timed_out": 800, "malformed": 400}
    # One time-out is a second. One for each round of questions would be 50.
    assert seconds < 20
    asked, datagrams = seen
    assert asked == 403
    assert 1 <= datagrams <= 3


def test_a_server_that_dies_on_the_way_costs_one_time_out() -> None:
    async def run() -> tuple[set[str], float]:
        client = Client(timeout=1, in_flight=8)
        left = iter(range(20))
        async with udp_server(lambda data: response(data) if next(left, None) is not None else None) as (port, _sink):
            begin = time.monotonic()
            answers = await asyncio.gather(
                *(client.ask(Server("127.0.0.1", port), f"n{number}.test", "A") for number in range(300))
            )
            return {answer.state for answer in answers}, time.monotonic() - begin

    states, seconds = asyncio.run(run())
    assert states == {"no_data", "timed_out"}
    assert seconds < 20


@pytest.mark.parametrize(
    ("reply", "security"),
    [
        (lambda data: response(data, 'a.test 60 TXT "x"', flags=dns.flags.AD), "secure"),
        (lambda data: response(data, 'a.test 60 TXT "x"'), "insecure"),
        (lambda data: response(data, rcode=dns.rcode.SERVFAIL if is_checking(data) else dns.rcode.NOERROR), "bogus"),
        (lambda data: response(data, rcode=dns.rcode.SERVFAIL), "unknown"),
    ],
)
def test_dnssec(reply: t.Callable[[bytes], bytes | None], security: str) -> None:
    async def run() -> Answer:
        async with udp_server(reply) as (port, _sink):
            return await Client(timeout=1).resolve(Server("127.0.0.1", port), "a.test", "TXT")

    assert asyncio.run(run()).security == security


RIGHT, OLD = 'a.test 300 TXT "v=spf1 -all"', 'a.test 17 TXT "v=spf1 ~all"'


@pytest.mark.parametrize(
    ("resolver", "expected"),
    [
        (lambda data: response(data, RIGHT, flags=dns.flags.AD), []),
        (lambda data: response(data, OLD), ["dns_record_cached"]),
        (lambda data: response(data, rcode=dns.rcode.NXDOMAIN), ["dns_record_cached"]),
        (lambda data: response(data, rcode=dns.rcode.SERVFAIL) if is_checking(data) else response(data), ["dns_bogus"]),
        (silence, []),
    ],
)
def test_a_validating_resolver_beside_the_server(
    resolver: t.Callable[[bytes], bytes | None], expected: list[str]
) -> None:
    async def run() -> dict[str, t.Any]:
        async with (
            udp_server(lambda data: response(data, RIGHT, flags=dns.flags.AA)) as (server, _asked),
            udp_server(resolver) as (validating, _asked),
        ):
            ports = [Server("127.0.0.1", server)], Server("127.0.0.1", validating)
            records = [RecordSet("a.test", "TXT", ("v=spf1 -all",))]
            return await dns_records_info.run(dns_records_info.Plan(records, *ports, True, [], 0.5, 8))

    assert [finding["id"] for finding in asyncio.run(run())["findings"]] == expected


def call(folder: pathlib.Path, **options: t.Any) -> dict[str, t.Any]:
    """Call the module as Ansible does."""
    command = ["ansible", "localhost", "--connection", "local", "--one-line", "--check"]
    command += ["--extra-vars", json.dumps({"ansible_python_interpreter": sys.executable})]
    command += ["--module-name", "mailops.relay.dns_records_info", "--args", json.dumps(options)]
    environment = {**ENVIRONMENT, "ANSIBLE_LOCAL_TEMP": str(folder), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert "Traceback" not in done.stdout + done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return result


def record(name: str, rdtype: str, *values: str) -> dict[str, t.Any]:
    return {"name": name, "type": rdtype, "values": list(values)}


def test_module(knots: Knots, tmp_path: pathlib.Path) -> None:
    records = [
        record("alpha.test", "MX", "10 mail.alpha.test"),
        record(
            "mx.alpha.test",
            "MX",
            "10 host.alpha.test",
            "20 none.beta.test",
            "30 www.beta.test",
            "40 exchange.alpha.test",
        ),
        record("25.2.0.192.in-addr.arpa", "PTR", "relay.alpha.test"),
        record("26.2.0.192.in-addr.arpa", "PTR", "relay.alpha.test"),
        record("alpha.test", "TXT", SPF["one"]),
        record("long._domainkey.alpha.test", "TXT", LONG),
        record("alias._domainkey.alpha.test", "TXT", LONG),
        record("host.alpha.test", "A", "192.0.2.25"),
        record("out.alpha.test", "A", "192.0.2.80"),
        record("dangling.alpha.test", "A", "192.0.2.80"),
        record("out-of-names.alpha.test", "A", "192.0.2.80"),
        record("none.alpha.test", "A", "192.0.2.25"),
        record("mail.alpha.test", "A", "192.0.2.77"),
        record("x.wild.alpha.test", "A", "192.0.2.77"),
        record("twice.alpha.test", "TXT", "v=spf1 -all"),
        record("nobody.test", "A", "192.0.2.25"),
    ]
    senders = [
        {
            "helo": "relay.alpha.test",
            "addresses": ["192.0.2.25"],
            "mail_from": ["include.alpha.test"],
            "dkim": ["alpha.test"],
        },
        {"helo": "relay.alpha.test", "addresses": ["192.0.2.30"], "mail_from": []},
    ]
    result = call(tmp_path, records=records, resolver=knots.address4["one"], senders=senders)
    assert {(finding["id"], finding["severity"], finding["subject"]) for finding in result["findings"]} == {
        ("dns_servers_disagree", "error", "alpha.test TXT"),
        ("dns_cname", "notice", "alias._domainkey.alpha.test TXT"),
        ("dns_cname", "warning", "host.alpha.test A"),
        ("dns_cname", "warning", "out.alpha.test A"),
        ("dns_cname", "error", "dangling.alpha.test A"),
        ("dns_cname", "error", "out-of-names.alpha.test A"),
        ("dns_record_missing", "error", "none.alpha.test A"),
        ("dns_record_different", "error", "mail.alpha.test A"),
        ("dns_wildcard_answers", "error", "x.wild.alpha.test A"),
        ("dns_spf_several_records", "error", "twice.alpha.test TXT"),
        ("dns_zone_not_delegated", "error", "nobody.test"),
        ("spf_not_pass", "error", "relay.alpha.test TXT"),
        ("dns_target_alias", "error", "mx.alpha.test MX"),
        ("dns_target_without_address", "error", "mx.alpha.test MX"),
        ("dns_ptr_not_confirmed", "error", "26.2.0.192.in-addr.arpa PTR"),
        ("dns_helo_not_confirmed", "warning", "relay.alpha.test A"),
        ("dmarc_dkim_not_aligned", "warning", "From include.alpha.test"),
    }
    assert [item["result"] for item in result["spf"]] == ["pass", "pass", "fail"]
    assert result["spf"][1]["path"] == ["include:spf.beta.test", "ip4:192.0.2.25"]
    assert not result["changed"]
    authoritative = [a for a in result["answers"] if a["kind"] == "authoritative" and a["name"] == "none.alpha.test"]
    assert len(authoritative) == 4
    assert f"ns-two.alpha.test ({NET6}::3)" in {answer["server"] for answer in authoritative}


def test_module_with_given_servers(knots: Knots, tmp_path: pathlib.Path) -> None:
    servers = [knots.address4["one"], f"127.0.0.1@{closed_port()}"]
    result = call(tmp_path, records=[record("alpha.test", "TXT", SPF["one"])], servers=servers)
    assert [(finding["id"], finding["severity"]) for finding in result["findings"]] == [
        ("dns_server_unreachable", "warning")
    ]
    assert result["answers"][0]["state"] == _dns_answer.PRESENT


def test_module_with_a_dead_resolver(tmp_path: pathlib.Path) -> None:
    """One finding for each record, after one time-out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dead:
        dead.bind(("127.0.0.1", 0))
        resolver = f"127.0.0.1@{dead.getsockname()[1]}"
        records = [record(f"n{number}.test", "A", "192.0.2.1") for number in range(50)]
        senders = [{"helo": "n1.test.example", "addresses": ["192.0.2.1"], "mail_from": ["a.test", "b.test"]}]
        begin = time.monotonic()
        result = call(tmp_path, records=records, resolver=resolver, senders=senders, timeout=2)
    assert time.monotonic() - begin < 40
    found = collections.Counter(finding["id"] for finding in result["findings"])
    assert found == {"dns_servers_unknown": 50, "spf_temperror": 3, "dns_target_unknown": 1}
    assert "n0.test SOA is timed_out (no answer in 2 s), says 127.0.0.1 port" in result["findings"][0]["message"]


def test_module_refuses_what_it_cannot_ask(tmp_path: pathlib.Path) -> None:
    result = call(tmp_path, records=[record("a..test", "A", "192.0.2.1"), record("a.test", "A", "x")], servers=["x"])
    assert result["msg"].count("\n") == 2

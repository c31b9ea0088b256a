# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DANE before MTA-STS, with a resolver and a daemon of a few lines (RFC 7672, RFC 8461)."""

from __future__ import annotations

import asyncio
import importlib.util
import pathlib
import typing as t

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest

PROGRAM = pathlib.Path(__file__).parents[3] / "roles/mta_sts/files/tls_policy_map.py"
STS = "OK secure match=mx.a.test servername=hostname"
GOOD = "3 1 1 " + "0" * 64

Zone = t.Dict[t.Tuple[str, str], t.Any]


def _load() -> t.Any:
    specification = importlib.util.spec_from_file_location("tls_policy_map", PROGRAM)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


tls_policy_map = _load()


def resolver(zone: Zone, insecure: t.Collection[str] = (), failing: t.Collection[str] = ()) -> t.Any:
    """Answer from ``zone``: values by name and type. Names that end with one of ``insecure`` are not validated."""

    async def ask(name: t.Any, rdtype: str) -> t.Any:
        text = name.to_text(omit_final_dot=True)
        answer = dns.message.make_response(dns.message.make_query(name, rdtype))
        if text in failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        while (text, "CNAME") in zone:
            answer.answer.append(dns.rrset.from_text(f"{text}.", 60, "IN", "CNAME", *zone[text, "CNAME"]))
            text = zone[text, "CNAME"][0].rstrip(".")
        if (text, rdtype) in zone:
            answer.answer.append(dns.rrset.from_text(f"{text}.", 60, "IN", rdtype, *zone[text, rdtype]))
        if not text.endswith(tuple(insecure) or "\0"):
            answer.flags |= dns.flags.AD
        return tls_policy_map.found(dns.message.from_wire(answer.to_wire()), rdtype)

    return ask


MX: Zone = {("a.test", "MX"): ["10 mx.a.test."], ("mx.a.test", "A"): ["192.0.2.1"]}
TLSA: Zone = {("_25._tcp.mx.a.test", "TLSA"): [GOOD]}
TWO: Zone = {("a.test", "MX"): ["10 mx.a.test.", "20 mx.b.test."], ("mx.b.test", "A"): ["192.0.2.2"]}
IPV6: Zone = {("mx.a.test", "A"): [], ("mx.a.test", "AAAA"): ["2001:db8::1"]}
ALIAS: Zone = {("mx.a.test", "CNAME"): ["host.c.test."], ("host.c.test", "A"): ["192.0.2.3"]}


@pytest.mark.parametrize(
    ("zone", "options", "holds"),
    [
        pytest.param({**MX, **TLSA}, {}, "all", id="records"),
        pytest.param(MX, {}, "none", id="no records"),
        pytest.param({**MX, **TLSA}, {"insecure": ["a.test"]}, "none", id="an unsigned zone"),
        pytest.param({**MX, **TLSA}, {"insecure": ["_25._tcp.mx.a.test"]}, "none", id="records that are not validated"),
        pytest.param({**MX, **TLSA}, {"insecure": ["mx.a.test"]}, "none", id="7672 2.2.2: addresses not validated"),
        pytest.param({**MX, **TLSA, ("a.test", "MX"): ["0 ."]}, {}, "none", id="7505: no mail"),
        pytest.param({("a.test", "A"): ["192.0.2.1"], ("_25._tcp.a.test", "TLSA"): [GOOD]}, {}, "all", id="no MX"),
        pytest.param(
            {**MX, ("mx.a.test", "A"): [], ("mx.a.test", "AAAA"): ["2001:db8::1"], **TLSA}, {}, "all", id="IPv6"
        ),
        pytest.param(
            {**MX, ("_25._tcp.mx.a.test", "TLSA"): ["1 1 1 " + "0" * 64]}, {}, "none", id="7672 3.1.3: usage 1"
        ),
        pytest.param({**MX, ("_25._tcp.mx.a.test", "TLSA"): ["3 1 9 00", GOOD]}, {}, "all", id="one of two is usable"),
        pytest.param({**MX, **TWO, **TLSA}, {}, "some", id="one of two servers"),
        pytest.param({**MX, **TWO, **TLSA, ("_25._tcp.mx.b.test", "TLSA"): [GOOD]}, {}, "all", id="two servers"),
        pytest.param({**MX, **TLSA}, {"failing": ["_25._tcp.mx.a.test"]}, "some", id="records that cannot be had"),
        pytest.param({**MX, **TWO, **TLSA}, {"failing": ["mx.b.test"]}, "some", id="addresses that cannot be had"),
        pytest.param({**MX, **ALIAS, ("_25._tcp.host.c.test", "TLSA"): [GOOD]}, {}, "all", id="7672 2.2.3: the alias"),
        pytest.param({**MX, **ALIAS, **TLSA}, {}, "all", id="7672 2.2.3: the first name"),
    ],
)
def test_of_how_many_servers_dane_holds(zone: Zone, options: dict[str, t.Any], holds: str) -> None:
    zone = {key: values for key, values in zone.items() if values}
    assert asyncio.run(tls_policy_map.dane(resolver(zone, **options), "a.test")) == holds


class Record(t.NamedTuple):
    """A TLSA record as dnspython has it; younger releases of it refuse some of these themselves."""

    usage: int
    selector: int
    mtype: int
    cert: bytes


@pytest.mark.parametrize(
    ("record", "usable"),
    [
        (Record(3, 1, 1, b"x" * 32), True),
        (Record(2, 0, 2, b"x" * 64), True),
        (Record(3, 0, 0, b"x"), True),
        (Record(3, 1, 1, b"x" * 31), False),
        (Record(3, 1, 0, b""), False),
        (Record(0, 1, 1, b"x" * 32), False),
        (Record(3, 2, 1, b"x" * 32), False),
        (Record(3, 1, 3, b"x" * 32), False),
    ],
)
def test_usable_records(record: Record, usable: bool) -> None:
    assert tls_policy_map.is_usable(record) == usable


def answers(
    path: pathlib.Path, reply: str | None, ask: t.Any, *requests: str, leave: t.Sequence[str] = ()
) -> list[str]:
    """Ask the map with a daemon behind it that always gives ``reply``, or that is not there."""

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tls_policy_map.read_netstring(reader)
        writer.write(tls_policy_map.netstring(reply))
        writer.close()

    async def run() -> list[str]:
        backend, front = str(path / "backend"), str(path / "front")
        policies = tls_policy_map.Policies(backend, ask, leave)
        servers = [await asyncio.start_unix_server(policies.serve, front)]
        servers += [await asyncio.start_unix_server(daemon, backend)] if reply is not None else []
        reader, writer = await asyncio.open_unix_connection(front)
        found = []
        for request in requests:
            writer.write(tls_policy_map.netstring(request))
            found.append(await tls_policy_map.read_netstring(reader))
        writer.close()
        for server in servers:
            server.close()
        return found

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("zone", "reply", "expected"),
    [
        ({**MX, **TLSA}, STS, "NOTFOUND "),
        ({**MX, **TWO, **TLSA}, STS, "OK dane-only"),
        (MX, STS, STS),
        ({**MX, **TLSA}, "NOTFOUND ", "NOTFOUND "),
        (MX, "TEMP later", "TEMP later"),
        (MX, None, "TEMP mta-sts-daemon does not answer"),
    ],
)
def test_what_postfix_is_told(tmp_path: pathlib.Path, zone: Zone, reply: str | None, expected: str) -> None:
    assert answers(tmp_path, reply, resolver(zone), "policy a.test", "policy a.test") == [expected, expected]


def test_without_a_resolver_there_is_no_dane(tmp_path: pathlib.Path) -> None:
    assert answers(tmp_path, STS, None, "policy a.test") == [STS]


def test_a_domain_whose_servers_cannot_be_known_waits(tmp_path: pathlib.Path) -> None:
    ask = resolver(MX, failing=["a.test"])
    assert answers(tmp_path, STS, ask, "policy a.test") == ["TEMP a.test. MX: SERVFAIL"]


@pytest.mark.parametrize("key", [".a.test", "[mx.a.test]:25", "[192.0.2.1]"])
def test_what_is_no_domain_has_no_policy(tmp_path: pathlib.Path, key: str) -> None:
    assert answers(tmp_path, STS, resolver({}), f"policy {key}") == ["NOTFOUND "]


def test_a_parent_whose_level_is_said_elsewhere_keeps_it(tmp_path: pathlib.Path) -> None:
    requests = ["policy sub.A.test", "policy a.test", "policy ba.test"]
    assert answers(tmp_path, STS, None, *requests, leave=[".a.test"]) == ["NOTFOUND ", STS, STS]


@pytest.mark.parametrize("octets", [b"x:policy a.test,", b"99999:", b"3:abcd", b"x" * 100_000])
def test_a_client_that_does_not_speak_the_protocol_is_left(tmp_path: pathlib.Path, octets: bytes) -> None:
    async def run() -> bytes:
        server = await asyncio.start_unix_server(tls_policy_map.Policies("", None).serve, str(tmp_path / "front"))
        async with server:
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "front"))
            writer.write(octets)
            try:
                return await reader.read()
            except ConnectionError:
                return b""

    assert asyncio.run(run()) == b""

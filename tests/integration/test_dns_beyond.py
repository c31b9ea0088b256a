# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where records lead: dns_records_info with block lists in Knot, policies in a web server, certificates in Postfix."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _block_list, _mta_sts, _tlsa
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts import Policy
from loopback_servers import Authority, Pair
from module_call import call, found, record
from signed_zones import KNOT, NET4, NET6, PLAIN, SILENT, UNBOUND, SignedZones, Zone

MAIL4, MAIL6, CLEAR = f"{NET4}.25", f"{NET6}::25", f"{NET4}.26"
POLICY = Policy("enforce", 604800, ("mx.alpha.test",))
OLD = Policy("testing", 86400, ("mx.alpha.test",))
ID = {policy: _mta_sts.policy_id(policy) for policy in (POLICY, OLD)}


class Site(t.NamedTuple):
    """What a policy host serves and what its domain has in DNS; ``finding`` is the one that is expected."""

    finding: tuple[str, str, str] | None
    policy: Policy = POLICY
    id: str = ID[POLICY]
    reply: dict[str, t.Any] = {}  # noqa: RUF012 - never changed
    host: str = MAIL4
    mx: str = ""


def served(kind: str) -> tuple[str, str, str]:
    return f"mta_sts_{kind}", "warning", "https"


SITES = {
    "right": Site(None),
    "foreign": Site(None, id="20160831085700Z"),
    "old": Site(served("policy_different"), OLD, ID[OLD]),
    "early": Site(served("policy_different"), OLD),
    "stale": Site(("mta_sts_id_not_changed", "warning", "_mta-sts"), id=ID[OLD]),
    "moved": Site(served("policy_redirected"), reply={"status": 301, "location": "https://www.alpha.test/"}),
    "absent": Site(served("policy_missing"), reply={"status": 404}),
    "html": Site(served("policy_type_wrong"), reply={"type": "text/html"}),
    "garbage": Site(served("policy_invalid"), reply={"body": "<html>"}),
    "unnamed": Site(served("policy_certificate_invalid")),
    "down": Site(served("policy_unreachable"), host=KNOT),
    "nowhere": Site(served("policy_unreachable"), host=""),
    "uncovered": Site(("mta_sts_mx_not_covered", "error", "mx"), mx="other.alpha.test."),
}
LISTS = {
    "bl.test": f"2.0.0.127 A 127.0.0.2\n{_block_list.question(MAIL4, 'bl.test.')} A 127.0.0.4\n"
    f'{_block_list.question(MAIL4, "bl.test.")} TXT "Spam seen, " "see https://bl.test/"\n',
    "clean.test": f"2.0.0.127 A 127.0.0.2\n{_block_list.question('::ffff:127.0.0.2', 'clean.test.')} A 127.0.0.2\n",
    "refusing.test": '* A 127.255.255.254\n* TXT "Use a resolver of your own"\n',
    "parked.test": "* A 198.51.100.80\n",
    "dead.test": "",
    "world.test": "* A 127.0.0.2\n",
}
WEB = """
import http.server, json, ssl

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        reply = json.load(open("/srv/replies.json"))[self.headers["Host"]]
        self.send_response(reply.get("status", 200))
        self.send_header("Content-Type", reply.get("type", "text/plain; charset=us-ascii"))
        if "location" in reply:
            self.send_header("Location", reply["location"])
        self.end_headers()
        if self.path == "/.well-known/mta-sts.txt":
            self.wfile.write(reply["body"].encode())

server = http.server.ThreadingHTTPServer(("ADDRESS", 443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/srv/web.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
MAIN_CF = f"""
compatibility_level = 3.6
myhostname = mx.alpha.test
inet_interfaces = {MAIL4}, {MAIL6}
maillog_file = /var/log/postfix.log
smtpd_tls_chain_files = /srv/mx.pem
smtpd_tls_security_level = may
"""
MASTER_CF = f"""
smtp inet n - n - - smtpd
465 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
587 inet n - n - - smtpd -o smtpd_tls_chain_files=/srv/next.pem
{CLEAR}:smtp inet n - n - - smtpd -o smtpd_tls_security_level=none
postlog unix-dgram n - n - 1 postlogd
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
"""


class World(t.NamedTuple):
    """The servers, and what is needed to judge them."""

    servers: SignedZones
    folder: pathlib.Path
    own: Pair
    following: Pair
    authority: Authority


def tlsa(spki: bytes, usage: int = 3) -> str:
    return _tlsa.join(_tlsa.associate(usage, 1, 1, spki))


def tlsa_records(own: Pair, following: Pair, ca: bytes) -> dict[str, list[str]]:
    """Values by name below alpha.test."""
    return {
        "_25._tcp.mx": [tlsa(own.spki)],
        "_465._tcp.mx": [tlsa(own.spki)],
        "_587._tcp.mx": [tlsa(following.spki)],
        "_25._tcp.next": [tlsa(own.spki), tlsa(following.spki)],
        "_25._tcp.other": [tlsa(following.spki)],
        "_25._tcp.down": [tlsa(own.spki)],
        "_25._tcp.clear": [tlsa(own.spki)],
        "_25._tcp.pkix": [tlsa(own.spki, 1)],
        "_25._tcp.authority": [tlsa(ca, 2)],
    }


def zone(own: Pair, following: Pair, ca: bytes) -> str:
    lines = [
        "@ MX 10 mx",
        *(f"{host} A {MAIL4}" for host in ("mx", "next", "other", "pkix", "authority")),
        f"mx AAAA {MAIL6}",
        'mx TXT "v=spf1 a -all"',
        f"down A {KNOT}",
        f"clear A {CLEAR}",
    ]
    for name, values in tlsa_records(own, following, ca).items():
        lines += [f"{name} TLSA {value}" for value in values]
    for name, site in SITES.items():
        lines += [f"{name} MX 10 mx", f'_mta-sts.{name} TXT "v=STSv1; id={site.id};"']
        lines += [f"mta-sts.{name} A {site.host}"] if site.host else []
        lines += [f"{name} MX 20 {site.mx}"] if site.mx else []
    return "\n".join(lines) + "\n"


def replies() -> dict[str, dict[str, t.Any]]:
    return {
        f"mta-sts.{name}.alpha.test": {"body": _mta_sts.join_policy(site.policy), **site.reply}
        for name, site in SITES.items()
    }


def start(world: World) -> None:
    servers = world.servers
    servers.start("postfix")
    servers.run(
        f"ip address add {MAIL4}/24 dev eth0; ip address add {CLEAR}/24 dev eth0\n"
        f"ip address add {MAIL6}/64 dev eth0 nodad\n"
    )
    names = [f"mta-sts.{name}.alpha.test" for name in SITES if name != "unnamed"]
    web = world.authority.issue(*names)
    files = {"web.pem": web.pem(), "mx.pem": world.own.pem(), "next.pem": world.following.pem()}
    for name, text in {**files, "replies.json": json.dumps(replies())}.items():
        servers.write(f"/srv/{name}", text)
    servers.write("/etc/postfix/main.cf", MAIN_CF)
    servers.write("/etc/postfix/master.cf", MASTER_CF)
    servers.write("/srv/web.py", WEB.replace("ADDRESS", MAIL4))
    servers.run("postfix start >/dev/null 2>&1; python3 /srv/web.py >/var/log/web 2>&1 &")
    servers.run(
        f"for port in 25 443 465 587; do for _ in $(seq 50); do\n"
        f"python3 -c 'import socket, sys; socket.create_connection((\"{MAIL4}\", int(sys.argv[1])))' $port 2>/dev/null "
        "&& break; sleep 0.2; done; done"
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    folder: pathlib.Path = tmp_path_factory.mktemp("beyond")
    authority = Authority()
    own, following = authority.issue("mx.alpha.test"), authority.issue("mx.alpha.test")
    (folder / "ca.pem").write_text(authority.pem())
    zones = {"alpha.test": Zone(zone(own, following, authority.spki)), "beta.test": Zone(beta(own), PLAIN)}
    zones.update({name: Zone(text, PLAIN) for name, text in LISTS.items()})
    found_world = World(SignedZones(zones, silent=["slow.test"]), folder, own, following, authority)
    try:
        start(found_world)
        yield found_world
    finally:
        found_world.servers.remove()


def beta(own: Pair) -> str:
    return f"mx A {MAIL4}\n_25._tcp.mx TLSA {tlsa(own.spki)}\n"


SENDER = {"helo": "mx.alpha.test", "addresses": [MAIL4, MAIL6]}


def test_block_lists(world: World) -> None:
    """The list whose servers are silent comes first, and does not delay or spoil the others."""
    lists = ["slow.test", *LISTS]
    result = call(world.folder, records=[], resolver=UNBOUND, senders=[SENDER], block_lists=lists, timeout=3)
    assert found(result) == {
        ("block_list_listed", "error", MAIL4),
        ("block_list_no_ipv6", "notice", "bl.test"),
        ("block_list_refused", "notice", "refusing.test"),
        ("block_list_refused", "notice", "parked.test"),
        ("block_list_dead", "warning", "dead.test"),
        ("block_list_dead", "warning", "world.test"),
        ("block_list_unknown", "warning", "slow.test"),
    }
    said = {(item["list"], item["address"]): item for item in result["block_lists"]}
    assert len(said) == 2 * len(lists)
    assert said["bl.test", MAIL4]["reason"] == "Spam seen, see https://bl.test/"
    assert {name for (name, _address), item in said.items() if item["state"] == "not_listed"} == {
        "bl.test",
        "clean.test",
        "dead.test",
    }
    assert result["questions"] < 80


def test_block_lists_without_a_resolver_that_answers(world: World) -> None:
    lists = ["bl.test", "clean.test"]
    result = call(world.folder, records=[], resolver=SILENT, senders=[SENDER], block_lists=lists, timeout=1)
    assert {row for row in found(result) if row[0].startswith("block_list")} == {
        ("block_list_unknown", "warning", "bl.test"),
        ("block_list_unknown", "warning", "clean.test"),
    }


def policies() -> list[dict[str, str]]:
    return [
        {
            "domain": f"{name}.alpha.test",
            "url": _mta_sts.policy_url(f"{name}.alpha.test"),
            "content": _mta_sts.join_policy(POLICY),
        }
        for name in SITES
    ]


def subject(name: str, kind: str) -> str:
    domain = f"{name}.alpha.test"
    return {"https": _mta_sts.policy_url(domain), "_mta-sts": f"_mta-sts.{domain} TXT", "mx": f"{domain} MX"}[kind]


def test_policies(world: World) -> None:
    """Many domains: exactly the finding of each."""
    ca_file = str(world.folder / "ca.pem")
    result = call(world.folder, records=[], resolver=UNBOUND, policies=policies(), ca_file=ca_file)
    assert found(result) == {
        (*site.finding[:2], subject(name, site.finding[2])) for name, site in SITES.items() if site.finding
    }
    messages = {finding["subject"]: finding["message"] for finding in result["findings"]}
    assert "The id of the new one is published" in messages[subject("early", "https")]
    assert "The id of the new one is published" not in messages[subject("old", "https")]
    assert "Hostname mismatch" in messages[subject("unnamed", "https")]
    assert "(301) to https://www.alpha.test/" in messages[subject("moved", "https")]
    assert "does not name other.alpha.test: senders do not deliver there" in messages[subject("uncovered", "mx")]
    (right,) = (item for item in result["policies"] if item["domain"] == "right.alpha.test")
    assert right == {
        "domain": "right.alpha.test",
        "address": MAIL4,
        "state": "fetched",
        "status": 200,
        "content_type": "text/plain",
        "content": _mta_sts.join_policy(POLICY),
        "id": ID[POLICY],
        "detail": "",
    }


def test_a_record_that_is_wrong_is_one_finding(world: World) -> None:
    """Not another one for what follows from it."""
    line = f"v=STSv1; id={ID[POLICY]};"
    records = [
        record("_mta-sts.stale.alpha.test", "TXT", line),
        record("uncovered.alpha.test", "MX", "10 mx.alpha.test"),
    ]
    asked = [item for item in policies() if item["domain"].partition(".")[0] in ("stale", "uncovered")]
    ca_file = str(world.folder / "ca.pem")
    result = call(world.folder, records=records, resolver=UNBOUND, policies=asked, ca_file=ca_file)
    assert found(result) == {
        ("dns_record_different", "error", "_mta-sts.stale.alpha.test TXT"),
        ("dns_record_different", "error", "uncovered.alpha.test MX"),
    }


def test_an_authority_that_the_system_does_not_know(world: World) -> None:
    result = call(world.folder, records=[], resolver=UNBOUND, policies=policies()[:1])
    assert found(result) == {("mta_sts_policy_certificate_invalid", "warning", subject("right", "https"))}


def wanted(world: World) -> list[dict[str, t.Any]]:
    values = tlsa_records(world.own, world.following, world.authority.spki)
    return [record(f"{name}.alpha.test", "TLSA", *each) for name, each in values.items()]


def test_certificates(world: World) -> None:
    records = [*wanted(world), record("_25._tcp.mx.beta.test", "TLSA", tlsa(world.own.spki))]
    result = call(world.folder, records=records, resolver=UNBOUND)
    assert found(result) == {
        ("tlsa_not_matching", "error", "_25._tcp.other.alpha.test TLSA"),
        ("tlsa_not_checked", "warning", "_25._tcp.down.alpha.test TLSA"),
        ("tlsa_no_starttls", "error", "_25._tcp.clear.alpha.test TLSA"),
        ("tlsa_unusable", "warning", "_25._tcp.pkix.alpha.test TLSA"),
        ("tlsa_not_secure", "warning", "_25._tcp.mx.beta.test TLSA"),
    }
    findings = {finding["subject"]: finding for finding in result["findings"]}
    remedy = findings["_25._tcp.other.alpha.test TLSA"]["remedy"]
    assert remedy.endswith(f"_25._tcp.other.alpha.test. IN TLSA {tlsa(world.own.spki)}")
    assert f"{KNOT}: Connection refused" in findings["_25._tcp.down.alpha.test TLSA"]["message"]
    shown = {
        (item["port"], item["address"]): item["tlsa"]
        for item in result["certificates"]
        if item["host"] == "mx.alpha.test"
    }
    assert shown == {
        (port, address): tlsa(world.following.spki if port == 587 else world.own.spki)
        for port in (25, 465, 587)
        for address in (MAIL4, MAIL6)
    }


def test_certificates_are_not_looked_at(world: World) -> None:
    result = call(world.folder, records=wanted(world), resolver=UNBOUND, policies=policies(), connect=False)
    assert found(result) == {("tlsa_unusable", "warning", "_25._tcp.pkix.alpha.test TLSA")}
    assert (result["certificates"], result["policies"]) == ([], [])


def test_a_new_certificate_is_seen(world: World) -> None:
    """The usual accident: the certificate is renewed with a new key, and its record is not."""
    mx = [item for item in wanted(world) if item["name"] == "_25._tcp.mx.alpha.test"]
    assert call(world.folder, records=mx, resolver=UNBOUND)["findings"] == []
    world.servers.write("/srv/mx.pem", world.following.pem())
    world.servers.run("postfix reload >/dev/null 2>&1")
    (finding,) = call(world.folder, records=mx, resolver=UNBOUND)["findings"]
    assert (finding["id"], finding["severity"]) == ("tlsa_not_matching", "error")
    assert f"{MAIL4} and {MAIL6} port 25" in finding["message"]
    assert finding["remedy"].endswith(tlsa(world.following.spki))

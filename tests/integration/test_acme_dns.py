# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook renew: certificates by dns-01, with Pebble as the authority, and Knot as both servers of the zone.

The tests share the hosts and run in their order. The TLSA records of the key in use and of the next one are always out.
"""

from __future__ import annotations

import json
import typing as t

import pytest
from container_host import Host
from knot_server import NAME, NETWORK, PRIMARY, SECONDARY, SECRETS, KnotServer
from pebble_server import AUTHORITY, DIRECTORY, Pebble

pytestmark = pytest.mark.any_release

HOSTNAME = "relay.alpha.test"
FOLDER = "/etc/mailops-relay/acme"
FILE = f"{FOLDER}/{HOSTNAME}.pem"
CHALLENGE = f"_acme-challenge.{HOSTNAME}"
PLAY = """
- hosts: relays
  gather_facts: false
  roles: [mailops.relay.postfix]
- import_playbook: mailops.relay.renew
"""
DESCRIPTION: dict[str, t.Any] = {
    "relay_hostname": HOSTNAME,
    "relay_domains": [],
    "relay_dkim": {"enabled": False},
    "relay_tls": {
        "acme": {"directory": DIRECTORY, "ca_file": AUTHORITY, "challenge": "dns-01"},
    },
    "relay_dns": {
        "ttl": 60,
        "tlsa": True,
        "resolver": PRIMARY,
        "wait": 60,
        "primaries": [
            {
                "server": PRIMARY,
                "zones": ["alpha.test"],
                "key_name": "mailops",
                "key_secret": SECRETS["mailops"][1],
                "servers": [PRIMARY, SECONDARY],
            }
        ],
    },
}
# What TLSA records bind (RFC 7671, 5.1): 3 1 1 and the digest of the public key.
DIGEST = "openssl {} -pubout -outform DER | sha256sum | cut -d' ' -f1"
SERVED = DIGEST.format(f"pkey -in {FILE}")
COMING = DIGEST.format(f"pkey -in {FOLDER}/{HOSTNAME}.next.key")


@pytest.fixture(scope="module")
def knot() -> t.Iterator[KnotServer]:
    with KnotServer() as server:
        yield server


@pytest.fixture(scope="module")
def relay(knot: KnotServer, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:  # noqa: ARG001
    folder = tmp_path_factory.mktemp("acme")
    host = Host("acmedns", "trixie", folder, network=f"{NAME}:ip={NETWORK}.60", **DESCRIPTION)
    (folder / "play.yml").write_text(PLAY)
    host.start()
    try:
        Pebble(host).start(f"-dnsserver {PRIMARY}:53")
        yield host
    finally:
        host.remove()


def records(knot: KnotServer, name: str, rdtype: str) -> set[str]:
    """Return what primary and secondary serve, which has to be the same."""
    found = [
        knot.run(f"knotc -c /etc/knot/{server}.conf -b zone-read alpha.test {name}. {rdtype} 2>/dev/null || true")
        for server in ("primary", "secondary")
    ]
    first, second = (
        {" ".join(line.split()[4:]).lower() for line in text.splitlines() if f" {rdtype} " in line} for text in found
    )
    assert first == second
    return first


def bound(knot: KnotServer) -> set[str]:
    return {value.rpartition(" ")[2] for value in records(knot, f"_25._tcp.{HOSTNAME}", "TLSA")}


def test_the_first_certificate(relay: Host, knot: KnotServer) -> None:
    played = relay.play()
    assert played.ok, played.output
    assert "a new certificate for the same key" in played.output
    assert "Pebble" in relay.run(f"openssl x509 -noout -issuer -in {FILE}")
    assert bound(knot) == {relay.run(SERVED), relay.run(COMING)}
    assert records(knot, CHALLENGE, "TXT") == set()
    assert SECRETS["mailops"][1] not in played.output
    assert relay.run(f"grep -r {SECRETS['mailops'][1]} /etc /run /var/lib 2>/dev/null || true") == ""


def test_a_run_in_which_nothing_is_due(relay: Host) -> None:
    played = relay.play()
    assert played.ok, played.output
    assert played.changed == 0
    assert "Nothing was due" in played.output


def test_what_a_killed_run_has_left_and_the_change_of_the_key(relay: Host, knot: KnotServer) -> None:
    coming = relay.run(COMING)
    # The records were seen by the runs before; make it as if for long enough, and the certificate due.
    notes = json.loads(relay.run(f"cat {FOLDER}/notes.json"))
    notes["confirmed"]["since"] -= 86400
    notes["directory"] = "https://other.test/"
    relay.run(f"cat >{FOLDER}/notes.json <<'END'\n{json.dumps(notes)}\nEND\n")
    begun = json.loads(relay.run("mailops-relay-acme begin"))["record"]
    knot.set("alpha.test", f'{CHALLENGE}. 60 TXT "of a run before"')
    # It waits for a record that nobody has published; the next run finds it so.
    assert begun["name"] == CHALLENGE
    played = relay.play()
    assert played.ok, played.output
    assert "a new certificate for another key" in played.output
    assert relay.run(SERVED) == coming
    assert bound(knot) == {coming, relay.run(COMING)}
    assert records(knot, CHALLENGE, "TXT") == set()


def test_a_record_that_is_wrong(relay: Host, knot: KnotServer) -> None:
    """The authority asks another server, which knows nothing: what was in use stays, and the playbook says why."""
    before = relay.run(f"sha256sum {FILE}")
    relay.run("systemctl stop pebble")
    relay.run(f'rm -r {FOLDER}/accounts; sed -i \'s#"directory": ".*"#"directory": "x"#\' {FOLDER}/notes.json')
    pebble = object.__new__(Pebble)
    pebble.host = relay
    pebble.start("-dnsserver 127.0.0.1:1")
    played = relay.play()
    assert not played.ok
    assert f"{HOSTNAME}: no new certificate: the authority says: " in played.output
    assert relay.run(f"sha256sum {FILE}") == before
    assert records(knot, CHALLENGE, "TXT") == set()

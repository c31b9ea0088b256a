# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles postfix and acme on both releases, with Pebble as the authority, by the challenge http-01.

The tests of a release share one host and run in their order.
"""

from __future__ import annotations

import json
import typing as t

import pytest
from container_host import RELAY, Host
from pebble_server import AUTHORITY, DIRECTORY, Pebble

pytestmark = pytest.mark.any_release

NAME = RELAY["relay_hostname"]
FOLDER = "/etc/mailops-relay/acme"
FILE = f"{FOLDER}/{NAME}.pem"
NEXT = f"{FOLDER}/{NAME}.next.key"
PROGRAM = "mailops-relay-acme"
ACME = {"directory": DIRECTORY, "ca_file": AUTHORITY, "email": "mailops@example.com"}
PLAY = """
- hosts: relays
  gather_facts: false
  roles: [mailops.relay.postfix, mailops.relay.acme]
"""
SHOWN = "echo QUIT | openssl s_client -connect 127.0.0.1:25 -starttls smtp 2>/dev/null | openssl x509 -noout {}"
PUBLIC = f"openssl x509 -noout -pubkey -in {FILE}"


class Relay(Host):
    """A relay, and Pebble on the same host."""

    pebble: Pebble

    def shows(self, what: str) -> str:
        return self.run(SHOWN.format(what)).replace(" ", "")

    def ask(self, *arguments: str) -> dict[str, t.Any]:
        """Run the program, which says in its answer what went wrong."""
        found: dict[str, t.Any] = json.loads(self.run(f"{PROGRAM} {' '.join(arguments)} 2>/dev/null || true"))
        return found

    def fingerprint(self) -> str:
        return self.run(f"sha256sum {FILE}; pgrep -o -x master")


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Relay]:
    tls = {"acme": ACME}
    services = ["smtp", "submission", "submissions"]
    relay = Relay(
        "acme",
        request.param,
        tmp_path_factory.mktemp("acme"),
        relay_dkim={"enabled": False},
        relay_services=services,
        relay_tls=tls,
    )
    (relay.folder / "play.yml").write_text(PLAY)
    relay.start()
    try:
        relay.pebble = Pebble(relay, NAME)
        relay.run("ip address replace 10.9.1.1/32 dev lo")
        yield relay
    finally:
        relay.remove()


@pytest.fixture
def deployed(host: Relay) -> Relay:
    """For a test that may run without those before it."""
    if not host.run(f"command -v {PROGRAM} || true"):
        host.pebble.start()
        played = host.play()
        assert played.ok, played.output
    return host


one_release = pytest.mark.parametrize("host", ["trixie"], indirect=True)


def test_check_mode_on_an_empty_host(host: Relay) -> None:
    played = host.play("--check", "--diff")
    assert played.ok, played.output
    assert host.run(f"command -v {PROGRAM} || echo none; ls {FOLDER} 2>/dev/null || true") == "none"


def test_an_authority_that_is_down_keeps_no_relay_from_being_deployed(host: Relay) -> None:
    played = host.play()
    assert played.ok, played.output
    assert f"{NAME}: no new certificate: the authority cannot be reached: nobody answers there." in played.output
    assert "The self-signed one stays" in played.output
    assert host.shows("-issuer") == f"issuer=CN={NAME}"
    assert host.run("systemctl is-enabled mailops-relay-acme.timer; systemctl is-active mailops-relay-acme.timer") == (
        "enabled\nactive"
    )


def test_the_timer_gets_the_first_certificate(host: Relay) -> None:
    host.pebble.start()
    started = host.run("pgrep -o -x master")
    # What its timer starts.
    host.run("systemctl start mailops-relay-acme.service")
    assert "Pebble" in host.shows("-issuer")
    assert f"DNS:{NAME}" in host.shows("-ext subjectAltName")
    assert host.run("pgrep -o -x master") == started
    assert host.run("ss -Hltn sport = :80; systemctl is-active mailops-relay-acme-http.service || true") == "inactive"
    # The authority's chain follows, and clients can build theirs.
    assert int(host.run(f"grep -c 'BEGIN CERTIFICATE' {FILE}")) >= 2
    assert host.play().changed == 0


def test_what_others_must_not_read(host: Relay) -> None:
    host.run(
        f"! find {FOLDER} /etc/postfix /run/mailops-relay-acme -perm /044 -type f | xargs grep -l 'BEGIN PRIVATE KEY'"
    )
    assert host.run(f"find {FOLDER} -name account_key.pem -printf '%m %u'") == "600 root"
    assert host.run(f"stat -c '%a %U' {FILE}") == "600 root"
    played = host.play("-vvv", "--diff", relay_tls={"acme": {**ACME, "renew_before": 31}})
    assert played.changed == 1
    assert "BEGIN PRIVATE KEY" not in played.output
    assert host.run("journalctl --no-pager | grep -c 'BEGIN PRIVATE KEY' || true") == "0"
    assert host.play().changed == 1


def test_the_file_of_the_certificate_is_lost(host: Relay) -> None:
    before = host.shows("-serial")
    host.run(f"rm {FILE}")
    played = host.play()
    assert played.ok, played.output
    assert "Pebble" in host.shows("-issuer")
    assert host.shows("-serial") != before


@one_release
def test_a_renewal_has_a_new_key_where_no_record_binds_it(host: Relay) -> None:
    before = host.run(PUBLIC)
    assert host.ask("renew") == {"done": "", "error": ""}
    done = host.ask("renew", "--force")["done"]
    assert done.startswith("a new certificate for another key, until ")
    assert host.run(PUBLIC) != before
    assert host.run(f"grep -c 'PRIVATE KEY' {FILE}") == "2"


@one_release
@pytest.mark.thorough
def test_short_lived_certificates(deployed: Relay) -> None:
    deployed.pebble.stop()
    deployed.pebble.start(days=6)
    # Pebble has forgotten the account, and says so; a real authority does not.
    deployed.run(f"rm -r {FOLDER}/accounts")
    assert deployed.ask("renew", "--force")["done"]
    assert deployed.ask("status")["due"] == ""
    deployed.pebble.stop()
    deployed.pebble.start(days=1 / 86400 * 30)
    deployed.run(f"rm -r {FOLDER}/accounts")
    assert deployed.ask("renew", "--force")["done"]
    deployed.eventually(f"{PROGRAM} status | grep 'it expires at'", seconds=60)
    deployed.pebble.stop()
    deployed.pebble.start()
    deployed.run(f"rm -r {FOLDER}/accounts")
    assert "(it expires at" in deployed.ask("renew")["done"]


def refused(host: Relay, *texts: str) -> None:
    """Order, and see that nothing comes of it, for the right reason, and that Postfix goes on."""
    before = host.fingerprint(), host.shows("-serial")
    outcome = host.ask("renew", "--force")
    assert outcome["done"] == ""
    for text in (f"{NAME}: no new certificate: ", *texts, "The one in use stays; it expires at "):
        assert text in outcome["error"], outcome
    assert (host.fingerprint(), host.shows("-serial")) == before
    assert host.run("systemctl is-active mailops-relay-acme-http.service || true") == "inactive"
    assert host.run("ls /tmp | grep mailops-relay-acme || true") == ""


@one_release
def test_a_challenge_that_fails(host: Relay) -> None:
    host.run("cp /etc/hosts /tmp/hosts; sed 's/ relay.lab.test//; $a 127.0.0.9 relay.lab.test' /tmp/hosts >/etc/hosts")
    blocked = "nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }'"
    host.run("DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends nftables >/dev/null 2>&1")
    host.run(f"{blocked}; nft add rule inet t i ip daddr 127.0.0.9 tcp dport 80 reject with tcp reset")
    try:
        refused(host, "the authority says: ", "127.0.0.9")
    finally:
        host.run("nft delete table inet t; cat /tmp/hosts >/etc/hosts")


@one_release
def test_another_web_server_has_the_port(host: Relay) -> None:
    host.run("systemd-run --quiet --unit=other python3 -m http.server 80 --directory /usr/share")
    host.eventually("curl --silent http://127.0.0.1/ >/dev/null")
    try:
        refused(host, "is another one on port 80 of this host?")
    finally:
        host.run("systemctl stop other")


@one_release
def test_an_authority_that_nobody_trusts(host: Relay) -> None:
    host.run(
        f"cp {FOLDER}/config.json /tmp; sed -i 's#{AUTHORITY}#/etc/ssl/certs/ca-certificates.crt#' {FOLDER}/config.json"
    )
    try:
        refused(host, "its own certificate is not signed by an authority that is trusted here")
    finally:
        host.run(f"cp /tmp/config.json {FOLDER}/config.json")
    assert host.play().changed == 0


@one_release
def test_an_authority_that_is_down(host: Relay) -> None:
    host.pebble.stop()
    refused(host, "the authority cannot be reached: nobody answers there")
    played = host.play()
    # Nothing is due, so nobody asks.
    assert played.ok
    assert played.changed == 0
    host.pebble.start()
    host.run(f"rm -r {FOLDER}/accounts")


@one_release
@pytest.mark.thorough
def test_killed_at_any_moment(deployed: Relay) -> None:
    """SIGKILL for all of it, ever later; the delays cover an order from its beginning to its end."""
    for attempt in range(12):
        before = deployed.run(f"cat {FILE}")
        deployed.run(f"systemd-run --quiet --collect --unit=order {PROGRAM} renew --force")
        deployed.run(f"sleep {attempt * 0.4}; systemctl kill --signal=KILL order 2>/dev/null || true")
        deployed.eventually("! systemctl is-active --quiet order")
        # The old or the new, with the key that belongs to it.
        key = deployed.run(f"openssl pkey -in {FILE} -pubout")
        assert key == deployed.run(PUBLIC), (attempt, before)
    assert deployed.ask("renew", "--force")["done"]
    assert deployed.shows("-serial") == deployed.run(f"openssl x509 -in {FILE} -noout -serial")
    assert deployed.run(f"ls {FOLDER} | grep -F .new || true") == ""


STAGED = {"relay_dns": {"tlsa": True, "ttl": 3600}}
DIGEST = f"openssl pkey -in {NEXT} -pubout | sha256sum | cut -d' ' -f1"


@one_release
def test_with_tlsa_records_the_key_stays_until_those_of_the_next_one_are_out(host: Relay) -> None:
    assert host.run(f"ls {NEXT} 2>/dev/null || true") == ""
    assert host.play(**STAGED).changed == 1
    served, coming = host.run(PUBLIC), host.run(f"openssl pkey -in {NEXT} -pubout")
    assert served != coming
    assert host.ask("renew", "--force")["done"].startswith("a new certificate for the same key")
    assert "have not been seen" in host.ask("status")["next_key"]
    # Seen, and not for long enough: a resolver may hold what was there before.
    assert host.ask("confirm", host.run(DIGEST)) == {"changed": True}
    assert "resolvers may know no TLSA record of the next key until" in host.ask("status")["next_key"]
    assert host.ask("renew", "--force")["done"].startswith("a new certificate for the same key")
    assert host.run(PUBLIC) == served
    # What was seen of another key counts for nothing.
    assert host.ask("confirm", "0" * 64) == {"changed": False}
    host.run(f'sed -i \'s/"since": [0-9.]*/"since": 1/\' {FOLDER}/notes.json')
    assert host.ask("renew", "--force")["done"].startswith("a new certificate for another key")
    assert host.run(PUBLIC) == coming
    # And the one after that is made, and has to be published first.
    assert host.run(f"openssl pkey -in {NEXT} -pubout") not in (served, coming)
    assert host.ask("renew", "--force")["done"].startswith("a new certificate for the same key")
    assert host.play().changed == 1


@one_release
def test_with_tlsa_records_the_key_of_the_first_certificate_stays(host: Relay) -> None:
    """That of the self-signed one, whose record may have been published."""
    host.run(f"rm -r {FILE} {FOLDER}/accounts {FOLDER}/notes.json")
    host.pebble.stop()
    assert host.play(**STAGED).ok
    assert host.shows("-issuer") == f"issuer=CN={NAME}"
    key = host.run(PUBLIC)
    host.pebble.start()
    assert host.play(**STAGED).changed == 1
    assert "Pebble" in host.shows("-issuer")
    assert host.run(PUBLIC) == key
    assert host.play().changed == 1


# Forty clients submit without a pause, while two renewals come one after the other. One more has its session open from
# before the first until after the last.
LOAD = """
import collections, hashlib, json, smtplib, ssl, subprocess, threading
context = ssl._create_unverified_context()
seen, failed, enough, lock = collections.Counter(), [], threading.Event(), threading.Condition()
def client():
    one = smtplib.SMTP("10.9.1.1", 587, source_address=("10.9.1.1", 0), timeout=300)
    one.starttls(context=context)
    return one
def send(one):
    one.sendmail("a@alpha.test", ["b@rcpt.test"], "Subject: x\\n\\n" + "x" * 20000)
def submit():
    while not enough.is_set():
        try:
            with client() as one:
                certificate = hashlib.sha256(one.sock.getpeercert(True)).hexdigest()
                send(one)
            with lock:
                seen[certificate] += 1
                lock.notify_all()
        except (OSError, smtplib.SMTPException) as error:
            failed.append(repr(error))
def wait(total, certificates):
    with lock:
        lock.wait_for(lambda: failed or (seen.total() >= total and len(seen) >= certificates), timeout=300)
def renew():
    done = subprocess.run(["mailops-relay-acme", "renew", "--force"], capture_output=True, text=True)
    return json.loads(done.stdout)["error"]
held = client()
threads = [threading.Thread(target=submit) for _ in range(40)]
for thread in threads:
    thread.start()
wait(50, 1)
renewals = [renew()]
wait(250, 2)
renewals.append(renew())
wait(500, 3)
enough.set()
for thread in threads:
    thread.join()
send(held)
held.quit()
print(json.dumps({"failed": failed, "renewals": renewals, "seen": list(seen.values())}))
"""


@one_release
def test_no_submission_fails_while_the_certificate_is_renewed(host: Relay) -> None:
    before = host.run("pgrep -o -x master")
    result = json.loads(host.python(LOAD))
    assert result["failed"] == []
    assert result["renewals"] == ["", ""]
    assert sum(result["seen"]) >= 500
    assert len(result["seen"]) == 3, "the certificate before, and two that came after it"
    assert host.run("pgrep -o -x master") == before
    host.run("postsuper -d ALL >/dev/null 2>&1")


def test_without_an_authority_nothing_is_renewed(host: Relay) -> None:
    assert host.play(relay_tls={}).changed >= 1
    assert host.run("systemctl is-enabled mailops-relay-acme.timer || true") == "disabled"
    assert host.run("systemctl is-active mailops-relay-acme.timer || true") == "inactive"
    assert host.play(relay_tls={}).changed == 0
    host.pebble.stop()

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role rspamd as the signer on both releases, with a Postfix that knows nothing but the milter.

The tests of a release share one host and run in their order: each leaves a deployed, running signer.
"""

from __future__ import annotations

import typing as t

import pytest
from container_host import Host
from dkim_verifier import verify
from signing_host import arrived, send, with_postfix

SELECTOR = "relay-lab-test"
DOMAINS = ["alpha.test", "beta.test", "relay.lab.test"]
COPIES = "/etc/rspamd-relay"
SIGNED = ["from", "reply-to", "subject"]
"""Header fields that are signed once more than they occur."""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("rspamd", request.param, tmp_path_factory.mktemp("signer"), relay_dkim={"signer": "rspamd"})
    try:
        host.start()
        yield host
    finally:
        host.remove()


@pytest.fixture
def records(host: Host) -> dict[str, str]:
    result = host.module("dkim_keys", domains=DOMAINS, selector=SELECTOR, owner="root", group="root")
    assert not result["changed"]
    return {record["name"]: record["value"] for record in result["records"]}


def signers(message: bytes, records: dict[str, str]) -> list[str]:
    return [signature["d"] for signature in verify(message, records)]


def test_check_mode_on_an_empty_host(host: Host) -> None:
    played = host.play("--check", "--diff")
    assert played.ok, played.output
    assert "alpha.test/relay-lab-test.private: RSA, 2048 bits" in played.output
    assert host.run("command -v rspamd || echo none; ls /etc/rspamd-relay 2>/dev/null || true") == "none"


def test_deploy(host: Host) -> None:
    played = host.play()
    assert played.ok, played.output
    assert "PRIVATE KEY" not in played.output
    assert host.run("systemctl is-active rspamd") == "active"
    assert host.run(f"stat -c '%U:%G %a' {COPIES}/*.private | sort -u") == "root:_rspamd 640"
    assert host.run("stat -c '%U %a' /etc/dkimkeys/*/*.private | sort -u") == "root 600"
    assert host.play().changed == 0


def test_postfix_comes_later(host: Host) -> None:
    host.run(with_postfix("rspamd/rspamd.sock"))


@pytest.mark.parametrize(
    ("sender", "source", "domain"),
    [
        ("user@alpha.test", "127.0.0.1", "alpha.test"),
        ("user@alpha.test", "10.9.1.1", "alpha.test"),
        ("user@beta.test", "2001:db8:51:0:c::7", "beta.test"),
        ("user@a.b.beta.test", "10.9.1.1", "beta.test"),
        ("User@ALPHA.test", "10.9.1.1", "alpha.test"),
        ("root@relay.lab.test", "127.0.0.1", "relay.lab.test"),
    ],
)
def test_mail_is_signed(host: Host, records: dict[str, str], sender: str, source: str, domain: str) -> None:
    assert send(host, sender, source) == "250"
    (signature,) = verify(arrived(host), records)
    assert (signature["d"], signature["s"]) == (domain, SELECTOR)
    names = signature["h"].lower().split(":")
    assert [names.count(name) for name in SIGNED] == [2, 1, 2]


@pytest.mark.parametrize(
    ("sender", "source"),
    [("user@alpha.test", "198.18.0.1"), ("user@gamma.test", "10.9.1.1"), ("user@notalpha.test", "10.9.1.1")],
)
def test_not_for_others(host: Host, records: dict[str, str], sender: str, source: str) -> None:
    assert send(host, sender, source) == "250"
    assert signers(arrived(host), records) == []


def test_mail_of_the_host_itself_is_signed(host: Host, records: dict[str, str]) -> None:
    host.run("printf 'From: cron@news.alpha.test\\nSubject: x\\n\\nhello\\n' | sendmail -f cron@alpha.test a@rcpt.test")
    assert signers(arrived(host), records) == ["alpha.test"]


def test_bounces_are_signed(host: Host, records: dict[str, str]) -> None:
    host.run("printf 'From: a@rcpt.test\nSubject: x\n\nhello\n' | sendmail -f a@rcpt.test b@refused.test")
    message = arrived(host)
    assert b"Undelivered Mail Returned to Sender" in message
    assert signers(message, records) == ["relay.lab.test"]


@pytest.mark.any_release
def test_long_headers_are_signed(host: Host, records: dict[str, str]) -> None:
    trace = "".join(f"X-Trace: {number:05} {'x' * 60}\n" for number in range(1500))
    message = f"From: a@alpha.test\n{trace}Subject: many\n\nhello\n"
    host.podman("exec", "-i", host.name, "sendmail", "-f", "a@alpha.test", "a@rcpt.test", text=message)
    assert signers(arrived(host), records) == ["alpha.test"]


@pytest.mark.parametrize("damage", ["rm {}", "chmod 0 {}", "echo broken >{}"])
def test_mail_that_cannot_be_signed_waits(host: Host, records: dict[str, str], damage: str) -> None:
    host.run(f"{damage.format(COPIES + '/beta.test.private')}; systemctl restart rspamd")
    host.eventually("test -S /var/spool/postfix/rspamd/rspamd.sock")
    assert send(host, "user@beta.test") == "451"
    assert send(host, "user@alpha.test") == "250"
    assert signers(arrived(host), records) == ["alpha.test"]
    played = host.play()
    assert (played.ok, played.changed) == (True, 1), played.output
    assert send(host, "user@beta.test") == "250"
    assert signers(arrived(host), records) == ["beta.test"]


def test_mail_waits_while_the_signer_is_away(host: Host, records: dict[str, str]) -> None:
    host.run("systemctl stop rspamd")
    assert send(host, "a@alpha.test") == "451"
    played = host.play()
    assert (played.ok, played.changed) == (True, 1)
    assert send(host, "a@alpha.test") == "250"
    assert signers(arrived(host), records) == ["alpha.test"]


@pytest.mark.any_release
def test_a_key_that_is_none_stops_the_play_before_anything_changes(host: Host) -> None:
    key = f"/etc/dkimkeys/beta.test/{SELECTOR}.private"
    before = host.run(f"sha256sum {COPIES}/*; systemctl show -p MainPID rspamd; cp {key} /root/key; echo broken >{key}")
    played = host.play()
    host.run(f"cat /root/key >{key}")
    assert not played.ok
    assert f"{key}: " in played.output
    assert host.run(f"sha256sum {COPIES}/*; systemctl show -p MainPID rspamd") == before


def test_a_domain_more(host: Host) -> None:
    domains = [{"name": "alpha.test"}, {"name": "beta.test"}, {"name": "gamma.test"}]
    assert host.play(relay_domains=domains).ok
    made = {"domains": [*DOMAINS, "gamma.test"], "selector": SELECTOR, "owner": "root", "group": "root"}
    records = {record["name"]: record["value"] for record in host.module("dkim_keys", **made)["records"]}
    assert send(host, "user@gamma.test", "10.9.1.1") == "250"
    assert signers(arrived(host), records) == ["gamma.test"]
    assert host.play().ok
    assert host.run(f"ls {COPIES} | grep gamma || echo none") == "none"


def test_the_host_sees_its_signer(host: Host) -> None:
    looked = host.module("relay_host_info", services=["rspamd"])
    assert [key["domain"] for key in looked["seen"]["keys"]] == DOMAINS
    assert looked["seen"]["signer_config"] == f"{COPIES}/rspamd.conf"
    assert [finding["id"] for finding in looked["findings"] if finding["id"].startswith(("key", "service_"))] == []
    host.run(f"mv {COPIES}/beta.test.private /root; chmod 644 {COPIES}/alpha.test.private")
    broken = host.module("relay_host_info", services=["rspamd"])
    host.run(f"mv /root/beta.test.private {COPIES}; chmod 640 {COPIES}/alpha.test.private")
    found = {(finding["id"], finding["subject"]) for finding in broken["findings"]}
    assert {("key_missing", f"{COPIES}/beta.test.private"), ("key_unsafe", f"{COPIES}/alpha.test.private")} <= found


def test_keys_are_told_to_nobody(host: Host) -> None:
    played = host.play("--diff", "-vvv", relay_domains=[{"name": "alpha.test"}, {"name": "delta.test"}])
    assert played.ok, played.output
    assert "PRIVATE KEY" not in played.output
    assert "PRIVATE KEY" not in host.run("journalctl -o cat")
    assert host.play().ok


def test_it_survives_a_reboot(host: Host, records: dict[str, str]) -> None:
    host.podman("restart", host.name)
    host.run("timeout 60 systemctl is-system-running --wait || true")
    host.run("ip address add 10.9.1.1/32 dev lo")
    host.eventually("test -S /var/spool/postfix/rspamd/rspamd.sock && ss -Hltn sport = :25 | grep -q LISTEN", 60)
    assert send(host, "user@alpha.test", "10.9.1.1") == "250"
    assert signers(arrived(host), records) == ["alpha.test"]

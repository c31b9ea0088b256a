# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role opendkim on both releases, with a Postfix that knows nothing but the milter.

The tests of a release share one host and run in their order: each leaves a deployed, running signer. What does not
depend on the release is tried on one only.
"""

from __future__ import annotations

import json
import typing as t

import pytest
from container_host import Host
from dkim_verifier import verify
from signing_host import arrived, send, with_postfix

KEYS = "/etc/dkimkeys"
SELECTOR = "relay-lab-test"
DOMAINS = ["alpha.test", "beta.test", "relay.lab.test"]
CONFIG = "/etc/opendkim/opendkim.conf"


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("opendkim", request.param, tmp_path_factory.mktemp("opendkim"))
    try:
        host.start()
        yield host
    finally:
        host.remove()


@pytest.fixture
def records(host: Host) -> dict[str, str]:
    result = host.module("dkim_keys", domains=DOMAINS, selector=SELECTOR)
    assert not result["changed"]
    return {record["name"]: record["value"] for record in result["records"]}


def state(host: Host) -> str:
    return host.run("systemctl is-active opendkim || true; systemctl is-enabled opendkim || true").replace("\n", " ")


def fingerprint(host: Host) -> str:
    """All that a refused run must leave as it is: files, their owners and modes, and the running process."""
    return host.run(
        "cd /etc; find dkimkeys opendkim systemd/system/opendkim.service.d -printf '%p %u:%g %m %l\\n' | sort;"
        "find dkimkeys opendkim -type f -exec sha256sum {} + | sort; systemctl show -p MainPID opendkim"
    )


def test_check_mode_on_an_empty_host(host: Host) -> None:
    played = host.play("--check", "--diff")
    assert played.ok
    assert "alpha.test/relay-lab-test.private: RSA, 2048 bits" in played.output
    assert "+++ after: /etc/opendkim/SigningTable" in played.output
    assert host.run("command -v opendkim || echo none; ls /etc/opendkim 2>/dev/null || true") == "none"


@pytest.mark.any_release
def test_a_first_deploy_that_fails_leaves_nothing_running(host: Host) -> None:
    played = host.play(opendkim_extra="ChangeRootDirectory /nonexistent")
    assert not played.ok
    assert "OpenDKIM does not answer at its milter socket" in played.output
    assert "Last in its journal: " in played.output
    assert "the service is stopped, as it was before" in played.output
    assert state(host) == "inactive disabled"
    assert host.run("ls /etc/systemd/system/opendkim.service.d /etc/opendkim") == (
        "/etc/opendkim:\n\n/etc/systemd/system/opendkim.service.d:"
    )
    # Nothing has ever run on the configuration that the package brings.
    assert "OpenDKIM Filter" not in host.run("journalctl -u opendkim -o cat")


def test_deploy(host: Host) -> None:
    played = host.play()
    assert played.ok, played.output
    assert state(host) == "active enabled"
    socket = "/var/spool/postfix/opendkim"
    assert host.run(f"stat -c '%U:%G %a' {socket} {socket}/opendkim.sock") == (
        "opendkim:postfix 2750\nopendkim:postfix 770"
    )
    assert host.run("ps -o user= -C opendkim | sort -u") == "opendkim"
    assert host.run("systemctl show -p NeedDaemonReload --value opendkim") == "no"


def test_deploy_again(host: Host) -> None:
    before = fingerprint(host)
    played = host.play()
    assert (played.ok, played.changed) == (True, 0)
    checked = host.play("--check")
    assert (checked.ok, checked.changed) == (True, 0)
    assert fingerprint(host) == before


def test_postfix_comes_later(host: Host) -> None:
    host.run(with_postfix("opendkim/opendkim.sock"))
    assert host.run("postfix check 2>&1; systemctl is-active postfix") == "active"


@pytest.mark.parametrize(
    ("sender", "source", "domain"),
    [
        ("a@alpha.test", "127.0.0.1", "alpha.test"),
        ("b@beta.test", "10.9.1.1", "beta.test"),
        ("b@Beta.TEST", "2001:db8:51:0:c::7", "beta.test"),
        ("n@news.alpha.test", "10.9.1.1", "alpha.test"),
        ("n@deep.news.alpha.test", "10.9.1.1", "alpha.test"),
        ("root@relay.lab.test", "::1", "relay.lab.test"),
    ],
)
def test_mail_is_signed(host: Host, records: dict[str, str], sender: str, source: str, domain: str) -> None:
    assert send(host, sender, source) == "250"
    (signature,) = verify(arrived(host), records)
    assert (signature["d"], signature["s"]) == (domain, SELECTOR)
    names = signature["h"].lower().split(":")
    assert (names.count("from"), names.count("reply-to"), names.count("subject")) == (2, 1, 2)


@pytest.mark.parametrize(("sender", "source"), [("x@other.test", "127.0.0.1"), ("a@alpha.test", "198.18.0.1")])
def test_not_for_others(host: Host, records: dict[str, str], sender: str, source: str) -> None:
    assert send(host, sender, source) == "250"
    assert verify(arrived(host), records) == []


def test_mail_of_the_host_itself_is_signed(host: Host, records: dict[str, str]) -> None:
    host.run("printf 'From: cron@news.alpha.test\\nSubject: x\\n\\nhello\\n' | sendmail -f cron@alpha.test a@rcpt.test")
    assert [signature["d"] for signature in verify(arrived(host), records)] == ["alpha.test"]


def test_bounces_are_signed(host: Host, records: dict[str, str]) -> None:
    host.run("printf 'From: a@rcpt.test\nSubject: x\n\nhello\n' | sendmail -f a@rcpt.test b@refused.test")
    message = arrived(host)
    assert b"Undelivered Mail Returned to Sender" in message
    assert [signature["d"] for signature in verify(message, records)] == ["relay.lab.test"]


@pytest.mark.any_release
def test_long_headers_are_signed(host: Host, records: dict[str, str]) -> None:
    trace = "".join(f"X-Trace: {number:05} {'x' * 60}\n" for number in range(1500))
    message = f"From: a@alpha.test\n{trace}Subject: many\n\nhello\n"
    host.podman("exec", "-i", host.name, "sendmail", "-f", "a@alpha.test", "a@rcpt.test", text=message)
    signed = arrived(host)
    assert len(signed) > 100000
    assert [signature["d"] for signature in verify(signed, records)] == ["alpha.test"]


def test_mail_waits_while_the_signer_is_away(host: Host, records: dict[str, str]) -> None:
    host.run("systemctl stop opendkim")
    assert send(host, "a@alpha.test") == "451"
    host.run("printf 'From: a@alpha.test\\nSubject: x\\n\\nhello\\n' | sendmail -f a@alpha.test a@rcpt.test")
    host.run("sleep 2; ! ls /var/mail/lab/inbox/new/* 2>/dev/null")
    played = host.play()
    assert (played.ok, played.changed) == (True, 1)
    host.run("postfix flush; pkill -HUP -x pickup || true")
    host.eventually("postqueue -f; postkick public pickup W; ls /var/mail/lab/inbox/new/*", 90)
    assert [signature["d"] for signature in verify(arrived(host), records)] == ["alpha.test"]


def test_killed_it_comes_back(host: Host, records: dict[str, str]) -> None:
    host.run("systemctl kill --signal=KILL opendkim; rm -r /var/spool/postfix/opendkim")
    host.eventually("systemctl is-active opendkim && test -S /var/spool/postfix/opendkim/opendkim.sock")
    assert send(host, "a@alpha.test") == "250"
    assert [signature["d"] for signature in verify(arrived(host), records)] == ["alpha.test"]


def path(domain: str, suffix: str = "private") -> str:
    return f"{KEYS}/{domain}/{SELECTOR}.{suffix}"


SAVE = f"cp -a {KEYS} /root/saved; "
BAD_KEYS = {
    "no key": (f"echo hello >{path('alpha.test')}", "it is not a private key in PEM form"),
    "short": (
        f"openssl genrsa -traditional 1024 2>/dev/null >{path('alpha.test')}; rm {path('alpha.test', 'txt')}",
        "the key has 1024 bits; accepted: 2048 to 4096",
    ),
    "swapped": (
        f"cat {path('beta.test')} >/root/x; cat {path('alpha.test')} >{path('beta.test')};"
        f"cat /root/x >{path('alpha.test')}; rm /root/x",
        "this is not the key of relay-lab-test._domainkey.alpha.test that the file relay-lab-test.txt",
    ),
    "shared": (
        f"cat {path('beta.test')} >{path('alpha.test')}; rm {path('alpha.test', 'txt')}",
        f"the same key as {path('alpha.test')}; accepted: a key of its own per domain",
    ),
    "folder": (f"rm {path('alpha.test')}; mkdir {path('alpha.test')}", "it is not a regular file"),
}


@pytest.mark.any_release
@pytest.mark.parametrize("case", BAD_KEYS)
def test_bad_keys_stop_the_play_before_anything_changes(host: Host, case: str) -> None:
    spoil, message = BAD_KEYS[case]
    host.run(SAVE + spoil)
    before = fingerprint(host)
    domains = [*DOMAINS, "new.test"]
    result = host.module("dkim_keys", domains=domains, selector=SELECTOR)
    after = fingerprint(host)
    host.run(f"rm -r {KEYS}; mv /root/saved {KEYS}")
    assert result["failed"]
    assert message in result["msg"]
    assert f"{KEYS}/" in result["msg"]
    assert after == before


@pytest.mark.any_release
def test_a_key_that_the_daemon_cannot_read(host: Host) -> None:
    """The module alone, with a key of somebody's own making in a place that opendkim cannot enter."""
    host.run(f"install -d -m 700 /root/keys; install -m 600 -o opendkim {path('alpha.test')} /root/keys/k")
    before = fingerprint(host)
    files = [
        {
            "path": CONFIG,
            "content": "Mode s\nKeyTable /etc/opendkim/KeyTable\nSigningTable /etc/opendkim/SigningTable\n",
        },
        {"path": "/etc/opendkim/KeyTable", "content": f"a alpha.test:{SELECTOR}:/root/keys/k\n"},
        {"path": "/etc/opendkim/SigningTable", "content": "alpha.test a\nbeta.test b\n"},
    ]
    result = host.module("opendkim_config", files=files)
    assert result["failed"]
    assert "/root/keys/k: the user opendkim cannot read this key" in result["msg"]
    assert "SigningTable: beta.test is to be signed with 'b', which the KeyTable does not have" in result["msg"]
    assert fingerprint(host) == before


@pytest.mark.any_release
def test_open_keys_are_mended(host: Host) -> None:
    host.run(f"chmod 644 {path('alpha.test')}; chown root {path('beta.test')}")
    played = host.play()
    assert (played.ok, played.changed) == (True, 1)
    assert "has mode 0644 instead of 0600; this was mended" in played.output
    assert host.run(f"stat -c '%U:%G %a' {KEYS}/*/*.private | sort -u") == "opendkim:opendkim 600"


@pytest.mark.any_release
@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("Mdoe s", "unrecognized parameter: 'Mdoe s'"),
        (
            "On-InternalError accept",
            "On-InternalError 'accept' is not accepted; mail that cannot be signed has to wait",
        ),
    ],
)
def test_a_broken_setting_changes_nothing(host: Host, extra: str, message: str) -> None:
    before = fingerprint(host)
    played = host.play(opendkim_extra=extra)
    assert not played.ok
    assert message in played.output
    assert fingerprint(host) == before


@pytest.mark.any_release
def test_a_setting_that_does_not_work_is_taken_back(host: Host, records: dict[str, str]) -> None:
    before = host.run("cd /etc/opendkim; sha256sum *")
    played = host.play(opendkim_extra="ExemptDomains alpha.test")
    assert not played.ok
    assert "OpenDKIM does not sign mail from @alpha.test with d=alpha.test" in played.output
    assert "The previous set of files is back, and the service runs with it again." in played.output
    assert host.run("cd /etc/opendkim; sha256sum *") == before
    assert state(host) == "active enabled"
    assert send(host, "a@alpha.test") == "250"
    assert len(verify(arrived(host), records)) == 1


@pytest.mark.any_release
def test_a_domain_and_a_setting_more(host: Host) -> None:
    domains = [{"name": name} for name in ("alpha.test", "beta.test", "gamma.test")]
    before = host.run(f"cd {KEYS}; sha256sum alpha.test/* beta.test/*")
    assert host.play("--check", relay_domains=domains).changed == 2
    played = host.play(relay_domains=domains, opendkim_extra="LogWhy yes")
    assert (played.ok, played.changed) == (True, 2)
    assert host.run(f"cd {KEYS}; sha256sum alpha.test/* beta.test/*; tail -n 1 {CONFIG}") == f"{before}\nLogWhy yes"
    result = host.module("dkim_keys", domains=["gamma.test"], selector=SELECTOR)
    name = f"{SELECTOR}._domainkey.gamma.test"
    assert send(host, "g@gamma.test") == "250"
    assert len(verify(arrived(host), {name: result["records"][0]["value"]})) == 1
    assert host.play().changed == 1


@pytest.mark.any_release
def test_switched_off_and_on(host: Host) -> None:
    off = {"relay_dkim": {"enabled": False}}
    assert host.play(**off).changed == 1
    assert state(host) == "inactive disabled"
    assert host.play(**off).changed == 0
    assert host.play().changed == 1
    assert state(host) == "active enabled"


@pytest.mark.any_release
def test_nothing_secret_is_told(host: Host) -> None:
    played = host.play("--diff", "-vvv", relay_domains=[{"name": "delta.test"}])
    assert played.ok
    assert "PRIVATE KEY" not in played.output
    line = host.run(f"sed -n 5p {path('delta.test')}")
    assert line not in played.output
    assert json.dumps(line) not in played.output


def test_it_survives_a_reboot(host: Host) -> None:
    host.play()
    host.podman("restart", "--time", "20", host.name)
    host.eventually("systemctl is-active opendkim && test -S /var/spool/postfix/opendkim/opendkim.sock", 60)

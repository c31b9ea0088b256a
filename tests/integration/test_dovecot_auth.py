# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dovecot_auth on both releases, with a Postfix whose submission service has logins judged by it.

The tests of a release share one host and run in their order: each leaves a deployed, running Dovecot.
"""

from __future__ import annotations

import concurrent.futures
import pathlib
import time
import typing as t

import login_sources
import pytest
from container_host import Host
from login_sources import Client

# The scenario submission shows the same on both releases at each change.
pytestmark = pytest.mark.thorough

TEMPLATES = pathlib.Path(__file__).parents[2] / "roles/postfix/templates"
# What the role postfix makes of the same description.
TABLES = f"""
  tasks:
    - ansible.builtin.template:
        src: "{TEMPLATES}/{{{{ item }}}}.j2"
        dest: /etc/postfix/{{{{ item }}}}
        mode: "0644"
      loop: "{{{{ maps | map('basename') + ['login_senders'] }}}}"
      register: tables
      diff: false
      no_log: true
    - ansible.builtin.shell: postconf -e 'smtpd_sender_login_maps = {{{{ maps | join(' ') }}}}' && postfix reload
      when: tables is changed
  vars:
    maps: >-
      {{{{ ['proxy:texthash:/etc/postfix/sender_logins']
         + (['proxy:ldap:/etc/postfix/ldap_senders'] if __relay.auth.ldap else [])
         + (['proxy:pgsql:/etc/postfix/sql_senders'] if __relay.auth.sql else []) }}}}
"""

SHOP = {"name": "Shop", "password": "shop has 1 secret", "senders": ["shop@alpha.test", "@beta.test"]}
NEWS = {
    "name": "news@alpha.test",
    # doveadm pw -s SCRAM-SHA-256
    "hash": "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    "senders": ["news@alpha.test", "x@beta.test"],
}
OLD = {
    "name": "old",
    "hash": "{SHA256-CRYPT}$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
    "senders": ["old@alpha.test"],
}
BASE = {
    "relay_dkim": {"enabled": False},
    "relay_services": ["smtp", "submission"],
    "relay_users": [SHOP, NEWS],
}

NASTY = "a %{user} %u 'q' \"d\" \\b $x #"
LDAP: dict[str, t.Any] = {
    "uris": ["ldap://ds.lab.test"],
    "ca_file": "/etc/ssl/lab/ca.pem",
    "base": "dc=lab,dc=test",
    "bind_dn": "cn=relay,dc=lab,dc=test",
    "bind_password": NASTY,
}
SQL: dict[str, t.Any] = {
    "hosts": ["db.lab.test"],
    "ca_file": "/etc/ssl/lab/ca.pem",
    "database": "mail",
    "user": "relay",
    "password": NASTY,
    "password_query": "SELECT hash AS password FROM users WHERE name = '%u'",
    "senders_query": "SELECT name FROM senders WHERE address = '%s'",
}


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("dovecot_auth", request.param, tmp_path_factory.mktemp("dovecot_auth"), **BASE)
    try:
        host.start()
        # It looks at each file of /etc/dovecot for a minute in all; nothing here reads them.
        host.run("ln -s /bin/true /usr/local/bin/ucf; ln -s /bin/true /usr/local/bin/ucfr")
        yield host
    finally:
        host.remove()


def state(host: Host) -> str:
    return host.run("systemctl is-active dovecot || true; systemctl is-enabled dovecot || true").replace("\n", " ")


def fingerprint(host: Host) -> str:
    """All that a refused run must leave as it is: files, their owners and modes, and the running process."""
    return host.run(
        "cd /etc; find dovecot-auth systemd/system/dovecot.service.d -printf '%p %u:%g %m %l\\n' | sort;"
        "find dovecot-auth -type f -exec sha256sum {} + | sort; systemctl show -p MainPID dovecot"
    )


def login(host: Host, name: str, password: str, mechanism: str = "PLAIN") -> int:
    with Client(host) as client:
        return client.login(name, password, mechanism).code


def test_check_mode_on_an_empty_host(host: Host) -> None:
    played = host.play("--check", "--diff")
    assert played.ok, played.output
    assert "+++ after: /etc/dovecot-auth/dovecot.conf" in played.output
    assert "(mode 0640, the content is not shown)" in played.output
    assert host.run("command -v dovecot || echo none; ls /etc/dovecot-auth 2>/dev/null || true") == "none"


def test_a_first_deploy_that_fails_leaves_nothing_running(host: Host) -> None:
    played = host.play(dovecot_auth_extra="auth_mechanisms = plain")
    assert not played.ok
    assert "Dovecot does not offer LOGIN, SCRAM-SHA-256 at its socket" in played.output
    assert "the service is stopped, as it was before" in played.output
    assert state(host) == "inactive disabled"
    assert host.run("ls /etc/systemd/system/dovecot.service.d /etc/dovecot-auth") == (
        "/etc/dovecot-auth:\n\n/etc/systemd/system/dovecot.service.d:"
    )


def test_deploy(host: Host) -> None:
    played = host.play()
    assert played.ok, played.output
    assert state(host) == "active enabled"
    # Neither now nor before, on the configuration that the package brings, is there a listener on the network.
    assert host.run("ss -Hltn") == ""
    assert "imap" not in host.run("journalctl -u dovecot -o cat")
    assert host.run("stat -c '%U:%G %a' /var/spool/postfix/private/auth /etc/dovecot-auth/users") == (
        "postfix:postfix 660\nroot:dovecot 640"
    )
    assert host.run("ps -o user= -p $(pgrep -f ^dovecot/auth)") == "dovecot"
    assert host.run("dpkg --verify dovecot-core") == ""


def test_deploy_again(host: Host) -> None:
    before = fingerprint(host)
    played = host.play()
    assert (played.ok, played.changed) == (True, 0)
    assert host.play("--check").changed == 0
    assert fingerprint(host) == before


def test_postfix_directory_and_database_come_later(host: Host) -> None:
    host.run(login_sources.INSTALL.format(packages="postfix postfix-ldap postfix-pgsql slapd postgresql openssl"))
    with open(host.folder / "play.yml", "a", encoding="utf-8") as stream:
        stream.write(TABLES)
    login_sources.start(host, NASTY)
    assert host.play(relay_users=[SHOP, NEWS], relay_auth={"local_senders": {"www-data": ["@beta.test"]}}).ok
    assert host.run("postfix check 2>&1; systemctl is-active postfix") == "active"


def test_logins_are_for_tls_on_the_submission_service(host: Host) -> None:
    with Client(host, tls=False) as client:
        assert client.mechanisms == []
    with Client(host, port=25) as client:
        assert client.mechanisms == []
    with Client(host) as client:
        assert client.mechanisms == ["PLAIN", "LOGIN", "SCRAM-SHA-256"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_right_and_wrong_passwords(host: Host, mechanism: str) -> None:
    assert login(host, "shop", "shop has 1 secret", mechanism) == 235
    assert login(host, "SHOP", "shop has 1 secret", mechanism) == 235
    assert login(host, "news@alpha.test", "pencil", mechanism) == 235
    assert login(host, "shop", "pencil", mechanism) == 535
    assert login(host, "nobody", "pencil", mechanism) == 535


def test_a_user_sends_as_its_own(host: Host) -> None:
    with Client(host) as client:
        assert client.login("shop", "shop has 1 secret").code == 235
        for sender in ("shop@alpha.test", "x@beta.test", "any@Beta.Test"):
            assert client.send(sender).code == 250, sender
        for sender in ("news@alpha.test", "shop@sub.beta.test", "", "shop"):
            assert client.send(sender).code == 553, sender
    with Client(host) as client:
        assert client.login("news@alpha.test", "pencil").code == 235
        assert [client.send(sender).code for sender in ("x@beta.test", "y@beta.test")] == [250, 553]


@pytest.mark.parametrize(
    ("account", "sender", "sent"),
    [
        ("root", "anybody@example.com", True),
        ("root", "<>", True),
        ("www-data", "any@beta.test", True),
        ("www-data", "www-data@relay.lab.test", True),
        ("www-data", "shop@alpha.test", False),
        ("games", "games", True),
        ("games", "games@relay.lab.test", True),
        ("games", "root@relay.lab.test", False),
        ("games", "any@beta.test", False),
        ("games", "<>", False),
    ],
)
def test_an_account_of_the_host_sends_as_itself(host: Host, account: str, sender: str, sent: bool) -> None:
    command = f"runuser -u {account} -- /usr/sbin/sendmail -f '{sender}' a@rcpt.test"
    answer = host.run(f"printf 'Subject: x\\n\\nx\\n' | {command} 2>&1 && echo sent || true")
    assert answer.endswith("sent" if sent else f"not authorized to use sender='{sender.strip('<>')}'")


def test_a_removed_user_is_out_with_open_sessions(host: Host) -> None:
    with Client(host) as removed, Client(host) as idle, Client(host) as other:
        for client in (removed, idle):
            assert client.login("shop", "shop has 1 secret").code == 235
        assert removed.send("shop@alpha.test").code == 250
        assert other.login("news@alpha.test", "pencil").code == 235
        before = host.run("systemctl show -p MainPID dovecot")
        assert host.play(relay_users=[NEWS]).ok
        assert host.run("systemctl show -p MainPID dovecot") == before
        for client in (removed, idle):
            assert [client.send(sender).code for sender in ("shop@alpha.test", "x@beta.test", "")] == [553] * 3
        assert other.send("news@alpha.test").code == 250
    assert login(host, "shop", "shop has 1 secret") == 535


def test_a_new_password_and_another_hash(host: Host) -> None:
    assert host.play(relay_users=[{**SHOP, "password": "another"}, NEWS, OLD]).ok
    with Client(host) as client:
        assert client.mechanisms == ["PLAIN", "LOGIN"]
        assert client.login("shop", "shop has 1 secret").code == 535
        assert client.login("shop", "another").code == 235
    assert login(host, "old", "Hello world!") == 235


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"dovecot_auth_extra": "auth_mechanism = plain"}, "Dovecot refuses the configuration"),
        ({"relay_users": [{**OLD, "hash": "{ROT13}x"}]}, "does not know the scheme 'ROT13' of the user 'old'"),
        ({"relay_users": [{**SHOP, "password": "no\u00a0break"}]}, "'Shop': the password (not shown) cannot be used"),
    ],
    ids=["setting", "scheme", "password"],
)
def test_what_is_broken_changes_nothing(host: Host, variables: dict[str, t.Any], message: str) -> None:
    before = fingerprint(host)
    played = host.play(**variables)
    assert not played.ok
    assert message in played.output
    assert fingerprint(host) == before


SOURCES = {
    "ldap": ({"ldap": LDAP}, "dora", "@dora.test", "lab-slapd"),
    "sql": ({"sql": SQL}, "sonia", "@sonia.test", "postgresql"),
}


@pytest.mark.parametrize("source", SOURCES)
def test_users_from_elsewhere(host: Host, source: str) -> None:
    auth, name, domain, service = SOURCES[source]
    played = host.play(relay_auth=auth)
    assert played.ok, played.output
    with Client(host) as client:
        assert client.mechanisms == ["PLAIN", "LOGIN"]
        assert client.login(name, f"{name}-has-a-secret").code == 235
        for sender in (f"{name}@{source}.test", f"any{domain}"):
            assert client.send(sender).code == 250, sender
        assert client.send("shop@alpha.test").code == 553
    assert login(host, name, "wrong") == 535
    assert login(host, "*", "wrong") == 535
    assert login(host, "robot", "robot-has-a-secret") == 535
    assert host.play(relay_auth=auth).changed == 0
    # Processes that began while it was there may be gone by then.
    host.run("pkill -f '^dovecot/auth -w' || true")
    host.run(f"systemctl stop {service}")
    try:
        # Away is no wrong password, and others log in as before.
        with Client(host) as waiting, Client(host) as client:
            assert client.login("shop", "shop has 1 secret").code == 235
            assert client.send("shop@alpha.test").code == 250
            assert waiting.login(name, f"{name}-has-a-secret").code == 454
        # As many as Dovecot has connections to a database, so that each of them waits longer and longer.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            codes = pool.map(lambda _number: login(host, name, f"{name}-has-a-secret"), range(8))
        assert set(codes) == {454}
        # A user can be taken away all the same.
        played = host.play(relay_auth=auth, relay_users=[NEWS])
        assert played.ok, played.output
        assert "Dovecot cannot ask one of its sources of users" in played.output
    finally:
        login_sources.restart(host, service)
    logs_in_again(host, name)
    assert host.play(relay_auth=auth).ok


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_hangs(host: Host, source: str) -> None:
    """It takes connections and says nothing: a temporary failure to its users, until it goes on."""
    auth, name, _domain, service = SOURCES[source]
    assert host.play(relay_auth=auth).ok
    process = "postgres" if service == "postgresql" else "slapd"
    host.run(f"pkill -STOP -x {process}")
    try:
        for password in (f"{name}-has-a-secret", "wrong"):
            assert login(host, name, password) == 454
        assert login(host, "shop", "shop has 1 secret") == 235
    finally:
        host.run(f"pkill -CONT -x {process}")
    logs_in_again(host, name)


def logs_in_again(host: Host, name: str) -> None:
    """Soon after the source is back, and not only once: not one process has stayed behind."""
    deadline = time.monotonic() + 60
    while (code := login(host, name, f"{name}-has-a-secret")) == 454 and time.monotonic() < deadline:
        pass
    assert code == 235
    host.eventually("! test -e /run/dovecot/away/login")
    host.eventually("systemctl show -p ActiveState mailops-relay-recover | grep =inactive")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        codes = pool.map(lambda _number: login(host, name, f"{name}-has-a-secret"), range(8))
    assert set(codes) == {235}


@pytest.mark.thorough
def test_a_server_with_another_name_is_not_asked(host: Host) -> None:
    before = fingerprint(host).rpartition("\n")[0]
    played = host.play(relay_auth={"ldap": {**LDAP, "uris": ["ldap://127.0.0.1"]}})
    assert not played.ok
    assert "Dovecot cannot ask one of its sources of users" in played.output
    assert "The previous set of files is back, and the service runs with it again." in played.output
    assert fingerprint(host).rpartition("\n")[0] == before


def test_users_from_everywhere_and_secrets_nowhere(host: Host) -> None:
    since = host.run("date +%s")
    played = host.play("-vvv", "--diff", relay_auth={"ldap": LDAP, "sql": SQL}, relay_users=[SHOP, NEWS, OLD])
    assert played.ok, played.output
    for name in ("dora", "sonia"):
        assert login(host, name, f"{name}-has-a-secret") == 235
    assert login(host, "shop", "shop has 1 secret", "LOGIN") == 235
    assert login(host, "old", "Hello world!") == 235
    log = host.run(f"journalctl -o cat --no-pager --since=@{since}; cat /var/log/mail.log")
    # Ansible prints the options of the user's own command line, these extra variables among them.
    shown = "".join(line for line in played.output.splitlines() if "extra_vars: " not in line)
    for secret in ("shop has 1 secret", "W22ZaJ0SNY7", "saltstring", "-has-a-secret", "Hello world", "%{user} %u"):
        assert secret not in log
        assert secret not in shown


def test_switched_off_and_on(host: Host) -> None:
    assert host.play(relay_users=[]).ok
    assert state(host) == "inactive disabled"
    assert host.play(relay_users=[]).changed == 0
    assert host.play().ok
    assert state(host) == "active enabled"
    # Nothing is watched for a directory or a database any more.
    assert host.run("systemctl is-active mailops-relay-recover.path || true") == "inactive"


def test_it_survives_a_kill_and_a_reboot(host: Host) -> None:
    host.run("systemctl kill --signal=KILL dovecot")
    host.eventually("systemctl is-active dovecot && test -S /var/spool/postfix/private/auth")
    assert login(host, "shop", "shop has 1 secret") == 235
    host.podman("restart", "--time", "20", host.name)
    host.eventually("test -S /var/spool/postfix/private/auth && ss -Hltn | grep :587", 60)
    assert login(host, "shop", "shop has 1 secret") == 235


@pytest.mark.any_release
def test_a_server_of_mailboxes_is_left_alone(host: Host) -> None:
    host.run(login_sources.INSTALL.format(packages="dovecot-imapd"))
    before = fingerprint(host)
    played = host.play()
    assert not played.ok
    assert "dovecot-imapd is installed, so Dovecot is a mail server here" in played.output
    assert fingerprint(host) == before

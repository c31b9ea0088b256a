# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role fail2ban on both releases, with a real Postfix and Dovecot, and clients in a network of their own.

The tests of a release share one host and run in their order: each leaves the role deployed. What does not depend on the
release is tried on one only.
"""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest
from container_host import Host

# The scenario submission shows the same on both releases at each change.
pytestmark = pytest.mark.thorough

SERVICE = "mailops-relay-fail2ban"
TABLE = "inet mailops_relay_bans"
CLIENT = f"fail2ban-client -c /etc/{SERVICE}"
ATTEMPTS = 10
BAN = {"attempts": ATTEMPTS, "window": 600, "time": 3600, "exempt": ["198.18.0.64/28"]}
LDAP = {"uris": ["ldap://127.0.0.1:1"], "base": "dc=example,dc=net"}
DESCRIPTION: dict[str, t.Any] = {
    "relay_networks": ["198.18.0.80/28", "2001:db8:f0:1::/64"],
    "relay_services": ["smtp", "submission", "submissions"],
    "relay_users": [{"name": "shop", "password": "right", "senders": ["shop@alpha.test"]}],
    "relay_auth": {"ban": BAN},
}

RELAY4, RELAY6 = "198.18.0.1", "2001:db8:f0::1"
GOOD, BAD, OPEN, ATTACKER, EXEMPT, TRUSTED = (f"198.18.0.{number}" for number in (10, 11, 12, 13, 65, 81))
BAD6 = [f"2001:db8:f0:2::{number}" for number in (1, 2, 3)]
GOOD6, TRUSTED6, SHORT6 = "2001:db8:f0:3::1", "2001:db8:f0:1::5", "2001:db8::7"

NETWORK = f"""
ip netns add clients
ip link add relay0 type veth peer name eth0 netns clients
ip address add {RELAY4}/24 dev relay0; ip address add {RELAY6}/32 dev relay0 nodad; ip link set relay0 up
ip -n clients link set lo up; ip -n clients link set eth0 up
for four in {GOOD} {BAD} {OPEN} {ATTACKER} {EXEMPT} {TRUSTED}; do ip -n clients address add $four/24 dev eth0; done
for six in {" ".join([*BAD6, GOOD6, TRUSTED6, SHORT6])}; do ip -n clients address add $six/32 dev eth0 nodad; done
"""

MAIL = r"""
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
export DEBIAN_FRONTEND=noninteractive
apt-get install -qq -y --no-install-recommends postfix dovecot-core dovecot-ldap >/dev/null 2>&1
rm /usr/sbin/policy-rc.d
cat >/etc/postfix/main.cf <<EOF
compatibility_level = 3.6
myhostname = relay.lab.test
mydestination =
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
EOF
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
cat >>/etc/postfix/master.cf <<EOF
587 inet n - y - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_sasl_auth_enable=yes
EOF
cat >/etc/dovecot/dovecot.conf <<EOF
$(dovecot --version | grep -q '^2\.3' || printf 'dovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\n')
protocols =
ssl = no
base_dir = /run/dovecot
auth_mechanisms = plain login scram-sha-256
auth_verbose = yes
!include_try /etc/dovecot/sources.conf
service auth {
  unix_listener /var/spool/postfix/private/auth {
    user = postfix
    group = postfix
    mode = 0660
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
EOF
echo 'shop:{PLAIN}right' >/etc/dovecot/relay-users
cat >/etc/dovecot/directory.conf <<EOF
uris = ldap://127.0.0.1:1
base = dc=example,dc=net
auth_bind = yes
blocking = yes
pass_filter = (uid=%u)
EOF
systemctl enable --quiet postfix dovecot
systemctl start postfix
"""
SOURCES = {
    "bookworm": {
        "file": "passdb {\n  driver = passwd-file\n  args = /etc/dovecot/relay-users\n}\n",
        "ldap": "passdb {\n  driver = ldap\n  args = /etc/dovecot/directory.conf\n}\n",
    },
    "trixie": {
        "file": "passdb passwd-file {\n  passwd_file_path = /etc/dovecot/relay-users\n}\n",
        "ldap": "passdb ldap {\n  ldap_uris = ldap://127.0.0.1:1\n  ldap_base = dc=example,dc=net\n"
        "  ldap_filter = (uid=%{user})\n  bind = yes\n  use_worker = yes\n}\n",
    },
}

# Logs in once from each source and prints the reply's code, or "nothing" where none comes.
LOGIN = """
import json, smtplib, sys
sources, target, user, password, seconds = json.loads(sys.argv[1])
replies = []
for source in sources:
    try:
        with smtplib.SMTP(target, 587, source_address=(source, 0), timeout=seconds) as client:
            client.ehlo()
            client.user, client.password = user, password
            replies.append(client.auth("PLAIN", client.auth_plain)[0])
    except smtplib.SMTPResponseException as error:
        replies.append(error.smtp_code)
    except (OSError, smtplib.SMTPException):
        replies.append("nothing")
print(json.dumps(replies))
"""

# Makes 1,000 guesses, as many at a time as one address may have connections. Prints how many got an answer.
ATTACK = """
import asyncio, base64, sys
source, target = sys.argv[1:]
answers = 0

async def guess(number):
    global answers
    password = base64.b64encode(f"\\0shop\\0guess{number}".encode())
    writer = None
    try:
        opening = asyncio.open_connection(target, 587, local_addr=(source, 0))
        reader, writer = await asyncio.wait_for(opening, 0.5)
        await asyncio.wait_for(reader.readline(), 5)
        writer.write(b"AUTH PLAIN " + password + b"\\r\\n")
        answers += (await asyncio.wait_for(reader.readline(), 5)).startswith(b"535")
    except (OSError, asyncio.TimeoutError):
        pass
    if writer:
        writer.transport.abort()

async def guesses(numbers):
    for number in numbers:
        await guess(number)

async def main():
    numbers = iter(range(1000))
    await asyncio.gather(*(guesses(numbers) for _one in range(20)))

asyncio.run(main())
print(answers)
"""

# Holds a connection that is logged in, and says after a line on its input whether the server still answers.
HELD = """
import smtplib, sys
client = smtplib.SMTP(sys.argv[2], 587, source_address=(sys.argv[1], 0), timeout=10)
client.login("shop", "right")
print("open", flush=True)
sys.stdin.readline()
try:
    print(client.noop()[0])
except (OSError, smtplib.SMTPException):
    print("nothing")
"""


# Says whether the kernel ends connections when it is told to.
KILL = """
import socket, subprocess
client = socket.create_connection(("127.0.0.1", 587), 10)
client.recv(100)
port = client.getsockname()[1]
subprocess.run(["ss", "--kill", "--tcp", "dst", "127.0.0.1", "dport", "=", f":{port}"], capture_output=True)
try:
    client.send(b"NOOP\\r\\n")
    print("goes on" if client.recv(100) else "closed")
except ConnectionResetError:
    print("ended")
"""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("fail2ban", request.param, tmp_path_factory.mktemp("fail2ban"), **DESCRIPTION)
    try:
        host.start()
        host.run(NETWORK)
        host.run(MAIL)
        ask(host, "file")
        yield host
    finally:
        host.remove()


@pytest.fixture
def deployed(host: Host) -> None:
    """Have the role deployed, whichever tests ran before."""
    if state(host) != "active enabled":
        played = host.play()
        assert played.ok, played.output


one_release = pytest.mark.parametrize("host", ["trixie"], indirect=True)


def release(host: Host) -> str:
    return host.run(". /etc/os-release; echo $VERSION_CODENAME")


def ask(host: Host, *sources: str) -> None:
    """Have Dovecot ask these sources for the users."""
    text = "".join(SOURCES[release(host)][source] for source in sources)
    host.run(f"cat >/etc/dovecot/sources.conf <<'EOF'\n{text}EOF\nsystemctl restart dovecot")
    host.eventually("test -S /var/spool/postfix/private/auth")


def client(host: Host, program: str, *arguments: str) -> list[str]:
    """Return a command that runs a program in the clients' network."""
    inside = ["ip", "netns", "exec", "clients", "python3", "-c", program, *arguments]
    return ["podman", "exec", "--interactive", host.name, *inside]


def login(host: Host, *sources: str, right: bool = True, user: str = "shop", seconds: float = 20) -> list[int | str]:
    target = RELAY6 if ":" in sources[0] else RELAY4
    command = client(host, LOGIN, json.dumps([sources, target, user, "right" if right else "wrong", seconds]))
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=True)
    replies: list[int | str] = json.loads(done.stdout)
    return replies


def guess(host: Host, *sources: str, times: int = ATTEMPTS) -> list[int | str]:
    """Try wrong passwords, in turn from each of the sources."""
    return login(host, *(sources[number % len(sources)] for number in range(times)), right=False, seconds=6)


def is_shut_out(host: Host, source: str) -> bool:
    return login(host, source, seconds=2) == ["nothing"]


def await_ban(host: Host, address: str) -> str:
    """Wait for an address, or the first one of a /64, to be in the set; return its line."""
    number = 6 if ":" in address else 4
    return host.eventually(f"nft list set {TABLE} banned{number} | grep -Fw '{address}'")


def forget(host: Host) -> None:
    """End all bans, and forget what was counted."""
    host.run(f"{CLIENT} unban --all")
    assert "elements" not in host.run(f"nft list table {TABLE}").partition("chain")[0].partition("exempt4")[0]


def state(host: Host, service: str = SERVICE) -> str:
    shown = host.run(f"systemctl show --property=ActiveState --property=UnitFileState {service}")
    states = dict(line.split("=") for line in shown.splitlines())
    return f"{states['ActiveState']} {states.get('UnitFileState', '')}".rstrip()


def test_check_mode_on_an_empty_host(host: Host) -> None:
    played = host.play("--check", "--diff")
    assert played.ok, played.output
    assert f"+++ after: /etc/{SERVICE}/jail.conf" in played.output
    assert host.run(f"command -v fail2ban-client || echo none; ls -d /etc/{SERVICE} 2>/dev/null || true") == "none"


@pytest.mark.thorough
def test_a_first_deploy_that_fails_leaves_nothing_running(host: Host) -> None:
    played = host.play(fail2ban_extra="failregex = ^(<HOST>")
    assert not played.ok
    assert "fail2ban has no jail mailops-relay" in played.output
    assert "the service is stopped, as it was before" in played.output
    assert state(host) == "inactive"


def test_deploy(host: Host) -> None:
    played = host.play()
    assert played.ok, played.output
    assert state(host) == "active enabled"
    # What the package brings is not switched on, and has never run.
    assert state(host, "fail2ban") == "inactive disabled"
    assert host.run("journalctl --quiet -o cat -u fail2ban.service") == ""
    assert host.run(f"{CLIENT} status | tail -n 1 | cut -f 2") == "mailops-relay"
    assert host.run(f"stat -c '%U %a' /var/lib/{SERVICE} /run/{SERVICE}") == "root 700\nroot 700"


def test_deploy_again(host: Host) -> None:
    before = host.run(f"systemctl show -p MainPID {SERVICE}; nft list table {TABLE}")
    played = host.play()
    assert (played.ok, played.changed) == (True, 0)
    checked = host.play("--check")
    assert (checked.ok, checked.changed) == (True, 0)
    assert host.run(f"systemctl show -p MainPID {SERVICE}; nft list table {TABLE}") == before


@pytest.mark.usefixtures("deployed")
def test_wrong_logins_are_counted_and_right_ones_are_not(host: Host) -> None:
    assert login(host, *[GOOD] * (ATTEMPTS + 2)) == [235] * (ATTEMPTS + 2)
    assert guess(host, GOOD, times=2) == [535, 535]
    host.eventually(f"{CLIENT} status mailops-relay | grep 'Total failed:.2'")
    assert login(host, GOOD, user="nobody") == [535]
    host.eventually(f"{CLIENT} status mailops-relay | grep 'Total failed:.3'")
    assert login(host, GOOD) == [235]


@pytest.mark.usefixtures("deployed")
def test_a_thousand_guesses_are_banned_while_others_log_in(host: Host) -> None:
    attack = subprocess.Popen(client(host, ATTACK, ATTACKER, RELAY4), stdout=subprocess.PIPE, text=True)
    try:
        others = []
        while attack.poll() is None:
            others += login(host, GOOD) + login(host, GOOD6)
        output, _nothing = attack.communicate(timeout=200)
    finally:
        attack.kill()
    assert set(others) == {235}
    assert int(output) < 200
    await_ban(host, ATTACKER)
    assert is_shut_out(host, ATTACKER)


@pytest.mark.usefixtures("deployed")
@pytest.mark.any_release
def test_a_ban_holds_for_open_connections_and_for_the_relays_ports_only(host: Host) -> None:
    host.run("systemd-run --quiet --unit=management python3 -m http.server 9100")
    host.eventually("ss -ltn | grep :9100")
    held = subprocess.Popen(client(host, HELD, OPEN, RELAY4), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert held.stdout
    assert held.stdout.readline() == "open\n"
    guess(host, OPEN)
    await_ban(host, OPEN)
    if "ended" in host.python(KILL):
        host.eventually(f"! ss -Htn dst {OPEN} sport = :587 | grep -q .")
    output, _nothing = held.communicate("\n", timeout=60)
    assert output == "nothing\n"
    connect = "import socket, sys; socket.create_connection(('198.18.0.1', 9100), 10, (sys.argv[1], 0))"
    subprocess.run(client(host, connect, OPEN), check=True, timeout=60)
    host.run(f"systemctl stop management; {CLIENT} unban {OPEN}")
    assert login(host, OPEN) == [235]


@pytest.mark.usefixtures("deployed")
def test_ipv6_is_counted_by_its_64(host: Host) -> None:
    guess(host, *BAD6[:2])
    await_ban(host, "2001:db8:f0:2::")
    assert is_shut_out(host, BAD6[2])
    assert login(host, GOOD6) == [235]
    guess(host, SHORT6)
    await_ban(host, "2001:db8::")
    assert is_shut_out(host, SHORT6)
    assert login(host, GOOD6) == [235]
    host.run(f"{CLIENT} unban 2001:db8:f0:2 2001:db8::")
    assert login(host, BAD6[2], SHORT6) == [235, 235]


@pytest.mark.usefixtures("deployed")
@pytest.mark.thorough
@pytest.mark.parametrize("source", [EXEMPT, TRUSTED, TRUSTED6])
def test_some_are_never_banned(host: Host, source: str) -> None:
    assert guess(host, source, times=ATTEMPTS + 1) == [535] * (ATTEMPTS + 1)
    assert login(host, source) == [235]


@pytest.mark.usefixtures("deployed")
def test_a_backend_that_is_away_counts_for_nobody(host: Host) -> None:
    played = host.play(relay_auth={"ban": BAN, "ldap": LDAP})
    assert played.ok, played.output
    ask(host, "file", "ldap")
    assert 235 not in login(host, *[OPEN] * (ATTEMPTS + 1), user="ann")
    host.run("systemctl stop dovecot")
    assert 235 not in login(host, *[OPEN] * (ATTEMPTS + 1))
    ask(host, "file")
    assert host.play().ok
    # It reads the journal in its order: when one from elsewhere is counted, all before it would have been.
    guess(host, BAD, times=1)
    host.eventually(f"{CLIENT} status mailops-relay | grep 'Total failed:.1$'")
    assert login(host, OPEN) == [235]


@pytest.mark.usefixtures("deployed")
@pytest.mark.thorough
def test_bans_come_back_after_a_restart_with_what_is_left_of_them(host: Host) -> None:
    guess(host, BAD)
    await_ban(host, BAD)
    host.run(f"nft delete table {TABLE}; systemctl restart {SERVICE}")
    assert "timeout 1h" not in await_ban(host, BAD)
    assert is_shut_out(host, BAD)


@pytest.mark.usefixtures("deployed")
@pytest.mark.thorough
def test_a_table_that_somebody_has_flushed_comes_back_with_the_next_ban(host: Host) -> None:
    host.run("nft flush ruleset")
    guess(host, OPEN)
    await_ban(host, OPEN)
    assert is_shut_out(host, OPEN)


@pytest.mark.usefixtures("deployed")
@pytest.mark.thorough
def test_a_changed_description_ends_no_ban(host: Host) -> None:
    played = host.play(relay_auth={"ban": {**BAN, "attempts": ATTEMPTS + 1}})
    assert (played.ok, played.changed) == (True, 1)
    await_ban(host, OPEN)
    assert host.play().ok
    await_ban(host, OPEN)
    forget(host)


@pytest.mark.usefixtures("deployed")
@pytest.mark.thorough
def test_a_ban_ends_by_itself_also_when_fail2ban_is_dead(host: Host) -> None:
    played = host.play(relay_auth={"ban": {**BAN, "time": 30}})
    assert played.ok, played.output
    guess(host, BAD)
    await_ban(host, BAD)
    host.run(f"systemctl kill --signal=STOP {SERVICE}")
    assert is_shut_out(host, BAD)
    host.eventually(f"! nft list set {TABLE} banned4 | grep -Fw {BAD}", 90)
    assert login(host, BAD) == [235]
    host.run(f"systemctl kill --signal=CONT {SERVICE}")
    assert host.play().ok


# What Dovecot logs, and for whom it is counted.
LINES: dict[str, list[tuple[str, str | None]]] = {
    "bookworm": [
        ("auth: passwd-file(shop,198.18.0.12): Password mismatch", "198.18.0.12"),
        ("auth: passwd-file(shop,2001:db8:0:c::5,<a/b+C>): unknown user", "2001:db8:0:c"),
        ("auth: scram-sha-256(shop@alpha.test,2001:db8::5): Password mismatch", "2001:db8::"),
        ("auth: passwd-file(shop,2001:db8:1:2:3:4:5:6): unknown user", "2001:db8:1:2"),
        ("auth: passwd-file(shop,2001::a:b:c:d:e): unknown user", "2001::a:b:c:d:e"),
        ("auth: passwd-file(shop,2001:db8:1::): unknown user", "2001:db8:1::"),
        ("auth: ldap(shop,198.18.0.13): unknown user", None),
        ("auth: Error: passwd-file(shop,198.18.0.14): Password mismatch", None),
        ("auth: passwd-file(x,198.18.0.15): 198.18.0.16): Password mismatch", None),
        (
            "auth-worker(9): conn unix:auth-worker (pid=1,uid=2): auth-worker<3>: ldap(a,198.18.0.17): unknown user",
            None,
        ),
    ],
    "trixie": [
        ("auth(shop,198.18.0.12,sasl:plain): passwd-file: Password mismatch", "198.18.0.12"),
        ("auth(shop,2001:db8:0:c::5,sasl:login,<a/b+C>): passwd-file: unknown user", "2001:db8:0:c"),
        ("auth(shop,2001:db8::5,sasl:scram-sha-256): scram-sha-256: Password mismatch", "2001:db8::"),
        ("auth(shop,2001:db8:1:2:3:4:5:6,sasl:plain): passwd-file: unknown user", "2001:db8:1:2"),
        ("auth(shop,2001::a:b:c:d:e,sasl:plain): passwd-file: unknown user", "2001::a:b:c:d:e"),
        ("auth(shop,2001:db8:1::,sasl:plain): passwd-file: unknown user", "2001:db8:1::"),
        ("auth(shop,198.18.0.13,sasl:plain): ldap: unknown user", None),
        ("auth: Error: auth(shop,198.18.0.14,sasl:plain): passwd-file: Password mismatch", None),
        ("auth-worker(ann,198.18.0.17)<3714>: request [1]: ldap: unknown user", None),
    ],
}
WITH_LDAP: dict[str, list[tuple[str, str | None]]] = {
    "bookworm": [
        ("auth: passwd-file(ann,198.18.0.12): unknown user", None),
        ("auth: passwd-file(shop,198.18.0.13): Password mismatch", None),
        (
            "auth-worker(9): conn unix:auth-worker (pid=1,uid=2): auth-worker<3>: ldap(a,198.18.0.17): unknown user",
            "198.18.0.17",
        ),
        (
            "auth-worker(9): conn unix:auth-worker (pid=1,uid=2): auth-worker<4>: ldap(ann,2001:db8:0:c::5):"
            " Password mismatch (for LDAP bind)",
            "2001:db8:0:c",
        ),
    ],
    "trixie": [
        ("auth(ann,198.18.0.12,sasl:plain): passwd-file: unknown user", None),
        ("auth(shop,198.18.0.13,sasl:plain): passwd-file: Password mismatch", None),
        ("auth-worker(ann,198.18.0.17)<3714>: request [1]: ldap: unknown user", "198.18.0.17"),
        (
            "auth-worker(ann,2001:db8:0:c::5)<3714>: request [4]: ldap: Password mismatch (for LDAP bind)",
            "2001:db8:0:c",
        ),
    ],
}


def counted(host: Host, lines: list[tuple[str, str | None]]) -> list[str]:
    """Return for whom the filter that is deployed counts the lines."""
    stamp = host.run("date +%Y-%m-%dT%H:%M:%S")
    text = "".join(f"{stamp} relay1 dovecot[7]: {line}\n" for line, _expected in lines)
    host.run(f"cat >/root/lines <<'EOF'\n{text}EOF")
    return host.run(f"fail2ban-regex -o id /root/lines /etc/{SERVICE}/filter.conf").split()


@pytest.mark.usefixtures("deployed")
def test_what_is_counted(host: Host) -> None:
    lines = LINES[release(host)]
    assert counted(host, lines) == [expected for _line, expected in lines if expected]


@pytest.mark.usefixtures("deployed")
@pytest.mark.any_release
def test_what_is_counted_where_a_directory_is_asked_last(host: Host) -> None:
    assert host.play(relay_auth={"ban": BAN, "ldap": LDAP}).ok
    lines = WITH_LDAP[release(host)]
    assert counted(host, lines) == [expected for _line, expected in lines if expected]
    assert host.play().ok


@pytest.mark.usefixtures("deployed")
@pytest.mark.any_release
def test_a_mistake_changes_nothing(host: Host) -> None:
    before = host.run(f"cat /etc/{SERVICE}/*; systemctl show -p MainPID {SERVICE}")
    played = host.play(fail2ban_extra="filter = missing")
    assert not played.ok
    assert "Nothing was changed. The configuration is refused. fail2ban-client -c" in played.output
    assert host.run(f"cat /etc/{SERVICE}/*; systemctl show -p MainPID {SERVICE}") == before


@pytest.mark.usefixtures("deployed")
@pytest.mark.thorough
@one_release
def test_beside_a_fail2ban_of_the_users_own(host: Host) -> None:
    host.run("systemctl enable --now --quiet fail2ban")
    before = host.eventually("fail2ban-client status")
    assert "sshd" in before
    assert host.play(relay_auth={"ban": {**BAN, "attempts": 20}}).changed == 1
    assert host.play().ok
    assert host.run("fail2ban-client status") == before
    assert state(host, "fail2ban") == "active enabled"


@pytest.mark.usefixtures("deployed")
def test_nobody_is_banned_where_nobody_can_log_in(host: Host) -> None:
    guess(host, BAD)
    await_ban(host, BAD)
    checked = host.play("--check", relay_auth={"ban": {**BAN, "attempts": 0}})
    assert (checked.ok, checked.changed) == (True, 1)
    assert state(host) == "active enabled"
    played = host.play(relay_users=[])
    assert (played.ok, played.changed) == (True, 1)
    assert state(host) == "inactive"
    assert login(host, BAD) == [235]
    assert host.play(relay_users=[]).changed == 0
    played = host.play()
    assert played.ok, played.output
    assert state(host) == "active enabled"

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role nftables alone, with real packets: what gets through, what is refused, and what comes back by itself.

The tests of a release share one host and run in their order: each leaves the role's rules loaded and confirmed.
"""

from __future__ import annotations

import pytest
from nftables_lab import NET4, NET6, Client, Relay, make_network, remove_network

FILE = "/etc/mailops-relay/firewall.nft"
SERVICE = "mailops-relay-firewall.service"
OPEN_9100 = "insert rule inet mailops_relay input tcp dport 9100 accept"

# Connects from this host: user, address, port; prints "connected", or the name of the error.
OUTGOING = """
import errno, os, pwd, socket
os.setuid(pwd.getpwnam(%r).pw_uid)
try:
    socket.create_connection((%r, %d), timeout=3).close()
    print("connected")
except OSError as error:
    print(errno.errorcode.get(error.errno, error))
"""

# Stands in for a program and kills its caller at the n-th call of any of them, before or after it has done its work.
KILLER = """#!/bin/sh
n=$(cat /run/kill-at 2>/dev/null || echo 0)
[ "$n" -gt 0 ] && echo $((n - 1)) >/run/kill-at
if [ "$n" -eq 1 ]; then
    [ -e /run/kill-after ] && /usr/bin/env PATH=/usr/sbin:/usr/bin {program} "$@"
    kill -9 $PPID
    exit 1
fi
PATH=/usr/sbin:/usr/bin exec {program} "$@"
"""


@pytest.fixture(scope="module")
def client():
    make_network()
    client = Client()
    try:
        client.start()
        yield client
    finally:
        client.remove()
        remove_network()


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def relay(request, tmp_path_factory, client):  # noqa: ARG001
    relay = Relay(request.param, tmp_path_factory.mktemp("nftables"))
    try:
        relay.start()
        checked = relay.play("--check")
        assert checked.ok, checked.output
        assert relay.run("command -v nft || true") == ""
        played = relay.play()
        assert played.ok, played.output
        relay.install_module()
        yield relay
    finally:
        relay.remove()


@pytest.fixture
def content(relay):
    """The rules of the role, which are loaded and confirmed."""
    text = relay.run(f"cat {FILE}") + "\n"
    assert not relay.call(content=text)["changed"]
    return text


@pytest.fixture(scope="module")
def ssh(relay, tmp_path_factory):
    return relay.by_ssh(tmp_path_factory.mktemp("ssh"))


def outgoing(relay, user, address, port=25):
    return relay.python(OUTGOING % (user, address, port))


def state(relay):
    return relay.rules(), relay.run(f"cat {FILE}"), relay.timers()


def test_a_second_run_changes_nothing(relay):
    assert relay.play().changed == 0
    assert relay.timers() == ""


def test_debians_own_service_never_ran(relay):
    assert relay.run("systemctl is-enabled nftables || true") == "disabled"
    assert relay.run("systemctl is-active nftables || true") == "inactive"


def test_only_postfix_talks_to_other_mail_servers(relay, client):  # noqa: ARG001
    mx = f"{NET4}.200"
    # The user is not there yet: nobody is Postfix.
    assert outgoing(relay, "root", mx) == "ECONNREFUSED"
    relay.run("useradd --system postfix")
    assert relay.play().changed > 0
    for address in (mx, f"{NET6}::200"):
        assert outgoing(relay, "postfix", address) == "connected"
        assert outgoing(relay, "root", address) == "ECONNREFUSED"
        assert outgoing(relay, "nobody", address) == "ECONNREFUSED"
    assert outgoing(relay, "nobody", mx, 587) == "connected"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "address4", "address6"])
def test_local_programs_reach_the_local_relay(relay, address):
    assert outgoing(relay, "nobody", getattr(relay, address, address)) == "connected"


def test_connections_at_a_time_are_limited_per_address(relay, client):
    assert client.connect([f"{NET4}.200"] * 8, relay, together=True) == 4
    # They are closed by now.
    assert client.connect([f"{NET4}.200"] * 2, relay, 587, together=True) == 2


def test_connections_per_minute_are_limited_per_address(relay, client):
    assert client.connect([f"{NET4}.201"] * 13, relay) in (10, 11)


def test_connections_at_a_time_are_limited_per_64(relay, client):
    neighbours = [f"{NET6}:1::{host}" for host in range(2, 10)]
    assert client.connect(neighbours, relay, together=True) == 4


def test_connections_per_minute_are_limited_per_64(relay, client):
    neighbours = [f"{NET6}:2::{host}" for host in range(2, 14)]
    assert client.connect(neighbours, relay, 465) in (10, 11)
    assert client.connect([f"{NET6}:3::2"], relay, 465) == 1


@pytest.mark.parametrize("source", [f"{NET4}.130", f"{NET6}:0:c::130"], ids=["ipv4", "ipv6"])
def test_trusted_clients_have_no_limits(relay, client, source):
    assert client.connect([source] * 30, relay, together=True) == 30


def test_everything_else_is_closed(relay, client):
    assert client.connect([f"{NET4}.130"], relay, 9100) == 0
    assert client.connect([f"{NET6}:0:c::130"], relay, 9100) == 0


@pytest.mark.parametrize("family", ["address4", "address6"])
def test_networks_get_the_control_messages_they_need(relay, client, family):
    target = getattr(relay, family)
    assert "1 received" in relay.podman("exec", client.name, "ping", "-n", "-c", "1", "-W", "2", target)


def test_a_foreign_table_survives_and_extra_rules_work(relay, client, content):
    relay.run("nft 'table ip foreign { chain input { type filter hook input priority 5; tcp dport 9 drop; }; }'")
    foreign = relay.run("nft list table ip foreign")
    assert relay.deploy(content, OPEN_9100)["changed"]
    assert client.connect([f"{NET4}.200"], relay, 9100) == 1
    assert not relay.deploy(content, OPEN_9100)["changed"]
    assert relay.deploy(content)["changed"]
    assert client.connect([f"{NET4}.200"], relay, 9100) == 0
    assert relay.run("nft list table ip foreign") == foreign


@pytest.mark.any_release
def test_a_mistake_names_its_line(relay):
    before = state(relay)
    played = relay.play(nftables_extra="# one\ntcp dport acept")
    assert not played.ok
    assert "Nothing was changed. extra (nftables_extra), line 2: syntax error" in played.output
    assert state(relay) == before


@pytest.mark.any_release
@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ("flush ruleset", "flush or delete tables of others"),
        ("delete table ip foreign", "touch table ip foreign"),
        ("flush table ip foreign", "touch table ip foreign"),
        ("add table ip another", "touch table ip another"),
        ("add rule ip foreign input accept", "another table, or an interface"),
        ("insert rule inet mailops_relay input iif eth0 accept", "use iifname"),
    ],
)
def test_only_its_own_table_may_be_touched(relay, content, extra, text):
    before = state(relay)
    refused = relay.call(content=content, extra=extra)
    assert refused["failed"]
    assert text in refused["msg"]
    assert state(relay) == before


@pytest.mark.any_release
@pytest.mark.parametrize(
    "damage",
    [
        "nft delete table inet mailops_relay",
        "nft insert rule inet mailops_relay input accept",
        f"echo '# by hand' >>{FILE}",
        f"systemctl disable --quiet {SERVICE}",
        f"systemctl stop {SERVICE}",
    ],
)
def test_what_was_changed_by_hand_is_mended(relay, content, damage):
    before = state(relay)
    relay.run(damage)
    assert relay.call(content=content, _ansible_check_mode=True)["changed"]
    assert relay.deploy(content)["changed"]
    assert state(relay) == before
    assert relay.run(f"systemctl is-enabled {SERVICE}; systemctl is-active {SERVICE}") == "enabled\nactive"
    assert not relay.deploy(content)["changed"]


def test_the_table_follows_when_debians_service_flushes_everything(relay, content):
    rules = relay.rules()
    for verb in ("start", "reload", "restart"):
        relay.run("nft add rule inet mailops_relay input accept")
        relay.run(f"systemctl {verb} nftables")
        assert relay.rules() == rules, verb
    relay.run("systemctl stop nftables")
    assert relay.rules() == ""
    assert relay.deploy(content)["changed"]
    assert relay.rules() == rules


def test_rules_that_nobody_confirms_are_taken_back(relay, content):
    before = state(relay)
    loaded = relay.call(content=content, extra=OPEN_9100, confirm_within=3)
    assert loaded["confirmation"]
    assert "9100" in relay.rules()
    assert relay.run(f"cat {FILE}") == before[1]
    relay.wait_for(lambda: state(relay) == before, 6)
    late = relay.call(state="confirmed", confirmation=loaded["confirmation"])
    assert "taken back" in late["msg"]
    assert not relay.deploy(content)["changed"]


def test_an_unconfirmed_set_never_becomes_the_way_back(relay, content):
    before = state(relay)
    for port in ("9100", "9101"):
        relay.call(content=content, extra=OPEN_9100.replace("9100", port), confirm_within=4)
    assert "9101" in relay.rules()
    relay.wait_for(lambda: state(relay) == before, 8)


def test_what_was_there_before_the_first_run_comes_back(relay, content):
    relay.run("nft delete table inet mailops_relay")
    relay.call(content=content, confirm_within=1)
    relay.wait_for(lambda: relay.rules() == "", 4)
    assert relay.deploy(content)["changed"]


def test_the_port_of_the_connection_is_always_open(relay, ssh):
    relay.run("nft delete table inet mailops_relay")
    played = ssh.play()
    assert played.ok, played.output
    assert "\ttcp dport 2222 accept" in relay.rules()
    # Where management comes from elsewhere, the controller keeps its own way in.
    elsewhere = {"relay_firewall": {"management_networks": ["10.1.0.0/16"]}}
    played = ssh.play(**elsewhere)
    assert played.ok, played.output
    assert f"ip saddr {NET4}.1 tcp dport 2222 accept" in relay.rules()
    assert ssh.play(**elsewhere).changed == 0


def test_a_rule_that_cuts_off_the_controller_is_undone(relay, ssh):
    before = state(relay)
    drop = "insert rule inet mailops_relay input tcp dport 2222 drop"
    played = ssh.play(nftables_extra=drop, __nftables_confirm_within=15)
    assert not played.ok
    assert "The new rules let no fresh connection in from this controller" in played.output
    # It is cut off now, and nobody does anything about it.
    assert "tcp dport 2222 drop" in relay.rules()
    relay.wait_for(lambda: state(relay) == before, 15)
    assert ssh.play().ok


def test_a_restart_brings_the_confirmed_rules(relay, client):
    before = state(relay)
    relay.call(content=relay.run(f"cat {FILE}"), extra=OPEN_9100, confirm_within=600)
    assert "9100" in relay.rules()
    relay.podman("restart", "--time", "5", relay.name)
    relay.come_up()
    assert state(relay) == before
    # The host may have come back with another hardware address, which its neighbours have to learn first.
    relay.wait_for(lambda: client.connect([f"{NET4}.200"], relay) == 1, 20)
    assert client.connect([f"{NET4}.200"], relay, 9100) == 0


@pytest.mark.any_release
def test_a_kill_at_any_step_leaves_the_old_or_the_new_rules(relay):
    content = relay.run(f"cat {FILE}") + "\n"
    for program in ("nft", "systemctl", "systemd-run", "unshare"):
        relay.run(f"cat >/usr/local/bin/{program} <<'EOF'\n{KILLER.format(program=program)}EOF")
        relay.run(f"chmod +x /usr/local/bin/{program}")
    states = {}
    for extra in ("", OPEN_9100):
        relay.deploy(content, extra)
        states[relay.rules()] = extra
    assert len(states) == 2
    step, survived = 0, False
    while not survived:
        step += 1
        extra = "" if states[relay.rules()] else OPEN_9100
        relay.run(f"{'touch' if step % 2 else 'rm -f'} /run/kill-after; echo {step} >/run/kill-at")
        relay.deploy(content, extra, confirm_within=2)
        survived = relay.run("cat /run/kill-at; echo 0 >/run/kill-at") != "0"
        relay.wait_for(lambda: relay.timers() == "", 10)
        assert relay.rules() in states, step
        relay.deploy(content, extra)
        assert states[relay.rules()] == extra, step
        assert extra in relay.run(f"cat {FILE}"), step
    # nft alone is called more often than this.
    assert step > 12

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role rspamd on both releases, with a real Redis: quotas that several relays share, and the From header.

The tests of a release share one host and run in their order: each leaves a deployed, running rspamd.
"""

from __future__ import annotations

import json
import typing as t

import milter_client
import pytest
from container_host import Host

# The scenario submission shows the same on both releases at each change.
pytestmark = pytest.mark.thorough

SOCKET = "/var/spool/postfix/rspamd/rspamd.sock"
OTHER_SOCKET = "/var/spool/postfix/rspamd/other.sock"
PASSWORD = 's3cret$HOME$$"pass'  # noqa: S105
SERVER = "127.0.0.1:6379"
USERS = [
    {"name": "shop", "password": "x1", "senders": ["shop@alpha.test", "@beta.test"]},
    {"name": "big", "password": "x2", "senders": ["big@alpha.test"], "quota": {"messages_per_hour": 7}},
    {"name": "free", "password": "x3", "senders": ["shop@alpha.test", "@beta.test"], "quota": {"messages_per_hour": 0}},
    {"name": "fast", "password": "x4", "senders": ["f@alpha.test"], "quota": {"messages_per_hour": 60, "burst": 3}},
    {"name": "list", "password": "x5", "senders": ["l@alpha.test"], "quota": {"recipients_per_day": 10}},
]
QUOTAS = {
    "user": {"messages_per_hour": 5},
    "client": {"messages_per_day": 4, "recipients_per_hour": 50},
    "store": {"servers": [SERVER], "password": PASSWORD},
}
SERVICES = ["smtp", "submission"]
ON = {"relay_users": USERS, "relay_quotas": QUOTAS, "relay_services": SERVICES}
HELD = {**ON, "relay_auth": {"from_header": True}}
REACHED = "451 4.7.1 user shop: 5 messages per hour reached, try again later"

# Units in containers: no private users.
REDIS = r"""
mkdir -p /etc/systemd/system/redis-server.service.d
printf '[Service]\nPrivateUsers=no\n' >/etc/systemd/system/redis-server.service.d/container.conf
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends redis-server >/dev/null 2>&1
printf 'requirepass "%s"\nsave ""\n' '{password}' >>/etc/redis/redis.conf
systemctl restart redis-server
""".replace("{password}", PASSWORD.replace('"', '\\"'))

# Another relay of the group: the same rules, another process.
OTHER = rf"""
sed -e 's,{SOCKET},{OTHER_SOCKET},; s,/run/rspamd/rspamd.pid,/run/rspamd/other.pid,; s,relay.cache,other.cache,' \
    /etc/rspamd-relay/rspamd.conf >/run/other.conf
systemctl reset-failed other 2>/dev/null || true
systemctl stop other 2>/dev/null || true
systemd-run --quiet --unit=other --uid=_rspamd --property=UMask=0007 rspamd -f -c /run/other.conf
"""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("rspamd", request.param, tmp_path_factory.mktemp("rspamd"))
    try:
        host.start()
        yield host
    finally:
        host.remove()


def offer(host: Host, *messages: dict[str, t.Any], threads: int = 1) -> list[str]:
    """Offer messages to the milter; return the answers: "accept", or the reply."""
    answers: list[str] = json.loads(host.python(milter_client.program(messages, threads)))
    return answers


def by(user: str, count: int = 1, socket: str = SOCKET, **what: t.Any) -> list[dict[str, t.Any]]:
    return [milter_client.message(socket, user=user, **what)] * count


def redis(host: Host, *command: str) -> str:
    environment = f"REDISCLI_AUTH={PASSWORD}"
    return host.podman("exec", "--env", environment, host.name, "redis-cli", "--no-auth-warning", *command).strip()


def forget(host: Host) -> None:
    """Forget what was counted."""
    assert redis(host, "FLUSHALL") == "OK"


def events(host: Host, text: str) -> str:
    return host.eventually(f"journalctl -o cat -t rspamd | grep -F '{text}'")


def state(host: Host) -> str:
    return host.run("systemctl is-active rspamd || true; systemctl is-enabled rspamd || true").replace("\n", " ")


def test_nothing_to_judge_costs_nothing(host: Host) -> None:
    played = host.play()
    assert (played.ok, played.changed) == (True, 0), played.output
    assert host.run("command -v rspamd || echo none") == "none"


def test_check_mode_on_an_empty_host(host: Host) -> None:
    played = host.play("--check", "--diff", **ON)
    assert played.ok, played.output
    assert "+++ after: /etc/rspamd-relay/settings.json" in played.output
    assert host.run("command -v rspamd || echo none; ls /etc/rspamd-relay 2>/dev/null || true") == "none"


def test_deploy_while_the_store_is_away(host: Host) -> None:
    played = host.play(**ON)
    assert played.ok, played.output
    assert f"the store {SERVER} cannot be reached now" in played.output
    assert state(host) == "active enabled"
    assert host.run(f"stat -c '%U:%G %a' {SOCKET} /var/spool/postfix/rspamd") == (
        "_rspamd:postfix 660\n_rspamd:postfix 2750"
    )
    assert offer(host, *by("shop", 8)) == ["accept"] * 8
    assert "reason=" in events(host, f"relay: store away: server={SERVER}")
    # Nothing has ever run on the configuration that the package brings, and nothing listens on TCP.
    assert "rspamd" not in host.run("ss -Hltnp")


def test_deploy_again(host: Host) -> None:
    played = host.play(**ON)
    assert (played.ok, played.changed) == (True, 0), played.output
    assert host.play("--check", **ON).changed == 0


def test_the_store_comes(host: Host) -> None:
    host.run(REDIS)
    events(host, f"relay: store back: server={SERVER}")
    host.run(OTHER)
    host.eventually(f"test -S {OTHER_SOCKET}")
    forget(host)


def test_a_quota_holds_over_all_relays(host: Host) -> None:
    forget(host)
    assert offer(host, *by("shop", 3), *by("Shop", 2, OTHER_SOCKET)) == ["accept"] * 5
    assert offer(host, *by("shop"), *by("SHOP", socket=OTHER_SOCKET)) == [REACHED, REACHED]
    assert events(host, "relay: quota reached: user shop limit=messages_per_hour value=5")
    assert offer(host, *by("other")) == ["accept"]


def test_messages_at_the_same_time_do_not_pass_together(host: Host) -> None:
    forget(host)
    answers = offer(host, *by("shop", 20), *by("shop", 20, OTHER_SOCKET), threads=20)
    assert sorted(answers) == sorted([REACHED] * 35 + ["accept"] * 5)


def test_no_hour_holds_more_than_the_limit(host: Host) -> None:
    """An hour is twelve slices of five minutes, and the one that has begun."""
    forget(host)
    offer(host, *by("shop", 9))
    key = "mailops.relay:quota:user shop"
    field, count = redis(host, "HGETALL", key).splitlines()[:2]
    name, slice_number = field.split(":")
    assert (name, count) == ("mh", "5")
    # A step of the clock between the two is on the safe side of each.
    for age, answer in ((11, REACHED), (14, "accept")):
        redis(host, "DEL", key)
        redis(host, "HSET", key, f"mh:{int(slice_number) - age}", "5")
        assert offer(host, *by("shop")) == [answer]
    assert len(redis(host, "HGETALL", key).splitlines()) == 2
    assert int(redis(host, "TTL", key)) > 3600


def test_users_with_a_quota_of_their_own(host: Host) -> None:
    forget(host)
    assert offer(host, *by("big", 8))[-2:] == [
        "accept",
        "451 4.7.1 user big: 7 messages per hour reached, try again later",
    ]
    assert offer(host, *by("free", 20)) == ["accept"] * 20
    assert offer(host, *by("fast", 4))[2:] == [
        "accept",
        "451 4.7.1 user fast: 3 messages at once reached, try again later",
    ]


def test_recipients(host: Host) -> None:
    forget(host)
    assert offer(host, *by("list", 1, recipients=8), *by("list", 1, recipients=3), *by("list", 1, recipients=2)) == [
        "accept",
        "451 4.7.1 user list: 10 recipients per day reached, try again later",
        "accept",
    ]
    assert offer(host, *by("list", 1, recipients=11)) == [
        "554 5.7.1 user list: one message to 11 recipients, at most 10 accepted"
    ]


def test_clients(host: Host) -> None:
    forget(host)
    over = "451 4.7.1 client %s: 4 messages per day reached, try again later"
    assert offer(host, *by("", 5, client="10.9.1.1"))[3:] == ["accept", over % "10.9.1.1"]
    assert offer(host, *by("", 1, client="10.9.1.2")) == ["accept"]
    one, other = "2001:db8:51:0:c::1", "2001:db8:51:0:c::2"
    assert offer(host, *by("", 4, client=one), *by("", 1, client=other))[3:] == ["accept", over % "2001:db8:51::/64"]
    # A login counts for the user; strangers and the host itself are nobody's clients.
    assert offer(host, *by("shop", 1, client="10.9.1.1")) == ["accept"]
    assert offer(host, *by("", 6, client="198.18.0.7"), *by("", 6, client="127.0.0.1")) == ["accept"] * 12


@pytest.mark.parametrize(
    ("leave", "come"),
    [
        ("systemctl stop redis-server", "systemctl start redis-server"),
        ("systemctl kill --signal=STOP redis-server", "systemctl kill --signal=CONT redis-server"),
    ],
    ids=["killed", "hanging"],
)
def test_mail_flows_without_the_store(host: Host, leave: str, come: str) -> None:
    forget(host)
    assert offer(host, *by("shop", 6))[-1] == REACHED
    host.run("journalctl --rotate --vacuum-time=1s >/dev/null 2>&1; " + leave)
    try:
        # A client's own patience is a minute for each message; a second for each would be five minutes.
        assert offer(host, *by("shop", 300), threads=2) == ["accept"] * 300
        assert events(host, "relay: store away").count("away") == 1
    finally:
        host.run(come)
    events(host, "relay: store back")
    forget(host)
    assert offer(host, *by("shop", 6))[-1] == REACHED


def test_mail_waits_without_the_store_where_that_is_chosen(host: Host) -> None:
    defer = {**ON, "relay_quotas": {**QUOTAS, "without_store": "defer"}}
    main = host.run("systemctl show -p MainPID rspamd")
    assert host.play(**defer).changed == 1
    # The one that has the socket: no message meanwhile finds nobody there.
    assert host.run("systemctl show -p MainPID rspamd") == main
    host.run("systemctl stop redis-server")
    answers = offer(host, *by("shop"), *by("free"), *by("", client="198.18.0.7"))
    host.run("systemctl start redis-server")
    assert answers == ["451 4.7.1 quotas cannot be looked up, try again later", "accept", "accept"]
    assert host.play(**ON).changed == 1


@pytest.mark.any_release
def test_a_replica_takes_over(host: Host) -> None:
    second = "127.0.0.1:6380"
    host.run(
        "sed '/^port/d; s/^bind .*/bind 127.0.0.1/; /^pidfile/d; /^daemonize/d; /^logfile/d; /^supervised/d' "
        "/etc/redis/redis.conf >/run/second.conf; printf 'port 6380\nlogfile \"\"\n' >>/run/second.conf;"
        "chown redis /run/second.conf; systemd-run --quiet --unit=second --uid=redis redis-server /run/second.conf"
    )
    host.eventually("ss -Hltn | grep -F :6380")
    both = {**ON, "relay_quotas": {**QUOTAS, "store": {"servers": [SERVER, second], "password": PASSWORD}}}
    assert host.play(**both).changed == 1
    host.run("systemctl stop redis-server")
    assert offer(host, *by("shop", 6)) == ["accept"] * 5 + [REACHED]
    host.run("systemctl start redis-server; systemctl stop second")
    assert host.play(**ON).changed == 1


@pytest.mark.any_release
def test_a_wrong_password_stops_the_play_before_anything_changes(host: Host) -> None:
    before = host.run("sha256sum /etc/rspamd-relay/*; systemctl show -p MainPID rspamd")
    store = {"servers": [SERVER], "password": "wr0ng-Pass"}
    played = host.play("--diff", "-vvv", **{**ON, "relay_quotas": {**QUOTAS, "store": store}})
    assert not played.ok
    assert f"the store {SERVER} does not let this host in: WRONGPASS" in played.output
    assert host.run("sha256sum /etc/rspamd-relay/*; systemctl show -p MainPID rspamd") == before


@pytest.mark.any_release
def test_the_password_is_told_to_nobody(host: Host) -> None:
    changed = {**ON, "relay_quotas": {**QUOTAS, "without_store": "defer"}}
    played = host.play("--diff", "-vvv", **changed)
    assert played.ok
    shown = played.output + host.run("journalctl -o cat; ps -eo args")
    # The variables of the play are on its command line, and nowhere else.
    assert "s3cret" not in shown
    assert host.run("stat -c '%U:%G %a' /etc/rspamd-relay/store.json") == "root:_rspamd 640"
    assert '"x1"' not in host.run("cat /etc/rspamd-relay/*")
    host.play(**ON)


def test_the_from_header_is_held_to(host: Host) -> None:
    assert host.play(**HELD).changed == 1


OWN = [
    "shop@alpha.test",
    "<shop@alpha.test>",
    "Shop <shop@alpha.test>",
    '"Shop, Inc." <SHOP@Alpha.Test>',
    "anybody@beta.test",
    "=?utf-8?q?Gesch=C3=A4ft?= <shop@alpha.test>",
    "Geschäft <shop@alpha.test>",
    '"shop"@alpha.test',
    "shop@alpha.test (The Shop)",
    "(a (nested) comment) shop@alpha.test",
    '"ceo@bank.test" <shop@alpha.test>',
    "shop@alpha.test <shop@alpha.test>",
    "shop@alpha.test, other@beta.test",
    "Team: shop@alpha.test, x@beta.test;",
    "John Q. Public <shop@alpha.test>",
    "Shop\r\n <shop@alpha.test>",
]
FOREIGN = {
    "ceo@bank.test": "ceo@bank.test is not yours to use in From",
    "Shop <ceo@bank.test>": "ceo@bank.test is not yours",
    "CEO@BANK.test": "CEO@BANK.test is not yours",
    "shop@alpha.test, ceo@bank.test": "ceo@bank.test is not yours",
    "shop@alpha.test, <ceo@bank.test>": "ceo@bank.test is not yours",
    "Team: shop@alpha.test, ceo@bank.test;": "ceo@bank.test is not yours",
    "ceo@bank.test: shop@alpha.test;": "ceo@bank.test is not yours",
    "ceo@bank.test <shop@alpha.test>": "ceo@bank.test is not yours",
    "ceo@bank.test (shop@alpha.test)": "ceo@bank.test is not yours",
    "ceo@bank.test (<shop@alpha.test>)": "ceo@bank.test is not yours",
    '"shop@alpha.test" <ceo@bank.test>': "ceo@bank.test is not yours",
    '"ceo"@bank.test': "ceo@bank.test is not yours",
    '"shop@alpha.test"@bank.test': "shop@alpha.test@bank.test is not yours",
    '"shop@alpha.test> <x"@bank.test': "is not yours",
    "shop@alpha.test.bank.test": "is not yours",
    "shop@sub.beta.test": "is not yours",
    "shop2@alpha.test": "is not yours",
    "=?utf-8?q?shop=40alpha.test?= <ceo@bank.test>": "ceo@bank.test is not yours",
    "=?utf-8?q?shop=40alpha.test?=": "cannot be read",
    "shop=40alpha.test@bank.test": "is not yours",
    "shop@alpha.test ceo@bank.test": "cannot be read",
    "<shop@alpha.test> <ceo@bank.test>": "cannot be read",
    "<shop@alpha.test>, ceo": "cannot be read",
    "<@bank.test:shop@alpha.test>": "cannot be read",
    "shop@alpha.test@bank.test": "cannot be read",
    "shop (x) @ alpha.test": "cannot be read",
    "shop@(bank.test)alpha.test": "cannot be read",
    '"shop@alpha.test': "cannot be read",
    "shop@alpha.test (open": "cannot be read",
    "Team: shop@alpha.test": "cannot be read",
    "shop@alpha.test\rFrom: ceo@bank.test": "cannot be read",
    "undisclosed:;": "has no address",
    "<>": "cannot be read",
    "": "has no address",
    "shop": "cannot be read",
    "ceo@[198.51.100.1]": "is not yours",
    "c\u0435\u043e@bank.test": "is not yours",
}


def test_what_a_user_may_write(host: Host) -> None:
    answers = offer(host, *(m for text in OWN for m in by("free", headers=[["From", text]])))
    assert [(text, answer) for text, answer in zip(OWN, answers) if answer != "accept"] == []


def test_what_a_user_may_not_write(host: Host) -> None:
    forget(host)
    answers = offer(host, *(m for text in FOREIGN for m in by("shop", headers=[["From", text], ["Subject", "x"]])))
    wrong = [
        (text, answer)
        for (text, expected), answer in zip(FOREIGN.items(), answers)
        if not answer.startswith("554 5.7.1 ") or expected not in answer
    ]
    assert wrong == []
    # What is refused does not count.
    assert offer(host, *by("shop", headers=[["From", "shop@alpha.test"]])) == ["accept"]
    assert events(host, "relay: From refused: user shop address=ceo@bank.test")


FIELDS = [
    ([["From", "shop@alpha.test"], ["From", "ceo@bank.test"]], "more than one From header"),
    ([["From", "shop@alpha.test"], ["from", "shop@alpha.test"]], "more than one From header"),
    ([["From", "shop@alpha.test"], ["FROM ", "ceo@bank.test"]], "more than one From header"),
    ([["Subject", "x"]], "no From header"),
    ([["From", "shop@alpha.test"], ["Sender", "ceo@bank.test"]], "ceo@bank.test is not yours to use in Sender"),
    ([["From", "shop@alpha.test"], ["Sender", "x@beta.test"]], "accept"),
    ([["X-From", "ceo@bank.test"], ["From", "shop@alpha.test"]], "accept"),
    ([["Subject", "x\r\n From: ceo@bank.test"], ["From", "shop@alpha.test"]], "accept"),
]


def test_fields(host: Host) -> None:
    forget(host)
    answers = offer(host, *(m for headers, _expected in FIELDS for m in by("shop", headers=headers)))
    assert [a for a, (_h, expected) in zip(answers, FIELDS) if expected not in a] == []


def test_who_else_is_held_to_it(host: Host) -> None:
    """Users of a directory and programs of the host have the envelope sender; clients of the networks are free."""
    forget(host)
    foreign = [["From", "ceo@bank.test"]]
    assert offer(host, *by("ldapuser", sender="l@gamma.test", headers=[["From", "L@gamma.test"]])) == ["accept"]
    (answer,) = offer(host, *by("ldapuser", sender="l@gamma.test", headers=foreign))
    assert "ceo@bank.test is not yours" in answer
    local = {"client": "127.0.0.1", "sender": "root@relay.lab.test"}
    assert offer(host, *by("", headers=[["From", "root@relay.lab.test"]], **local)) == ["accept"]
    assert "is not yours" in offer(host, *by("", headers=foreign, **local))[0]
    notice = {"client": "127.0.0.1", "sender": ""}
    assert offer(host, *by("", headers=[["From", "MAILER-DAEMON@relay.lab.test"]], **notice)) == ["accept"]
    assert "is not yours" in offer(host, *by("", headers=foreign, **notice))[0]
    assert offer(host, *by("", client="10.9.7.7", headers=foreign)) == ["accept"]


def test_killed_it_comes_back(host: Host) -> None:
    host.run("systemctl kill --signal=KILL rspamd; rm -r /var/spool/postfix/rspamd")
    host.eventually(f"systemctl is-active rspamd && test -S {SOCKET}", 60)
    forget(host)
    host.eventually(f"test -S {SOCKET}")
    assert offer(host, *by("shop", 6, headers=[["From", "shop@alpha.test"]]))[-1] == REACHED


@pytest.mark.any_release
def test_a_rule_that_does_not_load_changes_nothing(host: Host) -> None:
    before = host.run("sha256sum /etc/rspamd-relay/*; systemctl show -p MainPID rspamd")
    config = "/etc/rspamd-relay/rspamd.conf"
    files = [
        {"path": config, "content": f'lua = "/etc/rspamd-relay/relay.lua";\n{host.run("cat " + config)}'},
        {"path": "/etc/rspamd-relay/relay.lua", "content": "this is not Lua\n"},
    ]
    result = host.module("rspamd_config", files=files, socket=SOCKET)
    assert result["failed"]
    assert "rspamd refuses the configuration" in result["msg"]
    assert host.run("sha256sum /etc/rspamd-relay/*; systemctl show -p MainPID rspamd") == before


@pytest.mark.any_release
def test_a_rule_that_does_not_judge_is_taken_back(host: Host) -> None:
    before = host.run("sha256sum /etc/rspamd-relay/*")
    config = "/etc/rspamd-relay/rspamd.conf"
    files = [
        {"path": config, "content": host.run("cat " + config)},
        {"path": "/etc/rspamd-relay/relay.lua", "content": "local nothing = {}\n"},
        *(
            {"path": path, "content": host.run("cat " + path) + "\n"}
            for path in ("/etc/systemd/system/rspamd.service.d/mailops-relay.conf", "/etc/rspamd-relay/suffixes")
        ),
    ]
    result = host.module("rspamd_config", files=files, socket=SOCKET, hostname="relay.lab.test")
    assert result["failed"]
    assert "its verdict on a notice of this host from probe@other.invalid is" in result["msg"]
    assert "The previous set of files is back, and the service runs with it again." in result["msg"]
    assert host.run("sha256sum /etc/rspamd-relay/*") == before


@pytest.mark.any_release
def test_the_from_header_needs_no_store(host: Host) -> None:
    alone = {"relay_users": [{**user, "quota": {}} for user in USERS], "relay_services": SERVICES}
    assert host.play(**alone, relay_auth={"from_header": True}).ok
    host.run("systemctl stop redis-server")
    assert offer(host, *by("shop", headers=[["From", "shop@alpha.test"]]))[0] == "accept"
    assert "is not yours" in offer(host, *by("shop"))[0]
    assert "AF_INET" not in host.run("systemctl show -p RestrictAddressFamilies rspamd")
    host.run("systemctl start redis-server")


def test_switched_off_and_on(host: Host) -> None:
    assert host.play().changed == 1
    assert state(host) == "inactive disabled"
    assert host.play().changed == 0
    assert host.play(**HELD).ok
    assert state(host) == "active enabled"


def test_it_survives_a_reboot(host: Host) -> None:
    host.podman("restart", "--time", "20", host.name)
    host.eventually(f"systemctl is-active rspamd && test -S {SOCKET}", 60)
    host.eventually("systemctl is-active redis-server", 60)
    forget(host)
    host.eventually(f"test -S {SOCKET}")
    assert offer(host, *by("shop", 1, headers=[["From", "shop@alpha.test"]])) == ["accept"]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role postfix alone, with a real Postfix: what is refused leaves the running relay as it was."""

from __future__ import annotations

import re

import pytest
from container_host import Host

BASE = {"relay_dkim": {"enabled": False}, "relay_services": ["smtp", "submission", "submissions"]}
SNAPSHOT = "cd /etc/postfix && find . -type f -exec stat -c '%n %a %i %Y' {} + | sort && pgrep -o -x master"
# From 127.0.0.1, which the description does not trust.
ASK = """
import smtplib
with smtplib.SMTP("127.0.0.1", 25, timeout=10) as client:
    client.ehlo()
    client.mail("a@example.org")
    print(client.rcpt("b@example.net")[0])
"""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request, tmp_path_factory):
    host = Host("postfix", request.param, tmp_path_factory.mktemp("postfix"), **BASE)
    host.start()
    try:
        played = host.play()
        assert played.ok, played.output
        yield host
    finally:
        host.remove()


def refused(host, *texts, **variables):
    """Play with ``variables``; see that the play fails with ``texts`` and that the relay is as it was."""
    before = host.run(SNAPSHOT)
    played = host.play(**variables)
    assert not played.ok
    for text in texts:
        assert text in played.output
    assert host.run(SNAPSHOT) == before
    assert host.python(ASK).startswith("5")


def test_a_second_run_changes_nothing(host):
    assert host.play().changed == 0
    assert host.run("postfix check 2>&1") == ""


def test_it_was_never_started_on_the_distributions_configuration(host):
    starts = host.run("journalctl -o cat --facility=mail | grep -c 'daemon started' || true")
    assert starts == "1"


def test_nothing_but_what_the_description_says_is_open(host):
    ports = host.run("ss -Hltn | awk '{print $4}' | sed 's/.*://' | sort -nu")
    assert ports.split() == ["25", "465", "587"]


@pytest.mark.parametrize(
    ("extra", "texts"),
    [
        ({"main_cf": "this is no line"}, ["postfix_extra.main_cf", "line 1: 'this is no line'", "Accepted: "]),
        ({"main_cf": "smtpd_foo = 1"}, ["Nothing was changed", "unused parameter: smtpd_foo=1"]),
        ({"main_cf": "mynetworks = 0.0.0.0/0"}, ["mynetworks cannot be set there", "relay_networks"]),
        (
            {"main_cf": "transport_maps = cidr:${config_directory}/t", "tables": {"t": "300.1.1.1 x\n"}},
            ["Nothing was changed", "transport_maps", "/etc/postfix/t, line 1"],
        ),
        (
            {"main_cf": "transport_maps = regexp:${config_directory}/t", "tables": {"t": "/(/ x\n"}},
            ["Nothing was changed", "transport_maps", "/etc/postfix/t, line 1"],
        ),
        ({"main_cf": "transport_maps = hash:/etc/postfix/t"}, ["transport_maps", "/etc/postfix/t.db"]),
        ({"main_cf": "transport_maps = lmdb:/etc/postfix/t"}, ["transport_maps", "lmdb"]),
        ({"master_cf": "2525 inet n - y\n"}, ["Nothing was changed", "master.cf", "bad field count"]),
        ({"maincf": "x = y"}, ["postfix_extra", "maincf"]),
    ],
    ids=str,
)
def test_a_broken_extra_stops_the_play_and_touches_nothing(host, extra, texts):
    refused(host, *texts, postfix_extra=extra)


def test_check_mode_refuses_too(host):
    played = host.play("--check", postfix_extra={"main_cf": "smtpd_foo = 1"})
    assert not played.ok
    assert "smtpd_foo" in played.output


def test_check_mode_with_diff_shows_the_change_and_makes_none(host):
    before = host.run(SNAPSHOT)
    played = host.play("--check", "--diff", postfix_extra={"main_cf": "smtp_destination_concurrency_limit = 5"})
    assert played.ok
    assert "+smtp_destination_concurrency_limit = 5" in played.output
    assert played.changed == 1
    assert host.run(SNAPSHOT) == before


OPEN = {"master_cf": "2525 inet n - y - - smtpd -o smtpd_relay_restrictions=permit_inet_interfaces,defer\n"}


@pytest.mark.any_release
@pytest.mark.parametrize(
    ("extra", "texts"),
    [
        ({"main_cf": "smtpd_client_connection_count_limit = many"}, ["smtpd_client_connection_count_limit = many"]),
        (OPEN, ["port 2525", "accepted a foreign recipient from a stranger: 250"]),
    ],
    ids=["a number that is none", "a listener that lets strangers relay"],
)
def test_a_set_that_does_not_work_is_taken_back(host, extra, texts):
    files = "cd /etc/postfix && find . -type f -exec md5sum {} + | sort"
    before = host.run(files)
    played = host.play(postfix_extra=extra)
    assert not played.ok
    for text in [*texts, "The previous set of files is back, and the service runs with it again."]:
        assert text in played.output
    assert host.run(files) == before
    assert host.python(ASK).startswith("5")
    assert host.play().changed == 0


@pytest.mark.any_release
def test_an_extra_replaces_an_entry_once(host):
    assert host.play(postfix_extra={"main_cf": "delay_warning_time = 1h"}).changed == 1
    assert (
        host.run(
            "postconf -h delay_warning_time; postconf -n 2>&1 >/dev/null; grep -c ^delay_warning /etc/postfix/main.cf"
        )
        == "1h\n1"
    )
    assert host.play().changed == 1


def test_a_stopped_postfix_is_started_again(host):
    host.run("systemctl stop postfix")
    assert host.play().changed == 1
    assert host.python(ASK).startswith("5")


def test_what_postconf_has_edited_comes_back(host):
    host.run("postconf -e smtpd_relay_restrictions=permit && postfix reload 2>&1")
    played = host.play("--diff")
    assert played.changed == 1
    assert "-smtpd_relay_restrictions = permit" in played.output
    assert host.python(ASK).startswith("5")


@pytest.mark.any_release
def test_a_full_disk_leaves_the_relay_as_it_was(host):
    host.run("mkdir -p /etc/mailops-relay && mount -t tmpfs -o size=16k tmpfs /etc/mailops-relay")
    try:
        refused(host, "No space left on device", postfix_extra={"main_cf": "delay_warning_time = 2h"})
    finally:
        host.run("umount /etc/mailops-relay")
    assert host.play().changed == 0


HOP = {"host": "smtp.example.net", "port": 2525, "user": "relay1", "password": "not-to-be-seen", "tls": "secure"}


def test_next_hops_in_order_each_with_its_own_login_and_tls(host):
    hops = [
        HOP,
        {**HOP, "host": "backup.example.net", "tls": "verify", "user": "other"},
        {"host": "10.0.0.9", "tls": "none"},
    ]
    assert host.play("-vvv", "--diff", relay_next_hops=hops).changed == 1
    assert host.run("postconf -h relayhost") == "[smtp.example.net]:2525 [backup.example.net]:2525 [10.0.0.9]:587"
    policy = host.run(
        "for h in [smtp.example.net]:2525 [10.0.0.9]:587; do postmap -q $h texthash:/etc/postfix/tls_policy; done"
    )
    assert policy == "secure match=smtp.example.net\nnone"
    login = host.run("postmap -q [backup.example.net]:2525 texthash:/etc/postfix/sasl_passwd")
    assert login == "other:not-to-be-seen"
    assert host.run("stat -c '%a %U' /etc/postfix/sasl_passwd") == "600 root"


@pytest.mark.any_release
def test_the_users_own_certificate_is_shown_to_clients(host):
    host.run(
        "mkdir -p /etc/ssl/own && cd /etc/ssl/own && openssl req -x509 -newkey rsa:2048 -nodes -days 9"
        " -subj /CN=own.lab.test -addext subjectAltName=DNS:relay.lab.test -keyout key.pem -out chain.pem 2>/dev/null"
    )
    own = {"certificate": "/etc/ssl/own/chain.pem", "key": "/etc/ssl/own/key.pem"}
    assert host.play(relay_tls=own).changed == 1
    shown = (
        "echo QUIT | openssl s_client -connect 127.0.0.1:25 -starttls smtp 2>/dev/null | openssl x509 -noout -subject"
    )
    assert host.run(shown).replace(" ", "") == "subject=CN=own.lab.test"
    unusable = "The certificate of relay.lab.test cannot be used; nothing was changed."
    refused(host, unusable, "/etc/ssl/own/no.pem", relay_tls={**own, "key": "/etc/ssl/own/no.pem"})
    host.run("openssl genrsa -out /etc/ssl/own/other.pem 2048 2>/dev/null; echo junk > /etc/ssl/own/junk.pem")
    other = {**own, "key": "/etc/ssl/own/other.pem"}
    refused(host, unusable, "The private key does not belong to the certificate", relay_tls=other)
    refused(host, unusable, "/etc/ssl/own/junk.pem", relay_tls={"certificate": "/etc/ssl/own/junk.pem"})
    elsewhere = "The certificate of relay2.lab.test cannot be used"
    refused(host, elsewhere, "not for relay2.lab.test", relay_tls=own, relay_hostname="relay2.lab.test")
    assert host.play().changed == 1


@pytest.mark.any_release
def test_a_password_is_seen_nowhere(host):
    played = host.play("-vvvv", "--diff", relay_next_hops=[{**HOP, "password": "another-secret"}])
    assert played.ok
    # Ansible prints the options of the user's own command line, these extra variables among them.
    shown = [line for line in played.output.splitlines() if "another-secret" in line and "extra_vars: " not in line]
    assert shown == []
    assert host.run("journalctl --no-pager | grep another-secret || true") == ""
    assert host.play().changed == 1


@pytest.mark.any_release
def test_a_null_client_has_no_listener(host):
    assert host.play(relay_services=[]).ok
    assert host.run("ss -Hltn | awk '{print $4}' | sed 's/.*://' | sort -nu") == ""
    assert host.run("postconf -h inet_interfaces") == "loopback-only"
    assert host.play().ok
    assert host.python(ASK).startswith("5")


@pytest.mark.any_release
def test_killed_at_any_moment_the_files_are_the_old_or_the_new(host):
    """SIGKILL for the module, ever later after it has begun to write; the delays cover it to its end."""
    candidate = "/etc/mailops-relay/postfix/candidate"
    for attempt in range(8):
        value = f"{attempt % 2 + 1}h"
        extra = {"main_cf": f"delay_warning_time = {value}", "master_cf": f"# {value}\n"}
        playing = host.begin_play(postfix_extra=extra)
        host.run(f"for i in $(seq 1200); do test -e {candidate} && break; sleep 0.05; done")
        host.run(f"sleep {attempt * 0.08}; pkill -KILL -x python3 || true")
        playing.communicate(timeout=120)
        main = re.search(r"delay_warning_time = (\S+)", host.run("cat /etc/postfix/main.cf"))
        master = re.search(r"# (\dh)\s*$", host.run("tail -n 1 /etc/postfix/master.cf"))
        assert main, attempt
        assert main[1] == (master[1] if master else "4h"), attempt
    assert host.play().ok
    assert host.play().changed == 0
    assert host.python(ASK).startswith("5")


@pytest.mark.any_release
def test_a_folder_of_the_images_own_layer(tmp_path, host):
    """Postfix is part of the image: /etc/postfix lies in the lower layer of the overlay and cannot be exchanged."""
    suite = host.image.rpartition(":")[2]
    image = f"localhost/mailops-it-baked:{suite}"
    host.run("systemctl stop postfix; cp /etc/postfix/master.cf.proto /root/master.cf")
    host.podman("commit", "--quiet", host.name, image)
    baked = Host("postfix", suite, tmp_path, image=image, suffix="-baked", **BASE)
    baked.start()
    try:
        # As the package leaves it, and in the image's layer all the same.
        played = baked.play(postfix_extra={"main_cf": "delay_warning_time = 3h"})
        assert played.ok, played.output
        assert baked.run("postconf -h delay_warning_time") == "3h"
        assert baked.play(postfix_extra={"main_cf": "smtpd_foo = 1"}).ok is False
        assert baked.play().changed == 1
    finally:
        baked.remove()
        host.podman("image", "rm", "--force", image)
    assert host.play().ok

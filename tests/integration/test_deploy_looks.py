# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""deploy on a host that has it all: roles with nothing to do end after one look, and what drifted is mended."""

from __future__ import annotations

import re
import typing as t

import pytest
from container_host import Host, Played

pytestmark = pytest.mark.any_release  # the scenarios see runs without changes on both

DESCRIPTION = {
    "relay_auth": {"from_header": True},
    "relay_services": ["smtp", "submission"],
    "relay_users": [{"name": "shop", "password": "not-a-secret", "senders": ["shop@alpha.test"]}],
}
EVERYTHING = ["Dovecot", "rspamd", "OpenDKIM", "Postfix", "rules", "bans"]
FIREWALL = "mailops-relay-firewall"


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    folder = tmp_path_factory.mktemp("looks")
    started = Host("looks", request.param, folder, **DESCRIPTION)
    (folder / "play.yml").write_text("- import_playbook: mailops.relay.deploy\n")
    try:
        started.start()
        yield started
    finally:
        started.remove()


def configured(played: Played) -> list[str]:
    """What the roles have turned to, by the last word of their tasks' names, in the order of the run."""
    assert played.ok, played.output
    return re.findall(r"^TASK \[mailops\.relay\.\w+ : (?:Configure|Load) .*?(\w+)\] ", played.output, re.MULTILINE)


def test_the_first_run_has_everything_done(host: Host) -> None:
    assert configured(host.play()) == EVERYTHING


def test_a_run_without_changes_turns_to_nothing(host: Host) -> None:
    played = host.play()
    assert configured(played) == []
    assert played.changed == 0


def test_check_mode_sees_as_much(host: Host) -> None:
    played = host.play("--check", "--diff")
    assert configured(played) == []
    assert played.changed == 0


@pytest.mark.parametrize(
    ("drift", "turned_to", "mended"),
    [
        ("systemctl stop dovecot", "Dovecot", "systemctl is-active dovecot"),
        ("systemctl stop rspamd", "rspamd", "systemctl is-active rspamd"),
        ("systemctl stop opendkim", "OpenDKIM", "systemctl is-active opendkim"),
        ("systemctl disable opendkim", "OpenDKIM", "systemctl is-enabled opendkim"),
        ("systemctl stop postfix", "Postfix", "postfix status"),
        ("echo 'mynetworks = 0.0.0.0/0' >>/etc/postfix/main.cf", "Postfix", "! grep -F 0.0.0.0/0 /etc/postfix/main.cf"),
        ("chmod 644 /etc/postfix/sasl_passwd", "Postfix", "test $(stat -Lc %a /etc/postfix/sasl_passwd) = 600"),
        ("nft flush table inet mailops_relay", "rules", "nft list table inet mailops_relay | grep 'dport 25'"),
        ("nft delete table inet mailops_relay", "rules", "nft list table inet mailops_relay | grep 'dport 25'"),
        (f"systemctl disable {FIREWALL}", "rules", f"systemctl is-enabled {FIREWALL}"),
        ("systemctl stop mailops-relay-fail2ban", "bans", "systemctl is-active mailops-relay-fail2ban"),
    ],
)
def test_what_drifted_is_mended_and_nothing_else_is_touched(
    host: Host, drift: str, turned_to: str, mended: str
) -> None:
    host.run(drift)
    played = host.play()
    assert configured(played) == [turned_to]
    assert played.changed >= 1
    host.run(mended)


def test_a_change_in_the_description_is_for_those_whom_it_concerns(host: Host) -> None:
    assert configured(host.play(relay_limits={"message_size": 12_000_000})) == ["rspamd", "Postfix"]
    assert configured(host.play(relay_postmaster="admin@rcpt.test")) == ["rspamd", "Postfix"]
    assert configured(host.play()) == ["Postfix"]


def test_what_cannot_be_used_is_refused_by_the_module_itself(host: Host) -> None:
    played = host.play(postfix_extra={"main_cf": "mynetworks = 0.0.0.0/0"})
    assert not played.ok
    assert "main_cf_extra (of the role: postfix_extra.main_cf), line 1: mynetworks cannot be set there" in played.output


def test_no_password_is_in_the_log_of_the_look(host: Host) -> None:
    played = host.play("-vvvv", "--diff")
    assert configured(played) == []
    journal = host.run("journalctl --quiet --output=cat")
    assert "deploy_info" in journal
    secrets = [line.split(":", 1)[1] for line in host.run("cat /etc/dovecot-auth/users").splitlines() if ":" in line]
    for secret in ["not-a-secret", *secrets]:
        assert secret not in played.output
        assert secret not in journal

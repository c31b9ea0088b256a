# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import time

import pytest

pytest.importorskip("cryptography")

from ansible_collections.mailops.relay.plugins.module_utils import _host_queue, _host_survey
from ansible_collections.mailops.relay.plugins.module_utils._host_programs import Outcome
from ansible_collections.mailops.relay.plugins.modules import relay_host_info

UNIT = "Id={}.service\nLoadState={}\nActiveState={}\nSubState=running\nUnitFileState=enabled\nNRestarts=0\n\n"
POSTCONF = """\
mail_version = 3.10.13
milter_default_action = tempfail
myhostname = relay.example.com
inet_interfaces = loopback-only
queue_directory = {queue}
smtpd_milters = unix:no/such.sock
message_size_limit = 1
"""
MESSAGE = (
    b'{"queue_name": "deferred", "queue_id": "1", "arrival_time": 1, "recipients":'
    b' [{"address": "a@example.com", "delay_reason": "no route"}]}'
)


class Programs:
    """Stands in for the programs of a host: answers by the first two words of a command."""

    timeout = 1.0

    def __init__(self, **answers):
        self.answers = answers

    def run(self, *command):
        name = "_".join(command[:2]).replace("-", "")
        return self.answers.get(name, self.answers.get(command[0].replace("-", ""), Outcome(0)))

    def stream(self, take, *command):
        outcome = self.run(*command)
        for line in outcome.output.encode().splitlines():
            take(line)
        return outcome._replace(output="")


def options(**changed):
    defaults = {
        "services": ["postfix", "opendkim", "nftables"],
        "hostname": None,
        "now": None,
        "clock_offset": 30,
        "queue_age": 14400,
        "queue_deferred": 500,
        "queue_incoming": 200,
        "free_space": 0,
        "certificate_days": 14,
        "restarts": 3,
        "lists_days": 365,
        "shortest": 2048,
        "table": "inet t",
        "firewall_service": "fw",
        "timeout": 1.0,
    }
    return {**defaults, **changed}


@pytest.fixture
def queue(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in _host_queue.QUEUES:
        (tmp_path / name).mkdir()
    return tmp_path


def programs(queue, **changed):
    units = [("postfix", "loaded", "active"), ("opendkim", "loaded", "active"), ("nftables", "loaded", "active")]
    answers = {
        "systemctl_show": Outcome(0, "".join(UNIT.format(*unit) for unit in units)),
        "postconf_x": Outcome(0, POSTCONF.format(queue=queue)),
        "nft": Outcome(0, "table inet t\n"),
    }
    return Programs(**{**answers, **changed})


def look(found, **changed):
    parts = relay_host_info.Look(options(**changed), found).parts()
    return relay_host_info.result_of(parts)


def ids(result, check):
    (item,) = [item for item in result["results"] if item["check"] == check]
    return [finding["id"] for finding in item["findings"]]


def state(result, check):
    (item,) = [item for item in result["results"] if item["check"] == check]
    return item["state"], item["note"]


def test_a_relay(queue):
    result = look(programs(queue))
    assert "service_not_running" not in [finding["id"] for finding in result["findings"]]
    assert state(result, "host") == ("done", "")
    assert ids(result, "queue") == []
    assert result["seen"]["queue"]["messages"] == dict.fromkeys(_host_queue.QUEUES, 0)
    # OpenDKIM is said to run here, and its socket is not there.
    assert ids(result, "signing") == ["service_milter_silent"]
    assert result["seen"]["postfix_version"] == "3.10.13"
    assert result["changed"] is False


def test_what_is_not_part_of_the_relay_is_not_looked_at(queue):
    found = programs(queue, systemctl_show=Outcome(0, UNIT.format("postfix", "loaded", "active")))
    result = look(found, services=["postfix"])
    assert [item["check"] for item in result["results"]] == ["host", "clock", "queue", "certificate"]
    assert not [finding for finding in result["findings"] if finding["id"].startswith(("service_", "firewall_"))]


def test_an_empty_host():
    gone = Outcome(127, problem="postconf is not installed")
    result = look(Programs(systemctl_show=Outcome(0, ""), postconf=gone))
    assert ids(result, "host")[:2] == ["service_not_installed"] * 2
    assert ids(result, "signing") == ["service_not_installed"]
    for check, program in (("queue", "Postfix"), ("certificate", "Postfix"), ("keys", "OpenDKIM")):
        assert state(result, check) == ("not_checked", f"{program} is not installed")
        assert ids(result, check) == []


def test_everything_hangs():
    late = Outcome(-9, problem="it did not end within 1 s")
    names = ("systemctl", "postconf", "postqueue", "nft", "aptcache")
    result = look(Programs(**dict.fromkeys(names, late)))
    for check in ("host", "queue", "certificate", "signing", "keys"):
        assert state(result, check)[0] == "not_checked", check
    assert "service_not_installed" not in [finding["id"] for finding in result["findings"]]
    assert {"service_not_checked", "firewall_not_checked", "host_not_checked"} <= set(ids(result, "host"))
    assert ids(result, "certificate") == ["certificate_not_checked"]


def test_postfix_is_down(queue):
    found = programs(
        queue,
        systemctl_show=Outcome(0, UNIT.format("postfix", "loaded", "failed")),
        postqueue=Outcome(69, "", "postqueue: fatal: Queue report unavailable - mail system is down\n"),
    )
    result = look(found, services=["postfix"])
    assert "service_not_running" in ids(result, "host")
    assert state(result, "queue") == (
        "not_checked",
        "The queue is not listed in full: postqueue: fatal: Queue report unavailable - mail system is down",
    )


def test_a_list_that_is_cut_off_is_counted_as_far_as_it_came(queue):
    (queue / "deferred" / "A").mkdir()
    for name in "1234":
        (queue / "deferred" / "A" / name).touch()
    found = programs(queue, postqueue=Outcome(-9, MESSAGE.decode(), "", "postqueue did not end within 1 s"))
    result = look(found)
    assert result["seen"]["queue"]["messages"]["deferred"] == 4
    assert set(ids(result, "queue")) == {"queue_old", "queue_not_checked"}


def test_a_broken_configuration(queue):
    wrong = Outcome(1, "", "postconf: fatal: open /etc/postfix/main.cf: No such file or directory\n")
    result = look(programs(queue, postconf_x=wrong, postconf_n=wrong))
    assert "service_configuration_unreadable" in ids(result, "host")
    assert ids(result, "certificate") == ["certificate_not_checked"]
    assert "service_not_checked" in ids(result, "signing")


def test_the_clock(queue):
    result = look(programs(queue), now=time.time() - 1000)
    assert "clock_offset" in ids(result, "clock")
    assert 999 < result["seen"]["clock"]["offset"] < 2000
    assert result["seen"]["clock"]["synchronised"] in (True, False)


def test_queues_that_cannot_be_seen_are_named(tmp_path):
    (tmp_path / "active").mkdir()
    counts, unseen = _host_survey.count_files(str(tmp_path), time.monotonic() + 60)
    assert counts == {"active": 0}
    assert unseen == [
        f"The messages in maildrop, incoming, deferred, hold, corrupt below {tmp_path} cannot be counted:"
        " No such file or directory"
    ]


def test_counting_ends_in_time(queue):
    (queue / "deferred" / "1").touch()
    counts, unseen = _host_survey.count_files(str(queue), time.monotonic() - 1)
    assert "deferred" not in counts
    assert unseen == [f"The messages in deferred below {queue} cannot be counted: there was not enough time"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"timeout": 0}, "timeout: 0 is not accepted; 1 to 300 are"),
        ({"free_space": 91}, "free_space: 91 is not accepted; 0 to 90 are"),
        ({"now": 20261125.0}, "now: 2.02611e.07 is no time of these days; accepted: seconds since 1970"),
        ({"now": float("nan")}, "now: nan is no time"),
        ({"queue_age": 1, "lists_days": 0}, "queue_age: 1 is not accepted; 60 to 2592000 are\nlists_days: 0"),
    ],
)
def test_options_that_make_no_sense(changed, message):
    with pytest.raises(ValueError, match=message):
        relay_host_info.check_options(options(**changed))


def test_options_that_do():
    relay_host_info.check_options(options(now=time.time()))

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _host_system
from ansible_collections.mailops.relay.plugins.module_utils._host_system import DAY, Clock, Firewall, Package

NOW = 1_800_000_000.0
TABLE = "inet mailops_relay"


def ids(findings):
    return [finding.id for finding in findings]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        (Clock(True, NOW), []),
        (Clock(True, NOW, NOW - 30), []),
        (Clock(True, NOW, NOW + 30), []),
        (Clock(True, NOW, NOW - 31), ["clock_offset"]),
        (Clock(True, NOW, NOW + 31), ["clock_offset"]),
        (Clock(False, NOW), ["clock_not_synchronised"]),
        (Clock(False, NOW, NOW + 99), ["clock_not_synchronised", "clock_offset"]),
        (Clock(None, NOW, unseen="no adjtimex"), ["clock_not_checked"]),
    ],
)
def test_clock(clock, expected):
    assert ids(_host_system.judge_clock(clock, 30)) == expected


@pytest.mark.parametrize(
    ("controller", "message"),
    [
        (NOW - 100, "The clock is up to 100 s ahead of the controller's; 30 s are accepted"),
        (NOW + 100, "The clock is at least 100 s behind the controller's; 30 s are accepted"),
    ],
)
def test_what_the_way_to_the_host_allows_to_say(controller, message):
    (finding,) = _host_system.judge_clock(Clock(True, NOW, controller), 30)
    assert finding.message == message


def test_tables():
    assert _host_system.tables("table inet mailops_relay\ntable ip nat\n") == [TABLE, "ip nat"]
    assert _host_system.tables("") == []


@pytest.mark.parametrize(
    ("firewall", "expected"),
    [
        (Firewall(["ip nat", TABLE], at_boot=True), []),
        (Firewall([TABLE], at_boot=False), ["firewall_not_at_boot"]),
        (Firewall(["ip mailops_relay"], at_boot=True), ["firewall_missing"]),
        (Firewall([], at_boot=False), ["firewall_missing"]),
        (Firewall(None, at_boot=True, unseen="not permitted"), ["firewall_not_checked"]),
    ],
)
def test_firewall(firewall, expected):
    assert ids(_host_system.judge_firewall(firewall, TABLE)) == expected


POLICY = """\
postfix:
  Installed: 3.7.11-0+deb12u1
  Candidate: 3.7.12-0+deb12u1
  Version table:
     3.7.12-0+deb12u1 500
        500 http://security.example/debian-security bookworm-security/main amd64 Packages
 *** 3.7.11-0+deb12u1 500
        500 http://deb.example/debian bookworm/main amd64 Packages
        100 /var/lib/dpkg/status
opendkim:
  Installed: 2.11.0~beta2-8
  Candidate: 2.11.0~beta2-9
  Version table:
     2.11.0~beta2-9 500
        500 http://deb.example/debian bookworm/main amd64 Packages
 *** 2.11.0~beta2-8 500
        500 http://security.example/debian-security bookworm-security/main amd64 Packages
nftables:
  Installed: 1.1.3-1
  Candidate: 1.1.3-1
  Version table:
 *** 1.1.3-1 100
        100 /var/lib/dpkg/status
exim4:
  Installed: (none)
  Candidate: 4.96-1
  Version table:
     4.96-1 500
        500 http://security.example/debian-security bookworm-security/main amd64 Packages
"""


def test_policy():
    packages = _host_system.parse_policy(POLICY)
    assert packages == [
        Package("postfix", "3.7.11-0+deb12u1", "3.7.12-0+deb12u1", security=True),
        Package("opendkim", "2.11.0~beta2-8", "2.11.0~beta2-9", security=False),
        Package("nftables", "1.1.3-1", "1.1.3-1", security=False),
    ]
    findings = list(_host_system.judge_packages(packages, 0, 7))
    assert [(finding.id, finding.subject, finding.severity) for finding in findings] == [
        ("host_update_security", "postfix", "warning"),
        ("host_update", "opendkim", "notice"),
    ]


@pytest.mark.parametrize("text", ["", "N: Unable to locate package postfix\n", "postfix:\n", ":\n  Installed: \n"])
def test_no_policy(text):
    assert _host_system.parse_policy(text) == []


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0, []), (7 * DAY, []), (7 * DAY + 1, ["host_package_lists_old"]), (None, ["host_package_lists_old"])],
)
def test_package_lists(age, expected):
    assert ids(_host_system.judge_packages([], age, 7)) == expected


def test_failed_units():
    known = ["postfix", "opendkim"]
    assert ids(_host_system.judge_units([], known)) == []
    assert ids(_host_system.judge_units(["opendkim.service"], known)) == []
    (finding,) = _host_system.judge_units(["opendkim.service", *(f"u{n}.timer" for n in range(12))], known)
    assert finding.id == "host_unit_failed"
    assert finding.message.endswith("u8.timer, u9.timer and 2 more")


def test_reboot():
    assert ids(_host_system.judge_reboot(None)) == []
    assert ids(_host_system.judge_reboot([])) == ["host_reboot_required"]
    (finding,) = _host_system.judge_reboot(["linux-image-6.1"])
    assert finding.message == "An update waits for a reboot (for linux-image-6.1)"

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _host_services
from ansible_collections.mailops.relay.plugins.module_utils._host_services import Service

UNITS = """\
Result=success
NRestarts=0
ExecStart={ path=/bin/true ; argv[]=/bin/true ; ignore_errors=no ; start_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
Id=postfix.service
LoadState=loaded
ActiveState=active
SubState=exited
UnitFileState=enabled

Result=exit-code
NRestarts=7
Id=postfix@-.service
LoadState=loaded
ActiveState=failed
SubState=failed
UnitFileState=indirect

NRestarts=[not set]
ExecStart={ path=/usr/sbin/opendkim ; argv[]=/usr/sbin/opendkim -f -x /etc/o/o.conf ; ignore_errors=no ; pid=0 }
User=opendkim
Id=opendkim.service
LoadState=masked
ActiveState=inactive
SubState=dead
UnitFileState=masked

Id=nftables.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
"""


def test_units():
    units = _host_services.parse_units(UNITS)
    assert list(units) == ["postfix", "postfix@-", "opendkim", "nftables"]
    assert _host_services.service_of("postfix", units) == Service("postfix", True, "failed", "enabled", 7, "exit-code")
    assert _host_services.service_of("opendkim", units) == Service(
        "opendkim", True, "inactive", "masked", user="opendkim", config="/etc/o/o.conf"
    )
    assert _host_services.service_of("nftables", units) == Service("nftables")
    assert _host_services.service_of("other", units) == Service("other")


def test_postfix_of_debian_13_is_its_own_unit():
    units = _host_services.parse_units(UNITS.replace("SubState=exited", "SubState=running"))
    assert _host_services.service_of("postfix", units).state == "active"


@pytest.mark.parametrize("text", ["", "\n\n", "Failed to connect to bus", "Id=\n"])
def test_no_units(text):
    assert _host_services.parse_units(text) == {}


RUNNING = Service("postfix", True, "active", "enabled")


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (RUNNING, []),
        (Service("postfix", True, "active", "enabled-runtime", 3), []),
        (Service("postfix", True, "active", "static"), []),
        (Service("postfix"), ["service_not_installed"]),
        (Service("postfix", True, "inactive", "enabled"), ["service_not_running"]),
        (Service("postfix", True, "activating", "enabled"), ["service_not_running"]),
        (Service("postfix", True, "active", "disabled"), ["service_not_enabled"]),
        (
            Service("postfix", True, "failed", "masked", 4),
            ["service_not_running", "service_not_enabled", "service_restarted"],
        ),
    ],
)
def test_services(service, expected):
    assert [finding.id for finding in _host_services.judge([service], 3)] == expected


def test_the_result_of_a_failed_service_is_told():
    (finding,) = _host_services.judge([Service("opendkim", True, "failed", "enabled", 0, "oom-kill")], 3)
    assert finding.severity == "error"
    assert "failed, result oom-kill" in finding.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", []),
        ("unix:opendkim/opendkim.sock", ["unix:opendkim/opendkim.sock"]),
        ("inet:localhost:8891, unix:/a", ["inet:localhost:8891", "unix:/a"]),
        ("{unix:/a, connect_timeout=10s} { inet:h:1 default_action=accept }", ["unix:/a", "inet:h:1"]),
    ],
)
def test_milters(value, expected):
    assert _host_services.milters(value) == expected


@pytest.mark.parametrize(
    ("milter", "expected"),
    [
        ("unix:opendkim/o.sock", "/var/spool/postfix/opendkim/o.sock"),
        ("local:/run/o.sock", "/run/o.sock"),
        ("inet:localhost:8891", None),
    ],
)
def test_milter_path(milter, expected):
    assert _host_services.milter_path(milter, "/var/spool/postfix") == expected


@pytest.mark.parametrize(
    ("used", "action", "expected"),
    [
        (["unix:a"], "tempfail", []),
        ([], "tempfail", ["service_milter_unused"]),
        (["unix:a"], "accept", ["service_milter_accept"]),
    ],
)
def test_mail_passes_the_signer(used, action, expected):
    assert [finding.id for finding in _host_services.judge_milters(used, action)] == expected


def test_a_milter_that_is_silent():
    assert not list(_host_services.judge_silence("unix:a", ""))
    (finding,) = _host_services.judge_silence("unix:a", "unix:a: Connection refused")
    assert (finding.id, finding.subject) == ("service_milter_silent", "unix:a")
    assert "Connection refused" in finding.message


@pytest.mark.parametrize(
    ("complaints", "expected"),
    [
        ("", []),
        ("\n \n", []),
        (
            "postconf: warning: /etc/postfix/main.cf: unused parameter: foo=bar\n" * 2,
            [("service_configuration_warning", "warning", "warning: /etc/postfix/main.cf: unused parameter: foo=bar")],
        ),
        (
            "postconf: fatal: open /etc/postfix/main.cf: No such file or directory\n",
            [
                (
                    "service_configuration_unreadable",
                    "error",
                    "fatal: open /etc/postfix/main.cf: No such file or directory",
                )
            ],
        ),
    ],
)
def test_complaints(complaints, expected):
    found = _host_services.judge_complaints(complaints)
    assert [(finding.id, finding.severity, finding.message) for finding in found] == expected


def test_many_complaints_are_counted():
    found = list(_host_services.judge_complaints("".join(f"postconf: warning: {n}\n" for n in range(50))))
    assert len(found) == 10
    assert found[-1].message == "41 more complaints about the configuration"

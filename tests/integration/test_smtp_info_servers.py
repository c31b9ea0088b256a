# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""smtp_info with mail servers from Debian's packages, over IPv4 and IPv6: each fault is named, and nothing else."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
from container_host import ENVIRONMENT
from loopback_servers import Authority
from smtp_host import EXIM, NUMBER, OPENSMTPD, SmtpHost

NET = f"198.19.{NUMBER}"
OLD_TLS = [
    "smtpd_tls_protocols=>=TLSv1",
    "smtpd_tls_mandatory_protocols=>=TLSv1",
    "tls_medium_cipherlist=ALL:@SECLEVEL=0",
]


class Row(t.NamedTuple):
    """A listener of Postfix: what the probe is told of TLS, options beside those of a good one, and what is found."""

    name: str
    tls: str
    options: list[str]
    expected: set[str]


ROWS = [
    Row("good", "may", [], set()),
    Row("encrypt", "encrypt", ["smtpd_tls_security_level=encrypt"], set()),
    Row("wrapper", "wrapper", ["smtpd_tls_wrappermode=yes", "smtpd_tls_security_level=encrypt"], set()),
    Row("open", "may", ["mynetworks=0.0.0.0/0"], {"smtp_open_relay"}),
    Row(
        "open-under-tls",
        "encrypt",
        ["smtpd_tls_security_level=encrypt", "mynetworks=0.0.0.0/0"],
        {"smtp_open_relay"},
    ),
    Row(
        "null-sender",
        "may",
        ["smtpd_relay_restrictions=check_sender_access,inline:{<>=OK},reject_unauth_destination"],
        {"smtp_open_relay"},
    ),
    Row(
        "own-sender",
        "may",
        ["smtpd_relay_restrictions=check_sender_access,inline:{relay.test=OK},reject_unauth_destination"],
        {"smtp_open_relay"},
    ),
    Row(
        "localhost-helo",
        "may",
        ["smtpd_relay_restrictions=check_helo_access,inline:{localhost=OK},reject_unauth_destination"],
        {"smtp_open_relay"},
    ),
    Row("defers", "may", ["smtpd_relay_restrictions=defer_unauth_destination"], {"smtp_relay_deferred"}),
    Row("no-tls", "may", ["smtpd_tls_security_level=none"], {"smtp_starttls_missing"}),
    Row("optional", "encrypt", [], {"smtp_starttls_optional"}),
    Row("old-tls", "may", OLD_TLS, {"smtp_tls_old"}),
    Row("no-13", "may", ["smtpd_tls_protocols=TLSv1.2"], {"smtp_tls_13_missing"}),
    Row("version", "may", ["smtpd_banner=relay.test ESMTP Postfix 3.10.4"], {"smtp_banner_version"}),
    Row("name", "may", ["smtpd_banner=other.test ESMTP"], {"smtp_hostname"}),
    Row("vrfy", "may", ["disable_vrfy_command=no"], {"smtp_vrfy"}),
    Row("auth", "may", ["smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=no"], {"smtp_auth_without_tls"}),
    Row(
        "xclient",
        "may",
        [
            f"smtpd_authorized_xclient_hosts={NET}.0/24",
            "smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination",
            "mynetworks=127.0.0.0/8",
        ],
        {"smtp_open_relay"},
    ),
    Row("pipelining", "may", ["smtpd_forbid_unauth_pipelining=no"], {"smtp_pipelining_unauthorised"}),
    Row("bare-newline", "may", ["smtpd_forbid_bare_newline=no"], set()),
]
PORTS = {row.name: 2501 + number for number, row in enumerate(ROWS)}


def smtp_info(on: SmtpHost | None = None, **options: t.Any) -> dict[str, t.Any]:
    """Call the module as Ansible does, on the controller or on a container; a traceback is none."""
    command = ["ansible", "localhost", "--connection", "local", "--one-line", "--check"]
    command += ["--extra-vars", json.dumps({"ansible_python_interpreter": sys.executable})]
    if on:
        command = [
            "ansible",
            "all",
            "--inventory",
            f"{on.name},",
            "--connection",
            "containers.podman.podman",
            "--one-line",
        ]
        command += ["--extra-vars", json.dumps({"ansible_python_interpreter": "/usr/bin/python3"})]
    command += ["--module-name", "mailops.relay.smtp_info", "--args", json.dumps(options)]
    environment = {**ENVIRONMENT, "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert "Traceback" not in done.stdout + done.stderr
    result: dict[str, t.Any] = json.loads(done.stdout[done.stdout.index("{") :])
    return result


def target(host: SmtpHost, *names: str, addresses: t.Sequence[str] = ()) -> dict[str, t.Any]:
    services = [{"name": row.name, "port": PORTS[row.name], "tls": row.tls} for row in ROWS if row.name in names]
    return {"relay": "relay.test", "addresses": list(addresses) or [host.address4], "services": services}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder: pathlib.Path = tmp_path_factory.mktemp("smtp")
    authority = Authority()
    (folder / "ca.pem").write_text(authority.pem())
    authority.issue("relay.test", days=90).write(folder / "relay.pem")
    return folder


@pytest.fixture(scope="module")
def host(folder: pathlib.Path) -> t.Iterator[SmtpHost]:
    host = SmtpHost("postfix")
    try:
        host.start("postfix libsasl2-modules")
        host.postfix(folder / "relay.pem", {PORTS[row.name]: row.options for row in ROWS})
        yield host
    finally:
        host.remove()


@pytest.fixture(scope="module")
def result(host: SmtpHost, folder: pathlib.Path) -> dict[str, t.Any]:
    return smtp_info(targets=[target(host, *PORTS)], ca_file=str(folder / "ca.pem"))


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_each_fault_is_named_and_nothing_else(result: dict[str, t.Any], row: Row) -> None:
    found = {finding["id"] for finding in result["findings"] if finding["subject"] == f"relay.test {row.name}"}
    assert found == row.expected
    listener = next(each for each in result["listeners"] if each["service"] == row.name)
    assert (listener["trouble"], listener["tricks_not_tried"]) == (None, "")


def test_a_good_listener_as_it_was_seen(result: dict[str, t.Any]) -> None:
    seen = next(each for each in result["listeners"] if each["service"] == "good")
    assert (seen["greeting"]["code"], seen["greeting"]["text"]) == (220, "relay.test ESMTP")
    assert (seen["size"], seen["smtputf8"], seen["auth"], seen["auth_tls"]) == (10240000, True, [], [])
    assert seen["pipelining"] == "refused"
    assert seen["long_line"]["code"] == 250
    old, new = dict.fromkeys(("TLSv1", "TLSv1.1"), "refused"), dict.fromkeys(("TLSv1.2", "TLSv1.3"), "accepted")
    assert seen["tls"]["versions"] == {**old, **new}
    assert {"names": ["relay.test"], "covers_relay": True, "verified": True}.items() <= seen["certificate"].items()
    assert len({trick["name"] for trick in seen["tricks"]}) == len(seen["tricks"]) > 50
    assert [reply["code"] for reply in seen["vrfy"]] == [502, 502]


def test_which_trick_it_was(result: dict[str, t.Any]) -> None:
    relayed = {
        each["service"]: {trick["name"] for trick in each["tricks"] if trick["relayed"]} for each in result["listeners"]
    }
    assert relayed["good"] == relayed["defers"] == set()
    assert relayed["null-sender"] == {"null sender", "null sender, after STARTTLS"}
    assert relayed["localhost-helo"] == {"localhost in EHLO"}
    assert relayed["xclient"] == {"XCLIENT from a stranger"}
    assert relayed["own-sender"] >= {"sender at the relay", "postmaster of the relay as sender"}


def test_both_families_are_one_finding(host: SmtpHost, folder: pathlib.Path) -> None:
    both = target(host, "version", addresses=[host.address4, host.address6])
    found = smtp_info(targets=[both], ca_file=str(folder / "ca.pem"), battery=False)
    (finding,) = found["findings"]
    assert finding["message"].endswith(f"({host.address4}, {host.address6})")
    assert {each["address"] for each in found["listeners"]} == {host.address4, host.address6}
    states = {each["check"]: each["state"] for each in found["results"]}
    assert states == {"listeners": "done", "closed": "not_checked", "tls": "done"}


def test_a_vantage_that_is_trusted(host: SmtpHost, folder: pathlib.Path) -> None:
    trusting = {**target(host, "xclient"), "trusted": [f"{NET}.0/24"]}
    found = smtp_info(targets=[trusting], ca_file=str(folder / "ca.pem"))
    assert [(each["id"], each["severity"]) for each in found["findings"]] == [("smtp_vantage_trusted", "error")]
    assert found["listeners"][0]["tricks"] == []
    assert [each["state"] for each in found["results"]] == ["done", "not_checked", "done"]


@pytest.mark.parametrize(("name", "ids"), [("good", []), ("bare-newline", ["smtp_smuggling"])])
def test_where_messages_end(host: SmtpHost, folder: pathlib.Path, name: str, ids: list[str]) -> None:
    options = {"ca_file": str(folder / "ca.pem"), "battery": False, "follow": "sink@relay.test"}
    found = smtp_info(targets=[target(host, name)], **options)
    assert [each["id"] for each in found["findings"]] == ids
    endings = found["listeners"][0]["smuggling"]
    assert endings["note"] == ""
    assert set(endings["endings"].values()) <= {"one_message", "refused", *(["smuggled"] if ids else [])}


def test_on_a_host_that_has_python_alone(host: SmtpHost) -> None:
    found = smtp_info(on=host, targets=[{**target(host, "good", "open"), "trusted": ["10.0.0.0/8"]}])
    ids = {(each["id"], each["severity"], each["subject"]) for each in found["findings"]}
    assert ids == {
        ("certificate_not_checked", "notice", "relay.test good"),
        ("certificate_not_checked", "notice", "relay.test open"),
        ("smtp_open_relay", "error", "relay.test open"),
    }
    assert {each["source"] for each in found["listeners"]} == {host.address4}


def test_nobody_there_and_bad_options(host: SmtpHost, folder: pathlib.Path) -> None:
    nobody = {**target(host, "good"), "addresses": [f"{NET}.77", host.address4]}
    nobody["services"] = [*nobody["services"], {"name": "closed", "port": 2499, "tls": "may"}]
    found = smtp_info(targets=[nobody], ca_file=str(folder / "ca.pem"), timeout=2, battery=False)
    messages = {each["message"] for each in found["findings"] if each["id"] == "smtp_unreachable"}
    assert f"It cannot be reached: Connection refused ({host.address4})" in messages
    assert len(messages) == 2
    refused = smtp_info(targets=[{**nobody, "addresses": ["relay.test"]}], recipient="x", timeout=0)
    assert "targets[0].addresses: 'relay.test' is no IPv4 or IPv6 address" in refused["msg"]
    assert "recipient: 'x' is no plain address" in refused["msg"]
    assert "timeout: 0 is not accepted" in refused["msg"]
    missing = smtp_info(targets=[target(host, "good")], ca_file=str(folder / "none.pem"))
    assert missing["msg"] == f"ca_file: {folder}/none.pem: No such file or directory"


# What Debian's Exim does unless told otherwise, and what is true of it: its banner has the version, and GnuTLS takes
# TLS 1.0 there. It offers to take commands early (PIPECONNECT), and so may.
OTHERS = [
    ("exim", "exim4-daemon-light", EXIM, {"smtp_banner_version", "smtp_tls_old"}),
    ("opensmtpd", "opensmtpd", OPENSMTPD, set()),
]


@pytest.mark.parametrize(("name", "package", "setup", "expected"), OTHERS, ids=[row[0] for row in OTHERS])
def test_other_mail_servers(folder: pathlib.Path, name: str, package: str, setup: str, expected: set[str]) -> None:
    host = SmtpHost(name, 1)
    try:
        host.start(package)
        host.write("/etc/relay.pem", (folder / "relay.pem").read_text())
        host.run(setup)
        service = {"name": "smtp", "port": 25, "tls": "may"}
        relay = {"relay": "relay.test", "addresses": [host.address4], "services": [service]}
        found = smtp_info(targets=[relay], ca_file=str(folder / "ca.pem"))
    finally:
        host.remove()
    assert {finding["id"] for finding in found["findings"]} == expected
    assert [(each["check"], each["state"]) for each in found["results"]] == [
        ("listeners", "done"),
        ("closed", "done"),
        ("tls", "done"),
    ]

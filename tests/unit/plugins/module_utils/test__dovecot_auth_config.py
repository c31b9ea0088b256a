# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import re
import socket
import threading
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dovecot_auth_config
from ansible_collections.mailops.relay.plugins.module_utils._dovecot_service import Dovecot
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile

FOLDER = "/etc/dovecot-auth"
CONFIG = f"{FOLDER}/dovecot.conf"
USERS = f"{FOLDER}/users"
GREETING = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nDONE\n"
JOURNAL = """\
Nov 24 02:27:33 host dovecot[1]: auth: Error: ldap(x): the directory is away
Nov 24 02:27:33 host dovecot[1]: auth: passwd-file(x): unknown user
Nov 24 02:27:38 host systemd[1]: dovecot.service: Deactivated successfully.
"""


class Programs:
    """Stands in for run_command: answers by the first word that it knows, and remembers all commands."""

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self.answers = answers
        self.seen: list[str] = []

    def __call__(self, command: list[str], **_options: t.Any) -> tuple[int, str, str]:
        self.seen.append(" ".join(command))
        return next((answer for word, answer in self.answers.items() if word in command), (0, "", ""))


def service_of(run: Programs, address: object = "/nonexistent", **options: t.Any) -> Dovecot:
    return Dovecot(run, CONFIG, USERS, [CONFIG, USERS], address=str(address), mechanisms=["PLAIN", "LOGIN"], **options)


def test_files() -> None:
    files = _dovecot_auth_config.wanted_files(
        [{"path": CONFIG, "content": "ssl = no\n"}, {"path": "/etc/x/unit.conf", "content": ""}],
        {"users": "a:{PLAIN}b\n"},
        FOLDER,
        77,
    )
    assert [(file.path, file.content, file.mode, file.gid) for file in files] == [
        (CONFIG, b"ssl = no\n", 0o644, 0),
        ("/etc/x/unit.conf", b"", 0o644, 0),
        (USERS, b"a:{PLAIN}b\n", 0o640, 77),
    ]


@pytest.mark.parametrize(
    ("paths", "secrets", "message"),
    [
        (["/etc/a"], ["users"], f"files: {CONFIG} is missing"),
        ([CONFIG], ["ldap.conf"], f"secret_files: {USERS} is missing"),
        ([CONFIG, "etc/a"], ["users"], "'etc/a' is not the absolute path of a file"),
        ([CONFIG, "/etc/a/"], ["users"], "'/etc/a/' is not the absolute path of a file"),
        ([CONFIG, "/x/users"], ["users"], f"{USERS} has the name of /x/users"),
    ],
)
def test_files_are_refused(paths: list[str], secrets: list[str], message: str) -> None:
    files = [{"path": path, "content": ""} for path in paths]
    with pytest.raises(ValueError, match=message):
        _dovecot_auth_config.wanted_files(files, dict.fromkeys(secrets, ""), FOLDER, 0)


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "dovecot.conf").write_text("ssl = no\n")
    (tmp_path / "users").write_text("a:{PLAIN}x\nb:{SHA512-CRYPT}y\n")
    return tmp_path


def test_a_good_set(stage: pathlib.Path) -> None:
    run = Programs(pw=(0, "PLAIN SHA512-CRYPT \n", ""))
    assert service_of(run).check(str(stage)) == []
    assert run.seen == [f"doveconf -c {stage}/dovecot.conf -n", f"doveadm -c {stage}/dovecot.conf pw -l"]


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        ((89, "", "x: {stage}/dovecot.conf line 1: Unknown\n"), [f"x: {CONFIG} line 1: Unknown"]),
        ((0, "", "Warning: obsolete\nmore\n"), ["Warning: obsolete", "more"]),
        ((1, "", ""), ["doveconf ended with status 1: no reason given"]),
    ],
)
def test_what_doveconf_says_is_shown_with_the_real_names(
    stage: pathlib.Path, answer: tuple[int, str, str], problems: list[str]
) -> None:
    code, output, errors = answer
    run = Programs(doveconf=(code, output, errors.format(stage=stage)))
    found = service_of(run).check(str(stage))
    assert found == [f"Dovecot refuses the configuration: {problem}" for problem in problems]


def test_an_unknown_scheme_is_named_with_its_user(stage: pathlib.Path) -> None:
    run = Programs(pw=(0, "PLAIN CRYPT \n", ""))
    assert service_of(run).check(str(stage)) == [
        f"{USERS}: Dovecot does not know the scheme 'SHA512-CRYPT' of the user 'b'; accepted: PLAIN, CRYPT"
    ]


def test_other_users_need_no_restart() -> None:
    old = {path: ManagedFile(path, b"a") for path in (CONFIG, USERS)}
    service = service_of(Programs())
    assert service.due(old, {**old, USERS: ManagedFile(USERS, b"b")}) == "none"
    assert service.due(old, {**old, CONFIG: ManagedFile(CONFIG, b"b")}) == "restart"
    assert service.due({}, old) == "restart"
    assert service.apply("none") == []


@pytest.mark.parametrize(
    ("active", "enabled", "config", "somebody_elses", "wanted"),
    [
        ("active", "enabled", CONFIG, False, True),
        ("active", "enabled", "/etc/dovecot/dovecot.conf", True, False),
        ("inactive", "enabled", "/etc/dovecot/dovecot.conf", False, False),
        ("inactive", "enabled", CONFIG, False, True),
        ("activating", "disabled", CONFIG, False, True),
        ("inactive", "disabled", CONFIG, False, False),
        ("failed", "", "", False, False),
    ],
)
def test_whose_dovecot_it_is(active: str, enabled: str, config: str, somebody_elses: bool, wanted: bool) -> None:
    output = f"ActiveState={active}\nUnitFileState={enabled}\nExecStart={{ argv[]=/usr/sbin/dovecot -F -c {config} }}\n"
    service = service_of(Programs(show=(0, output, "")))
    assert (service.is_somebody_elses(), service.wanted_by_anyone()) == (somebody_elses, wanted)


class Server:
    """A socket that greets one client and answers its login."""

    def __init__(self, path: pathlib.Path, greeting: str, answer: str) -> None:
        self.heard = b""
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve, args=(greeting.encode(), answer.encode()))
        self.thread.start()

    def serve(self, greeting: bytes, answer: bytes) -> None:
        connection, _address = self.listener.accept()
        with connection:
            connection.sendall(greeting)
            while b"AUTH\t" not in self.heard:
                data = connection.recv(4096)
                if not data:
                    return
                self.heard += data
            connection.sendall(answer)
            connection.recv(1)

    def close(self) -> None:
        self.thread.join()
        self.listener.close()


PROBLEMS = {
    "refused": (GREETING, "FAIL\t1\tuser=x\n", ""),
    "accepted": (GREETING, "OK\t1\tuser=x\n", "lets a user log in who does not exist"),
    "temporary": (GREETING, "FAIL\t1\tuser=x\tcode=temp_fail\n", "cannot ask one of its sources"),
    "mechanism": ("VERSION\t1\t2\nMECH\tPLAIN\nDONE\n", "", "does not offer LOGIN"),
    "version": ("VERSION\t2\t0\nDONE\n", "", "does not answer at its socket .*version 2"),
    "silent": ("", "", "does not answer at its socket"),
    "another request": (GREETING, "FAIL\t2\tuser=x\n", "does not answer at its socket .*'FAIL'"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_the_proof(tmp_path: pathlib.Path, case: str) -> None:
    greeting, answer, message = PROBLEMS[case]
    server = Server(tmp_path / "auth", greeting, answer) if case != "silent" else None
    run = Programs(show=(0, "failed\n", ""), journalctl=(0, JOURNAL, ""))
    service = service_of(run, tmp_path / "auth", wait=5)
    service.sources_are_new = True
    problems = service.prove()
    if server:
        server.close()
    if message:
        problem, last_words = problems
        assert re.search(message, problem)
        assert last_words == "Last in its journal: auth: Error: ldap(x): the directory is away"
    else:
        assert problems == []
    assert service.warnings == []


@pytest.mark.parametrize("answer", ["FAIL\t1\tuser=x\tcode=temp_fail\n", ""], ids=["temporary", "no answer in time"])
def test_a_source_that_is_away_is_a_warning_where_only_users_are_new(tmp_path: pathlib.Path, answer: str) -> None:
    server = Server(tmp_path / "auth", GREETING, answer)
    service = service_of(Programs(), tmp_path / "auth", wait=1 if not answer else 30)
    assert service.prove() == []
    server.close()
    assert len(service.warnings) == 1
    assert b"\tnologin\tsecured\tresp=" in server.heard

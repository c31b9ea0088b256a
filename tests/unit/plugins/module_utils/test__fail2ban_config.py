# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _fail2ban_config
from ansible_collections.mailops.relay.plugins.module_utils._activation import ActivationError
from ansible_collections.mailops.relay.plugins.module_utils._fail2ban import Fail2ban

OPTIONS = {
    "service": "bans",
    "directory": "/etc/bans",
    "jail": "relay",
    "table": "inet bans",
    "files": {"jail.conf": "[relay]\n"},
    "unit": "[Service]\n",
}


class Programs:
    """Stands in for the programs of a host: answers by the beginning of a command, and keeps what was run."""

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self.answers = answers
        self.commands: list[str] = []

    def __call__(self, command: list[str], **_options: t.Any) -> tuple[int, str, str]:
        self.commands.append(" ".join(command))
        name = "_".join(command[:2]).replace("-", "").replace("__", "_")
        return self.answers.get(name, self.answers.get(command[0].replace("-", ""), (0, "", "")))


def service(programs: Programs, wait: float = 0) -> Fail2ban:
    return Fail2ban(programs, "bans", "/etc/bans", "relay", ["inet", "bans"], wait=wait)


def test_options_that_are_accepted() -> None:
    _fail2ban_config.check_options(OPTIONS)
    _fail2ban_config.check_options({**OPTIONS, "files": None})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("service", "a b"),
        ("service", "../bans"),
        ("directory", "etc/bans"),
        ("directory", "/etc/bans/"),
        ("directory", "/etc/ba ns"),
        ("jail", "[relay]"),
        ("table", "bans"),
        ("table", "arp bans"),
        ("table", "inet bans; flush ruleset"),
        ("files", {"../jail.conf": ""}),
        ("files", {"": ""}),
        ("files", {".hidden": ""}),
    ],
)
def test_options_that_are_refused(option: str, value: t.Any) -> None:
    with pytest.raises(ValueError, match=rf"^{option}: .* Accepted: "):
        _fail2ban_config.check_options({**OPTIONS, option: value})


def test_the_unit_is_one_of_the_files() -> None:
    files = {file.path: file.content for file in _fail2ban_config.wanted_files(OPTIONS)}
    assert files == {"/etc/bans/jail.conf": b"[relay]\n", "/etc/systemd/system/bans.service": b"[Service]\n"}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, []),
        ({"fail2banclient": (255, "", "ERROR one\nERROR  Found no filter\n")}, ["ERROR  Found no filter"]),
        ({"nft": (1, "", "bans.nft:3:1-4: Error: syntax error\n")}, ["Error: syntax error"]),
        ({"fail2banclient": (1, "", ""), "nft": (1, "said so", "")}, ["no reason given", "said so"]),
    ],
)
def test_a_candidate_is_judged_by_both_programs(answers: dict[str, tuple[int, str, str]], expected: list[str]) -> None:
    problems = service(Programs(**answers)).check("/stage")
    assert len(problems) == len(expected)
    for problem, words in zip(problems, expected):
        assert problem.startswith("The configuration is refused. ")
        assert words in problem


@pytest.mark.parametrize(
    ("shown", "due"),
    [
        ("ActiveState=active\nUnitFileState=enabled\n", True),
        ("ActiveState=activating\nUnitFileState=\n", True),
        ("ActiveState=inactive\nUnitFileState=enabled\n", True),
        ("ActiveState=failed\nUnitFileState=disabled\n", False),
        ("ActiveState=inactive\nUnitFileState=\n", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_stopping(shown: str, due: bool, check_mode: bool) -> None:
    programs = Programs(systemctl_show=(0, shown, ""))
    result = _fail2ban_config.stop(service(programs), check_mode)
    assert (result["changed"], result["action"]) == (due, "stop" if due else "none")
    stopped = ["systemctl stop bans.service", "systemctl disable bans.service", "nft list table inet bans"]
    expected = [*stopped, "nft delete table inet bans"] if due and not check_mode else []
    assert programs.commands[1:] == expected


def test_stopping_where_the_table_is_gone() -> None:
    programs = Programs(nft_list=(1, "", "No such file or directory"))
    assert service(programs).apply("stop") == []
    assert "nft delete table inet bans" not in programs.commands


def test_a_service_that_does_not_stop() -> None:
    programs = Programs(systemctl_show=(0, "ActiveState=active\n", ""), systemctl_stop=(1, "", "Access denied"))
    with pytest.raises(ActivationError, match=r"systemctl stop bans\.service: Access denied"):
        _fail2ban_config.stop(service(programs), check_mode=False)


def test_the_proof() -> None:
    assert service(Programs()).prove() == []
    said = ["INFO fine", "ERROR Unable to compile", "INFO bye"]
    journal = (0, "".join(f"Nov 26 09:00:00 host bans[7]: {text}\n" for text in said), "")
    gone = Programs(fail2banclient=(255, "", "Sorry but the jail 'relay' does not exist"), journalctl=journal)
    first, last = service(gone).prove()
    assert first.endswith("Sorry but the jail 'relay' does not exist")
    assert last == "Last in its journal: ERROR Unable to compile"
    assert service(Programs(nft=(1, "", "Error: No such file"))).prove() == ["nft list: Error: No such file"]

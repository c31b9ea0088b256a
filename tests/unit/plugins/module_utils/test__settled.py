# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of the looks of modules; test_deploy_looks.py has real ones."""

from __future__ import annotations

import types
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _settled
from ansible_collections.mailops.relay.plugins.module_utils._activation import ActivationError
from ansible_collections.mailops.relay.plugins.module_utils._generations import StoreError
from ansible_collections.mailops.relay.plugins.module_utils._nftables import NftError
from ansible_collections.mailops.relay.plugins.module_utils._task import Task
from ansible_collections.mailops.relay.plugins.modules.deploy_info import validated

ARGUMENTS = {
    "state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
    "port": {"type": "int"},
    "password": {"type": "str", "no_log": True},
}


class Module:
    """Stands in for AnsibleModule."""

    check_mode = False
    tmpdir = "/tmp/of-the-task"

    def __init__(self) -> None:
        self.params: dict[str, t.Any] = {}
        self.warnings: list[str] = []

    def run_command(self, command: list[str], **_options: t.Any) -> tuple[int, str, str]:
        return 0, f"{command[0]} ran", ""

    def get_bin_path(self, arg: str, _required: bool, opt_dirs: t.Any) -> str:
        return f"{opt_dirs[0]}/{arg}"

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)


class Looks:
    """Stands in for the code of the module postfix_config: does what it is told, and keeps what it was given."""

    def __init__(self, result: t.Any) -> None:
        self.result = result
        self.tasks: list[Task] = []

    def __call__(self, task: Task) -> dict[str, t.Any]:
        self.tasks.append(task)
        task.warn("it listens to everybody")
        if isinstance(self.result, Exception):
            raise self.result
        return {"changed": self.result}


def has_code(monkeypatch: pytest.MonkeyPatch, run: t.Callable[[Task], dict[str, t.Any]]) -> None:
    code = types.SimpleNamespace(ARGUMENTS=ARGUMENTS, REQUIRED_IF=[("state", "started", ["port"])], run=run)
    monkeypatch.setitem(_settled.CODE, "postfix_config", code)


@pytest.mark.parametrize(
    ("result", "settled"),
    [
        (False, True),
        (True, False),
        (ActivationError("refused"), False),
        (StoreError("not installed"), False),
        (NftError("no table"), False),
        (ValueError("files: no"), False),
        (OSError("disk"), False),
    ],
)
def test_what_would_change_or_fail_is_not_settled(
    monkeypatch: pytest.MonkeyPatch, result: t.Any, settled: bool
) -> None:
    has_code(monkeypatch, Looks(result))
    module = Module()
    assert _settled.looks(module, {"postfix_config": {"port": 25}}, {}, validated) == {"postfix_config": settled}
    # Where the module will have its turn, it warns itself.
    assert module.warnings == (["it listens to everybody"] if settled else [])


def test_options_are_those_of_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks(False)
    has_code(monkeypatch, looks)
    secrets = {"postfix_config": {"password": "not-a-secret"}}
    _settled.looks(Module(), {"postfix_config": {"port": "25"}}, secrets, validated)
    (task,) = looks.tasks
    assert task.check_mode
    assert task.params == {"state": "started", "port": 25, "password": "not-a-secret"}
    assert task.run_command(["postconf"]) == (0, "postconf ran", "")
    assert task.get_bin_path("nft", opt_dirs=["/usr/sbin"]) == "/usr/sbin/nft"
    assert task.tmpdir == "/tmp/of-the-task"


@pytest.mark.parametrize("options", [{}, {"port": "smtp"}, {"port": 25, "ports": 26}, {"port": 25, "state": "on"}])
def test_options_that_the_module_refuses_are_its_to_refuse(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, t.Any]
) -> None:
    looks = Looks(False)
    has_code(monkeypatch, looks)
    assert _settled.looks(Module(), {"postfix_config": options}, {}, validated) == {"postfix_config": False}
    assert looks.tasks == []


@pytest.mark.parametrize(
    ("modules", "secrets", "message"),
    [
        ({"exim_config": {}}, {}, r"^modules: 'exim_config' cannot be asked for\. Accepted: dovecot_auth_config, "),
        ({}, {"exim_config": {}}, r"^secrets: 'exim_config' cannot be asked for\. Accepted: "),
        ({"postfix_config": "port=25"}, {}, r"^modules\.postfix_config: this is no dictionary\. Accepted: "),
        ({}, {"postfix_config": None}, r"^secrets\.postfix_config: this is no dictionary\. Accepted: "),
    ],
)
def test_what_cannot_be_asked_for(modules: t.Any, secrets: t.Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _settled.looks(Module(), modules, secrets, validated)


@pytest.mark.parametrize("name", sorted(_settled.CODE))
def test_every_module_says_what_it_takes(name: str) -> None:
    code = _settled.CODE[name]
    assert not _settled.look(Module(), name, {"no_such_option": 1}, validated)
    assert callable(code.run)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.mailops.relay.plugins.modules import acme_certificate


class Module:
    """What the module's code wants of Ansible, on a host where the timer is as ``runs`` says."""

    def __init__(self, check_mode=False, runs=True, **answers):
        self.check_mode = check_mode
        self.runs = runs
        self.answers = answers
        self.commands = []
        self.warnings = []

    def run_command(self, command, check_rc=False):
        if command[0] != "systemctl":
            answer = self.answers[command[1]]
            return 0, answer if isinstance(answer, str) else json.dumps(answer), "one line\nthe reason"
        if command[1].startswith("is-"):
            return int(not self.runs), "", ""
        self.commands.append(" ".join(command[1:]))
        return 0, "", ""

    def warn(self, text):
        self.warnings.append(text)


@pytest.fixture
def params(tmp_path):
    # The user of the tests is not root, and the files that are to be found right are not root's.
    path = tmp_path / "folder" / "program"
    return {
        "files": [{"path": str(path), "content": "text\n", "mode": "0755"}],
        "program": str(path),
        "timer": "x.timer",
        "order": True,
    }


def have(module, params, monkeypatch):
    def write(path, file):
        with open(path, "wb") as stream:
            stream.write(file.content)

    monkeypatch.setattr(acme_certificate, "write_file", write)
    return acme_certificate._have(acme_certificate.Host(module), params)


def test_what_is_due_is_ordered(params, monkeypatch):
    module = Module(runs=False, status={"due": "it is self-signed"}, renew={"done": "a new one", "error": ""})
    result = have(module, params, monkeypatch)
    assert (result["changed"], result["due"], result["order"]) == (True, "it is self-signed", "a new one")
    assert result["changed_files"] == [params["program"]]
    assert module.commands == ["enable --now x.timer"]
    assert module.warnings == []


def test_an_order_that_fails_is_a_warning(params, monkeypatch):
    module = Module(status={"due": "it is self-signed"}, renew={"done": "", "error": "nobody answers"})
    result = have(module, params, monkeypatch)
    assert (result["order"], result["error"]) == ("", "nobody answers")
    assert module.warnings == ["nobody answers"]


@pytest.mark.parametrize("made", [True, False])
def test_without_an_order_there_is_no_timer_and_the_next_key_is_made(params, monkeypatch, made):
    module = Module(runs=False, status={"due": "there is none"}, prepare={"changed": made})
    monkeypatch.setattr(acme_certificate.Host, "put", lambda *_arguments: {})
    result = have(module, {**params, "order": False}, monkeypatch)
    assert result["changed"] is made
    assert module.commands == []


def test_a_timer_that_runs_and_is_not_to(params, monkeypatch):
    module = Module(status={"due": ""}, prepare={"changed": False})
    monkeypatch.setattr(acme_certificate.Host, "put", lambda *_arguments: {})
    assert have(module, {**params, "order": False}, monkeypatch)["changed"]
    assert module.commands == ["disable --now x.timer"]


def test_check_mode_changes_nothing(params, monkeypatch):
    module = Module(check_mode=True, runs=False)
    result = have(module, params, monkeypatch)
    assert result["changed"]
    assert result["diff"][0]["after"] == "text\n"
    assert not os.path.exists(params["program"])
    assert module.commands == []


@pytest.mark.parametrize(("due", "changed"), [("it expires", True), ("", False)])
def test_check_mode_says_what_is_due(params, monkeypatch, due, changed):
    monkeypatch.setattr(acme_certificate.Host, "put", lambda *_arguments: {})
    os.makedirs(os.path.dirname(params["program"]))
    with open(params["program"], "w", encoding="ascii"):
        pass
    result = have(Module(check_mode=True, status={"due": due}), params, monkeypatch)
    assert (result["due"], result["changed"]) == (due, changed)


@pytest.mark.parametrize(("answer", "problem"), [("", "status: the reason"), ({"error": "no folder"}, "no folder")])
def test_a_program_that_does_not_work_says_why(params, monkeypatch, answer, problem):
    with pytest.raises(ValueError, match=problem):
        have(Module(status=answer), params, monkeypatch)

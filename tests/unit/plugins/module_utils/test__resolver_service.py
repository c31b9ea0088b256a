# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order unbound and Postfix are told; systemd and the resolver are played by a few lines."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _resolver_service
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile
from ansible_collections.mailops.relay.plugins.module_utils._resolver import Reply
from ansible_collections.mailops.relay.plugins.module_utils._resolver_service import Resolver

CONFIG = "/etc/unbound/mailops-resolver/unbound.conf"
RESOLV_CONF = "/etc/unbound/mailops-resolver/resolv.conf"
VALIDATES = {".": Reply(0, True, 1), "bogus.mailops-relay.invalid": Reply(2, False, 0)}


class System:
    """Programs and resolver of a host. ``inactive`` are units that do not run."""

    def __init__(self, answers: t.Mapping[str, Reply], inactive: t.Collection[str] = ()) -> None:
        self.answers = answers
        self.inactive = inactive
        self.done: list[str] = []

    def run(self, command: t.Sequence[str]) -> tuple[int, str, str]:
        if command[0] == "systemctl" and command[1] in ("is-active", "is-enabled"):
            return (3 if command[2] in self.inactive else 0), "", "inactive"
        if command[0] == "systemctl" and command[1] != "daemon-reload":
            self.done.append(" ".join(command[1:]))
        return 0, "", ""

    def ask(self, address: str, name: str, seconds: float) -> Reply:
        self.done.append(f"ask for {name}")
        return self.answers[name]


def resolver(monkeypatch: pytest.MonkeyPatch, system: System, **options: t.Any) -> Resolver:
    monkeypatch.setattr(_resolver_service, "ask", system.ask)
    given = {"config": CONFIG, "was_ours": False, "in_use": True, "postfix_files": {RESOLV_CONF: b"x"}, "wait": 0}
    return Resolver(system.run, "127.0.0.1", ".", **{**given, **options})


PROOF = ["ask for .", "ask for bogus.mailops-relay.invalid"]


@pytest.mark.parametrize(
    ("action", "inactive", "options", "done"),
    [
        ("start", [], {}, ["enable unbound", "restart unbound", *PROOF, "restart postfix"]),
        ("start", ["postfix"], {}, ["enable unbound", "restart unbound", *PROOF]),
        ("reload", [], {}, ["enable unbound", "restart unbound", *PROOF]),
        ("restart", [], {"config": None}, ["ask for .", "restart postfix"]),
        (
            "restart",
            [],
            {"config": None, "was_ours": True},
            ["ask for .", "restart postfix", "stop unbound", "disable unbound"],
        ),
        ("stop", [], {}, ["restart postfix", "stop unbound", "disable unbound"]),
        (
            "restart",
            [],
            {"config": None, "was_ours": True, "in_use": False},
            ["restart postfix", "stop unbound", "disable unbound"],
        ),
        ("restart", [], {"config": None, "in_use": False}, ["restart postfix"]),
    ],
)
def test_postfix_depends_on_a_proven_resolver_only(
    monkeypatch: pytest.MonkeyPatch, action: str, inactive: list[str], options: dict[str, t.Any], done: list[str]
) -> None:
    system = System(VALIDATES, inactive)
    assert resolver(monkeypatch, system, **options).apply(action) == []
    assert system.done == done


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ({**VALIDATES, ".": Reply(0, False, 1)}, "The resolver at 127.0.0.1 does not validate"),
        ({**VALIDATES, "bogus.mailops-relay.invalid": Reply(3, False, 0)}, "hands on what is bogus"),
    ],
)
def test_postfix_is_left_alone_where_the_resolver_does_not_validate(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Reply], text: str
) -> None:
    system = System(answers)
    problems = resolver(monkeypatch, system).apply("start")
    assert text in problems[0]
    assert "restart postfix" not in system.done


@pytest.mark.parametrize(
    ("path", "action"), [(RESOLV_CONF, "restart"), (CONFIG, "reload")], ids=["Postfix's file", "unbound's file"]
)
def test_what_a_change_asks_for(monkeypatch: pytest.MonkeyPatch, path: str, action: str) -> None:
    before, after = ({path: ManagedFile(path, text)} for text in (b"a", b"b"))
    assert resolver(monkeypatch, System(VALIDATES)).due(before, after) == action


def test_a_server_that_is_not_there() -> None:
    """Nobody listens at port 53 of this address."""
    with pytest.raises(OSError):
        _resolver_service.ask("127.9.9.9", ".", 0.3)

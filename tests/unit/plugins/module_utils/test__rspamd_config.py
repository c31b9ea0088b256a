# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _redis, _rspamd_config
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile
from ansible_collections.mailops.relay.plugins.module_utils._rspamd_service import Rspamd

CONFIG = "/etc/rspamd-relay/rspamd.conf"


def parameters(*paths: str, **secrets: str) -> dict[str, t.Any]:
    files = [{"path": path, "content": "x"} for path in paths]
    return {"files": files, "secret_files": secrets, "config": CONFIG, "group": "root", "key_files": {}}


def test_files() -> None:
    files = _rspamd_config.wanted_files(parameters(CONFIG, "/etc/x/a", store="secret"), False)
    assert [(file.path, file.content, file.mode) for file in files] == [
        (CONFIG, b"x", 0o644),
        ("/etc/x/a", b"x", 0o644),
        ("/etc/rspamd-relay/store", b"secret", 0o640),
    ]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (parameters("/etc/a"), "the configuration file /etc/rspamd-relay/rspamd.conf is missing"),
        (parameters(CONFIG, "etc/a"), "'etc/a' is not the absolute path of a file"),
        (parameters(CONFIG, "/etc/x/store", store="y"), "has the name of /etc/x/store; accepted: names that differ"),
    ],
)
def test_bad_files(params: dict[str, t.Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _rspamd_config.wanted_files(params, False)


def test_keys_are_copied(tmp_path: pathlib.Path) -> None:
    (tmp_path / "key").write_text("a key", encoding="ascii")
    params = {**parameters(CONFIG), "key_files": {"a.test.private": str(tmp_path / "key")}}
    copy = _rspamd_config.wanted_files(params, False)[-1]
    assert (copy.path, copy.content, copy.mode) == ("/etc/rspamd-relay/a.test.private", b"a key", 0o640)


def test_a_key_may_be_missing_in_check_mode_only(tmp_path: pathlib.Path) -> None:
    params = {**parameters(CONFIG), "key_files": {"a.test.private": str(tmp_path / "none")}}
    assert _rspamd_config.wanted_files(params, True)[-1].content == b""
    with pytest.raises(FileNotFoundError):
        _rspamd_config.wanted_files(params, False)


def test_a_group_that_does_not_exist_yet() -> None:
    assert _rspamd_config.group_number("no-such-group") == 0


@pytest.mark.parametrize(("state", "due"), [("active", True), ("inactive", False)])
def test_stop(state: str, due: bool) -> None:
    seen: list[str] = []

    def run(command: list[str], **_options: t.Any) -> tuple[int, str, str]:
        seen.append(" ".join(command))
        return 0, f"ActiveState={state}\nUnitFileState=disabled\n" if command[1] == "show" else "", ""

    service = Rspamd(run, CONFIG, [], "")
    assert _rspamd_config.stop(service, check_mode=True)["changed"] is due
    assert "systemctl stop rspamd" not in seen
    assert _rspamd_config.stop(service, check_mode=False)["action"] == ("stop" if due else "none")
    assert ("systemctl stop rspamd" in seen, "systemctl disable rspamd" in seen) == (due, due)


@pytest.mark.parametrize(
    ("path", "action"), [("/etc/rspamd-relay/settings.json", "reload"), ("/etc/systemd/system/x/y.conf", "restart")]
)
def test_what_a_change_asks_for(path: str, action: str) -> None:
    service = Rspamd(lambda *_command, **_options: (0, "", ""), CONFIG, [], "")
    same = {name: ManagedFile(name, b"x") for name in (CONFIG, "/etc/systemd/system/x/z.conf")}
    assert service.due(same, {**same, path: ManagedFile(path, b"new")}) == action


@pytest.mark.parametrize(
    ("seen", "problems"),
    [
        ([{"1"}, {"1"}, {"1", "2"}, {"1", "2"}, {"2"}], []),
        ([{"1"}, set(), {"2"}], []),
        ([{"1"}, {"1", "2"}], ["rspamd has not taken up the new files: its worker is the old one"]),
    ],
)
def test_a_reload_is_over_when_the_old_workers_are_gone(
    monkeypatch: pytest.MonkeyPatch, seen: list[set[str]], problems: list[str]
) -> None:
    service = Rspamd(lambda *_command, **_options: (0, "", ""), CONFIG, [], "", wait=0.5)
    left = list(seen)
    monkeypatch.setattr(service, "_workers", lambda: left.pop(0) if len(left) > 1 else left[0])
    assert [text.partition("\n")[0] for text in service._reload()] == problems
    assert left == seen[-1:]


def test_a_store_that_is_away_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"a:1": "", "b:2": "NOAUTH Authentication required."}

    def refusal(server: str, _password: str, _timeout: float) -> str:
        if server not in answers:
            raise _redis.ServerAwayError("Connection refused")
        return answers[server]

    monkeypatch.setattr(_redis, "refusal", refusal)
    service = Rspamd(lambda *_command, **_options: (0, "", ""), CONFIG, [], "", store=["a:1", "b:2", "c:3"])
    assert service._store_problems() == ["the store b:2 does not let this host in: NOAUTH Authentication required."]
    assert service.away == ["the store c:3 cannot be reached now: Connection refused"]

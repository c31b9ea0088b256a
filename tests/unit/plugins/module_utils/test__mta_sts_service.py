# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The map is asked as Postfix does, and the units are told in the right order."""

from __future__ import annotations

import pathlib
import socket
import threading
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _mta_sts_service
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts_service import MtaSts

DAEMON = "postfix-mta-sts-resolver.service"


def serve(path: pathlib.Path, *parts: bytes) -> None:
    """Answer one connection with octets in several parts."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def answer() -> None:
        client, _address = listener.accept()
        with client, listener:
            client.recv(100)
            for part in parts:
                client.sendall(part)

    threading.Thread(target=answer, daemon=True).start()


def service(path: pathlib.Path, done: list[str], **options: t.Any) -> MtaSts:
    def run(command: t.Sequence[str]) -> tuple[int, str, str]:
        if command[0] == "systemctl" and command[1] not in ("daemon-reload", "is-enabled"):
            done.append(" ".join(command[1:]))
        return 0, "", ""

    return MtaSts(run, "/etc/x/mta-sts-daemon.yml", "policy", str(path), wait=0, **{"in_use": True, **options})


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ([b"9:NOTF", b"OUND ,"], ""),
        ([b"10:OK encrypt,"], "answers 'OK encrypt'"),
        ([b"9:NOTF"], "it closed the connection"),
        ([b"220 hello"], "is not a netstring"),
    ],
)
def test_the_proof(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, parts: list[bytes], text: str) -> None:
    monkeypatch.setattr(_mta_sts_service, "QUERY_TIMEOUT", 10)
    serve(tmp_path / "map", *parts)
    problems = " ".join(service(tmp_path / "map", []).prove())
    assert bool(problems) == bool(text)
    assert text in problems


def test_a_map_that_is_not_there(tmp_path: pathlib.Path) -> None:
    assert "does not answer" in service(tmp_path / "map", []).prove()[0]


def test_both_are_started_and_the_socket_stays(tmp_path: pathlib.Path) -> None:
    done: list[str] = []
    assert service(tmp_path / "map", done).apply("restart") == []
    assert done == [f"enable {DAEMON}", f"restart {DAEMON}", "stop policy.service", "is-active policy.socket"]


def test_all_are_stopped_the_socket_first(tmp_path: pathlib.Path) -> None:
    """Otherwise it would start the map again."""
    done: list[str] = []
    assert service(tmp_path / "map", done, in_use=False).apply("restart") == []
    stopped = ["stop policy.socket", "disable policy.socket", "stop policy.service"]
    assert done == [*stopped, f"stop {DAEMON}", f"disable {DAEMON}"]

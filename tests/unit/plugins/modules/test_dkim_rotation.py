# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rotation of real keys in a folder: dkim_rotation takes the steps, dkim_keys follows."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

pytest.importorskip("cryptography")

from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _dkim_key_plan, _key_files, _rotation
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyStore
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner
from ansible_collections.mailops.relay.plugins.modules import dkim_rotation

NOW = _rotation._seconds("2026-11-25T08:00:00Z")
DAY = _rotation.DAY
NEW = "s1-20270524"
TIMES = {"interval": 180, "keep": 14, "revoked": 30, "settle": 3600}


class Relay:
    """A folder of keys, and the day."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder / "keys"
        self.store = KeyStore(str(self.folder), Owner(os.geteuid(), os.getegid()))
        self.domains = ["a.example", "b.example"]
        self.now = NOW

    def converge(self) -> list[dict[str, t.Any]]:
        params = {"domains": self.domains, "selector": "s1", "bits": 2048, "shortest": 2048}
        with self.store.locked():
            result = _dkim_key_plan.run(params, self.store, False, self.now)
        records: list[dict[str, t.Any]] = result["records"]
        return records

    def rotate(self, day: int, *, check_mode: bool = False, **evidence: t.Any) -> dict[str, t.Any]:
        self.now = NOW + day * DAY
        params = {**TIMES, "domains": self.domains, "selector": "s1", "evidence": evidence}
        return dkim_rotation.run(params, self.store, check_mode, self.now)

    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def records(self) -> dict[str, list[tuple[str, bytes | None]]]:
        found: dict[str, list[tuple[str, bytes | None]]] = {}
        for record in self.converge():
            public = None if record["value"] is None else _dkim.parse(record["value"]).p
            found.setdefault(record["name"].partition("._domainkey.")[0], []).append((record["state"], public))
        return found


@pytest.fixture
def relay(tmp_path: pathlib.Path) -> Relay:
    made = Relay(tmp_path)
    made.converge()
    return made


def files_of(*selectors: str, endings: tuple[str, ...] = ("private", "txt")) -> set[str]:
    return {f"{domain}/{name}.{end}" for domain in ("a.example", "b.example") for name in selectors for end in endings}


def test_a_whole_rotation(relay: Relay) -> None:
    assert relay.files() == {"selectors.json", *files_of("s1")}
    made = relay.rotate(180, visible=["s1"])
    assert (made["step"]["action"], made["changed"]) == ("make", True)
    assert "2027-05-24T09:00:00Z" in made["next"]
    assert {name: [state for state, _p in each] for name, each in relay.records().items()} == {
        "s1": ["current"] * 2,
        NEW: ["next"] * 2,
    }
    assert not relay.rotate(181, visible=["s1"])["changed"]
    switched = relay.rotate(181, visible=["s1", NEW])
    assert switched["step"] == {
        "action": "switch",
        "selector": NEW,
        "message": f"Mail is signed with {NEW} now; the records of the one before stay.",
    }
    assert [record["selector"] for record in relay.converge()] == [NEW, NEW, "s1", "s1"]
    assert relay.rotate(195, visible=["s1", NEW])["step"]["action"] == "revoke"
    assert [public for _state, public in relay.records()["s1"]] == [b"", b""]
    assert relay.files() == {"selectors.json", *files_of(NEW), *files_of("s1", endings=("txt",))}
    assert relay.rotate(225, visible=["s1", NEW])["step"]["action"] == "remove"
    assert [public for _state, public in relay.records()["s1"]] == [None, None]
    assert not relay.rotate(226, visible=[NEW], missing={"s1": "ns2 still has it"})["changed"]
    assert relay.rotate(226, visible=[NEW], absent=["s1"])["step"]["action"] == "forget"
    assert relay.files() == {"selectors.json", *files_of(NEW)}
    assert set(relay.records()) == {NEW}


def test_check_mode_changes_nothing_and_says_the_same(relay: Relay) -> None:
    before = {name: (relay.folder / name).read_bytes() for name in relay.files()}
    told = relay.rotate(180, check_mode=True)
    assert before == {name: (relay.folder / name).read_bytes() for name in relay.files()}
    assert relay.rotate(180) == told
    assert '"next"' in told["diff"]["after"]


def test_a_domain_that_comes_later_has_no_retired_key(relay: Relay) -> None:
    relay.rotate(180)
    relay.converge()
    relay.rotate(181, visible=[NEW])
    relay.domains = [*relay.domains, "c.example"]
    states = [(record["domain"], record["state"]) for record in relay.converge() if record["domain"] == "c.example"]
    assert states == [("c.example", "current")]


def test_lost_notes_make_no_key(relay: Relay) -> None:
    relay.rotate(180)
    relay.converge()
    relay.rotate(181, visible=[NEW])
    relay.rotate(195, visible=[NEW])
    relay.converge()
    (relay.folder / "selectors.json").unlink()
    before = relay.files()
    with pytest.raises(_dkim_key_plan.KeysError, match=f"if {NEW} is the one that signs"):
        relay.converge()
    with pytest.raises(ValueError, match="are lost"):
        relay.rotate(196)
    assert relay.files() == before


@pytest.mark.parametrize("content", ["", "x", '{"version": 1, "selectors": []}'])
def test_damaged_notes_are_named(relay: Relay, content: str) -> None:
    (relay.folder / "selectors.json").write_text(content)
    with pytest.raises(_dkim_key_plan.KeysError, match=r"selectors\.json: "):
        relay.converge()
    with pytest.raises(ValueError, match=r"selectors\.json: "):
        relay.rotate(180)


def test_a_link_in_place_of_the_notes_is_not_followed(relay: Relay, tmp_path: pathlib.Path) -> None:
    (tmp_path / "victim").write_text((relay.folder / "selectors.json").read_text())
    (relay.folder / "selectors.json").unlink()
    (relay.folder / "selectors.json").symlink_to(tmp_path / "victim")
    with pytest.raises(_dkim_key_plan.KeysError, match=r"selectors\.json: "):
        relay.converge()


def test_killed_while_the_notes_are_written(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each system call that changes something, the old notes are there; after the last one, the new ones."""
    before = (relay.folder / "selectors.json").read_bytes()
    for call in ("open", "fsync", "rename"):
        with monkeypatch.context() as patch:

            def killed(*_arguments: t.Any, _call: str = call, **_options: t.Any) -> t.NoReturn:
                raise SystemExit(_call)

            if call == "open":
                patch.setattr(_key_files, "write", killed)
            else:
                patch.setattr(_key_files.os, call, killed)
            with pytest.raises(SystemExit):
                relay.rotate(180)
        assert (relay.folder / "selectors.json").read_bytes() == before
    assert relay.rotate(180)["step"]["action"] == "make"


def test_negative_times_are_refused(relay: Relay) -> None:
    params = {**TIMES, "keep": -1, "domains": relay.domains, "selector": "s1", "evidence": {}}
    with pytest.raises(ValueError, match="keep: -1"):
        dkim_rotation.run(params, relay.store, True, NOW)

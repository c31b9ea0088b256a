# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of the module against a host that is a few variables; real ones are in tests/integration."""

from __future__ import annotations

import os

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._firewall import Persistent, Probation, identify
from ansible_collections.mailops.relay.plugins.module_utils._nftables import Nft, NftError
from ansible_collections.mailops.relay.plugins.module_utils._nftables_ruleset import (
    check_options,
    connection_facts,
    load,
)
from ansible_collections.mailops.relay.plugins.module_utils._ruleset import Connection, Table

TABLE = Table("inet", "ours")
PREFIX = "table inet ours {}\ndelete table inet ours\n"
OLD, NEW = (f"{PREFIX}table inet ours {{\n\tchain {name} {{\n\t}}\n}}\n" for name in ("old", "new"))


class FakeHost:
    """Knows one table, one service and the timers; a file is loaded by replacing the table with its text."""

    def __init__(self):
        self.loaded = ""
        self.active = False
        self.timers = []
        self.calls = []
        self.refuses = ""

    def run(self, command, **_options):
        self.calls.append(command)
        handler = getattr(self, f"_{command[0].replace('-', '_')}")
        code, output = handler(*command[1:])
        return code, output if code == 0 else "", "" if code == 0 else output

    @staticmethod
    def _body(path):
        with open(path, encoding="utf-8") as stream:
            return stream.read().replace(PREFIX, "").strip("\n")

    def _nft(self, *arguments):
        if arguments[:2] == ("list", "tables"):
            return 0, "table inet ours\n" if self.loaded else ""
        if arguments[:2] == ("-s", "list"):
            return 0, self.loaded + "\n"
        if self.refuses in arguments:
            return 1, f"{arguments[-1]}:1:1-2: Error: refused\n"
        if arguments[0] == "-f":
            self.loaded = self._body(arguments[1])
        return 0, ""

    def _unshare(self, *arguments):
        with open(arguments[-2], encoding="utf-8") as stream:
            before = stream.read()
        separator = "# ---- trial ----\n"
        after = f"{before}{self._body(arguments[-1])}\n"
        return 0, separator.join([before, after, after, ""])

    def _systemctl(self, *arguments):
        if arguments[0] == "start":
            self.active = True
        elif arguments[0] == "stop":
            self.timers = [timer for timer in self.timers if timer != arguments[1]]
        elif arguments[0] == "is-active":
            return 0 if arguments[2] in self.timers else 3, ""
        elif arguments[0] == "show":
            state = ("active", "enabled") if self.active else ("inactive", "")
            return 0, f"ActiveState={state[0]}\nUnitFileState={state[1]}\nNeedDaemonReload=no\n"
        return 0, ""

    def _systemd_run(self, *arguments):
        self.timers += [f"{a.partition('=')[2]}.timer" for a in arguments if a.startswith("--unit=")]
        return 0, ""


class World:
    """The module's own objects, on a fake host."""

    def __init__(self, folder):
        self.host = FakeHost()
        for name in ("run", "tmp", "units"):
            (folder / name).mkdir()
        self.nft = Nft(self.host.run, TABLE, str(folder / "tmp"))
        path, units = str(folder / "etc" / "firewall.nft"), str(folder / "units")
        self.persistent = Persistent(self.host.run, self.nft, path, "firewall", units)
        self.probation = Probation(self.host.run, self.nft, "firewall", str(folder / "run"))

    def load(self, content, check_mode=False, judge=True):
        params = {"content": content, "extra": "", "users": [], "connection": None, "family": "inet", "table": "ours"}
        params.update(check_mode=check_mode, confirm_within=60)
        with self.probation.locked():
            return load(params, self.nft, self.persistent, self.probation, judge=judge)

    def confirm(self, name):
        with self.probation.locked():
            self.persistent.keep(self.probation.confirm(name))

    def deploy(self, content):
        self.confirm(self.load(content)["confirmation"])

    def undo(self):
        """Do what the timer does."""
        folder = self.probation.folder
        self.host.run(["nft", "-f", os.path.join(folder, "undo.nft")])
        os.rename(os.path.join(folder, "token"), os.path.join(folder, "undone"))
        self.host.timers.clear()


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_the_undo_is_armed_before_anything_is_loaded(world):
    result = world.load(NEW)
    assert result["confirmation"] == identify(NEW)
    names = [call[0] if call[0] != "nft" else " ".join(call[:2]) for call in world.host.calls]
    assert names.index("systemd-run") < names.index("nft -f")
    assert "chain new" in world.host.loaded
    assert world.persistent.text == ""


def test_only_the_confirmation_makes_it_last(world):
    world.deploy(NEW)
    assert world.persistent.text == NEW
    assert world.host.active
    assert world.host.timers == []
    result = world.load(NEW)
    assert not result["changed"]
    assert not result["confirmation"]
    assert "diff" not in result


def test_check_mode_only_looks(world):
    world.deploy(OLD)
    before = (world.host.loaded, list(world.host.timers))
    result = world.load(NEW, check_mode=True)
    assert result["changed"]
    assert (result["diff"]["before"], result["diff"]["after"]) == (OLD, NEW)
    assert (world.host.loaded, world.host.timers) == before
    assert world.persistent.text == OLD


def test_what_is_loaded_as_it_was_tried_is_not_tried_again(world):
    def trials():
        return [call for call in world.host.calls if call[0] == "unshare"]

    world.deploy(NEW)
    once = len(trials())
    assert not world.load(NEW)["changed"]
    assert len(trials()) == once
    world.host.loaded = world.host.loaded.replace("chain new", "chain somebody_else_s")
    assert world.load(NEW)["changed"]
    assert len(trials()) == once + 1


def test_a_look_tries_nothing(world):
    world.deploy(OLD)
    calls = len(world.host.calls)
    assert not world.load(OLD, check_mode=True, judge=False)["changed"]
    assert world.load(NEW, check_mode=True, judge=False) == {"changed": True}
    assert "unshare" not in [call[0] for call in world.host.calls[calls:]]


def test_the_undo_brings_back_what_was_loaded(world):
    world.deploy(OLD)
    confirmation = world.load(NEW)["confirmation"]
    world.undo()
    assert "chain old" in world.host.loaded
    with pytest.raises(NftError, match="taken back"):
        world.confirm(confirmation)
    assert world.persistent.text == OLD


def test_unconfirmed_rules_never_become_the_way_back(world):
    world.deploy(OLD)
    world.load(NEW)
    world.load(NEW.replace("new", "newer"))
    assert len(world.host.timers) == 1
    world.undo()
    assert "chain old" in world.host.loaded


def test_rules_of_a_run_that_was_killed_wait_for_confirmation_again(world):
    first = world.load(NEW)
    second = world.load(NEW)
    assert second["changed"]
    assert second["confirmation"] == first["confirmation"]


def test_a_timer_that_is_gone_takes_nothing_back(world):
    world.deploy(OLD)
    world.load(NEW)
    world.host.timers.clear()
    assert not world.probation.is_armed()
    world.load(OLD)
    world.undo()
    assert "chain new" in world.host.loaded


def test_a_confirmation_that_was_interrupted_can_be_completed(world):
    name = world.load(NEW)["confirmation"]
    world.probation.confirm(name)
    result = world.load(NEW)
    assert result["changed"]
    assert not result["confirmation"]
    assert world.persistent.text == NEW


@pytest.mark.parametrize("change", ["", "table inet ours {\n\tchain other {\n\t}\n}"])
def test_rules_that_something_else_has_changed_are_not_confirmed(world, change):
    name = world.load(NEW)["confirmation"]
    world.host.loaded = change
    with pytest.raises(NftError, match="Something else"):
        world.confirm(name)


def test_the_rules_of_another_run_are_not_confirmed(world):
    world.load(NEW)
    with pytest.raises(NftError, match="wait for their confirmation"):
        world.confirm(identify(OLD))


def test_comments_alone_need_no_confirmation(world):
    world.deploy(OLD)
    commented = OLD.replace(PREFIX, "# new words\n" + PREFIX)
    world.host.loaded = world.host.loaded.strip()
    world.nft.check = lambda _ruleset: world.host.loaded
    result = world.load(commented)
    assert result["changed"]
    assert not result["confirmation"]
    assert world.persistent.text == commented


def test_a_refusal_changes_nothing(world):
    world.host.refuses = "-c"
    with pytest.raises(NftError, match=r"Nothing was changed\. content, line 1: refused"):
        world.load(NEW)
    assert world.host.timers == []


def test_a_load_that_fails_is_disarmed(world):
    world.host.refuses = "-f"
    world.nft.check = lambda _ruleset: "x"
    world.nft.way_back = lambda _listing: PREFIX
    with pytest.raises(NftError, match="then refused"):
        world.load(NEW)
    assert world.host.timers == []
    assert not world.probation.is_armed()


def test_two_runs_do_not_meet(world):
    with world.probation.locked(), pytest.raises(NftError, match="Another run"), world.probation.locked():
        pass


GOOD = {"table": "ours", "service": "firewall", "path": "/etc/x.nft", "users": ["postfix"], "confirm_within": 60}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("table", "a b"),
        ("service", "a/b"),
        ("path", "relative"),
        ("path", "/a b"),
        ("users", ["www-data"]),
        ("confirm_within", 0),
        ("confirm_within", 100000),
    ],
)
def test_options_are_refused_by_name_and_value(option, value):
    check_options(GOOD)
    with pytest.raises(ValueError, match=f"^{option}: .*Accepted: "):
        check_options({**GOOD, option: value})


def test_the_fallback_is_for_a_connection_that_cannot_be_found():
    options = {"ports": [22], "networks": [], "fallback_port": 2222}
    assert connection_facts(options, None) == {"connection": None, "connection_rule": "tcp dport 2222 accept"}
    found = connection_facts(options, Connection(22, "198.51.100.7"))
    assert found == {"connection": {"address": "198.51.100.7", "port": 22}, "connection_rule": None}

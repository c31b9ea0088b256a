# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of files in real folders, with a service that is a file; and the same, killed at each of its steps."""

from __future__ import annotations

import errno
import os
import pathlib
import shutil
import sys

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _generations
from ansible_collections.mailops.relay.plugins.module_utils._activation import ActivationError, activate
from ansible_collections.mailops.relay.plugins.module_utils._files import ManagedFile
from ansible_collections.mailops.relay.plugins.module_utils._generations import Generations, StoreError


class FileService:
    """A service whose state is a file with what it has read, so that it outlives a killed process."""

    def __init__(self, folder, state, refuse=(), fail=()):
        self.folder = folder
        self.state = state
        self.refuse = refuse
        self.fail = fail
        self.told = []

    def _read(self, folder):
        return (folder / "a").read_text() + (folder / "b").read_text()

    def check(self, stage):
        text = pathlib.Path(stage, "a").read_text()
        return [f"{word} is refused" for word in self.refuse if word in text]

    def running(self):
        return self.state.exists()

    def due(self, before, after):
        return "reload"

    def apply(self, action):
        self.told.append(action)
        if action == "stop":
            self.state.unlink(missing_ok=True)
        else:
            self.state.write_text(self._read(self.folder))
        return []

    def prove(self):
        return [f"{word} does not work" for word in self.fail if word in self.state.read_text()]


class Host:
    """A configuration folder with files of other origin in it, its store, and the service that reads it."""

    def __init__(self, base):
        self.folder = base / "etc" / "service"
        self.store = base / "etc" / "store"
        self.state = base / "state"
        self.link = base / "etc" / "elsewhere" / "b"

    def service(self, **options):
        return FileService(self.folder, self.state, **options)

    def files(self, text, outside=False, **more):
        paths = {"a": self.folder / "a", "b": self.link if outside else self.folder / "b"}
        paths.update({name: self.folder / name for name in more})
        contents = {"a": f"{text}\n", "b": f"{text}\n", **more}
        return [
            ManagedFile(str(paths[name]), contents[name].encode(), 0o640, os.geteuid(), os.getegid()) for name in paths
        ]

    def activate(self, text, check_mode=False, outside=False, more=None, judge=True, **options):
        service = self.service(**options)
        files = self.files(text, outside, **(more or {}))
        outcome = activate(Generations(str(self.folder), str(self.store)), files, service, check_mode, judge=judge)
        return outcome, service

    def shows(self):
        return [self.folder.joinpath(name).read_text() for name in ("a", "b")]

    def entries(self):
        return sorted(entry.name for entry in self.folder.iterdir() if not entry.name.startswith(_generations.MARKER))


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    host.folder.mkdir(parents=True)
    (host.folder / "foreign").write_text("not ours")
    return host


def test_first_set(host):
    outcome, service = host.activate("one")
    assert (outcome.changed, outcome.action, service.told) == (True, "start", ["start"])
    assert host.shows() == ["one\n", "one\n"]
    assert host.entries() == ["a", "b", "foreign"]
    assert (host.folder / "a").stat().st_mode & 0o777 == 0o640


def test_same_set_again_does_nothing(host):
    host.activate("one")
    outcome, service = host.activate("one")
    assert (outcome.changed, outcome.action, service.told) == (False, "none", [])


def test_next_set_reloads_and_removes_what_is_no_longer_named(host):
    host.activate("one", more={"table": "x"})
    outcome, service = host.activate("two")
    assert service.told == ["reload"]
    assert host.entries() == ["a", "b", "foreign"]
    assert outcome.changed_paths == [str(host.folder / name) for name in ("a", "b", "table")]


def test_a_stopped_service_is_started_on_the_same_files(host):
    host.activate("one")
    host.state.unlink()
    outcome, service = host.activate("one")
    assert (outcome.changed, outcome.action, service.told) == (True, "start", ["start"])


def test_a_changed_mode_is_a_change(host):
    host.activate("one")
    (host.folder / "a").chmod(0o666)
    outcome, _service = host.activate("one")
    assert outcome.changed
    assert (host.folder / "a").stat().st_mode & 0o777 == 0o640


def test_check_mode_checks_and_leaves_nothing(host):
    outcome, service = host.activate("one", check_mode=True)
    assert (outcome.changed, outcome.action, service.told) == (True, "start", [])
    assert host.entries() == ["foreign"]
    assert not host.store.exists()
    with pytest.raises(ActivationError, match=r"Nothing was changed\. one is refused"):
        host.activate("one", check_mode=True, refuse=["one"])


def test_a_look_judges_nothing(host):
    outcome, service = host.activate("one", check_mode=True, judge=False, refuse=["one"])
    assert (outcome.changed, outcome.action, service.told) == (True, "start", [])
    assert host.entries() == ["foreign"]


def test_a_refused_set_changes_nothing(host):
    host.activate("one")
    with pytest.raises(ActivationError, match=r"Nothing was changed\. two is refused"):
        host.activate("two", refuse=["two"])
    assert host.shows() == ["one\n", "one\n"]
    assert host.state.read_text() == "one\none\n"
    outcome, service = host.activate("one")
    assert not outcome.changed
    assert service.told == []


def test_a_set_that_does_not_work_is_taken_back(host):
    host.activate("one")
    service = None
    with pytest.raises(
        ActivationError, match="two does not work\nThe previous set of files is back, and the service runs"
    ):
        host.activate("two", fail=["two"])
    assert host.shows() == ["one\n", "one\n"]
    assert host.state.read_text() == "one\none\n"
    _outcome, service = host.activate("one")
    assert service.told == []


def test_a_first_set_that_does_not_work_leaves_the_service_stopped(host):
    with pytest.raises(ActivationError, match=r"one does not work\nThe previous set of files is back.*stopped"):
        host.activate("one", fail=["one"])
    assert host.entries() == ["foreign"]
    assert not host.state.exists()


def test_the_hosts_own_files_are_kept_for_good(host):
    (host.folder / "a").write_text("theirs\n")
    for text in ("one", "two", "three"):
        host.activate(text)
    assert (host.store / "original" / "a").read_text() == "theirs\n"
    assert (host.store / "previous" / "a").read_text() == "two\n"


def test_a_file_elsewhere_is_a_link_into_the_folder(host):
    host.activate("one", outside=True)
    assert host.link.read_text() == "one\n"
    host.activate("two")
    assert not os.path.lexists(host.link)


def test_a_foreign_file_elsewhere_is_not_replaced(host):
    host.link.parent.mkdir(parents=True)
    host.link.write_text("theirs")
    with pytest.raises(StoreError, match="Move it away"):
        host.activate("one", outside=True)
    assert host.link.read_text() == "theirs"
    assert host.entries() == ["foreign"]


def test_a_lost_store_does_not_stop_the_service(host):
    host.activate("one")
    shutil.rmtree(host.store)
    outcome, _service = host.activate("one")
    assert not outcome.changed
    with pytest.raises(
        ActivationError, match="two does not work\nThe previous set of files is back, and the service runs"
    ):
        host.activate("two", fail=["two"])
    assert host.state.read_text() == "one\none\n"


def test_two_runs_at_once(host):
    with Generations(str(host.folder), str(host.store)).locked(), pytest.raises(StoreError, match="another run"):
        host.activate("one")


def test_a_damaged_marker(host):
    host.activate("one")
    (host.folder / _generations.MARKER).write_text("{")
    with pytest.raises(StoreError, match=r"generation\.json is damaged"):
        host.activate("two")


def test_a_folder_that_cannot_be_exchanged_is_replaced(host, monkeypatch):
    def refuse(one, other):
        raise OSError(errno.EXDEV, "Invalid cross-device link", one, None, other)

    # No file system that refuses can be had in a unit test; the integration tests use a real overlay.
    monkeypatch.setattr(_generations, "exchange", refuse)
    host.activate("one")
    host.activate("two")
    assert host.shows() == ["two\n", "two\n"]
    with pytest.raises(ActivationError):
        host.activate("three", fail=["three"])
    assert host.shows() == ["two\n", "two\n"]
    assert host.entries() == ["a", "b", "foreign"]


def _killed_at(step, work):
    """Run ``work`` in a child that ends as by SIGKILL before its step-th audited action; return whether it did."""
    child = os.fork()
    if child == 0:
        count = 0

        def hook(event, _arguments):
            nonlocal count
            if event.startswith(("os.", "open", "shutil.", "ctypes.dlsym", "fcntl.")):
                count += 1
                if count == step:
                    os._exit(137)

        sys.addaudithook(hook)
        work()
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 137


OLD_OR_NEW = (["one\n", "one\n"], ["two\n", "two\n"])


@pytest.mark.parametrize("wanted_next", ["two", "one", "three"])
def test_killed_at_any_moment(tmp_path, wanted_next):
    step = killed = 0
    while True:
        step += 1
        base = tmp_path / str(step)
        host = Host(base)
        host.folder.mkdir(parents=True)
        host.activate("one")
        if not _killed_at(step, lambda host=host: host.activate("two")):
            break
        killed += 1
        assert host.shows() in OLD_OR_NEW, step
        host.activate(wanted_next)
        assert host.shows() == [f"{wanted_next}\n"] * 2, step
        assert host.state.read_text() == f"{wanted_next}\n" * 2, step
        assert host.entries() == ["a", "b"], step
    assert killed > 20


def test_a_first_run_killed_at_any_moment(tmp_path):
    step = 0
    while True:
        step += 1
        host = Host(tmp_path / str(step))
        host.folder.mkdir(parents=True)
        if not _killed_at(step, lambda host=host: host.activate("one")):
            break
        assert host.entries() in ([], ["a", "b"]), step
        with pytest.raises(ActivationError):
            host.activate("two", fail=["two"])
        # Killed after the proof, the first set is what there is to go back to; before it, nothing is.
        proven = host.entries() == ["a", "b"]
        assert host.state.exists() == proven, step
        assert not proven or host.state.read_text() == "one\none\n", step
        host.activate("two")
        assert host.shows() == ["two\n", "two\n"], step

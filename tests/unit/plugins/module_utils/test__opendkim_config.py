# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import pathlib
import typing as t

import pytest

pytest.importorskip("cryptography")

from ansible_collections.mailops.relay.plugins.module_utils import _dkim_keys, _opendkim_config
from ansible_collections.mailops.relay.plugins.module_utils._opendkim_service import Opendkim

CONFIG = "/etc/opendkim/opendkim.conf"
JOURNAL = """\
Nov 24 02:27:33 host systemd[1]: Starting opendkim.service - OpenDKIM Milter...
Nov 24 02:27:33 host opendkim[1874]: smfi_opensocket() failed
Nov 24 02:27:38 host systemd[1]: opendkim.service: Deactivated successfully.
"""


def file_of(path: str, content: str = "", mode: str = "0644") -> dict[str, str]:
    return {"path": path, "content": content, "mode": mode}


class Programs:
    """Stands in for run_command: answers by the first two words of a command, and remembers all commands."""

    def __init__(self, **answers: tuple[int, str, str]) -> None:
        self.answers = answers
        self.seen: list[str] = []

    def __call__(self, command: list[str], **_options: t.Any) -> tuple[int, str, str]:
        self.seen.append(" ".join(command))
        return self.answers.get("_".join(command[:2]).replace("-", ""), (0, "", ""))


def test_files() -> None:
    files = _opendkim_config.wanted_files([file_of(CONFIG, "Mode s\n"), file_of("/etc/x/T", "", "640")], CONFIG)
    assert [(file.path, file.content, file.mode) for file in files] == [
        (CONFIG, b"Mode s\n", 0o644),
        ("/etc/x/T", b"", 0o640),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([file_of("/etc/a")], "the configuration file /etc/opendkim/opendkim.conf is missing"),
        ([file_of(CONFIG), file_of("etc/a")], "'etc/a' is not the absolute path of a file"),
        ([file_of(CONFIG), file_of("/etc/a/")], "'/etc/a/' is not the absolute path of a file"),
        ([file_of(CONFIG), file_of("/etc/a", "", "u=rw")], "mode 'u=rw' of /etc/a; accepted: an octal number"),
        ([file_of(CONFIG), file_of("/etc/a", "", "4755")], "mode '4755'"),
        (
            [file_of(CONFIG), file_of("/x/opendkim.conf")],
            "/x/opendkim.conf has the name of /etc/opendkim/opendkim.conf",
        ),
    ],
)
def test_files_are_refused(files: list[dict[str, str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _opendkim_config.wanted_files(files, CONFIG)


def test_extra_comes_last() -> None:
    files = _opendkim_config.wanted_files([file_of(CONFIG, "Mode s\n"), file_of("/etc/a", "b")], CONFIG)
    assert _opendkim_config.with_extra(files, CONFIG, " \n", {}) == files
    changed = _opendkim_config.with_extra(files, CONFIG, "LogWhy yes", {"Mode": "nothing"})
    assert [file.content for file in changed] == [b"Mode s\n\nLogWhy yes\n", b"b"]
    with pytest.raises(ValueError, match=r"opendkim_extra.*: Mode 'v' is not accepted; it signs"):
        _opendkim_config.with_extra(files, CONFIG, "LogWhy yes\nmode v", {"Mode": "it signs"})


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> pathlib.Path:
    """Return a staged set with one good key."""
    folder = tmp_path / "stage"
    folder.mkdir()
    (folder / "opendkim.conf").write_text("KeyTable file:/etc/opendkim/K\nSigningTable file:/etc/opendkim/S\n")
    (folder / "K").write_text(f"a a.example:s1:{tmp_path}/s1.private\n")
    (folder / "S").write_text("a.example a\n")
    key = tmp_path / "s1.private"
    key.write_bytes(_dkim_keys.make_key(2048)[0])
    key.chmod(0o600)
    return folder


def service_of(run: Programs, **options: t.Any) -> Opendkim:
    return Opendkim(run, CONFIG, [CONFIG, "/etc/opendkim/K", "/etc/opendkim/S"], getpass.getuser(), **options)


def own_problems(problems: list[str]) -> list[str]:
    """Leave out what the folder of the test itself is blamed for: /tmp is for everybody."""
    return [problem for problem in problems if "others may write into" not in problem]


def test_a_good_set(stage: pathlib.Path) -> None:
    run = Programs()
    assert own_problems(service_of(run).check(str(stage))) == []
    assert run.seen[0].startswith("opendkim -n -x /")
    assert run.seen[1].endswith(f"sh {stage.parent}/s1.private")


def test_what_opendkim_says_is_shown_with_the_real_names(stage: pathlib.Path) -> None:
    run = Programs(opendkim_n=(78, "", f"opendkim: {stage}/K: configuration error at line 1: unrecognized parameter\n"))
    assert service_of(run).check(str(stage)) == [
        "OpenDKIM refuses the configuration: opendkim: /etc/opendkim/K: configuration error at line 1: "
        "unrecognized parameter: 'KeyTable file:/etc/opendkim/K'"
    ]


def spoil_key(stage: pathlib.Path) -> None:
    (stage.parent / "s1.private").write_text("hello")


def spoil_length(stage: pathlib.Path) -> None:
    (stage.parent / "s1.private").write_bytes(_dkim_keys.make_key(1024)[0])


def spoil_mode(stage: pathlib.Path) -> None:
    (stage.parent / "s1.private").chmod(0o640)


def spoil_record(stage: pathlib.Path) -> None:
    (stage.parent / "s1.txt").write_text('s1._domainkey.a.example. IN TXT ( "v=DKIM1; p=cHVi" )\n')


def spoil_presence(stage: pathlib.Path) -> None:
    (stage.parent / "s1.private").unlink()


def spoil_table(stage: pathlib.Path) -> None:
    (stage / "K").write_text("a a.example\n")


def spoil_target(stage: pathlib.Path) -> None:
    (stage / "S").write_text("a.example b\n")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_key, "not a private key in PEM form"),
        (spoil_length, "has 1024 bits; accepted: 2048 to 4096"),
        (spoil_mode, "others than its owner may use this key; accepted: mode 0600"),
        (spoil_record, "is not the key of s1._domainkey.a.example that the file s1.txt"),
        (spoil_presence, "this key is missing; the KeyTable names it"),
        (spoil_table, "KeyTable, line 1"),
        (spoil_target, "is to be signed with 'b', which the KeyTable does not have; accepted: a"),
    ],
)
def test_a_bad_set(stage: pathlib.Path, spoil: t.Callable[[pathlib.Path], None], message: str) -> None:
    spoil(stage)
    (problem,) = own_problems(service_of(Programs()).check(str(stage)))
    assert message in problem


def test_keys_are_tried_as_the_daemon(stage: pathlib.Path) -> None:
    class Refused(Programs):
        def __call__(self, command: list[str], **options: t.Any) -> tuple[int, str, str]:
            super().__call__(command, **options)
            return (0, f"{command[-1]}\n", "") if command[0] == "setpriv" else (0, "", "")

    (problem,) = own_problems(service_of(Refused()).check(str(stage)))
    assert f"the user {getpass.getuser()} cannot read this key" in problem


def test_in_check_mode_keys_may_be_missing(stage: pathlib.Path) -> None:
    spoil_presence(stage)
    assert own_problems(service_of(Programs(), keys_may_be_missing=True).check(str(stage))) == []


def test_stop_comes_before_all_that_reads_the_unit_again() -> None:
    run = Programs()
    assert service_of(run).apply("stop") == []
    assert run.seen == ["systemctl stop opendkim", "systemctl disable opendkim"]


def test_a_failed_start_says_why() -> None:
    run = Programs(systemctl_restart=(1, "", "Job failed.\nSee more\n"), journalctl_unit=(0, "", ""))
    run.answers["journalctl_unit=opendkim"] = (0, JOURNAL, "")
    assert service_of(run).apply("restart") == [
        "systemctl restart opendkim: Job failed.",
        "Last in its journal: smfi_opensocket() failed",
    ]


@pytest.mark.parametrize(
    ("output", "due"),
    [
        ("ActiveState=active\nUnitFileState=enabled\n", True),
        ("ActiveState=inactive\nUnitFileState=enabled\n", True),
        ("ActiveState=activating\nUnitFileState=disabled\n", True),
        ("ActiveState=inactive\nUnitFileState=disabled\n", False),
        ("ActiveState=failed\nUnitFileState=masked\n", False),
        ("ActiveState=inactive\nUnitFileState=\n", False),
        ("", False),
    ],
)
def test_stopped_is_due(output: str, due: bool) -> None:
    run = Programs(systemctl_show=(0, output, ""))
    result = _opendkim_config.stop(service_of(run), check_mode=False)
    assert result["changed"] == due
    assert ("systemctl stop opendkim" in run.seen) == due
    assert not any("stop" in command for command in run.seen[1:]) or due

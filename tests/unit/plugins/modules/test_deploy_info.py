# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module on a host that is a few files; the roles' tests have real ones."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.modules import deploy_info


class Module:
    """Stands in for AnsibleModule."""

    def __init__(self, **params: t.Any) -> None:
        self.params = {"releases": ["12", "13"], "questions": [], "paths": [], **params}

    def get_bin_path(self, name: str, _required: bool) -> str:
        return name

    def run_command(self, command: list[str], **_options: t.Any) -> tuple[int, str, str]:
        output = {"dpkg-query": "installed apt\n", "ip": '[{"addr_info": [{"local": "192.0.2.1"}]}]'}
        return 0, output[command[0]], ""


@pytest.fixture
def release(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(deploy_info, "OS_RELEASE", str(tmp_path / "os-release"))
    monkeypatch.setattr(deploy_info, "ANSWERS", str(tmp_path / "config.dat"))
    (tmp_path / "os-release").write_text("ID=debian\nVERSION_ID=13\n", encoding="utf-8")
    return tmp_path / "os-release"


def test_what_is_there(release: pathlib.Path) -> None:
    paths = [str(release), str(release.parent / "nothing")]
    assert deploy_info.run(Module(paths=paths, questions=["postfix/main_mailer_type"])) == {
        "changed": False,
        "release": "13",
        "packages": ["apt"],
        "addresses": ["192.0.2.1"],
        "processors": os.cpu_count(),
        "answers": {},
        "present": [str(release)],
    }


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("ID=debian\nVERSION_ID=11\n", "debian 11"),
        ("ID=debian\n", "debian"),
        ("ID=ubuntu\nVERSION_ID=13\n", "ubuntu 13"),
    ],
)
def test_a_system_on_which_nobody_has_tried_it(release: pathlib.Path, text: str, seen: str) -> None:
    release.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"^This host runs {seen}\\. Accepted: Debian 12 or 13\\.$"):
        deploy_info.run(Module())

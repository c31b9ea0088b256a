# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module on a host that is a few files; the roles' tests have real ones."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dkim_key_plan, _settled
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyStore
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner
from ansible_collections.mailops.relay.plugins.modules import deploy_info


class Module:
    """Stands in for AnsibleModule."""

    def __init__(self, **params: t.Any) -> None:
        self.params = {
            "releases": ["12", "13"],
            "questions": [],
            "paths": [],
            "dkim_keys": None,
            "modules": None,
            **params,
        }

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


@pytest.fixture
def keys(tmp_path: pathlib.Path) -> dict[str, t.Any]:
    """Return what a task says of keys. Nobody owns them, so that owners are not compared."""
    given = {"directory": str(tmp_path / "keys"), "domains": ["A.example"], "selector": "s1"}
    return {**given, "bits": 2048, "shortest": 2048, "owner": "no-such-user", "group": "no-such-group"}


def look_at(keys: dict[str, t.Any]) -> dict[str, t.Any]:
    seen: dict[str, t.Any] = deploy_info.run(Module(dkim_keys=keys))["dkim_keys"]
    return seen


@pytest.mark.usefixtures("release")
def test_keys_that_are_missing_and_those_that_are_there(keys: dict[str, t.Any]) -> None:
    pytest.importorskip("cryptography")
    assert look_at(keys)["changed"] is True
    assert not os.path.exists(keys["directory"])
    store = KeyStore(keys["directory"], Owner(None, None))
    with store.locked():
        made = _dkim_key_plan.run(_dkim_key_plan.normal(keys), store, check_mode=False, now=1764057600)
    expected = [{**record, "created": False} for record in made["records"]]
    assert look_at(keys) == {"changed": False, "records": expected, "selectors": made["selectors"]}
    assert look_at({**keys, "domains": ["a.example", "b.example"]})["changed"] is True


@pytest.mark.usefixtures("release")
@pytest.mark.parametrize("name", ["a.example/s1.private", "selectors.json"])
def test_what_is_wrong_with_keys_is_for_others_to_say(keys: dict[str, t.Any], name: str) -> None:
    path = pathlib.Path(keys["directory"], name)
    path.parent.mkdir(parents=True)
    path.write_text("no key, and no notes", encoding="utf-8")
    assert look_at(keys) == {"changed": True}


def test_modules_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def settled(task: t.Any, name: str, options: t.Any, _validate: t.Any) -> bool:
        return (task, name, options) == (module, "postfix_config", {"files": [], "secret_files": {"a": "b"}})

    monkeypatch.setattr(_settled, "look", settled)
    secrets = {"postfix_config": {"secret_files": {"a": "b"}}}
    module = Module(releases=[], modules={"postfix_config": {"files": []}}, secrets=secrets)
    assert deploy_info.run(module) == {"changed": False, "settled": {"postfix_config": True}}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What users install: the built tarball in an empty folder, without the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

INVENTORY = """
relays:
  hosts:
    relay1:
      ansible_connection: local
      ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"
      ansible_become: false
      relay_hostname: {hostname}
      relay_addresses: [198.51.100.12]
      relay_postmaster: mailops@example.org
"""


def run(*command: str, path: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(path), "ANSIBLE_HOME": str(path / "home")}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        command,
        cwd=path,
        env=environment,
        check=check,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An empty folder into which the built collection was installed."""
    base = tmp_path_factory.mktemp("artifact")
    run("ansible-galaxy", "collection", "build", "--output-path", str(base), str(ROOT), path=base)
    (tarball,) = base.glob("mailops-relay-*.tar.gz")
    run("ansible-galaxy", "collection", "install", "--offline", "-p", str(base), str(tarball), path=base)
    return base


def test_only_what_users_need_is_in_it(installed):
    (tarball,) = installed.glob("mailops-relay-*.tar.gz")
    with tarfile.open(tarball) as archive:
        top = {name.split("/")[0] for name in archive.getnames()}
    assert {"plugins", "roles", "playbooks", "meta", "README.md", "LICENSES"} <= top
    assert not top & {"tests", "molecule", ".venv", ".ansible", ".git", "Makefile"}


def test_modules_and_roles_have_documentation(installed):
    for kind, name in (("module", "postfix_config"), ("module", "dkim_keys"), ("role", "relay"), ("role", "postfix")):
        page = run("ansible-doc", "-t", kind, f"mailops.relay.{name}", path=installed)
        assert f"mailops.relay.{name}" in page.stdout


def deploy(installed: Path, hostname: str, *options: str) -> subprocess.CompletedProcess[str]:
    (installed / "hosts.yml").write_text(INVENTORY.format(hostname=hostname))
    command = ["ansible-playbook", "-i", "hosts.yml", "mailops.relay.deploy", *options]
    return run(*command, path=installed, check=False)


def test_the_playbook_runs_by_its_name(installed):
    listed = deploy(installed, "relay1.example.org", "--list-tasks")
    assert listed.returncode == 0, listed.stderr
    assert "Configure Postfix" in listed.stdout
    assert f"playbook: {installed}/" in listed.stdout
    # The description is checked before anything connects to a host, and the certificate judged before anything changes.
    tasks = re.findall(r"^ +mailops\.relay\.(\S+ : .+?)\t", listed.stdout, re.MULTILINE)
    assert tasks[:2] == ["base : Check the description", "base : Look at the host"]
    judged = tasks.index("postfix : Stop before anything changes if the certificate cannot be used")
    assert {task.partition(" ")[0] for task in tasks[:judged]} == {"base", "postfix"}


def test_the_installed_collection_judges_a_description(installed):
    # Nothing is deployed: the description is wrong, and the play ends before it touches the host.
    refused = deploy(installed, "relay1", "--check", "-e", "relay_netwroks=[]")
    assert refused.returncode == 2
    assert "relay_netwroks: no such variable" in refused.stdout + refused.stderr
    refused = deploy(installed, "relay1", "--check")
    assert "relay_hostname: 'relay1' is not a fully qualified domain name" in refused.stdout + refused.stderr
    assert "The description of relay1 has 1 problem; nothing was changed." in refused.stdout + refused.stderr


def test_trust_that_is_meant_is_reported_by_name(installed):
    (installed / "hosts.yml").write_text(INVENTORY.format(hostname="relay1.example.org"))
    (installed / "describe.yml").write_text("- hosts: relays\n  roles: [mailops.relay.relay]\n")
    unsafe = json.dumps({"relay_unsafe_networks": [{"network": "0.0.0.0/0", "reason": "no way in from elsewhere"}]})
    described = run("ansible-playbook", "-i", "hosts.yml", "describe.yml", "-e", unsafe, path=installed)
    shown = " ".join((described.stdout + described.stderr).split())
    assert "relay1: relay_unsafe_networks lets 0.0.0.0/0 relay on purpose: no way in from elsewhere" in shown

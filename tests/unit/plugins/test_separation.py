# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules that hold between files: who may import what, and that every variable of the description has a reader."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.mailops.relay.plugins.module_utils import _publication

ROOT = Path(__file__).parents[3]
UTILS = ROOT / "plugins" / "module_utils"
OURS = "ansible_collections.mailops.relay.plugins.module_utils"

# The files that touch the world; all others are pure.
INPUT_AND_OUTPUT = {
    "_activation.py",
    "_canary_mailbox.py",
    "_canary_run.py",
    "_canary_send.py",
    "_certificate.py",
    "_dkim_key_plan.py",
    "_dkim_keys.py",
    "_dns.py",
    "_dns_beyond.py",
    "_dns_client.py",
    "_dns_consequences.py",
    "_dns_survey.py",
    "_dns_tcp.py",
    "_dns_update.py",
    "_dns_wait.py",
    "_dovecot_auth_config.py",
    "_dovecot_service.py",
    "_fail2ban.py",
    "_fail2ban_config.py",
    "_file_set.py",
    "_files.py",
    "_firewall.py",
    "_generations.py",
    "_https.py",
    "_host_files.py",
    "_host_look.py",
    "_host_programs.py",
    "_host_survey.py",
    "_key_files.py",
    "_milter.py",
    "_mta_sts_service.py",
    "_nftables.py",
    "_nftables_ruleset.py",
    "_opendkim_config.py",
    "_opendkim_service.py",
    "_postfix.py",
    "_postfix_config.py",
    "_redis.py",
    "_resolver_service.py",
    "_rspamd_config.py",
    "_rspamd_service.py",
    "_settled.py",
    "_smtp.py",
    "_smtp_offers.py",
    "_smtp_probe.py",
    "_smtp_session.py",
    "_smtp_smuggling.py",
    "_smtp_survey.py",
    "_smtp_tls.py",
    "_ssh_connection.py",
    "_tls_peer.py",
    "_unit.py",
}
FORBIDDEN_IN_PURE = {
    "ansible",
    "cryptography",
    "dns",
    "imaplib",
    "os",
    "shutil",
    "smtplib",
    "socket",
    "ssl",
    "subprocess",
    "yaml",
}
# Questions and updates are two ways to use dnspython.
IMPORTERS = {
    "cryptography": {"_certificate.py", "_dkim_keys.py"},
    "dns": {"_dns.py", "_dns_tcp.py", "_dns_update.py"},
    "imaplib": {"_canary_mailbox.py"},
    "smtplib": {"_canary_send.py", "_smtp.py"},
}


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names if node.module == OURS)
    return names


def util_files() -> list[Path]:
    return sorted(UTILS.glob("_*.py"))


@pytest.mark.parametrize("path", util_files(), ids=lambda path: path.name)
def test_imports_point_one_way(path: Path) -> None:
    found = imports(path)
    assert not {name for name in found if name.startswith("ansible.")}, "only modules and plugins know Ansible"
    if path.name in INPUT_AND_OUTPUT:
        return
    assert not {name.split(".")[0] for name in found if not name.startswith(OURS)} & FORBIDDEN_IN_PURE
    used = {f"{name[len(OURS) + 1 :].split('.')[0]}.py" for name in found if name.startswith(OURS + ".")}
    assert not used & INPUT_AND_OUTPUT, "a pure file uses pure files only"


def test_few_files_import_a_library() -> None:
    for library, known in IMPORTERS.items():
        importers = {p.name for p in util_files() if any(n.split(".")[0] == library for n in imports(p))}
        assert importers <= known


def test_the_list_of_files_that_touch_the_world_is_true() -> None:
    assert {path.name for path in util_files()} >= INPUT_AND_OUTPUT


@pytest.mark.parametrize("path", sorted((ROOT / "plugins/modules").glob("[a-z]*.py")), ids=lambda path: path.name)
def test_main_is_short(path: Path) -> None:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            assert (node.end_lineno or 0) - node.lineno < 40


def _options() -> dict[str, t.Any]:
    specification = yaml.safe_load((ROOT / "roles/relay/meta/argument_specs.yml").read_text(encoding="utf-8"))
    options: dict[str, t.Any] = specification["argument_specs"]["main"]["options"]
    return options


def _readers() -> str:
    """The text of all that may read the completed description: templates, tasks and variables of the roles."""
    return "\n".join(
        path.read_text(encoding="utf-8")
        for role in (ROOT / "roles").iterdir()
        if role.name != "relay"
        for path in role.rglob("*")
        if path.suffix in (".j2", ".yml")
    )


# relay_dns becomes records, which no service needs; relay_verify is for the playbook.
READ_BY_PLAYBOOKS = {"dns", "verify"}
# relay_unsafe_networks and relay_domains reach the roles as what follows from them.
DERIVED = {"unsafe_networks": "__relay.networks", "domains": "__relay.dkim.domains"}


def test_every_option_has_a_reader() -> None:
    text = _readers()
    for name in {option[len("relay_") :] for option in _options()} - READ_BY_PLAYBOOKS:
        assert re.search(re.escape(DERIVED.get(name, f"__relay.{name}")) + r"\b", text), name


def _suboptions(options: dict[str, t.Any]) -> t.Iterator[str]:
    """Names of the innermost options, as Python looks them up: ``["spf"]["terms"]``."""
    for name, option in options.items():
        inner = list(_suboptions(option.get("options", {})))
        yield from (f'["{name}"]{suboption}' for suboption in inner or [""])


@pytest.mark.parametrize(("option", "variable"), [("relay_domains", "domain"), ("relay_dns", 'relay["dns"]')])
def test_what_is_said_of_dns_becomes_records(option: str, variable: str) -> None:
    text = "".join((UTILS / name).read_text(encoding="utf-8") for name in ("_records.py", "_domains.py"))
    options = {name: value for name, value in _options()[option]["options"].items() if name not in _publication.SHARED}
    for suboption in _suboptions(options):
        assert f"{variable}{suboption}" in text, suboption


def test_what_is_said_of_publishing_reaches_the_playbook() -> None:
    publish = (ROOT / "playbooks/tasks/publish.yml").read_text(encoding="utf-8")
    primary = _options()["relay_dns"]["options"]["primaries"]["options"]
    for name in {*primary, "wait"}:
        assert f"dns_primary.{name} }}}}" in publish, name
    text = (UTILS / "_publication.py").read_text(encoding="utf-8")
    for name in _publication.SHARED:
        assert f'_shared(relays, "{name}")' in text, name


def test_every_option_of_verify_reaches_the_playbook() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").rglob("*.yml"))
    for name in _options()["relay_verify"]["options"]:
        assert f"dns_questions.verify.{name}" in text, name


def test_every_limit_and_firewall_option_has_a_reader() -> None:
    text = _readers()
    for name in ("relay_limits", "relay_firewall", "relay_dkim", "relay_tls"):
        for suboption in _options()[name]["options"]:
            assert re.search(rf"\b{name[len('relay_') :]}\.{suboption}\b", text), f"{name}.{suboption}"


def test_verify_plays_the_roles_that_deploy_plays() -> None:
    tasks = yaml.safe_load((ROOT / "playbooks/deploy.yml").read_text(encoding="utf-8"))[0]["tasks"]
    imported = [task["ansible.builtin.import_role"] for task in tasks if "ansible.builtin.import_role" in task]
    deploy = [role["name"] for role in imported if role.get("tasks_from", "started") == "started"]
    verify = yaml.safe_load((ROOT / "playbooks/vars/verify.yml").read_text(encoding="utf-8"))["verify_roles"]
    assert deploy == [f"mailops.relay.{name}" for name in verify]


def test_the_description_stays_small() -> None:
    assert len(_options()) <= 20

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts are what Ansible's own lookup makes of the same template."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleLookupError, AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, lookup_loader
from ansible.template import Templar, trust_as_template
from ansible_collections.mailops.relay.plugins.lookup import role_template

TEMPLATE = r"""# {{ hostname }}
pattern = /^\s+\d$/ "\n"
{% for name in names %}
    {% if loop.first %}
first = {{ name }}
    {% endif %}
{{ name }}
{% endfor %}
{# nobody reads this #}
{% set count = names | length %}
count = {{ count }}

"""
VARIABLES: dict[str, t.Any] = {
    "hostname": trust_as_template("{{ names[0] }}.example.com"),
    "names": ["relay", r"back\slash", "{{ hostname }}"],
}


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(role_template, "ROLES", str(tmp_path))
    (tmp_path / "postfix" / "templates").mkdir(parents=True)
    return tmp_path / "postfix" / "templates"


def lookup(*terms: str, **variables: t.Any) -> list[str]:
    templar = Templar(loader=DataLoader(), variables=variables)
    return role_template.LookupModule(loader=DataLoader(), templar=templar).run(terms, variables)


def test_the_text_is_that_of_the_lookup_of_ansible(folder: pathlib.Path) -> None:
    (folder / "main.cf.j2").write_text(TEMPLATE, encoding="utf-8")
    init_plugin_loader()
    templar = Templar(loader=DataLoader(), variables=VARIABLES)
    builtin = lookup_loader.get("ansible.builtin.template", loader=DataLoader(), templar=templar)
    (text,) = lookup("postfix/main.cf.j2", **VARIABLES)
    assert [text] == builtin.run([str(folder / "main.cf.j2")], variables=VARIABLES)
    assert r'pattern = /^\s+\d$/ "\n"' in text
    assert "# relay.example.com\n" in text
    assert "{{ hostname }}\n" in text, "what a variable holds is no template"


def test_texts_are_in_the_order_of_the_terms(folder: pathlib.Path) -> None:
    for name in "ab":
        (folder / name).write_text(f"{name} {{{{ hostname }}}}\n", encoding="utf-8")
    assert lookup("postfix/b", "postfix/a", **VARIABLES) == ["b relay.example.com\n", "a relay.example.com\n"]


@pytest.mark.parametrize("term", ["postfix/main.cf.j2", "postfix", "", "/etc/passwd", "postfix/../templates/a", "../a"])
def test_what_is_no_template(folder: pathlib.Path, term: str) -> None:
    (folder / "a").write_text("", encoding="utf-8")
    with pytest.raises(AnsibleLookupError, match=r"is no template of this collection\. Accepted: role/template"):
        lookup(term)


def test_a_variable_that_is_missing_is_named(folder: pathlib.Path) -> None:
    (folder / "a").write_text("{{ hostname }}", encoding="utf-8")
    with pytest.raises(AnsibleUndefinedVariable, match="'hostname' is undefined"):
        lookup("postfix/a")

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: role_template
short_description: Texts of templates of this collection's roles
version_added: 0.1.0
author:
  - Mailops contributors (@mailops)
description:
  - Renders templates of this collection's roles, whichever role or playbook asks for them.
  - It is for the roles themselves. Ansible's own lookup C(template) looks for a template in the role that the task
    belongs to, and copies all variables for each template, which is most of the time that a task with many files takes
    on the controller.
options:
  _terms:
    description: The templates, each as the name of the role, a slash, and the name of the file in its C(templates).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show what the firewall would be
  ansible.builtin.debug:
    msg: "{{ lookup('mailops.relay.role_template', 'nftables/firewall.nft.j2') }}"
"""

RETURN = r"""
_list:
  description: The texts, in the order of the terms.
  type: list
  elements: str
"""

import os
import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible.template import trust_as_template

ROLES = os.path.join(os.path.dirname(__file__), os.pardir, os.pardir, "roles")


class LookupModule(LookupBase):  # type: ignore[misc]
    """Render templates where they are, with the variables as they are."""

    def run(self, terms: t.Sequence[str], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        self.set_options(var_options=variables, direct=kwargs)
        return [self._render(term) for term in terms]

    def _render(self, term: str) -> str:
        role, _slash, name = term.partition("/")
        path = os.path.abspath(os.path.join(ROLES, role, "templates", name))
        if "/" in name or not os.path.isfile(path):
            raise AnsibleLookupError(f"{term!r} is no template of this collection. Accepted: role/template, by name.")
        text = trust_as_template(self._loader.get_text_file_contents(path))
        # A backslash in a configuration file is one.
        rendered: str = self._templar.template(text, escape_backslashes=False)
        return rendered

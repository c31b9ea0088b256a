# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controller side of the module relay_description: it needs nothing from the host."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.mailops.relay.plugins.module_utils import _relay
from ansible_collections.mailops.relay.plugins.plugin_utils._description import (
    DescriptionError,
    problems_of_roles,
    read_values,
)


class ActionModule(ActionBase):  # type: ignore[misc]
    """Check the ``relay_*`` variables of a host and return the completed description."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _options, arguments = self.validate_argument_spec({"services": {"type": "dict", "required": True}})
        host = variables["inventory_hostname"]

        def value_of(name: str) -> t.Any:
            return self._templar.template(variables[name])

        try:
            values = read_values(host, variables, value_of)
            problems = self._claimed_twice(variables) or problems_of_roles(variables, value_of)
            if problems:
                raise DescriptionError(host, problems)
        except DescriptionError as problems:
            raise AnsibleActionFail(str(problems)) from None
        for entry in values["relay_unsafe_networks"]:
            self._display.warning(
                f"{host}: relay_unsafe_networks lets {entry['network']} relay on purpose: {entry['reason']}"
            )
        # The description holds the next hops' passwords; the problems above never do.
        return {**result, "_ansible_no_log": True, **_relay.derive(values, arguments["services"])}

    def _claimed_twice(self, variables: dict[str, t.Any]) -> list[str]:
        """Problems of what two relays claim; looked for once per play, since it reads all hosts."""
        hosts = variables.get("ansible_play_hosts_all", [])
        if variables["inventory_hostname"] not in hosts[:1]:
            return []
        relays = variables.get("groups", {}).get("relays", [])
        return _relay.claimed_twice({host: variables["hostvars"][host] for host in relays})

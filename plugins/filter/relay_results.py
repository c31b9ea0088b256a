# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: what the tasks of the playbook ``verify`` have registered, to the results of checks."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _results
from ansible_collections.mailops.relay.plugins.plugin_utils._description import host_name

# The variables in which the tasks of the playbook and of the roles keep their results.
_DRIFT = {
    "postfix": "postfix_configured",
    "opendkim": "opendkim_configured",
    "nftables": "nftables_loaded",
    "keys": "opendkim_keys",
}
_FLEET = {"dns": "verify_dns"}


def _of_relay(relay: str, seen: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    reached = seen.get("verify_reached")
    drift = {part: seen.get(variable) for part, variable in _DRIFT.items()}
    return [
        *_results.of_host(relay, reached, seen.get("verify_host"), str(seen.get("verify_host_problem", ""))),
        _results.of_drift(relay, reached, drift, str(seen.get("verify_drift_problem", ""))),
    ]


def relay_results(hosts: t.Any, hostvars: t.Any) -> list[dict[str, t.Any]]:
    """Return the results as the filter ``report`` takes them."""
    results: list[dict[str, t.Any]] = []
    try:
        for host in hosts:
            results += _of_relay(host_name(host, hostvars[host]), hostvars[host])
        for check, variable in _FLEET.items():
            played = next((hostvars[host][variable] for host in hosts if variable in hostvars[host]), None)
            problem = next((str(p) for p in (hostvars[host].get(f"{variable}_problem") for host in hosts) if p), "")
            results += _results.of_fleet(check, played, problem)
    except (KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(
            f"relay_results: {type(error).__name__}: {error}. Accepted: names of hosts, and hostvars of the playbook"
            " verify."
        ) from None
    return results


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"relay_results": relay_results}

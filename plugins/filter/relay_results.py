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
    "rspamd": "rspamd_configured",
    "nftables": "nftables_loaded",
    "keys": "dkim_keys",
}
# Roles that end before their task where there is nothing for them to do.
_UNUSED = {"opendkim": {"skipped": True}, "rspamd": {"skipped": True}}
_FLEET = {"dns": "verify_dns"}
_PROBES = {"verify_probe": ("listeners", "closed", "tls"), "verify_canary": ("canary",)}


def _of_relay(relay: str, seen: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    reached = seen.get("verify_reached")
    drift = {part: seen.get(variable, _UNUSED.get(part)) for part, variable in _DRIFT.items()}
    return [
        *_results.of_host(relay, reached, seen.get("verify_host"), str(seen.get("verify_host_problem", ""))),
        _results.of_drift(relay, reached, drift, str(seen.get("verify_drift_problem", ""))),
    ]


def _once(seen: t.Sequence[t.Mapping[str, t.Any]], variable: str) -> tuple[t.Any, str]:
    """Return the result of a task that ran once for all hosts, and what kept it from having one."""
    played = next((each[variable] for each in seen if variable in each), None)
    problem = next((str(each[f"{variable}_problem"]) for each in seen if f"{variable}_problem" in each), "")
    return None if (played or {}).get("skipped") else played, problem


def relay_results(hosts: t.Any, hostvars: t.Any) -> list[dict[str, t.Any]]:
    """Return the results as the filter ``report`` takes them."""
    results: list[dict[str, t.Any]] = []
    try:
        for host in hosts:
            results += _of_relay(host_name(host, hostvars[host]), hostvars[host])
        seen = [hostvars[host] for host in hosts]
        for check, variable in _FLEET.items():
            results += _results.of_fleet(check, *_once(seen, variable))
        names = [host_name(host, hostvars[host]) for host in hosts if hostvars[host].get("relay_services") != []]
        for variable, checks in _PROBES.items():
            played, problem = _once(seen, variable)
            # Nobody has to send a canary.
            if played or problem or checks != ("canary",):
                results += _results.of_probe(names, checks, played, problem)
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

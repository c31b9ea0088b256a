# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the descriptions of all relays, and their public keys, to the records that they need in DNS."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError, AnsibleFilterError
from ansible.utils.display import Display
from ansible_collections.mailops.relay.plugins.module_utils import _record, _records, _relay
from ansible_collections.mailops.relay.plugins.plugin_utils._description import (
    DescriptionError,
    read_services,
    read_values,
)
from jinja2 import Undefined

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]


def _values(host: str, variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    def value_of(name: str) -> t.Any:
        try:
            value = variables[name]
        except AnsibleError as error:
            raise DescriptionError(host, [_unmade(name, str(error))]) from None
        if isinstance(value, Undefined):
            raise DescriptionError(host, [_unmade(name, str(value._undefined_message))])
        return value

    return read_values(host, variables, value_of)


def _unmade(name: str, reason: str) -> str:
    line = reason.splitlines()[0].rstrip(".")
    return f"{name}: {line}. Accepted: a value made of nothing but variables that the host has in the inventory."


def _relays(hosts: t.Iterable[str], hostvars: HostVars) -> list[dict[str, t.Any]]:
    """Return the completed descriptions of all hosts, or raise ValueError with the problems of all of them."""
    services = read_services()
    relays, problems = [], []
    for host in hosts:
        try:
            if host not in hostvars:
                raise DescriptionError(host, ["there is no such host. Accepted: hosts of the inventory"])
            relays.append(_relay.derive(_values(host, hostvars[host]), services))
        except DescriptionError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return relays


def _check_input(hosts: t.Any, hostvars: t.Any, keys: t.Any) -> None:
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise ValueError(f"its input is {type(hosts).__name__}. Accepted: a list of host names, such as groups.relays.")
    if not isinstance(hostvars, t.Mapping):
        raise ValueError(f"hostvars is {type(hostvars).__name__}. Accepted: the variable hostvars of the play.")
    accepted = "Accepted: a list of items with name and value, such as records of dkim_keys."
    if not isinstance(keys, list):
        raise ValueError(f"keys is {type(keys).__name__}. {accepted}")
    for key in keys:
        if not isinstance(key, t.Mapping) or not isinstance(key.get("name"), str) or "value" not in key:
            raise ValueError(f"keys: {str(key)[:80]!r} has no name and value. {accepted}")
        if not isinstance(key["value"], (str, type(None))):
            raise ValueError(f"keys: {key['name']!r} has a value that is no text. {accepted}")


def relay_records(hosts: t.Any, hostvars: t.Any, keys: t.Any = None) -> list[dict[str, t.Any]]:
    """Return the record sets as the option ``records`` takes them."""
    try:
        _check_input(hosts, hostvars, [] if keys is None else keys)
        relays = _relays(hosts, hostvars)
        problems = _records.check(relays, keys or [])
        if problems:
            raise ValueError("the descriptions of the relays have problems.\n" + "\n".join(f"- {p}" for p in problems))
        records = _records.derive(relays, keys or [])
        missing = [] if keys is None else _records.missing_keys(relays, keys)
    except ValueError as error:
        raise AnsibleFilterError(f"relay_records: {error}") from None
    if missing:
        Display().warning(f"relay_records: no public key is known for {', '.join(missing)}; their records are left out")
    return [_record.join(record) for record in records]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"relay_records": relay_records}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Reading the description of a host on the controller: from its variables to what ``_relay.derive`` returns.

Names, types and defaults are those of the argument specification of the role relay, facts of the services those of the
variables of the role base: there they are stated.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.yaml import yaml_load
from ansible_collections.mailops.relay.plugins.module_utils import _records, _relay
from jinja2 import Undefined

ROLES = Path(__file__).parents[2] / "roles"
SPECIFICATION = ROLES / "relay" / "meta" / "argument_specs.yml"
FACTS = ROLES / "base" / "vars" / "main.yml"

HostVars = t.Mapping[str, t.Mapping[str, t.Any]]
Options = t.Dict[str, t.Dict[str, t.Any]]


class DescriptionError(ValueError):
    """A description has problems. The message names all of them, each in a line of its own."""

    def __init__(self, host: str, problems: t.Sequence[str]) -> None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"- {problem}" for problem in problems)
        super().__init__(f"The description of {host} has {count}; nothing was changed.\n{lines}")


def _apply_defaults(options: Options) -> None:
    """Ansible fills the defaults of suboptions only where the option says so.

    Its default is left out for the same: all items of a list would share the one dictionary, and find in it what was
    filled in for another.
    """
    for option in options.values():
        if option["type"] == "dict" and "options" in option:
            option.pop("default", None)
            option["apply_defaults"] = True
        _apply_defaults(option.get("options", {}))


def read_options(path: Path = SPECIFICATION) -> Options:
    """Return the options of the role's argument specification, ready for Ansible's validator."""
    specification = yaml_load(path.read_text(encoding="utf-8"))
    options: Options = specification["argument_specs"]["main"].get("options", {})
    _apply_defaults(options)
    return options


def read_services(path: Path = FACTS) -> dict[str, dict[str, t.Any]]:
    """Return the facts of each service, for readers that are not in a play of the role."""
    services: dict[str, dict[str, t.Any]] = yaml_load(path.read_text(encoding="utf-8"))["__relay_services"]
    return services


def read_values(host: str, names: t.Iterable[str], value_of: t.Callable[[str], t.Any]) -> dict[str, t.Any]:
    """Return the host's variables of the description, checked, with all defaults; or raise DescriptionError.

    ``names`` are all variables of the host, ``value_of`` returns the templated value of one.
    """
    options = read_options()
    present = set(names)
    unknown = _relay.unknown_names(present, options)
    if unknown:
        raise DescriptionError(host, unknown)
    validated = ArgumentSpecValidator(options).validate({name: value_of(name) for name in options if name in present})
    problems = list(validated.error_messages) or _relay.check(validated.validated_parameters)
    if problems:
        raise DescriptionError(host, problems)
    values: dict[str, t.Any] = validated.validated_parameters
    return values


def problems_of_roles(names: t.Iterable[str], value_of: t.Callable[[str], t.Any]) -> list[str]:
    """Return what is wrong with the variables that are no part of the description, such as ``postfix_extra``."""
    present = set(names)
    problems: list[str] = []
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        options = {} if path == SPECIFICATION else read_options(path)
        given = {name: value_of(name) for name in options if name in present}
        problems += ArgumentSpecValidator(options).validate(given).error_messages if given else []
    return problems


def _host_values(host: str, variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    def value_of(name: str) -> t.Any:
        try:
            value = variables[name]
        except AnsibleError as error:
            raise DescriptionError(host, [_unmade(name, str(error))]) from None
        if isinstance(value, Undefined):
            raise DescriptionError(host, [_unmade(name, str(value._undefined_message))])
        return value

    return read_values(host, variables, value_of)


def host_name(host: str, variables: t.Mapping[str, t.Any]) -> str:
    """Return what a relay is called in reports: its host name, or that of the inventory where it has none."""
    return str(variables.get("relay_hostname") or host).lower()


def _unmade(name: str, reason: str) -> str:
    line = reason.splitlines()[0].rstrip(".")
    return f"{name}: {line}. Accepted: a value made of nothing but variables that the host has in the inventory."


def read_relays(hosts: t.Any, hostvars: t.Any) -> list[dict[str, t.Any]]:
    """Return the completed descriptions of all relays, or raise ValueError with the problems of all of them.

    ``hosts`` and ``hostvars`` are what a filter was given: whether a host is in the play does not matter.
    """
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise ValueError(f"its input is {type(hosts).__name__}. Accepted: a list of host names, such as groups.relays.")
    if not isinstance(hostvars, t.Mapping):
        raise ValueError(f"hostvars is {type(hostvars).__name__}. Accepted: the variable hostvars of the play.")
    services = read_services()
    relays, problems = [], []
    for host in hosts:
        try:
            if host not in hostvars:
                raise DescriptionError(host, ["there is no such host. Accepted: hosts of the inventory"])
            relays.append(_relay.derive(_host_values(host, hostvars[host]), services))
        except DescriptionError as error:
            problems.append(str(error))
    contradictions = [] if problems else _records.check(relays)
    if contradictions:
        problems = ["The descriptions of the relays contradict one another.", *(f"- {each}" for each in contradictions)]
    if problems:
        raise ValueError("\n".join(problems))
    return relays

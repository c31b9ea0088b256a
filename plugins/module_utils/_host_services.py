# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The services of a relay as systemd(1) has them, and the milter as Postfix is told of it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding

Findings = t.Iterator[Finding]

PROPERTIES = "Id,LoadState,ActiveState,SubState,UnitFileState,NRestarts,Result,User,ExecStart"
"""What to ask ``systemctl show`` for."""

_COMMAND = re.compile(r"argv\[\]=(?P<argv>[^;]*?) ;")
_CONFIG_OPTION = re.compile(r" -[cx] ?(?P<path>/\S+)")


@dataclass(frozen=True)
class Service:
    """A service. ``state`` and ``enabled`` are words of systemctl(1); ``config`` is the file that -x or -c names."""

    name: str
    installed: bool = False
    state: str = "inactive"
    enabled: str = ""
    restarts: int = 0
    result: str = ""
    user: str = ""
    config: str = ""

    @property
    def running(self) -> bool:
        return self.state == "active"

    @property
    def at_boot(self) -> bool:
        return self.enabled.startswith(("enabled", "alias", "static", "indirect", "generated"))


def parse_units(text: str) -> dict[str, dict[str, str]]:
    """Parse what ``systemctl show`` prints of several units: properties by the names of the units without .service."""
    units = {}
    for block in re.split(r"\n\s*\n", text):
        properties = dict(line.partition("=")[::2] for line in block.splitlines() if "=" in line)
        if properties.get("Id"):
            units[re.sub(r"\.service$", "", properties["Id"])] = properties
    return units


def _service(name: str, unit: t.Mapping[str, str], worker: t.Mapping[str, str]) -> Service:
    command = _COMMAND.search(unit.get("ExecStart", ""))
    config = _CONFIG_OPTION.search(command["argv"]) if command else None
    restarts = worker.get("NRestarts", "")
    return Service(
        name,
        unit.get("LoadState", "not-found") != "not-found",
        worker.get("ActiveState", "inactive"),
        unit.get("UnitFileState", ""),
        int(restarts) if restarts.isdigit() else 0,
        worker.get("Result", ""),
        unit.get("User", ""),
        config["path"] if config else "",
    )


def service_of(name: str, units: t.Mapping[str, t.Mapping[str, str]]) -> Service:
    """Return a service. Postfix of Debian 12 is a unit that does nothing and wants an instance, which works."""
    unit = units.get(name, {})
    instance = units.get(f"{name}@-", {})
    empty = unit.get("SubState") == "exited" and instance.get("LoadState") == "loaded"
    return _service(name, unit, instance if empty else unit)


def judge(services: t.Iterable[Service], restarts: int) -> Findings:
    """Judge services that are to run; more than ``restarts`` restarts are too many."""
    for service in services:
        if not service.installed:
            yield not_installed(service.name)
            continue
        if not service.running:
            why = f", result {service.result}" if service.result not in ("", "success") else ""
            message = f"{service.name} does not run: systemd has it as {service.state}{why}"
            remedy = f"Read journalctl --unit={service.name}, mend what it says, then systemctl start {service.name}"
            yield Finding("service_not_running", "error", service.name, message, remedy, "systemctl(1)")
        if not service.at_boot:
            message = f"{service.name} will not start at boot: systemd has it as {service.enabled or 'not enabled'}"
            remedy = f"systemctl enable {service.name}"
            yield Finding("service_not_enabled", "warning", service.name, message, remedy, "systemctl(1)")
        if service.restarts > restarts:
            message = f"systemd had to restart {service.name} {service.restarts} times; {restarts} are accepted"
            remedy = f"Look in journalctl --unit={service.name} for why it ends"
            yield Finding("service_restarted", "warning", service.name, message, remedy, "systemd.service(5)")


def not_installed(name: str) -> Finding:
    remedy = "Deploy the relay, or leave this service out of what is expected"
    return Finding("service_not_installed", "error", name, f"{name} is not installed on this host", remedy)


# The milter


def milters(value: str) -> list[str]:
    """Split a value of ``smtpd_milters``: words, or groups in braces whose first word is the milter (postconf(5))."""
    words = re.findall(r"\{[^{}]*\}|[^\s,{}]+", value)
    return [re.split(r"[\s,]+", word.strip("{} "))[0] for word in words]


def milter_path(milter: str, queue_directory: str) -> str | None:
    """Return the path of a milter on a unix socket, None for one on TCP. Postfix looks from its queue's directory."""
    kind, _colon, path = milter.partition(":")
    if kind not in ("unix", "local"):
        return None
    return path if path.startswith("/") else f"{queue_directory}/{path}"


def judge_milters(used: t.Sequence[str], action: str) -> Findings:
    """Judge whether mail passes the signer; ``action`` is ``milter_default_action``."""
    if not used:
        message = "Postfix hands mail to no milter (smtpd_milters is empty), so it leaves unsigned"
        remedy = "Deploy the relay, or set smtpd_milters and non_smtpd_milters to the socket of OpenDKIM"
        yield Finding("service_milter_unused", "error", "smtpd_milters", message, remedy, "postconf(5)")
    elif action == "accept":
        message = "While OpenDKIM is away, Postfix lets mail leave unsigned (milter_default_action = accept)"
        remedy = "Set milter_default_action = tempfail: mail that cannot be signed waits"
        yield Finding("service_milter_accept", "warning", "milter_default_action", message, remedy, "postconf(5)")


def judge_silence(milter: str, problem: str) -> Findings:
    """Judge what happened when the milter was spoken to as Postfix does; ``problem`` is empty where it answered."""
    if problem:
        message = f"OpenDKIM runs, and does not answer where Postfix looks for it: {problem}"
        remedy = "Have Socket in OpenDKIM's configuration and smtpd_milters of Postfix name the same socket"
        yield Finding("service_milter_silent", "error", milter, message, remedy, "opendkim.conf(5)")


# The configuration of Postfix


def judge_complaints(complaints: str) -> Findings:
    """Judge what postconf(1) has printed as errors: each line is a finding, the tenth and later ones are counted."""
    lines = list(dict.fromkeys(line.strip() for line in complaints.splitlines() if line.strip()))
    for line in lines[:9]:
        fatal = ": fatal: " in line or ": error: " in line
        name = "service_configuration_unreadable" if fatal else "service_configuration_warning"
        text = line.partition(": ")[2] or line
        remedy = "Mend it in the description, postfix_extra or main.cf; postconf -n > /dev/null shows it"
        yield Finding(name, "error" if fatal else "warning", "postfix", text, remedy, "postconf(1)")
    if len(lines) > 9:
        message = f"{len(lines) - 9} more complaints about the configuration"
        yield Finding("service_configuration_warning", "warning", "postfix", message, "postconf -n shows them")

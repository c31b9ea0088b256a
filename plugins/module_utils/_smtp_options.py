# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Options of the probe: what makes sense, and which listeners they mean."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import Listener

_RANGES = {"timeout": (1, 300), "in_all": (1, 900), "in_flight": (1, 256), "certificate_days": (0, 365)}

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_MAILBOX = re.compile(rf"[A-Za-z0-9!#$&'*+/=?^_`{{|}}~.-]{{1,64}}@(?P<domain>{_LABEL}(?:\.{_LABEL})+)")


def _mailbox_problems(params: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for option in ("sender", "recipient", "follow"):
        if params[option] is not None and not _MAILBOX.fullmatch(params[option]):
            yield f"{option}: {params[option]!r} is no plain address such as someone@example.org"


def _target_problems(target: t.Mapping[str, t.Any], place: str) -> t.Iterator[str]:
    if not _NAME.fullmatch(target["relay"]):
        yield f"{place}.relay: {target['relay']!r} is no host name"
    for option in ("addresses", "services"):
        if not target[option]:
            yield f"{place}.{option}: there is none"
    for address in target["addresses"]:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            yield f"{place}.addresses: {address!r} is no IPv4 or IPv6 address"
    for network in target["trusted"] or []:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield f"{place}.trusted: {network!r} is no network"
    for service in target["services"]:
        if not 1 <= service["port"] <= 65535:
            yield f"{place}.services: the port {service['port']} of {service['name']} is not accepted; 1 to 65535 are"


def check(params: t.Mapping[str, t.Any]) -> None:
    """Raise ValueError with all values that make no sense."""
    problems = [
        f"{name}: {params[name]:g} is not accepted; {least} to {most} are"
        for name, (least, most) in _RANGES.items()
        if not least <= params[name] <= most
    ]
    if not _NAME.fullmatch(params["helo"]):
        problems.append(f"helo: {params['helo']!r} is no host name")
    problems += _mailbox_problems(params)
    if not params["targets"]:
        problems.append("targets: there is none")
    for number, target in enumerate(params["targets"]):
        problems += _target_problems(target, f"targets[{number}]")
    domain = params["recipient"].rpartition("@")[2].lower()
    if any(domain == target["relay"].lower() for target in params["targets"]):
        problems.append(f"recipient: {params['recipient']} is at a target, and has to be foreign to all")
    if problems:
        raise ValueError("\n".join(problems))


def listeners(targets: t.Iterable[t.Mapping[str, t.Any]]) -> list[Listener]:
    """Return each service at each address once."""
    found = [
        Listener(
            target["relay"],
            service["name"],
            str(ipaddress.ip_address(address)),
            service["port"],
            service["tls"],
            tuple(target["trusted"] or ()),
        )
        for target in targets
        for address in target["addresses"]
        for service in target["services"]
    ]
    return list(dict.fromkeys(found))

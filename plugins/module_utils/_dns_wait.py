# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Wait until every authoritative server serves what was published."""

from __future__ import annotations

import ipaddress
import socket
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _dns_plan
from ansible_collections.mailops.relay.plugins.module_utils._dns_plan import Removal
from ansible_collections.mailops.relay.plugins.module_utils._dns_tcp import Connection, DnsError, NoRouteError
from ansible_collections.mailops.relay.plugins.module_utils._dns_update import Primary
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

PAUSE = 1.0
"""Seconds between two questions to the same server."""


@dataclass(frozen=True)
class Order:
    """What every server of a zone has to serve."""

    zone: str
    wanted: tuple[RecordSet, ...]
    unwanted: tuple[Removal, ...]


@dataclass(frozen=True)
class Target:
    """A server of a zone at one of its addresses."""

    order: Order
    host: str
    address: str
    port: int = 53

    def __str__(self) -> str:
        return self.host if self.host == self.address else f"{self.host} ({self.address})"


def server(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST`` or ``HOST@PORT``, or raise ValueError."""
    host, at, port = text.partition("@")
    if not host or (at and not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535)):
        raise ValueError(
            f"{text!r} is not a server; accepted: a name or an address, such as 192.0.2.53 or 192.0.2.53@5353"
        )
    return host, int(port) if at else 53


def orders(zones: t.Mapping[str, str], wanted: t.Sequence[RecordSet], unwanted: t.Sequence[Removal]) -> list[Order]:
    """Sort what is wanted by zone."""
    return [
        Order(
            zone,
            tuple(record for record in wanted if zones[record.name] == zone),
            tuple(item for item in unwanted if zones[item.name] == zone),
        )
        for zone in dict.fromkeys(zones.values())
    ]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _addresses(host: str, primary: Primary) -> list[str]:
    known = [host] if _is_address(host) else primary.addresses(host)
    if known:
        return known
    try:
        found = socket.getaddrinfo(host, 53, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise DnsError(
            f"{host}: no address of this server is known. Look at the NS records, or list servers."
        ) from None
    return list(dict.fromkeys(str(address[0]) for *_kind, address in found))


def targets(primary: Primary, order: Order, listed: t.Sequence[tuple[str, int]]) -> list[Target]:
    """Return the servers to ask: those listed, or those that the NS records of the zone name."""
    hosts = list(listed) or [(host, 53) for host in primary.name_servers(order.zone)]
    return [Target(order, host, address, port) for host, port in hosts for address in _addresses(host, primary)]


def _why_not(target: Target, timeout: float) -> str | None:
    """Return why a server does not serve all of it, or None if it does."""
    order = target.order
    keys = [record.key for record in order.wanted] + [(item.name, item.type) for item in order.unwanted]
    with Connection(target.address, target.port, timeout=timeout) as connection:
        now = Primary(connection).observe(keys)
    missing = _dns_plan.not_served(order.wanted, order.unwanted, now)
    if not missing:
        return None
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return f"{target}: it still serves other data for {' '.join(missing[0])}{more}"


def wait(pending: t.Sequence[Target], seconds: float, timeout: float) -> None:
    """Ask until all serve it, or raise DnsError with a line for each that does not."""
    deadline = time.monotonic() + seconds
    reached = set()
    while True:
        reasons: dict[Target, str] = {}
        unreachable: dict[Target, str] = {}
        for target in pending:
            left = max(1.0, deadline - time.monotonic())
            try:
                reason = _why_not(target, min(timeout, left))
            except NoRouteError as error:
                unreachable[target] = str(error)
                continue
            except DnsError as error:
                reason = f"{target}: {error}" if target.host != target.address else str(error)
            reached.add((target.order.zone, target.host))
            if reason:
                reasons[target] = reason
        # Another address of the same server is as good where this machine lacks a protocol.
        reasons.update({t_: why for t_, why in unreachable.items() if (t_.order.zone, t_.host) not in reached})
        if not reasons:
            return
        if time.monotonic() + PAUSE > deadline:
            raise DnsError("\n".join(reasons.values()))
        pending = list(reasons)
        time.sleep(PAUSE)

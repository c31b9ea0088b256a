# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Where the records of the relays are published, and what else is asked of DNS: from ``relay_dns`` of all relays.

The relays are those of the group, completed by ``_relay.derive``.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _dns_plan, _record, _syntax, _zone_file

Relay = t.Mapping[str, t.Any]
Item = t.Mapping[str, t.Any]

SHARED = ("primaries", "wait", "resolver", "block_lists")
"""Options of ``relay_dns`` that all relays have to agree on: they are about zones, not about one relay."""

LONGEST_WAIT = 86400


def check(values: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield the problems that ``relay_dns`` has with where records go and who is asked."""
    dns = values["relay_dns"]
    claimed: dict[str, str] = {}
    for primary in dns["primaries"]:
        label = f"relay_dns.primaries: {primary['server']!r}"
        yield from _check_primary(label, primary)
        for zone in primary["zones"]:
            try:
                name = _syntax.domain_name(zone)
            except ValueError as error:
                yield f"{label}: zones: {error}. Accepted: names of zones such as example.com."
                continue
            if name in claimed:
                yield f"{label}: the zone {zone!r} is that of {claimed[name]} too. Accepted: one primary for each zone."
            claimed.setdefault(name, repr(primary["server"]))
    if not 0 <= dns["wait"] <= LONGEST_WAIT:
        yield f"relay_dns.wait: {dns['wait']} is no sensible time. Accepted: 0 to {LONGEST_WAIT} seconds."
    if dns["resolver"] is not None and not _is_server(dns["resolver"]):
        yield f"relay_dns.resolver: {dns['resolver']!r} is no address. Accepted: such as 192.0.2.53 or 192.0.2.53@5353."
    for text in dns["block_lists"]:
        try:
            _syntax.domain_name(text)
        except ValueError as error:
            yield f"relay_dns.block_lists: {error}. Accepted: names such as zen.example.org."


def _check_primary(label: str, primary: Item) -> t.Iterator[str]:
    if not primary["server"].strip() or " " in primary["server"]:
        yield f"{label} is no server. Accepted: a name or an address."
    if not 1 <= primary["port"] <= 65535:
        yield f"{label}: port: {primary['port']} is not a TCP port. Accepted: 1 to 65535."
    if not primary["zones"]:
        yield f"{label} has no zones. Accepted: the zones that may be changed there, reverse zones as well."
    try:
        secret = base64.b64decode(primary["key_secret"].strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not secret:
        yield f"{label}: key_secret: it is no base64 text (not shown). Accepted: the secret as the server has it."


def _is_server(text: str) -> bool:
    address, at, port = text.partition("@")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return not at or (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535)


def contradictions(relays: t.Sequence[Relay]) -> t.Iterator[str]:
    """Yield what relays do not agree on. Values are not shown: there are secrets among them."""
    for option in SHARED:
        for relay in relays[1:]:
            if relay["dns"][option] != relays[0]["dns"][option]:
                yield (
                    f"relay_dns.{option}: it is another one on {relay['hostname']} than on {relays[0]['hostname']}."
                    " Accepted: the same for all relays, as in the variables of the group."
                )


def _shared(relays: t.Sequence[Relay], option: str) -> t.Any:
    return relays[0]["dns"][option] if relays else None


def assign(relays: t.Sequence[Relay], records: t.Sequence[Item], remove: t.Sequence[Item]) -> dict[str, t.Any]:
    """Return what goes to which primary, as options of ``dns_records``, and what is to be put somewhere else by hand.

    A name belongs to the zone that is nearest to it (RFC 1034, 4.2). Items that no listed zone holds are ``elsewhere``.
    """
    primaries = _shared(relays, "primaries") or []
    zones = {_syntax.domain_name(zone): number for number, each in enumerate(primaries) for zone in each["zones"]}

    def of(items: t.Sequence[Item], number: int | None) -> list[Item]:
        found = []
        for item in items:
            zone = _dns_plan.zone_of(item["name"].rstrip(".").lower(), zones)
            if (None if zone is None else zones[zone]) == number:
                found.append(item)
        return found

    tasks = [
        {**primary, "wait": _shared(relays, "wait"), "records": of(records, number), "remove": of(remove, number)}
        for number, primary in enumerate(primaries)
    ]
    return {
        "primaries": [task for task in tasks if task["records"] or task["remove"]],
        "elsewhere": {"records": of(records, None), "remove": of(remove, None)},
    }


def to_mend(records: t.Sequence[Item], findings: t.Iterable[t.Mapping[str, str]]) -> list[Item]:
    """Return the records that findings say to publish, and those that could not be looked for."""
    remedies: dict[str, list[str]] = {}
    for finding in findings:
        remedies.setdefault(finding["subject"], []).append(finding.get("remedy", ""))
    return [record for record in records if record["name"] in remedies or _is_asked_for(record, remedies)]


def _is_asked_for(record: Item, remedies: t.Mapping[str, t.Sequence[str]]) -> bool:
    lines = _zone_file.render([_record.parse(record)], comments=False).rstrip("\n")
    return any(lines in remedy for remedy in remedies.get(f"{record['name']} {record['type']}", ()))


def senders(relays: t.Iterable[Relay]) -> list[dict[str, t.Any]]:
    """Return the relays as senders: the option ``senders`` of ``dns_records_info``."""
    return [
        {
            "helo": relay["hostname"].lower(),
            "addresses": list(relay["addresses"]),
            "mail_from": [domain["name"].lower() for domain in relay["domains"]],
            "dkim": list(relay["dkim"]["domains"]) if relay["dkim"]["enabled"] else [],
        }
        for relay in relays
    ]


def targets(relays: t.Iterable[Relay]) -> list[dict[str, t.Any]]:
    """Return what is looked at from outside: the option ``targets`` of ``smtp_info``. A null client has nothing."""
    return [
        {
            "relay": relay["hostname"].lower(),
            "addresses": list(relay["addresses"]),
            "services": list(relay["services"]),
            "trusted": list(relay["networks"]),
        }
        for relay in relays
        if relay["services"]
    ]


def canary_relays(relays: t.Iterable[Relay]) -> list[dict[str, t.Any]]:
    """Return the ways of the canary, each by the first service: the option ``relays`` of ``smtp_canary``."""
    ways = [(relay["hostname"].lower(), relay["services"][0]) for relay in relays if relay["services"]]
    return [{"relay": name, "port": service["port"], "tls": service["tls"]} for name, service in ways]


def questions(relays: t.Sequence[Relay]) -> dict[str, t.Any]:
    """Return the options of ``dns_records_info`` that follow from the descriptions, beside ``records``.

    Beside them ``targets`` of ``smtp_info``, ``canary_relays`` of ``smtp_canary``, and ``verify``: what
    ``relay_verify`` of the first relay says counts for the report on all of them.
    """
    verify = relays[0]["verify"] if relays else {}
    found = {
        "senders": senders(relays),
        "block_lists": _shared(relays, "block_lists") or [],
        "targets": targets(relays),
        "canary_relays": canary_relays(relays),
        "verify": verify,
    }
    resolver = _shared(relays, "resolver")
    return {**found, "resolver": resolver} if resolver else found

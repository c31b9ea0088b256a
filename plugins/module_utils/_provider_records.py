# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Records as arguments of the modules of other collections, which keep zones at a provider.

Each function returns the arguments of calls, without those for authentication, or raises ``ValueError``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _caa, _syntax, _tlsa, _zone_file
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

Arguments = t.Dict[str, t.Any]

CLOUDFLARE_TTL = 120
"""The least seconds that Cloudflare's module takes."""

_NAMES_IN = ("CNAME", "MX", "SRV")


class Zone(t.NamedTuple):
    """A zone at a provider. ``overwrite`` says whether other data at the same name and type give way."""

    name: str
    overwrite: bool


def _without_dot(record: RecordSet, value: str) -> str:
    return value[:-1] if record.type in _NAMES_IN and value.endswith(".") and not value.endswith(" .") else value


def _rrset(record: RecordSet, values: t.Sequence[str]) -> Arguments:
    return {"record": record.name, "type": record.type, "ttl": record.ttl, "value": list(values)}


def _hosttech_values(record: RecordSet) -> list[str]:
    """Names are full ones at Hosttech, without a final dot."""
    return [_without_dot(record, value) for value in record.values]


def _hetzner_values(record: RecordSet) -> list[str]:
    """Names that have no final dot are relative to the zone at Hetzner."""
    return list(record.values)


def _community_dns(values: t.Callable[[RecordSet], list[str]]) -> t.Callable[..., list[Arguments]]:
    def one(record: RecordSet, zone: Zone) -> list[Arguments]:
        found = {
            "zone_name": zone.name,
            **_rrset(record, values(record)),
            "state": "present",
            "on_existing": "replace" if zone.overwrite else "keep_and_fail",
            "txt_transformation": "unquoted",
        }
        return [found]

    return one


def _community_dns_sets(values: t.Callable[[RecordSet], list[str]]) -> t.Callable[..., list[Arguments]]:
    def one(record: RecordSet, _zone: Zone) -> list[Arguments]:
        return [_rrset(record, values(record))]

    return one


def _route53(record: RecordSet, zone: Zone) -> list[Arguments]:
    r"""TXT is quoted, and octets are written as ``\ooo``, in octal."""
    values = [_zone_file.quoted(value, "\\{:03o}") if record.type == "TXT" else value for value in record.values]
    return [{"state": "present", "zone": zone.name, **_rrset(record, values), "overwrite": zone.overwrite}]


def _cloudflare(record: RecordSet, zone: Zone) -> list[Arguments]:
    """One call for each value. ``solo`` would remove the other values of a set, so it is for sets with one only."""
    solo = {"solo": True} if zone.overwrite and len(record.values) == 1 else {}
    fixed = {"state": "present", "zone": zone.name, "ttl": max(record.ttl, CLOUDFLARE_TTL), "type": record.type}
    fields = _CLOUDFLARE.get(record.type, _cloudflare_plain)
    return [{**fixed, "record": record.name, **fields(record, value), **solo} for value in record.values]


def _cloudflare_plain(_record: RecordSet, value: str) -> Arguments:
    return {"value": value}


def _cloudflare_name(_record: RecordSet, value: str) -> Arguments:
    return {"value": value.rstrip(".")}


def _host(value: str) -> str:
    if value == ".":
        raise ValueError("the target . cannot be told to it")
    return value.rstrip(".")


def _cloudflare_mx(_record: RecordSet, value: str) -> Arguments:
    priority, host = value.split(" ")
    return {"priority": int(priority), "value": _host(host)}


def _prefixed(record: RecordSet) -> tuple[str, str, str]:
    """Return what is in front of the host in the name of an SRV or TLSA record, and the host."""
    first, protocol, *rest = record.name.split(".", 2)
    if not rest or first[0] != "_" or protocol[0] != "_":
        raise ValueError("the name is not that of a service, such as _25._tcp.mail.example.com")
    return first, protocol, rest[0]


def _cloudflare_srv(record: RecordSet, value: str) -> Arguments:
    service, protocol, host = _prefixed(record)
    priority, weight, port, target = value.split(" ")
    numbers = {"priority": int(priority), "weight": int(weight), "port": int(port)}
    return {"service": service, "proto": protocol, "record": host, **numbers, "value": _host(target)}


def _cloudflare_tlsa(record: RecordSet, value: str) -> Arguments:
    port, protocol, host = _prefixed(record)
    tlsa = _tlsa.parse(value)
    if tlsa.usage > 3 or tlsa.selector > 1 or tlsa.matching_type not in (1, 2) or not port[1:].isdigit():
        raise ValueError("usage 0 to 3, selector 0 or 1 and matching type 1 or 2 are all it takes")
    numbers = {"cert_usage": tlsa.usage, "selector": tlsa.selector, "hash_type": tlsa.matching_type}
    return {"port": int(port[1:]), "proto": protocol, "record": host, **numbers, "value": tlsa.data.hex()}


def _cloudflare_caa(_record: RecordSet, value: str) -> Arguments:
    caa = _caa.parse(value)
    if caa.flags > 1 or caa.tag not in ("issue", "issuewild", "iodef"):
        raise ValueError("flags 0 and the tags issue, issuewild and iodef are all it takes")
    return {"flag": caa.flags, "tag": caa.tag, "value": caa.value}


_CLOUDFLARE: dict[str, t.Callable[[RecordSet, str], Arguments]] = {
    "CAA": _cloudflare_caa,
    "CNAME": _cloudflare_name,
    "MX": _cloudflare_mx,
    "PTR": _cloudflare_name,
    "SRV": _cloudflare_srv,
    "TLSA": _cloudflare_tlsa,
}


class Provider(t.NamedTuple):
    """How one module takes records: the types that it does not know, and whether one call takes all of them."""

    arguments: t.Callable[[RecordSet, Zone], t.List[Arguments]]
    unknown: t.Tuple[str, ...] = ()
    all_at_once: bool = False


PROVIDERS: dict[str, Provider] = {
    "amazon.aws.route53": Provider(_route53, ("TLSA",)),
    "community.dns.hetzner_dns_record_set": Provider(_community_dns(_hetzner_values), ("PTR",)),
    "community.dns.hetzner_dns_record_sets": Provider(_community_dns_sets(_hetzner_values), ("PTR",), True),
    "community.dns.hosttech_dns_record_set": Provider(_community_dns(_hosttech_values), ("PTR", "TLSA")),
    "community.dns.hosttech_dns_record_sets": Provider(_community_dns_sets(_hosttech_values), ("PTR", "TLSA"), True),
    "community.general.cloudflare_dns": Provider(_cloudflare),
}
"""The modules that are known, by their full names."""


def _each(record: RecordSet, zone: Zone, name: str) -> list[Arguments]:
    provider = PROVIDERS[name]
    try:
        if record.type in provider.unknown:
            raise ValueError("it does not know the type")
        return provider.arguments(record, zone)
    except ValueError as error:
        raise ValueError(
            f"{name} does not take {record.name} {record.type}: {error}. Accepted: the list without this record."
        ) from None


def arguments(records: t.Iterable[RecordSet], provider: str, zone: str, overwrite: bool = False) -> list[Arguments]:
    """Return the arguments of one call each, for the records of a zone."""
    if provider not in PROVIDERS:
        raise ValueError(f"provider: {provider!r} is not known. Accepted: {', '.join(PROVIDERS)}.")
    all_at_once = PROVIDERS[provider].all_at_once
    if all_at_once and not overwrite:
        raise ValueError(
            f"provider: {provider} overwrites what is there. Accepted: overwrite=true if that is meant, or"
            f" {provider[:-1]}, which does not."
        )
    at = Zone(_syntax.domain_name(zone), overwrite)
    found: list[Arguments] = []
    problems = []
    for record in _zone_file.in_zone(records, zone):
        try:
            found += _each(record, at, provider)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))
    return [{"zone_name": at.name, "record_sets": found, "txt_transformation": "unquoted"}] if all_at_once else found

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The description of a relay: what it must hold to be safe, and what follows from it.

A *problem* is a text for the user: the variable, its value, and what would be accepted.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _domains, _publication, _relay_tls, _relay_users
from ansible_collections.mailops.relay.plugins.module_utils._values import (
    LABEL,
    Description,
    Network,
    Problems,
    check_ports,
    is_address,
    is_fqdn,
    is_mail_address,
    parse_network,
)

PREFIX = "relay_"

# RFC 1918, RFC 6598, RFC 3927, RFC 1122 / RFC 4193, RFC 4291: nobody on the Internet has an address in these.
PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)

WIDEST_PUBLIC_PREFIX = {4: 24, 6: 48}
# One site has one IPv4 address at the least, and one /64 (RFC 6177): what is wider has neighbours in it.
OWN_PREFIX = {4: 32, 6: 64}


def _is_private(network: Network) -> bool:
    return any(
        network.version == private.version and network.subnet_of(private)  # type: ignore[arg-type]
        for private in PRIVATE_NETWORKS
    )


def _unsafe_trust(network: Network, addresses: t.Iterable[str]) -> str | None:
    """Why it is unsafe to let every host of ``network`` relay, or None."""
    if _is_private(network):
        return None
    widest = WIDEST_PUBLIC_PREFIX[network.version]
    if network.prefixlen == 0:
        return "is the whole Internet: the relay would be open to every spammer"
    if network.prefixlen < widest:
        return f"is a public network wider than /{widest}"
    neighbours = [a for a in addresses if is_address(a) and ipaddress.ip_address(a) in network]
    if neighbours and network.prefixlen < OWN_PREFIX[network.version]:
        return f"holds {neighbours[0]}, the relay's own public address, and its neighbours there, who may be anybody"
    return None


def _check_networks(values: Description) -> Problems:
    for text in values["relay_networks"]:
        try:
            reason = _unsafe_trust(parse_network("relay_networks", text), values["relay_addresses"])
        except ValueError as problem:
            yield str(problem)
            continue
        if reason:
            yield (
                f"relay_networks: {text!r} {reason}. Accepted: the smallest networks in which only your own clients"
                f" are; if it is meant, name it in relay_unsafe_networks with a reason."
            )
    for entry in values["relay_unsafe_networks"]:
        try:
            parse_network("relay_unsafe_networks", entry["network"])
        except ValueError as problem:
            yield str(problem)
        if not entry["reason"].strip():
            yield f"relay_unsafe_networks: {entry['network']!r} has an empty reason. Accepted: why this is safe here."


def _check_identity(values: Description) -> Problems:
    hostname = values["relay_hostname"]
    if not is_fqdn(hostname):
        yield (
            f"relay_hostname: {hostname!r} is not a fully qualified domain name."
            " Accepted: a name such as relay1.example.com, with letters, digits and hyphens between its dots."
        )
    postmaster = values["relay_postmaster"]
    if not is_mail_address(postmaster) or postmaster.rpartition("@")[2].lower() == hostname.lower():
        yield (
            f"relay_postmaster: {postmaster!r} cannot get the relay's mail."
            " Accepted: a mail address such as mailops@example.com, at another domain than relay_hostname."
        )


def _check_addresses(values: Description) -> Problems:
    accepted = "Accepted: the IPv4 and IPv6 addresses from which the relay sends, each once."
    seen = set()
    if not values["relay_addresses"]:
        yield f"relay_addresses: the list is empty. {accepted}"
    for text in values["relay_addresses"]:
        if not is_address(text):
            yield f"relay_addresses: {text!r} is not an IP address. {accepted}"
            continue
        address = ipaddress.ip_address(text)
        if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local:
            yield f"relay_addresses: {text!r} is no address that the world can see. {accepted}"
        if address in seen:
            yield f"relay_addresses: {text!r} is listed twice. {accepted}"
        seen.add(address)


def _check_domains(values: Description) -> Problems:
    seen = set()
    for name in (domain["name"] for domain in values["relay_domains"]):
        if not is_fqdn(name):
            yield (
                f"relay_domains: {name!r} is not a domain name."
                " Accepted: a name such as example.com; international names in A-label form (xn--...)."
            )
        if name.lower() in seen:
            yield f"relay_domains: {name!r} is listed twice. Accepted: each domain once."
        seen.add(name.lower())
    yield from _check_dkim(values)


def _check_dkim(values: Description) -> Problems:
    selector = values["relay_dkim"]["selector"]
    if selector is not None and not all(LABEL.fullmatch(label) for label in selector.split(".")):
        yield (
            f"relay_dkim.selector: {selector!r} is not a selector."
            " Accepted: letters, digits and hyphens, at most 63, such as relay1-2026a (RFC 6376 section 3.1)."
        )
    rotation = values["relay_dkim"]["rotation"]
    for option, days in rotation.items():
        if not 0 <= days <= 3650:
            yield f"relay_dkim.rotation.{option}: {days} is no sensible time. Accepted: 0 to 3650 days."
    if rotation["keep"] <= values["relay_limits"]["queue_lifetime"]:
        yield (
            f"relay_dkim.rotation.keep: after {rotation['keep']} days mail with the old signature may still be queued."
            f" Accepted: more than relay_limits.queue_lifetime, which is {values['relay_limits']['queue_lifetime']}."
        )


def _check_login(name: str, hop: t.Mapping[str, t.Any]) -> Problems:
    if (hop["user"] is None) != (hop["password"] is None):
        yield f"{name} has a user or a password without the other. Accepted: both, or neither."
    for field in ("user", "password"):
        # sasl_passwd is a table of lines: a line break would end the entry, a colon ends the user name.
        if re.search(r"[\x00-\x1f]" if field == "password" else r"[\x00-\x20:]", hop[field] or ""):
            yield f"{name}: the {field} has a character that Postfix cannot keep. Accepted: no control characters" + (
                "." if field == "password" else ", spaces or colons."
            )
    if hop["user"] is not None and hop["tls"] not in _relay_tls.VERIFIED:
        yield (
            f"{name} would send its password over a connection with tls: {hop['tls']}, to whoever answers."
            f" Accepted: tls: {' or '.join(_relay_tls.VERIFIED)}, or no user and password."
        )


def _check_next_hops(values: Description) -> Problems:
    seen = set()
    for hop in values["relay_next_hops"]:
        name = f"relay_next_hops: {hop['host']!r} port {hop['port']}"
        if not is_fqdn(hop["host"]) and not is_address(hop["host"]):
            yield f"{name} is no host. Accepted: a name such as smtp.example.net, or an IP address."
        elif is_address(hop["host"]) and hop["tls"] in _relay_tls.VERIFIED:
            yield f"{name} is an address, and tls: {hop['tls']} verifies a name. Accepted: the host's name."
        yield from check_ports(f"{name}: port", [hop["port"]])
        if (hop["host"].lower(), hop["port"]) in seen:
            yield f"{name} is listed twice. Accepted: each next hop once."
        seen.add((hop["host"].lower(), hop["port"]))
        yield from _check_login(name, hop)


def _check_service(values: Description) -> Problems:
    for option, number in values["relay_limits"].items():
        if number < 1:
            yield f"relay_limits.{option}: {number} is too small. Accepted: 1 or more."
    firewall = values["relay_firewall"]
    yield from check_ports("relay_firewall.management_ports", firewall["management_ports"])
    for text in firewall["management_networks"]:
        try:
            parse_network("relay_firewall.management_networks", text)
        except ValueError as problem:
            yield str(problem)


def unknown_names(names: t.Iterable[str], known: t.Collection[str]) -> list[str]:
    """Return a problem for each name that begins as the description's do and is none of them."""
    problems = []
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Accepted: {', '.join(sorted(known))}."
            problems.append(f"{name}: no such variable; names that begin with {PREFIX} are the description's. {hint}")
    return problems


def check(values: Description) -> list[str]:
    """Return all problems of a description whose names and types are right and whose defaults are filled in."""
    checks = (
        _check_identity,
        _check_addresses,
        _check_networks,
        _check_domains,
        _domains.check,
        _publication.check,
        _relay_users.check,
        _relay_tls.check,
        _check_next_hops,
        _check_service,
    )
    return [problem for check_part in checks for problem in check_part(values)]


def claimed_twice(relays: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    """Return a problem for each value that belongs to one relay alone and that several claim.

    ``relays`` maps each host to its variables. A selector that two relays share would need one private key on both.
    """
    claims: dict[tuple[str, str], list[str]] = {}
    for host, variables in relays.items():
        selector = (variables.get("relay_dkim") or {}).get("selector")
        for variable, value in (("relay_hostname", variables.get("relay_hostname")), ("relay_dkim.selector", selector)):
            if value:
                claims.setdefault((variable, str(value).lower()), []).append(host)
    return [
        f"{variable}: {value!r} is claimed by {', '.join(hosts)}. Accepted: one of its own for each relay."
        for (variable, value), hosts in claims.items()
        if len(hosts) > 1
    ]


def signing_domains(domains: t.Iterable[str], hostname: str) -> list[str]:
    """Return the domains that need a key: the named ones, and the host name where none of them covers it.

    Bounces and the host's own mail are From the host name.
    """
    names = [domain.lower() for domain in domains]
    if not any(("." + hostname.lower()).endswith("." + name) for name in names):
        names.append(hostname.lower())
    return names


def derive(values: Description, services: t.Mapping[str, t.Mapping[str, t.Any]]) -> Description:
    """Return the completed description of a relay that :func:`check` has no problem with.

    ``services`` maps each service to its facts (``port``, ``tls``). The keys are those of ``values`` without their
    prefix; what follows from several of them stands beside what it completes.
    """
    relay = {name[len(PREFIX) :]: value for name, value in values.items()}
    trusted = [*values["relay_networks"], *(entry["network"] for entry in values["relay_unsafe_networks"])]
    dkim = values["relay_dkim"]
    relay["addresses"] = [str(ipaddress.ip_address(address)) for address in values["relay_addresses"]]
    relay["networks"] = [str(ipaddress.ip_network(text)) for text in dict.fromkeys(trusted)]
    relay["families"] = sorted({ipaddress.ip_address(address).version for address in values["relay_addresses"]})
    relay["services"] = [{"name": name, **services[name]} for name in dict.fromkeys(values["relay_services"])]
    relay["dkim"] = {
        **dkim,
        "selector": dkim["selector"] or values["relay_hostname"].lower().replace(".", "-"),
        "domains": signing_domains((d["name"] for d in values["relay_domains"]), values["relay_hostname"]),
    }
    return {**relay, **_relay_users.complete(values), **_relay_tls.complete(values)}

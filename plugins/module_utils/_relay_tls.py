# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The relay's certificate, and the TLS of the servers to which mail goes: ``relay_tls`` and ``relay_tls_policy``."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._values import (
    Description,
    Problems,
    check_ports,
    is_address,
    is_fqdn,
    is_mail_address,
)

VERIFIED = ("verify", "secure")
"""Levels that ask for a certificate with the server's name in it."""

_URL = re.compile(r"https://[^\s/]+/\S*")


def check(values: Description) -> Problems:
    """Yield the problems of the relay's certificate and of the TLS policy."""
    yield from _check_certificate(values["relay_tls"])
    yield from _check_acme(values["relay_tls"])
    yield from _check_resolver(values["relay_tls_policy"])
    yield from _check_destinations(values["relay_tls_policy"])


def _check_paths(variable: str, options: t.Mapping[str, t.Any], names: t.Iterable[str]) -> Problems:
    for name in names:
        if options[name] is not None and not options[name].startswith("/"):
            yield f"{variable}.{name}: {options[name]!r} is not an absolute path. Accepted: that of a file on the host."


def _check_certificate(tls: t.Mapping[str, t.Any]) -> Problems:
    if tls["key"] is not None and tls["certificate"] is None:
        yield "relay_tls.key: there is a key without a certificate. Accepted: both, or neither."
    yield from _check_paths("relay_tls", tls, ("certificate", "key"))


def _check_acme(tls: t.Mapping[str, t.Any]) -> Problems:
    acme = tls["acme"]
    if acme["directory"] is None:
        if acme["email"] is not None or acme["ca_file"] is not None:
            yield "relay_tls.acme.directory: it is not given. Accepted: the URL of an authority, or no relay_tls.acme."
        return
    if tls["certificate"] is not None:
        yield "relay_tls.acme: there is a certificate in relay_tls.certificate, too. Accepted: one of them."
    if not _URL.fullmatch(acme["directory"]):
        yield (
            f"relay_tls.acme.directory: {acme['directory']!r} is no URL."
            " Accepted: such as https://acme.example.net/directory."
        )
    if acme["email"] is not None and not is_mail_address(acme["email"]):
        yield f"relay_tls.acme.email: {acme['email']!r} is no mail address. Accepted: such as mailops@example.com."
    if not 1 <= acme["renew_before"] <= 365:
        yield f"relay_tls.acme.renew_before: {acme['renew_before']} is no sensible time. Accepted: 1 to 365 days."
    yield from _check_paths("relay_tls.acme", acme, ("ca_file",))


def _check_resolver(policy: t.Mapping[str, t.Any]) -> Problems:
    resolver = policy["resolver"]
    if not is_address(resolver["address"]):
        yield f"relay_tls_policy.resolver.address: {resolver['address']!r} is no address. Accepted: such as 127.0.0.1."
    for text in resolver["forwarders"]:
        address, at, port = text.partition("@")
        if not is_address(address) or (at and not port.isdigit()):
            yield (
                f"relay_tls_policy.resolver.forwarders: {text!r} is no address."
                " Accepted: such as 192.0.2.53 or 192.0.2.53@5353."
            )
        elif at:
            yield from check_ports(f"relay_tls_policy.resolver.forwarders: {text!r}", [int(port)])
    for text in resolver["trust_anchors"]:
        if not re.search(r"\s(DS|DNSKEY)\s", text, re.IGNORECASE) or re.search(r'["\r\n]', text):
            yield (
                f"relay_tls_policy.resolver.trust_anchors: {text!r} is no trust anchor."
                " Accepted: a DS or DNSKEY record such as example.com. IN DS 12345 13 2 ..."
            )


def _check_destinations(policy: t.Mapping[str, t.Any]) -> Problems:
    seen = set()
    for destination in policy["destinations"]:
        label = f"relay_tls_policy.destinations: {destination['domain']!r}"
        name = destination["domain"].lower()
        if not is_fqdn(name[1:] if name.startswith(".") else name):
            yield f"{label} is no domain. Accepted: such as example.net, or .example.net for its subdomains."
        if name in seen:
            yield f"{label} is listed twice. Accepted: each domain once."
        seen.add(name)
        yield from _check_paths(label, destination, ("ca_file",))
        for match in destination["match"]:
            if match not in ("hostname", "nexthop", "dot-nexthop") and not is_fqdn(match.lstrip(".")):
                yield f"{label}: match: {match!r} is no name. Accepted: such as mail.example.net."
        if destination["match"] and destination["level"] not in VERIFIED:
            yield f"{label} has names to match at level {destination['level']}. Accepted: {' or '.join(VERIFIED)}."
        if destination["level"] in ("dane", "dane-only") and policy["level"] != "dane":
            yield (
                f"{label} has level {destination['level']}, which needs a validating resolver."
                " Accepted: relay_tls_policy.level: dane, or another level."
            )


def complete(values: Description) -> dict[str, t.Any]:
    """Return ``tls`` and ``tls_policy`` as the roles read them; ``tls.acme`` is None where it is not given."""
    tls = values["relay_tls"]
    return {
        "tls": {**tls, "acme": tls["acme"] if tls["acme"]["directory"] else None},
        "tls_policy": values["relay_tls_policy"],
    }

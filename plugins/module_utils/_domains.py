# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What an entry of ``relay_domains`` says about the DNS of its domain, read by the grammars of the records.

Functions that return a record raise ``ValueError`` with what is wrong and what would be accepted; :func:`check` has no
problem with an entry where none of them does.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import (
    _caa,
    _dmarc,
    _mta_sts,
    _mx,
    _spf,
    _tlsrpt,
    _uri,
)
from ansible_collections.mailops.relay.plugins.module_utils._spf_term import (
    All,
    Directive,
    Explanation,
    Ip4,
    Ip6,
    Mechanism,
    Record,
    Term,
)

Domain = t.Mapping[str, t.Any]
Address = t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

SPF_ALL = {"fail": "-", "softfail": "~", "neutral": "?"}
SUBMISSION = ("submission", "submissions")
"""Services that an SRV record announces (RFC 6186, 3.1; RFC 8314, 5.1)."""


def _spf_term(text: str) -> Term:
    """Parse a term of another sender; what ends a record is not the user's to add here."""
    try:
        terms = _spf.parse(f"v=spf1 {text}").terms
    except ValueError as error:
        raise ValueError(f"{error}. Accepted: a term such as include:_spf.example.net") from None
    if len(terms) != 1:
        raise ValueError(f"{text!r} is not one term. Accepted: each term as an item of its own")
    term = terms[0]
    if isinstance(term, Directive) and term.mechanism == All():
        raise ValueError(f"{text!r} would end the record. Accepted: spf.all with {', '.join(SPF_ALL)}")
    if not isinstance(term, (Directive, Explanation)):
        raise ValueError(
            f"{text!r} has no effect in a record that ends with all. Accepted: include:NAME, ip4:, ip6:, a:"
        )
    return term


def spf(domain: Domain, addresses: t.Iterable[Address]) -> Record:
    """Return the SPF record of a domain: the relays' addresses, what the user lists, and all.

    Addresses come first, since they cost no lookup, IPv4 before IPv6 and each in order: the record does not change
    where hosts change their places in the inventory.
    """
    networks: list[Mechanism] = [
        Ip4(address) if address.version == 4 else Ip6(address)
        for address in sorted(set(addresses), key=lambda address: (address.version, int(address)))
    ]
    terms = dict.fromkeys([*map(Directive, networks), *map(_spf_term, domain["spf"]["terms"])])
    modifiers = [term for term in terms if not isinstance(term, Directive)]
    directives = [term for term in terms if isinstance(term, Directive)]
    record = Record((*directives, Directive(All(), SPF_ALL[domain["spf"]["all"]]), *modifiers))
    lookups = _spf.lookup_terms(record)
    if len(lookups) > _spf.LOOKUP_TERMS:
        shown = ", ".join(str(term) for term in lookups)
        raise ValueError(
            f"{len(lookups)} terms cost a DNS lookup each ({shown}), and those behind an include cost more; receivers"
            f" stop with an error behind {_spf.LOOKUP_TERMS} (RFC 7208, 4.6.4). Accepted: {_spf.LOOKUP_TERMS} at most"
        )
    _spf.join(record)
    return record


def report_uri(text: str) -> _uri.Uri:
    """Return where reports go to: a URI, or a mail address."""
    uri = _uri.mailto(text) if "@" in text and ":" not in text else _uri.parse(text)
    if uri.scheme not in _tlsrpt.SCHEMES:
        raise ValueError(f"{text!r} is nowhere that reports go to. Accepted: a mail address, mailto: or https:")
    return uri


def dmarc(domain: Domain) -> _dmarc.PolicyRecord:
    """Return the DMARC Policy Record of a domain."""
    record = _dmarc.PolicyRecord(
        p=domain["dmarc"]["policy"],
        sp=None if domain["dmarc"]["subdomain_policy"] == "same" else domain["dmarc"]["subdomain_policy"],
        np=None if domain["dmarc"]["nonexistent_policy"] == "same" else domain["dmarc"]["nonexistent_policy"],
        adkim=domain["dmarc"]["adkim"][0],
        aspf=domain["dmarc"]["aspf"][0],
        rua=tuple(_dmarc.ReportUri(report_uri(text)) for text in domain["dmarc"]["rua"]),
        ruf=tuple(_dmarc.ReportUri(report_uri(text)) for text in domain["dmarc"]["ruf"]),
    )
    _dmarc.join(record)
    return record


def tlsrpt(domain: Domain) -> t.Optional[_tlsrpt.Record]:
    """Return the TLSRPT record of a domain, None where nobody asks for reports."""
    uris = tuple(report_uri(text) for text in domain["tlsrpt"]["rua"])
    record = _tlsrpt.Record(uris) if uris else None
    if record:
        _tlsrpt.join(record)
    return record


def mx(domain: Domain) -> list[_mx.MailExchange]:
    """Return the MX records of a domain, none where they are not the relays' business."""
    return _mx.parse_set(domain["mx"])


def mta_sts(domain: Domain) -> t.Optional[_mta_sts.Policy]:
    """Return the MTA-STS policy of a domain, None where there is none."""
    mode = domain["mta_sts"]["mode"]
    if mode is None:
        return None
    exchanges = [exchange.exchange for exchange in mx(domain)]
    if mode != "none" and exchanges in ([], ["."]):
        raise ValueError(f"mode {mode} without mail servers. Accepted: the domain's servers in mx, or mode none")
    policy = _mta_sts.Policy(mode, domain["mta_sts"]["max_age"], tuple(name for name in exchanges if name != "."))
    _mta_sts.join_policy(policy)
    return policy


_PARTS: tuple[tuple[str, t.Callable[[Domain], t.Any], str], ...] = (
    ("spf", lambda domain: spf(domain, []), "terms such as include:_spf.example.net"),
    ("dmarc", dmarc, "rua with mail addresses, or URIs such as mailto:reports@example.com"),
    ("tlsrpt", tlsrpt, "rua with mail addresses, or URIs such as mailto:reports@example.com"),
    ("mx", mx, "items such as 10 mail.example.com"),
    ("mta_sts", mta_sts, "mode and max_age of a policy"),
)


def check(values: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield the problems that the descriptions of the domains and ``relay_dns`` have."""
    for domain in values["relay_domains"]:
        for part, read, accepted in _PARTS:
            try:
                read(domain)
            except ValueError as error:
                yield f"relay_domains: {domain['name']!r}: {part}: {_with_accepted(str(error), accepted)}"
        if domain["srv"] and not set(values["relay_services"]) & set(SUBMISSION):
            yield (
                f"relay_domains: {domain['name']!r}: srv would announce a service that relay_services does not have."
                f" Accepted: {' or '.join(SUBMISSION)} in relay_services, or no srv."
            )
    ttl = values["relay_dns"]["ttl"]
    if not 60 <= ttl <= 604800:
        yield f"relay_dns.ttl: {ttl} is no sensible time. Accepted: 60 to 604800 seconds, a minute to a week."
    for text in values["relay_dns"]["caa"]:
        try:
            _caa.parse(text)
        except ValueError as error:
            yield f"relay_dns.caa: {_with_accepted(str(error), '0 issue and the name of a CA')}"


def _with_accepted(text: str, accepted: str) -> str:
    """End a problem as all problems of a description end; the grammars say it in their own words."""
    return f"{text}." if "Accepted: " in text else f"{text}. Accepted: {accepted}."

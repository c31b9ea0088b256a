# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The records that the relays need in DNS: from their descriptions and the public halves of their keys.

The relays are all relays of the group, completed by ``_relay.derive``: what a domain needs follows from every relay
that sends for it, whichever of them a play is limited to. :func:`check` names what keeps the records from being made.
"""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import replace

from ansible_collections.mailops.relay.plugins.module_utils import (
    _dkim,
    _dmarc,
    _domains,
    _mta_sts,
    _mx,
    _ptr,
    _publication,
    _rotation,
    _spf,
    _tlsa,
    _tlsrpt,
)
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

Relay = t.Mapping[str, t.Any]
PublicKeys = t.Mapping[str, bytes]
"""SubjectPublicKeyInfo (DER) of the certificate that a relay shows, or is to show next, by host name."""

Key = t.Mapping[str, t.Any]
Domain = t.Mapping[str, t.Any]
Records = t.Iterator[RecordSet]

REVOKED = _dkim.KeyRecord(p=b"")
HELO_SPF = "v=spf1 a -all"
AGREED = "v=DMARC1"

_WHY_DMARC = {
    "none": "The policy asks for nothing yet; large receivers want a policy from who sends much (RFC 9989, 4.7).",
    "quarantine": "Receivers are asked to treat forged mail as suspicious (RFC 9989, 4.7).",
    "reject": "Receivers are asked to refuse forged mail (RFC 9989, 4.7).",
}


def _addresses(relay: Relay) -> list[_domains.Address]:
    return [ipaddress.ip_address(address) for address in relay["addresses"]]


def _by_domain(relays: t.Iterable[Relay]) -> dict[str, list[tuple[Relay, Domain]]]:
    """Return the relays of each domain with what each says about it, in the order of the group."""
    found: dict[str, list[tuple[Relay, Domain]]] = {}
    for relay in relays:
        for domain in relay["domains"]:
            found.setdefault(domain["name"].lower(), []).append((relay, domain))
    return found


def _relay_records(relay: Relay, domains: t.Container[str]) -> Records:
    name = relay["hostname"].lower()
    for address in _addresses(relay):
        yield RecordSet(
            name,
            "A" if address.version == 4 else "AAAA",
            (str(address),),
            reason="Receivers refuse a HELO name without an address (RFC 5321, 4.1.1.1).",
        )
        yield RecordSet(
            _ptr.join(address),
            "PTR",
            (name,),
            reason="Receivers refuse mail from an address whose name does not lead back to it (RFC 8601, 3).",
        )
    if name not in domains:
        yield RecordSet(
            name,
            "TXT",
            (HELO_SPF,),
            grade="recommended",
            reason="Bounces have no sender, so SPF looks at the HELO name (RFC 7208, 10.1.3).",
        )
    if relay["dns"]["caa"]:
        yield RecordSet(
            name,
            "CAA",
            tuple(relay["dns"]["caa"]),
            grade="optional",
            reason="Only these authorities may issue certificates for the relay (RFC 8659, 3).",
        )


def _tlsa_keys(relay: Relay, public_keys: PublicKeys, next_keys: PublicKeys) -> list[bytes]:
    """Return the keys that a relay's records are about, none where one of them is not known.

    A certificate by ACME may have another key than the one before. Its records have to be out before it is served
    (RFC 7672, 8.1), so they are published beside those of the key in use.
    """
    wanted = [public_keys, next_keys] if relay["tls"]["acme"] else [public_keys]
    found = [keys.get(relay["hostname"].lower()) for keys in wanted]
    known = [key for key in found if key is not None]
    return known if relay["dns"]["tlsa"] and len(known) == len(wanted) else []


def _tlsa_records(relay: Relay, keys: t.Sequence[bytes]) -> Records:
    """Yield the records that bind the certificate's key, whoever has signed it (RFC 7672, 3.1.1)."""
    for service in relay["services"] if keys else ():
        yield RecordSet(
            _tlsa.record_name(relay["hostname"], service["port"]),
            "TLSA",
            tuple(_tlsa.join(_tlsa.associate(*_tlsa.RECOMMENDED, key)) for key in dict.fromkeys(keys)),
            grade="optional",
            reason="Senders that use DANE deliver to this key only (RFC 7672, 3.1).",
        )


def _domain_records(name: str, domain: Domain, relays: t.Sequence[Relay]) -> Records:
    spf = _domains.spf(domain, (address for relay in relays for address in _addresses(relay)))
    yield RecordSet(
        name,
        "TXT",
        (_spf.join(spf),),
        reason="Receivers look here which addresses may send for the domain (RFC 7208, 3).",
    )
    yield RecordSet(
        _dmarc.record_name(name),
        "TXT",
        (_dmarc.join(_domains.dmarc(domain)),),
        grade="recommended",
        reason=_WHY_DMARC[domain["dmarc"]["policy"]],
    )
    tlsrpt = _domains.tlsrpt(domain)
    if tlsrpt:
        yield RecordSet(
            _tlsrpt.record_name(name),
            "TXT",
            (_tlsrpt.join(tlsrpt),),
            grade="optional",
            reason="Senders report here where TLS to the domain's mail servers failed (RFC 8460, 3).",
        )
    policy = _domains.mta_sts(domain)
    if policy:
        yield RecordSet(
            _mta_sts.record_name(name),
            "TXT",
            (_mta_sts.join(_mta_sts.Record(_mta_sts.policy_id(policy))),),
            grade="optional",
            reason=f"It names the policy at {_mta_sts.policy_url(name)}, and changes with it (RFC 8461, 3.1).",
        )
    if domain["mx"]:
        yield _mx_record(name, domain)


def _mx_record(name: str, domain: Domain) -> RecordSet:
    exchanges = _domains.mx(domain)
    null = exchanges == [_mx.NULL_MX]
    return RecordSet(
        name,
        "MX",
        tuple(map(_mx.join, exchanges)),
        grade="optional" if null else "recommended",
        reason="The domain takes no mail; senders give up at once (RFC 7505, 3)."
        if null
        else "Bounces and answers go here; some receivers refuse mail from a domain without (RFC 5321, 5.1).",
    )


def _srv_records(name: str, relay: Relay) -> Records:
    for service in relay["services"]:
        if service["name"] in _domains.SUBMISSION:
            yield RecordSet(
                f"_{service['name']}._tcp.{name}",
                "SRV",
                (f"0 1 {service['port']} {relay['hostname'].lower()}.",),
                grade="optional",
                reason="Mail programs find where to submit mail (RFC 6186, 3.1; RFC 8314, 5.1).",
            )


def _agreements(policies: t.Mapping[str, _dmarc.PolicyRecord]) -> Records:
    """Yield the records by which one of our domains takes the reports about another (RFC 9990, 4).

    Names of others are theirs to agree. Without a record of ours above both, two names are not of one organisation.
    """
    records = {_dmarc.record_name(name): policy for name, policy in policies.items()}
    for name, policy in policies.items():
        for host in dict.fromkeys(uri.uri.host for uri in (*policy.rua, *policy.ruf)):
            ours = any(f".{host}".endswith(f".{domain}") for domain in policies)
            if ours and _dmarc.is_external(name, host, records):
                yield RecordSet(
                    _dmarc.report_name(name, host),
                    "TXT",
                    (AGREED,),
                    grade="recommended",
                    reason=f"Without it nobody sends reports about {name} to {host} (RFC 9990, 4).",
                )


def _key_records(keys: t.Iterable[Key]) -> Records:
    for key in keys:
        if key["value"] is not None:
            revoked = _dkim.parse(key["value"]).revoked
            yield RecordSet(
                key["name"],
                "TXT",
                (key["value"],),
                grade="optional" if revoked else "required",
                reason="It says that the key is revoked (RFC 6376, 3.6.1)."
                if revoked
                else "Receivers verify signatures with this key (RFC 6376, 3.6).",
            )


def _all(relays: t.Sequence[Relay], keys: t.Iterable[Key], public_keys: PublicKeys, next_keys: PublicKeys) -> Records:
    by_domain = _by_domain(relays)
    for relay in relays:
        yield from _relay_records(relay, by_domain)
        yield from _tlsa_records(relay, _tlsa_keys(relay, public_keys, next_keys))
    for name, senders in by_domain.items():
        yield from _domain_records(name, senders[0][1], [relay for relay, _domain in senders])
        for relay, domain in senders:
            if domain["srv"]:
                yield from _srv_records(name, relay)
    yield from _agreements({name: _domains.dmarc(senders[0][1]) for name, senders in by_domain.items()})
    yield from _key_records(keys)


def of_keys(keys: t.Sequence[Key], ttl: int) -> dict[str, t.Any]:
    """Return what follows from keys alone, as options of ``dns_records``: records to publish, and records to remove.

    What is published of a revoked key takes the place of its public half, which is a loss that is meant. ``questions``
    are records by which to ask for all of them, also for those that are to be gone.
    """
    gone = [{"name": key["name"], "value": _dkim.join(REVOKED)} for key in keys if key.get("state") == "removed"]
    records = [replace(record, ttl=ttl) for record in _key_records(keys)]
    return {
        "records": records,
        "remove": [{"name": key["name"], "type": "TXT"} for key in gone],
        "confirm_loss": [key["name"] for key in keys if key.get("state") == "revoked"],
        "questions": [*records, *_key_records(gone)],
    }


def derive(
    relays: t.Sequence[Relay],
    keys: t.Iterable[Key] = (),
    public_keys: PublicKeys | None = None,
    next_keys: PublicKeys | None = None,
) -> list[RecordSet]:
    """Return all record sets of relays that :func:`check` has no problem with, each name and type once.

    ``keys`` are the results of ``dkim_keys``: ``name`` and ``value`` of each record, current, next and retired ones.
    A key without a value is one that does not exist yet, or is to go. A TTL that relays disagree on is the shortest.
    """
    ttl = min((relay["dns"]["ttl"] for relay in relays), default=0)
    merged: dict[tuple[str, str], RecordSet] = {}
    for record in _all(relays, keys, public_keys or {}, next_keys or {}):
        before = merged[record.key].values if record.key in merged else ()
        first = merged.get(record.key, record)
        merged[record.key] = RecordSet(
            record.name, record.type, (*before, *record.values), ttl, first.grade, first.reason
        )
    return list(merged.values())


def policies(relays: t.Iterable[Relay]) -> dict[str, _mta_sts.Policy]:
    """Return the MTA-STS policies by their domains, of relays that :func:`check` has no problem with."""
    found = {name: _domains.mta_sts(senders[0][1]) for name, senders in _by_domain(relays).items()}
    return {name: policy for name, policy in found.items() if policy}


def missing_keys(relays: t.Iterable[Relay], keys: t.Iterable[Key]) -> list[str]:
    """Return where records of keys are expected by the descriptions, and no public half was given."""
    given = [key["name"].lower().partition("._domainkey.") for key in keys if key["value"] is not None]
    return [
        _dkim.record_name(relay["dkim"]["selector"], domain)
        for relay in relays
        if relay["dkim"]["enabled"]
        for domain in relay["dkim"]["domains"]
        if not any(of == domain and _rotation.belongs(name, relay["dkim"]["selector"]) for name, _sep, of in given)
    ]


def missing_public_keys(
    relays: t.Iterable[Relay], public_keys: PublicKeys, next_keys: PublicKeys | None = None
) -> list[str]:
    """Return the relays that ask for TLSA records, and of which not all keys that need one are known."""
    asking = (relay for relay in relays if relay["dns"]["tlsa"])
    return [relay["hostname"].lower() for relay in asking if not _tlsa_keys(relay, public_keys, next_keys or {})]


def check(relays: t.Sequence[Relay], keys: t.Iterable[Key] = ()) -> list[str]:
    """Return why no records follow from descriptions that each for itself is right: they contradict one another."""
    problems = []
    for name, senders in _by_domain(relays).items():
        for option in ("spf", "dmarc", "tlsrpt", "mta_sts", "mx"):
            first, *others = [(relay["hostname"], domain[option]) for relay, domain in senders]
            problems += [
                f"relay_domains: {name!r} has {option}: {value} on {hostname}, and {first[1]} on {first[0]}."
                " Accepted: one description of a domain for all its relays, as in the variables of the group."
                for hostname, value in others
                if value != first[1]
            ]
    return [*problems, *_publication.contradictions(relays), *_check_hostnames(relays), *_check_keys(keys)]


def _check_hostnames(relays: t.Iterable[Relay]) -> t.Iterator[str]:
    names = [relay["hostname"].lower() for relay in relays]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            count = names.count(name)
            yield f"relay_hostname: {name!r} is claimed by {count} relays. Accepted: one name for each relay."


def _check_keys(keys: t.Iterable[Key]) -> t.Iterator[str]:
    values: dict[str, str] = {}
    for key in keys:
        if key["value"] is None:
            continue
        try:
            _dkim.parse(key["value"])
            record = RecordSet(key["name"], "TXT", (key["value"],))
        except ValueError as error:
            yield f"keys: {key['name']!r}: {error}. Accepted: items with name and value, such as dkim_keys returns."
            continue
        if values.setdefault(record.name, record.values[0]) != record.values[0]:
            yield f"keys: {key['name']!r} has two keys. Accepted: one key for each selector (RFC 6376, 3.6.2.2)."

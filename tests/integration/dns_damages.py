# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to damage the DNS of the fleet: what is found then, and nothing else.

A damage changes the list of record sets that the zones hold, beside SOA and NS. So whoever has a name server can run
the table: serve ``published()``, change it, ask by ``WANTED`` and ``QUESTIONS``, and compare with ``expected``.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.mailops.relay.plugins.module_utils import _ptr
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._zone_file import render
from dns_fleet import BESIDE, FOREIGN, KEYS, REVOKED, WANTED, key

Records = t.List[RecordSet]
Change = t.Callable[[Records], Records]


def published() -> Records:
    """Return what the zones hold where all is right; others have a TXT record beside ours."""
    return beside("first.test", "TXT", FOREIGN)([*WANTED, *BESIDE])


def without(name: str, *types: str) -> Change:
    """Take record sets away; all at the name where no type is named."""
    return lambda records: [record for record in records if record.name != name or (types and record.type not in types)]


def instead(name: str, rdtype: str, *values: str) -> Change:
    """Put other values in the place of a record set, which need not be there."""
    return lambda records: [*without(name, rdtype)(records), RecordSet(name, rdtype, values)]


def put(name: str, text: str) -> Change:
    """Put a TXT record where there is none."""
    return instead(name, "TXT", text)


def beside(name: str, rdtype: str, *values: str) -> Change:
    """Put more values beside those of a record set."""
    return lambda records: [
        replace(record, values=(*record.values, *values)) if record.key == (name, rdtype) else record
        for record in records
    ]


def spelled(name: str, old: str, new: str) -> Change:
    """Change a part of TXT values."""
    return lambda records: [
        replace(record, values=tuple(value.replace(old, new) for value in record.values))
        if record.key == (name, "TXT")
        else record
        for record in records
    ]


def alias(name: str, target: str) -> Change:
    """Put a CNAME in the place of all that is at a name."""
    return lambda records: [*without(name)(records), RecordSet(name, "CNAME", (target,))]


def both(*changes: Change) -> Change:
    """Do one after the other."""

    def change(records: Records) -> Records:
        for each in changes:
            records = each(records)
        return records

    return change


def difference(before: Records, after: Records) -> t.Tuple[Records, Records]:
    """Return the record sets to take away, and those that are to be alone at their name and type afterwards."""
    left = {record.key for record in after}
    return [record for record in before if record.key not in left], [record for record in after if record not in before]


def _ttl(records: Records) -> Records:
    return [replace(record, ttl=77) for record in records]


@dataclass(frozen=True)
class Damage:
    """``expected`` are the ids and subjects of all findings. ``tells`` is in each remedy.

    Without it each remedy has to hold the record of its subject, as it is to be published.
    """

    name: str
    change: Change
    expected: t.FrozenSet[t.Tuple[str, str]] = frozenset()
    tells: str = ""


def published_lines(subject: str) -> str:
    """Return the lines of the records that a subject names, empty where it names none of ours."""
    found = [record for record in WANTED if subject in (record.name, f"{record.name} {record.type}")]
    return render(found, comments=False).rstrip("\n")


def _one(name: str, change: Change, id_: str, subject: str, tells: str = "") -> Damage:
    return Damage(name, change, frozenset({(id_, subject)}), tells)


RELAY, FIRST = "relay1.relays.test", "first.test"
PTR4, PTR6 = (_ptr.join(_ptr.address(text)) for text in ("192.0.2.11", "2001:db8:11::11"))
SRV, STS, TLSRPT = "_submissions._tcp.first.test", "_mta-sts.first.test", "_smtp._tls.first.test"
KEY, RETIRED = "relay1._domainkey.first.test", "retired._domainkey.first.test"
DMARC, AGREED = "_dmarc.first.test", "first.test._report._dmarc.second.test"
PARTNER = "second.test._report._dmarc.partner.test"
DIFFERENT, MISSING, WILDCARD = "dns_record_different", "dns_record_missing", "dns_wildcard_answers"
RIGHT_KEY = next(item["value"] for item in KEYS if item["name"] == KEY)
TEN_TERMS = " ".join(["a:mx1.partner.test"] * 10)

RELAYS = [
    _one("no A", without(RELAY, "A"), MISSING, f"{RELAY} A"),
    _one("no AAAA", without(RELAY, "AAAA"), MISSING, f"{RELAY} AAAA"),
    _one("another A", instead(RELAY, "A", "192.0.2.99"), DIFFERENT, f"{RELAY} A"),
    _one("one A more", beside(RELAY, "A", "192.0.2.99"), DIFFERENT, f"{RELAY} A"),
    _one("no PTR of IPv4", without(PTR4), MISSING, f"{PTR4} PTR"),
    _one("no PTR of IPv6", without(PTR6), MISSING, f"{PTR6} PTR"),
    _one("PTR to another name", instead(PTR4, "PTR", "host-11.isp.test"), DIFFERENT, f"{PTR4} PTR"),
    _one("PTR to two names", beside(PTR6, "PTR", "host-11.isp.test."), DIFFERENT, f"{PTR6} PTR"),
    _one("PTR is an alias to nowhere", alias(PTR4, "11.partner.test"), "dns_cname", f"{PTR4} PTR"),
    _one("the relay is an alias", alias(RELAY, "mx1.first.test"), "dns_cname", RELAY),
    _one("no SPF of HELO", without(RELAY, "TXT"), MISSING, f"{RELAY} TXT"),
    _one("SPF of HELO for others", instead(RELAY, "TXT", "v=spf1 mx -all"), DIFFERENT, f"{RELAY} TXT"),
    _one("no CAA", without(RELAY, "CAA"), MISSING, f"{RELAY} CAA"),
    _one("CAA for another authority", instead(RELAY, "CAA", '0 issue "x.test"'), DIFFERENT, f"{RELAY} CAA"),
    _one("no SRV", without(SRV), MISSING, f"{SRV} SRV"),
    _one("SRV to another port", instead(SRV, "SRV", f"0 1 587 {RELAY}"), DIFFERENT, f"{SRV} SRV"),
    Damage(
        "nothing of relay1",
        both(without(RELAY), without(PTR4), without(PTR6)),
        frozenset((MISSING, f"{RELAY} {rdtype}") for rdtype in ("A", "AAAA", "TXT", "CAA"))
        | {(MISSING, f"{PTR4} PTR"), (MISSING, f"{PTR6} PTR")},
    ),
]

MAIL = [
    _one("no MX", without(FIRST, "MX"), MISSING, f"{FIRST} MX"),
    _one("one MX more", beside(FIRST, "MX", "30 mx9.first.test."), DIFFERENT, f"{FIRST} MX"),
    _one("null MX", instead(FIRST, "MX", "0 ."), DIFFERENT, f"{FIRST} MX"),
    _one("other preferences", instead(FIRST, "MX", "20 mx1.first.test", "10 mx2.first.test"), DIFFERENT, f"{FIRST} MX"),
    Damage(
        "MX to an alias",
        alias("mx1.first.test", "mx1.partner.test"),
        frozenset({("dns_target_alias", "first.test MX"), ("dns_target_alias", "second.test MX")}),
        "mx1.partner.test, or give mx1.first.test addresses",
    ),
    _one(
        "MX to nowhere",
        without("mx2.first.test"),
        "dns_target_without_address",
        f"{FIRST} MX",
        "Publish A or AAAA records of mx2.first.test.",
    ),
    _one("no TLSRPT", without(TLSRPT), MISSING, f"{TLSRPT} TXT"),
    _one("TLSRPT to others", spelled(TLSRPT, "second.test", "partner.test"), DIFFERENT, f"{TLSRPT} TXT"),
    _one("no MTA-STS", without(STS), MISSING, f"{STS} TXT"),
    _one("the id of an old policy", instead(STS, "TXT", "v=STSv1; id=20250101"), DIFFERENT, f"{STS} TXT"),
]

SPF = [
    _one("no SPF", instead(FIRST, "TXT", FOREIGN), MISSING, f"{FIRST} TXT"),
    _one("no TXT at all", without(FIRST, "TXT"), MISSING, f"{FIRST} TXT"),
    _one("two SPF", beside(FIRST, "TXT", "v=spf1 mx ~all"), "dns_spf_several_records", f"{FIRST} TXT"),
    _one("SPF without a relay", spelled(FIRST, "ip4:192.0.2.12 ", ""), DIFFERENT, f"{FIRST} TXT"),
    _one("SPF without IPv6", spelled(FIRST, "ip6:2001:db8:11::11 ", ""), DIFFERENT, f"{FIRST} TXT"),
    _one("SPF without our include", spelled(FIRST, "include:_spf.first.test ", ""), DIFFERENT, f"{FIRST} TXT"),
    _one("SPF for all the world", spelled(FIRST, " -all", " +all"), DIFFERENT, f"{FIRST} TXT"),
    _one("SPF that refuses nobody", spelled(FIRST, " -all", " ?all"), DIFFERENT, f"{FIRST} TXT"),
    _one("SPF with too many lookups", spelled(FIRST, "ip4:192.0.2.11", TEN_TERMS), DIFFERENT, f"{FIRST} TXT"),
    _one("SPF with an error", spelled(FIRST, "ip4:192.0.2.11 ", "ipv4:192.0.2.11 "), DIFFERENT, f"{FIRST} TXT"),
    _one("SPF that begins with a space", spelled(FIRST, "v=spf1 ", " v=spf1 "), MISSING, f"{FIRST} TXT"),
    _one("no include of ours", without("_spf.first.test"), MISSING, "_spf.first.test TXT"),
    _one("include of ours for others", spelled("_spf.first.test", ".200", ".201"), DIFFERENT, "_spf.first.test TXT"),
    _one(
        "the include of another is gone",
        without("spf.partner.test"),
        "spf_not_pass",
        f"{FIRST} TXT",
        "Have the SPF record of first.test pass 192.0.2.200.",
    ),
    _one(
        "the include of another has too many lookups",
        instead("spf.partner.test", "TXT", f"v=spf1 {TEN_TERMS} -all"),
        "spf_not_pass",
        f"{FIRST} TXT",
        "Have the SPF record of first.test pass 192.0.2.200.",
    ),
    _one(
        "no SPF of a HELO name that is not ours",
        without("news.first.test", "TXT"),
        "spf_not_pass",
        "news.first.test TXT",
        "Have the SPF record of news.first.test pass 192.0.2.200.",
    ),
    _one(
        "a HELO name that is not ours without address",
        without("news.first.test", "A"),
        "dns_helo_not_confirmed",
        "news.first.test A",
        "Publish: news.first.test. IN A 192.0.2.200",
    ),
]

DKIM = [
    _one("no key", without(KEY), MISSING, f"{KEY} TXT"),
    _one(
        "key at another selector",
        both(without(KEY), put("relay9._domainkey.first.test", RIGHT_KEY)),
        MISSING,
        f"{KEY} TXT",
    ),
    _one("key of the other relay", instead(KEY, "TXT", key("relay2")), "dkim_key_different", f"{KEY} TXT"),
    _one("shorter key", instead(KEY, "TXT", key("short", 1024)), "dkim_key_different", f"{KEY} TXT"),
    _one("revoked key", instead(KEY, "TXT", REVOKED), "dkim_key_revoked", f"{KEY} TXT"),
    _one("key in test mode", spelled(KEY, "k=rsa", "k=rsa; t=y"), "dkim_key_testing", f"{KEY} TXT"),
    _one("key for SHA-1", spelled(KEY, "k=rsa", "h=sha1; k=rsa"), "dkim_key_restricted", f"{KEY} TXT"),
    _one("key not for mail", spelled(KEY, "k=rsa", "k=rsa; s=tlsrpt"), "dkim_key_restricted", f"{KEY} TXT"),
    _one("key not for subdomains", spelled(KEY, "k=rsa", "k=rsa; t=s"), "dkim_key_restricted", f"{KEY} TXT"),
    _one("key with a quotation mark", spelled(KEY, "p=", 'p="'), "dkim_key_malformed", f"{KEY} TXT"),
    _one("key cut off", instead(KEY, "TXT", RIGHT_KEY[:255]), "dkim_key_malformed", f"{KEY} TXT"),
    _one(
        "key cut in two records",
        instead(KEY, "TXT", RIGHT_KEY[:255], RIGHT_KEY[255:]),
        "dkim_several_records",
        f"{KEY} TXT",
    ),
    _one("two keys at a selector", beside(KEY, "TXT", key("relay2")), "dkim_several_records", f"{KEY} TXT"),
    _one("key is an alias to nowhere", alias(KEY, "key.partner.test"), "dns_cname", f"{KEY} TXT"),
    _one(
        "a wildcard instead of the key",
        both(without(KEY), put("*._domainkey.first.test", REVOKED)),
        WILDCARD,
        f"{KEY} TXT",
    ),
    _one("a retired key is back", instead(RETIRED, "TXT", key("retired")), "dkim_key_not_revoked", f"{RETIRED} TXT"),
]

POLICIES = [
    _one("no DMARC", without(DMARC), MISSING, f"{DMARC} TXT"),
    _one("p=none", spelled(DMARC, "p=reject", "p=none"), "dmarc_policy_weaker", f"{DMARC} TXT"),
    _one("sp=none", spelled(DMARC, "p=reject", "p=reject; sp=none"), "dmarc_policy_weaker", f"{DMARC} TXT"),
    _one("DMARC in test mode", spelled(DMARC, "p=reject", "p=reject; t=y"), "dmarc_policy_weaker", f"{DMARC} TXT"),
    _one("p misspelt", spelled(DMARC, "p=reject", "p=rejct"), "dmarc_policy_weaker", f"{DMARC} TXT"),
    _one(
        "stricter DMARC",
        spelled("_dmarc.second.test", "quarantine", "reject"),
        "dmarc_policy_stricter",
        "_dmarc.second.test TXT",
    ),
    _one("a removed tag", spelled(DMARC, "p=reject", "p=reject; pct=20"), "dmarc_tag_ignored", f"{DMARC} TXT"),
    _one("two DMARC", beside(DMARC, "TXT", "v=DMARC1; p=none"), "dmarc_several_records", f"{DMARC} TXT"),
    _one("a tag of DMARC twice", spelled(DMARC, "p=reject", "p=reject; p=reject"), "dmarc_malformed", f"{DMARC} TXT"),
    _one("no reports", instead(DMARC, "TXT", "v=DMARC1; p=reject"), DIFFERENT, f"{DMARC} TXT"),
    _one("strict alignment", spelled(DMARC, "p=reject", "p=reject; adkim=s"), DIFFERENT, f"{DMARC} TXT"),
    _one("a wildcard instead of DMARC", both(without(DMARC), put("*.first.test", FOREIGN)), WILDCARD, f"{DMARC} TXT"),
    _one("our own agreement is gone", without(AGREED), MISSING, f"{AGREED} TXT"),
    _one(
        "the agreement of another is gone",
        without(PARTNER),
        "dmarc_reports_not_authorized",
        f"{PARTNER} TXT",
        f'{PARTNER}. IN TXT "v=DMARC1"',
    ),
]

HARMLESS = [
    Damage("another TTL", _ttl),
    Damage("another order", lambda records: [replace(r, values=tuple(reversed(r.values))) for r in records]),
    Damage("a wildcard beside", put("*.first.test", "v=spf1 -all")),
    Damage("more TXT of others", beside(FIRST, "TXT", "site-verification=2")),
    Damage("no TXT of others", spelled(FIRST, FOREIGN, "other")),
    Damage("SPF in capitals", spelled(FIRST, "include:", "INCLUDE:")),
    Damage("DMARC spelled otherwise", spelled(DMARC, "; ", " ;")),
    Damage("a key spelled otherwise", spelled(KEY, "; ", ";")),
    Damage("a key with its default tags", spelled(KEY, "k=rsa", "k=rsa; s=*")),
    Damage("a wildcard agreement", both(without(PARTNER), put("*._report._dmarc.partner.test", "v=DMARC1"))),
]

DAMAGES = [*RELAYS, *MAIL, *SPF, *DKIM, *POLICIES, *HARMLESS]

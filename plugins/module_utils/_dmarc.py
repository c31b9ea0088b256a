# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""DMARC Policy Records: RFC 9989 sections 4.7 and 4.8, and what follows from them: policy, tree walk and alignment.

:func:`parse` reads as receivers do: what is wrong in a tag is discarded, :func:`problems` names it. :func:`join` writes
only what every receiver understands. ``parse(join(record)) == record``, and ``join(parse(text))`` means what ``text``
means. All raise nothing but ``ValueError``.

Records of a tree walk are given as a mapping from the *names* that :func:`tree_walk_names` returns to the one record
that :func:`only_record` finds there; names without a record are missing from it.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _syntax, _uri

Kind = t.Literal["domain", "subdomain", "nonexistent"]
"""What a policy is asked for: the domain of the record, a subdomain, or one for which DNS says NXDOMAIN (3.2.13)."""

MAX_QUERIES = 8
"""Queries of a tree walk at most; longer names continue with their last seven labels (RFC 9989, 4.10)."""

REMOVED_TAGS = {
    "pct": "t=y asks for what pct=0 did, pct=100 is the default",
    "rf": "failure reports have one format",
    "ri": "aggregate reports come at least daily",
}
"""Tags of RFC 7489 that RFC 9989 ignores (A.6, C.5.2), and why. A receiver that follows RFC 7489 still uses them."""

_REQUEST = ("none", "quarantine", "reject")
_VALUES: dict[str, tuple[str, ...]] = {
    "p": _REQUEST,
    "sp": _REQUEST,
    "np": _REQUEST,
    "psd": ("y", "n", "u"),
    "t": ("y", "n"),
    "adkim": ("r", "s"),
    "aspf": ("r", "s"),
}
_POLICY_TAGS = ("p", "sp", "np")
_URI_TAGS = ("rua", "ruf")
_LOWER = {"reject": "quarantine", "quarantine": "none", "none": "none"}
_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_TAG = re.compile(r"(?P<name>[A-Za-z]+)[ \t]*=[ \t]*(?P<value>[\x20-\x3a\x3c-\x7e]+)")
_SIZE = re.compile(r"[0-9]+[kmgt]?", re.IGNORECASE | re.ASCII)

Policy = t.Optional[str]
"""A dmarc-request (RFC 9989, 4.8): ``none``, ``quarantine`` or ``reject``; None where none is given."""

Records = t.Mapping[str, "PolicyRecord"]


@dataclass(frozen=True)
class ReportUri:
    """A dmarc-uri. ``size`` is the limit that RFC 7489 had, such as ``10m``; receivers ignore it (RFC 9989, 4.8)."""

    uri: _uri.Uri
    size: str = ""


@dataclass(frozen=True)
class PolicyRecord:
    """A DMARC Policy Record. The attributes are the tags of RFC 9989, 4.7, with their defaults.

    ``p`` is None where there is no valid policy; the record then asks for reports only, or for nothing (4.10.1).
    ``removed`` are the tags of RFC 7489 that only old receivers read. Unknown tags carry no meaning and are not kept.
    """

    p: Policy = None
    sp: Policy = None
    np: Policy = None
    psd: str = "u"
    t: str = "n"
    adkim: str = "r"
    aspf: str = "r"
    fo: tuple[str, ...] = ("0",)
    rua: tuple[ReportUri, ...] = ()
    ruf: tuple[ReportUri, ...] = ()
    removed: tuple[tuple[str, str], ...] = ()


def is_record(text: str) -> bool:
    """Whether receivers count the text as a DMARC Policy Record: ``v=DMARC1`` is its first tag (RFC 9989, 4.7)."""
    return bool(_VERSION.match(text))


def _report_uri(text: str) -> ReportUri:
    uri, mark, size = text.partition("!")
    if mark and not _SIZE.fullmatch(size):
        raise ValueError(f"{text!r} holds a '!' that is not written as %21 (RFC 9989, 4.8)")
    return ReportUri(_uri.parse(uri), size.lower())


def _value(name: str, text: str) -> t.Any:
    """Return the value of a tag (RFC 9989, 4.8), which is not case-sensitive (RFC 5234, 2.3)."""
    value = text.lower()
    if name == "fo":
        options = tuple(value.split(":"))
        if not set(options) <= set("01ds") or len(set(options)) < len(options) or {"0", "1"} <= set(options):
            raise ValueError(
                f"the tag fo has the value {text!r}; 0 or 1, d and s with ':' are accepted (RFC 9989, 4.7)"
            )
        return options
    if value not in _VALUES[name]:
        accepted = ", ".join(_VALUES[name])
        raise ValueError(f"the tag {name} has the value {text!r}; one of {accepted} is accepted (RFC 9989, 4.7)")
    return value


def _uris(name: str, text: str, found: list[str]) -> tuple[ReportUri, ...]:
    """Return the valid ones of a dmarc-urilist: receivers need at least one (RFC 9989, 4.10.1)."""
    uris = []
    for part in text.split(","):
        try:
            uris.append(_report_uri(part.strip(_syntax.WSP)))
        except ValueError as error:
            found.append(f"the tag {name} has an item that receivers ignore: {error}")
    return tuple(uris)


def _tags(text: str, found: list[str]) -> dict[str, str]:
    """Return the tags of a record, and append to ``found`` what is not a tag of RFC 9989, 4.7 and 4.8.

    RFC 9989, 4.7 takes its syntax from RFC 6376, 3.2: names are case-sensitive, and no tag may occur twice.
    """
    if not is_record(text):
        raise ValueError(f"the record starts with {text[:16]!r}; v=DMARC1 is accepted as its first tag (RFC 9989, 4.7)")
    tags: dict[str, str] = {}
    for spec in _syntax.tag_specs(text)[1:]:
        tag = _TAG.fullmatch(spec)
        if not tag:
            found.append(f"{spec!r} is not a tag; name=value in printable ASCII is accepted (RFC 9989, 4.8)")
        elif tag["name"] in tags or tag["name"] == "v":
            raise ValueError(f"the tag {tag['name']} occurs twice (RFC 6376, 3.2)")
        else:
            tags[tag["name"]] = tag["value"]
    return tags


def _read(text: str) -> tuple[PolicyRecord, list[str]]:
    """Return what receivers read, and what they discard (RFC 9989, 4.8).

    One policy that is not valid takes the other ones with it (RFC 9989, 4.10.1).
    """
    found: list[str] = []
    values: dict[str, t.Any] = {}
    tags = _tags(text, found)
    for name, value in tags.items():
        if name in REMOVED_TAGS:
            found.append(f"the tag {name}={value} is ignored since RFC 9989: {REMOVED_TAGS[name]} (RFC 9989, C.5.2)")
        elif name in _URI_TAGS:
            values[name] = _uris(name, value, found)
        elif name not in _VALUES and name != "fo":
            found.append(f"the tag {name} is not known and is ignored (RFC 9989, 4.7)")
        else:
            try:
                values[name] = _value(name, value)
            except ValueError as error:
                found.append(str(error))
    if any(name in tags and name not in values for name in _POLICY_TAGS):
        values.update(dict.fromkeys(_POLICY_TAGS))
    removed = tuple((name, value) for name, value in tags.items() if name in REMOVED_TAGS)
    return PolicyRecord(removed=removed, **values), found


def parse(text: str) -> PolicyRecord:
    """Parse the text of a policy record, its strings joined before (RFC 9989, 4.5), as a receiver does.

    Raises ValueError where the whole record is ignored: ``v=DMARC1`` is not first, or a tag occurs twice.
    """
    return _read(text)[0]


def problems(text: str) -> list[str]:
    """Return what receivers ignore in a policy record, a text for the user each."""
    record, found = _read(text)
    if record.p is None:
        outcome = "act as for p=none" if record.rua else "do not apply DMARC"
        found.append(f"there is no valid p, sp and np: receivers {outcome}; p=none is accepted (RFC 9989, 4.10.1)")
    if record.fo != ("0",) and not record.ruf:
        found.append(f"the tag fo={':'.join(record.fo)} is ignored without a tag ruf (RFC 9989, 4.7)")
    found += [
        f"the size {uri.size} after {uri.uri.text} is ignored since RFC 9989 (RFC 9989, 4.8)"
        for uri in (*record.rua, *record.ruf)
        if uri.size
    ]
    return found


def _uri_text(uri: ReportUri) -> str:
    if "," in uri.uri.text or "!" in uri.uri.text or ";" in uri.uri.text:
        raise ValueError(f"the URI {uri.uri.text!r} holds one of , ! ; that %2C, %21, %3B stand for (RFC 9989, 4.8)")
    return _uri.join(uri.uri) + (f"!{uri.size}" if uri.size else "")


def join(record: PolicyRecord) -> str:
    """Write a policy record: v and p first, as RFC 7489, 6.4 wanted them; tags that have their default are left out."""
    tags = [("v", "DMARC1")]
    for name in (*_VALUES, "fo"):
        value = getattr(record, name)
        if value != getattr(PolicyRecord, name):
            text = ":".join(value) if name == "fo" else value
            _value(name, text)
            tags.append((name, text))
    lists = [(name, ",".join(map(_uri_text, getattr(record, name)))) for name in _URI_TAGS if getattr(record, name)]
    text = "; ".join(f"{name}={value}" for name, value in (*tags, *lists, *record.removed))
    if parse(text) != record:
        raise ValueError(f"the record {text!r} does not say what was asked for: a value holds what ends it")
    return text


def only_record(texts: t.Iterable[str]) -> t.Optional[PolicyRecord]:
    """Return the record among the texts at a name: of several DMARC records, none counts (RFC 9989, 4.10)."""
    candidates = [text for text in texts if is_record(text)]
    try:
        return parse(candidates[0]) if len(candidates) == 1 else None
    except ValueError:
        return None


def stated_policy(record: PolicyRecord, kind: Kind) -> Policy:
    """Return what the record asks for in p, sp or np; None where receivers do not apply DMARC (RFC 9989, 4.7, 4.10.1).

    sp and np are for names below the one where the record is; np falls back to sp, both fall back to p. Without a p,
    they do not count: the record is taken for one of p=none.
    """
    if kind not in t.get_args(Kind):
        raise ValueError(f"{kind!r} is not a kind of domain; one of {', '.join(t.get_args(Kind))} is accepted")
    if record.p is None:
        return "none" if record.rua else None
    subdomain = record.sp or record.p
    return {"domain": record.p, "subdomain": subdomain, "nonexistent": record.np or subdomain}[kind]


def policy_for(record: PolicyRecord, kind: Kind) -> Policy:
    """Return the policy that receivers apply: one level lower than asked for while ``t=y`` (RFC 9989, 4.7)."""
    policy = stated_policy(record, kind)
    return _LOWER[policy] if policy and record.t == "y" else policy


def old_policy_for(record: PolicyRecord, kind: Kind) -> Policy:
    """Return the policy that a receiver applies which still follows RFC 7489.

    It knows neither np nor t. ``pct=0`` makes it apply one level lower (6.6.4); with another pct the policy returned is
    for that share of the mail.
    """
    policy = stated_policy(record, "subdomain" if kind == "nonexistent" else kind)
    return _LOWER[policy] if policy and dict(record.removed).get("pct") == "0" else policy


def for_old_receivers(record: PolicyRecord) -> PolicyRecord:
    """Return the record so that old receivers test, too: ``pct=0`` beside ``t=y``, which new ones ignore (A.6)."""
    return dataclasses.replace(record, removed=(("pct", "0"),) if record.t == "y" else ())


def record_name(domain: str) -> str:
    """Return where the record of a domain is published, without the final dot (RFC 9989, 4.5)."""
    return _syntax.owner_name("_dmarc", domain)


def _targets(domain: str) -> list[str]:
    labels = _syntax.domain_name(domain).split(".")
    parents = labels[1:][1 - MAX_QUERIES :]
    return [".".join(labels), *(".".join(parents[i:]) for i in range(len(parents)))]


def tree_walk_names(domain: str) -> list[str]:
    """Return the names of a whole tree walk, longest first: eight at most (RFC 9989, 4.10).

    A walk may stop at the first record with ``psd=y`` or ``psd=n``.
    """
    return [record_name(target) for target in _targets(domain)]


def organizational_domain(domain: str, records: Records) -> str:
    """Return the Organizational Domain of a domain (RFC 9989, 4.10.2).

    From the longest name to the shortest: where ``psd=n`` is; one label below ``psd=y``, unless that is where the walk
    started; else the shortest name with a record; without a record, the domain itself.
    """
    targets = _targets(domain)
    found = targets[0]
    for target in targets:
        record = records.get(record_name(target))
        if record and record.psd == "y" and target != targets[0]:
            return ".".join(targets[0].split(".")[-target.count(".") - 2 :])
        if record:
            found = target
            if record.psd != "u":
                break
    return found


def discover(author_domain: str, records: Records) -> t.Optional[tuple[str, PolicyRecord]]:
    """Return the record that applies to an Author Domain, and the domain it is of (RFC 9989, 4.10.1).

    It is the one of the Author Domain, else of its Organizational Domain, else of its Public Suffix Domain.
    """
    targets = _targets(author_domain)
    found = {target: records[record_name(target)] for target in targets if record_name(target) in records}
    suffixes = [target for target, record in found.items() if record.psd == "y"]
    for target in (targets[0], organizational_domain(author_domain, records), *suffixes[:1]):
        if target in found:
            return target, found[target]
    return None


def is_aligned(author_domain: str, identifier: str, mode: str, records: Records) -> bool:
    """Whether a domain that SPF or DKIM authenticated is aligned with the Author Domain (RFC 9989, 4.4, 4.10.2).

    ``mode`` is the value of aspf or adkim: ``s`` wants the same domain, ``r`` the same Organizational Domain.
    """
    if mode not in _VALUES["adkim"]:
        raise ValueError(f"the alignment mode has the value {mode!r}; r or s is accepted (RFC 9989, 4.7)")
    if _syntax.domain_name(author_domain) == _syntax.domain_name(identifier):
        return True
    return mode == "r" and (organizational_domain(author_domain, records) == organizational_domain(identifier, records))


def is_external(domain: str, host: str, records: Records) -> bool:
    """Whether reports about a domain may go to a host only if it agrees (RFC 9990, 4): not the same organization."""
    return not is_aligned(domain, host, "r", records)


def report_name(domain: str, host: str) -> str:
    """Return the name where ``host`` agrees, by ``v=DMARC1``, to get reports about ``domain`` (RFC 9990, 4).

    ``*`` as ``domain`` agrees for every domain. Names too long for the DNS are an error: nobody can agree there.
    """
    suffix = _syntax.owner_name("_report._dmarc", host)
    return f"*.{suffix}" if domain == "*" else _syntax.owner_name(_syntax.domain_name(domain), suffix)

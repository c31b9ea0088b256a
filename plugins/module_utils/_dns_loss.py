# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What others may rely on, and would lose where a wanted record set takes the place of what is published.

Records are compared by what they mean. A record that receivers ignore already protects nobody; one that they would
ignore loses everything. A revoked DKIM key is no loss: nobody revokes one by mistake (RFC 6376, 3.6.1).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import (
    _dkim,
    _dmarc,
    _mta_sts,
    _record,
    _spf,
    _spf_loss,
    _tlsrpt,
    _uri,
    _zone_file,
)
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._spf_term import Directive, Include, Redirect

SHOWN = 160
"""Characters that are shown of what is there."""

LISTED = 8
"""Items that are listed of what would be lost."""

_POLICIES = ("none", "quarantine", "reject")
_KINDS: tuple[tuple[_dmarc.Kind, str], ...] = (
    ("domain", "the domain"),
    ("subdomain", "subdomains"),
    ("nonexistent", "names that do not exist"),
)

Case = t.Tuple[str, str]
"""What would be lost, and what keeps it."""


@dataclass(frozen=True)
class Loss:
    """What one record would lose, in one respect. ``keep`` is what is accepted instead."""

    name: str
    type: str
    there: str
    lost: str
    keep: str

    def __str__(self) -> str:
        return (
            f"{self.name} {self.type}: it would lose {self.lost} (there is {self.there})."
            f" Accepted: {self.keep}; or {self.name} in confirm_loss, if that is meant."
        )


def losses(wanted: RecordSet, present: t.Iterable[str]) -> list[Loss]:
    """Return what would be lost of the values that are there."""
    gone: dict[str, list[str]] = {}
    for value in _record.rivals(wanted, present):
        if value not in wanted.values:
            gone.setdefault(_kind(wanted, value), []).append(value)
    found = []
    for kind, values in gone.items():
        new = [value for value in wanted.values if _kind(wanted, value) == kind]
        for there, (lost, keep) in _cases(kind, wanted.name, values, new):
            found.append(Loss(wanted.name, wanted.type, there, lost, keep))
    return found


def _kind(wanted: RecordSet, value: str) -> str:
    return _record.purpose(wanted.name, wanted.type, value) if wanted.type == "TXT" else wanted.type


def _cases(kind: str, name: str, old: t.Sequence[str], new: t.Sequence[str]) -> t.Iterator[tuple[str, Case]]:
    if kind == "MX":
        yield from ((_shown(", ".join(old)), case) for case in _mx(old, new))
    elif kind == "dkim":
        yield from ((_quoted(text), case) for text in old for case in _dkim_key(text, new))
    elif kind in _READ:
        after = _read(kind, new)
        for text in old:
            before = _spf_loss.readable(text) if kind == "spf" else _read(kind, [text])
            if before is not None and after is None:
                yield _quoted(text), (f"all of it: receivers ignore {_quoted(' and '.join(new))}", "one valid record")
            elif before is not None:
                yield from ((_quoted(text), case) for case in _COMPARE[kind](before, after, name))


def _read(kind: str, texts: t.Sequence[str]) -> t.Any:
    """Return the one record that receivers read, None if there is none."""
    try:
        return _READ[kind](texts[0]) if len(texts) == 1 else None
    except ValueError:
        return None


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _quoted(text: str) -> str:
    return _shown(_zone_file.quoted(text))


def _list(items: t.Iterable[t.Any]) -> str:
    texts = [_shown(str(item)) for item in items]
    more = f" and {len(texts) - LISTED} more" if len(texts) > LISTED else ""
    return ", ".join(texts[:LISTED]) + more


def _spf_record(before: t.Any, after: t.Any, name: str) -> t.Iterator[Case]:
    lost = _spf_loss.lost_terms(before, after, name)
    if lost:
        # A record that ends with all has no use for a redirect.
        kept = [Directive(Include(term.domain_spec)) if isinstance(term, Redirect) else term for term in lost]
        yield (
            _list(lost),
            f"{_list(kept)} in relay_domains[].spf.terms, unless nobody sends by it now, such as a relay that left",
        )
    if _spf_loss.is_weaker(before, after):
        old, new = _spf_loss.default(before), _spf_loss.default(after)
        word = {"-": "fail", "~": "softfail"}.get(old or "", "neutral")
        now = f"{new}all" if new else f"what {after.redirect} says"
        yield f"the strength of {old}all, for {now}", f"relay_domains[].spf.all: {word}"


def _dmarc_record(before: t.Any, after: t.Any, _name: str) -> t.Iterator[Case]:
    lowered: dict[tuple[str, str], list[str]] = {}
    for kind, label in _KINDS:
        old, new = _dmarc.policy_for(before, kind) or "none", _dmarc.policy_for(after, kind) or "none"
        if _POLICIES.index(new) < _POLICIES.index(old):
            lowered.setdefault((old, new), []).append(label)
    if lowered:
        lost = "; ".join(f"{old} for {', '.join(kinds)} (now {new})" for (old, new), kinds in lowered.items())
        yield lost, "relay_domains[].dmarc.policy and subdomain_policy that ask for as much"
    rua = _lost_uris((uri.uri for uri in before.rua), (uri.uri for uri in after.rua))
    if rua:
        yield f"the reports to {_list(rua)}", "these addresses in relay_domains[].dmarc.rua"
    tags = [tag for tag, is_other in _other_tags(before, after) if is_other]
    if tags:
        values = [f"{tag}={_tag(before, tag)} (now {_tag(after, tag)})" for tag in tags]
        yield ", ".join(values), "a record that has the same there"


def _other_tags(before: _dmarc.PolicyRecord, after: _dmarc.PolicyRecord) -> t.Iterator[tuple[str, bool]]:
    """Yield the tags beside the policies, and whether somebody may miss what they said.

    Alignment that is looser lets others pass, one that is stricter does not let own mail pass that did (RFC 9989, 4.4).
    """
    yield from ((tag, getattr(before, tag) != getattr(after, tag)) for tag in ("adkim", "aspf", "psd"))
    yield "ruf", bool(_lost_uris((uri.uri for uri in before.ruf), (uri.uri for uri in after.ruf)))
    yield "pct", _percent(after) < _percent(before)


def _percent(record: _dmarc.PolicyRecord) -> int:
    """Return the share of mail for which old receivers follow the policy (RFC 7489, 6.3)."""
    text = dict(record.removed).get("pct", "")
    return min(int(text), 100) if text.isascii() and text.isdigit() and len(text) < 4 else 100


def _tag(record: _dmarc.PolicyRecord, tag: str) -> str:
    if tag == "pct":
        return str(_percent(record))
    return _list(uri.uri.text for uri in record.ruf) or "nobody" if tag == "ruf" else getattr(record, tag)


def _lost_uris(before: t.Iterable[_uri.Uri], after: t.Iterable[_uri.Uri]) -> list[str]:
    """Return the URIs that are not there any more; mail addresses are compared without regard to case."""
    kept = {_same(uri) for uri in after}
    return [uri.text for uri in before if _same(uri) not in kept]


def _same(uri: _uri.Uri) -> tuple[str, str]:
    return uri.scheme, uri.address.lower() or uri.text


def _tlsrpt_record(before: t.Any, after: t.Any, _name: str) -> t.Iterator[Case]:
    rua = _lost_uris(before.rua, after.rua)
    if rua:
        yield f"the reports to {_list(rua)}", "these addresses in relay_domains[].tlsrpt.rua"


def _mta_sts_record(_before: t.Any, _after: t.Any, _name: str) -> t.Iterator[Case]:
    """Yield nothing: another id makes senders fetch the policy anew, whoever serves it (RFC 8461, 3.1)."""
    yield from ()


_READ: dict[str, t.Callable[[str], t.Any]] = {
    "spf": _spf.parse,
    "dmarc": _dmarc.parse,
    "tlsrpt": _tlsrpt.parse,
    "mta_sts": _mta_sts.parse,
}
_COMPARE: dict[str, t.Callable[[t.Any, t.Any, str], t.Iterator[Case]]] = {
    "spf": _spf_record,
    "dmarc": _dmarc_record,
    "tlsrpt": _tlsrpt_record,
    "mta_sts": _mta_sts_record,
}


def _mx(old: t.Sequence[str], new: t.Sequence[str]) -> t.Iterator[Case]:
    """Compare hosts only. The null MX has none (RFC 7505)."""
    before, after = ([value.split()[-1].lower().rstrip(".") for value in values] for values in (old, new))
    hosts = [host for host in dict.fromkeys(before) if host and host not in after]
    if hosts:
        yield f"the mail servers {_list(hosts)}", "these servers in relay_domains[].mx"


def _keys(texts: t.Iterable[str]) -> list[_dkim.KeyRecord]:
    keys = []
    for text in texts:
        try:
            keys.append(_dkim.parse(text))
        except ValueError:
            continue
    return keys


def _dkim_key(text: str, new: t.Sequence[str]) -> t.Iterator[Case]:
    keys = _keys(new)
    for old in _keys([text]):
        same = [key for key in keys if (key.k, key.p) == (old.k, old.p)]
        if old.revoked or (keys and all(key.revoked for key in keys)):
            continue
        if not same:
            yield (
                "this key, and with it the mail that it has signed",
                "another selector, as in relay_dkim.selector, or v=DKIM1; p= there first",
            )
        elif _narrowed(old, same[0]):
            yield f"mail that {', '.join(_narrowed(old, same[0]))} leaves out", "the same tags for the same key"


def _narrowed(old: _dkim.KeyRecord, new: _dkim.KeyRecord) -> list[str]:
    """Return the tags by which fewer signatures count than before (RFC 6376, 3.6.1)."""
    tags = [f"t={flag}" for flag in ("y", "s") if flag in new.t and flag not in old.t]
    if new.h and (not old.h or set(old.h) - set(new.h)):
        tags.append(f"h={':'.join(new.h)}")
    if "*" not in new.s and set(old.s) - set(new.s):
        tags.append(f"s={':'.join(new.s)}")
    return tags

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""DMARC (RFC 9989): the policy that is published, whether mail is aligned, whether reports may go where they are to.

Alignment and agreements follow from the tree walks of several domains: :func:`walk` names what to ask for.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ansible_collections.mailops.relay.plugins.module_utils import _dmarc
from ansible_collections.mailops.relay.plugins.module_utils._dmarc import Kind, PolicyRecord
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

Findings = t.Iterator[Finding]

_STRICTNESS = (None, "none", "quarantine", "reject")
_WHOSE = {"domain": "its mail", "subdomain": "subdomains", "nonexistent": "subdomains that do not exist"}
_KINDS: tuple[Kind, ...] = ("domain", "subdomain", "nonexistent")
_ALIGNMENT, _AUTHORISATION = "RFC 9989, 4.4", "RFC 9990, 4"


def _policy(policy: str | None) -> str:
    return policy or "no DMARC at all"


def _judge_policy(subject: str, wanted: PolicyRecord, found: PolicyRecord, severity: str, remedy: str) -> Findings:
    """Judge what receivers do with forged mail: a weaker policy lets more of it in, a stricter one may lose mail."""
    pairs = [(kind, _dmarc.policy_for(wanted, kind), _dmarc.policy_for(found, kind)) for kind in _KINDS]
    weaker = [pair for pair in pairs if _STRICTNESS.index(pair[2]) < _STRICTNESS.index(pair[1])]
    stricter = [pair for pair in pairs if _STRICTNESS.index(pair[2]) > _STRICTNESS.index(pair[1])]
    for name, grade, differing in (("weaker", severity, weaker), ("stricter", "notice", stricter)):
        if differing:
            parts = (
                f"{_policy(there)} for {_WHOSE[kind]}, and should be {_policy(should)}"
                for kind, should, there in differing
            )
            message = f"the policy is {name} than asked for: {'; '.join(parts)}"
            yield Finding(f"dmarc_policy_{name}", grade, subject, message, f"Replace it. {remedy}", "RFC 9989, 4.7")
            return


def judge_record(record: RecordSet, values: t.Sequence[str], severity: str, remedy: str) -> Findings:
    """Judge the DMARC records at a name, one at least, against the record set that should be there.

    What differs in other ways than the policy, and is not ignored by receivers, is for others to tell.
    """
    subject = f"{record.name} {record.type}"
    if len(values) > 1:
        message = f"there are {len(values)} DMARC records, so none counts"
        yield Finding(
            "dmarc_several_records", severity, subject, message, f"Remove all but one. {remedy}", "RFC 9989, 4.10"
        )
        return
    try:
        wanted = _dmarc.parse(record.values[0])
    except ValueError as error:
        message = f"receivers would pass over the record to publish: {error}"
        yield Finding("dmarc_malformed", severity, subject, message, "Mend that record.", "RFC 9989, 4.7")
        return
    try:
        found = _dmarc.parse(values[0])
    except ValueError as error:
        message = f"receivers pass over the record: {error}"
        yield Finding("dmarc_malformed", severity, subject, message, f"Replace it. {remedy}", "RFC 9989, 4.7")
        return
    ignored = [text for text in _dmarc.problems(values[0]) if text not in _dmarc.problems(record.values[0])]
    policy = list(_judge_policy(subject, wanted, found, severity, remedy))
    if policy:
        more = f"; receivers ignore: {'; '.join(ignored)}" if ignored else ""
        yield from (replace(finding, message=finding.message + more) for finding in policy)
    elif ignored and replace(found, removed=()) == replace(wanted, removed=()):
        # Receivers that follow RFC 7489 still use what was removed.
        grade = "warning" if found.removed != wanted.removed else "notice"
        message = f"it says what it should, and what receivers ignore: {'; '.join(ignored)}"
        yield Finding("dmarc_tag_ignored", grade, subject, message, f"Replace it. {remedy}", "RFC 9989, 4.7")
    elif found != wanted and replace(found, sp=wanted.sp, np=wanted.np) == wanted:
        message = f"it is {values[0]!r}, which comes to the same as {record.values[0]!r}"
        yield Finding("dns_record_different", "notice", subject, message, f"Replace it. {remedy}", "RFC 9989, 4.7")


def walk(domains: t.Iterable[str]) -> list[str]:
    """Return the names to ask for records, of the tree walks of all domains."""
    found: dict[str, None] = {}
    for domain in domains:
        try:
            found.update(dict.fromkeys(_dmarc.tree_walk_names(domain)))
        except ValueError:
            continue  # No room for _dmarc in front of it: there is no record.
    return list(found)


class Policies:
    """What the answers of tree walks say; each domain is worked out once, since many meet many."""

    def __init__(self, answers: t.Mapping[str, Answer]) -> None:
        found = {name: _dmarc.only_record(answer.values) for name, answer in answers.items() if answer.is_answered}
        self._answers = answers
        self._records = {name: record for name, record in found.items() if record}
        self._organizations: dict[str, str] = {}

    def unknown(self, domains: t.Iterable[str]) -> Answer | None:
        """Return an answer that a walk lacks; then nothing else can be said."""
        walked = (self._answers[name] for domain in domains for name in walk([domain]))
        return next((answer for answer in walked if not answer.is_answered), None)

    def discover(self, domain: str) -> tuple[str, PolicyRecord] | None:
        """Return the record that applies to a domain, and where it is."""
        return _dmarc.discover(domain, self._records) if walk([domain]) else None

    def _organization(self, domain: str) -> str:
        if domain not in self._organizations:
            found = _dmarc.organizational_domain(domain, self._records) if walk([domain]) else domain
            self._organizations[domain] = found
        return self._organizations[domain]

    def is_aligned(self, domain: str, identifiers: t.Collection[str], mode: str) -> bool:
        """Whether one of the identifiers is aligned with a domain (RFC 9989, 4.4)."""
        if domain in identifiers:
            return True
        return mode == "r" and self._organization(domain) in map(self._organization, identifiers)


def _not_known(subject: str, id_: str, answer: Answer, reference: str) -> Finding:
    why = f"{answer.state}{f' ({answer.detail})' if answer.detail else ''}"
    message = f"it is not known now: {answer.name} {answer.rdtype} is {why}, says {answer.server}"
    return Finding(id_, "warning", subject, message, "Try again; look at that server.", reference)


@dataclass(frozen=True)
class Author:
    """A domain that a sender's mail is From, and is sent by in MAIL FROM.

    ``dkim`` are the domains that the sender signs with, ``not_passed`` its addresses that SPF does not pass.
    """

    domain: str
    dkim: tuple[str, ...]
    not_passed: tuple[str, ...] = ()


def judge_alignment(author: Author, policies: Policies) -> Findings:
    """Judge whether mail from an author is authenticated for DMARC, where a record asks for that.

    Nothing is said of senders that are not known to sign: whether SPF passes is judged elsewhere.
    """
    subject = f"From {author.domain}"
    if not author.dkim:
        return
    walked = [author.domain, *(() if author.domain in author.dkim else author.dkim)]
    unknown = policies.unknown(walked)
    if unknown:
        yield _not_known(subject, "dmarc_unknown", unknown, "RFC 9989, 4.10")
        return
    policy = policies.discover(author.domain)
    if policy is None or _dmarc.stated_policy(policy[1], "domain") is None:
        return
    below = f"sub.{author.domain}"
    if not policies.is_aligned(author.domain, author.dkim, policy[1].adkim):
        yield _not_signed(subject, author, policy[1])
    elif walk([below]) and not policies.is_aligned(below, author.dkim, policy[1].adkim):
        by_spf = not author.not_passed and policies.is_aligned(below, [author.domain], policy[1].aspf)
        yield _subdomains(subject, author, policy, by_spf)


def _signers(author: Author) -> str:
    more = f" and {len(author.dkim) - 3} more" if len(author.dkim) > 3 else ""
    return ", ".join(author.dkim[:3]) + more


def _not_signed(subject: str, author: Author, record: PolicyRecord) -> Finding:
    mode = "the same domain" if record.adkim == "s" else "a domain of the same organization"
    message = f"mail from {author.domain} is signed by {_signers(author)}, and DMARC wants {mode}"
    remedy = f"Sign mail from {author.domain} with d={author.domain}."
    if author.not_passed:
        message += f"; SPF does not pass {', '.join(author.not_passed)} either, so DMARC fails"
        return Finding("dmarc_not_aligned", "error", subject, message, remedy, _ALIGNMENT)
    message += "; only SPF is aligned, so DMARC fails where mail is forwarded"
    return Finding("dmarc_dkim_not_aligned", "warning", subject, message, remedy, _ALIGNMENT)


def _subdomains(subject: str, author: Author, policy: tuple[str, PolicyRecord], by_spf: bool) -> Finding:
    """Return what is wrong with mail from subdomains, which is signed like that of their parent."""
    at, record = policy
    effect = "DMARC fails where it is forwarded" if by_spf else "DMARC fails"
    message = f"mail from subdomains of {author.domain} is signed like its own: with adkim=s {effect}"
    text = _dmarc.join(replace(record, adkim="r"))
    remedy = f'Sign it with the subdomain in d=, or publish: {_dmarc.record_name(at)}. IN TXT "{text}"'
    severity = "notice" if by_spf else "warning"
    return Finding("dmarc_subdomains_not_aligned", severity, subject, message, remedy, _ALIGNMENT)


@dataclass(frozen=True)
class Receiver:
    """A host that gets the reports about a domain."""

    domain: str
    host: str

    @property
    def name(self) -> str:
        """Where the host agrees; empty where there is no room for such a name."""
        try:
            return _dmarc.report_name(self.domain, self.host)
        except ValueError:
            return ""


def receivers(records: t.Iterable[RecordSet]) -> list[Receiver]:
    """Return who is to get reports, of all DMARC records among the record sets."""
    found: dict[Receiver, None] = {}
    for record in records:
        if record.type != "TXT" or not record.name.startswith("_dmarc."):
            continue
        policy = _dmarc.only_record(record.values) or PolicyRecord()
        domain = record.name.partition(".")[2]
        hosts = (uri.uri.host for uri in (*policy.rua, *policy.ruf) if uri.uri.host)
        found.update((Receiver(domain, host), None) for host in hosts if host != domain)
    return list(found)


def judge_receiver(receiver: Receiver, policies: Policies, agreement: Answer | None) -> Findings:
    """Judge whether a host of another organization agrees to get reports; without, nobody sends them (RFC 9990, 4).

    ``agreement`` is what it says about the domain, None where there is no name for that.
    """
    subject = f"{receiver.name or receiver.host} TXT"
    if agreement is None:
        message = f"there is no name where {receiver.host} could agree to get reports about {receiver.domain}"
        remedy = f"Name another receiver of reports in _dmarc.{receiver.domain}."
        yield Finding("dmarc_reports_not_authorized", "warning", subject, message, remedy, _AUTHORISATION)
        return
    unknown = policies.unknown([receiver.domain, receiver.host])
    if unknown:
        yield _not_known(subject, "dmarc_reports_unknown", unknown, _AUTHORISATION)
    elif policies.is_aligned(receiver.domain, [receiver.host], "r"):
        return
    elif not agreement.is_answered:
        yield _not_known(subject, "dmarc_reports_unknown", agreement, _AUTHORISATION)
    elif not any(_dmarc.is_record(value) for value in agreement.values):
        zone = agreement.zone if f".{receiver.host}".endswith(f".{agreement.zone}") else receiver.host
        message = f"{receiver.host} does not agree to get reports about {receiver.domain}, so nobody sends them there"
        remedy = f'Have whoever has the zone {zone} publish: {receiver.name}. IN TXT "v=DMARC1"'
        yield Finding("dmarc_reports_not_authorized", "warning", subject, message, remedy, _AUTHORISATION)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""What is not as it should be in DNS: observations of record sets become findings."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import (
    _dkim_judgement,
    _dmarc_judgement,
    _dns_answer,
    _finding,
    _record,
    _zone_file,
)
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Observation
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

Findings = t.Iterator[Finding]

_SEVERITY = {"required": "error", "recommended": "warning", "optional": "notice"}

_SERVER = {
    _dns_answer.REFUSED: ("refused to answer", "Have it serve the zone and answer to everybody, or delegate elsewhere"),
    _dns_answer.TIMED_OUT: ("did not answer in time", "Start it, and let UDP and TCP port 53 through to it"),
    _dns_answer.UNREACHABLE: ("cannot be reached", "Start it, and look at the route to it; IPv6 may be missing here"),
    _dns_answer.MALFORMED: ("answers with what is not DNS", "Look at what listens there, and at the boxes on the way"),
    _dns_answer.FAILED: ("could not answer", "Look at its log: the zone may be expired or not loaded"),
    _dns_answer.NOT_AUTHORITATIVE: ("does not serve the zone", "Have it serve the zone, or take it out of NS"),
}


def seen(record: RecordSet, answer: Answer) -> tuple[str, ...]:
    """Return the values of an answer that compete with those of the record set: other TXT at the name is others'."""
    return tuple(sorted(_record.rivals(record, answer.values)))


def _parsed(record: RecordSet, values: tuple[str, ...]) -> RecordSet | None:
    try:
        return RecordSet(record.name, record.type, values)
    except ValueError:
        return None


def fits(record: RecordSet, answer: Answer) -> bool:
    """Whether the answer says what the record set says; TXT may be spelled otherwise."""
    values = seen(record, answer)
    if set(values) == set(record.values):
        return True
    found = _parsed(record, values)
    return bool(found and _record.same_meaning(record, found))


def _servers(answers: t.Iterable[Answer]) -> str:
    return ", ".join(dict.fromkeys(str(answer.server) for answer in answers))


def _quoted(values: t.Iterable[str]) -> str:
    return " and ".join(repr(value) for value in values)


@dataclass(frozen=True)
class _Case:
    """A record set and what its servers agree on."""

    observation: Observation
    answer: Answer

    @property
    def record(self) -> RecordSet:
        return self.observation.record

    @property
    def subject(self) -> str:
        return f"{self.record.name} {self.record.type}"

    @property
    def severity(self) -> str:
        return _SEVERITY[self.record.grade]

    @property
    def should(self) -> str:
        return f"Publish: {self.lines}"

    @property
    def lines(self) -> str:
        """The record set as it stands in a zone file."""
        return _zone_file.render([self.record], comments=False).rstrip("\n")

    @property
    def values(self) -> tuple[str, ...]:
        return seen(self.record, self.answer)

    @property
    def is_wildcard(self) -> bool:
        wild = self.observation.wildcards
        return bool(wild) and set(self.answer.values) == set(wild)


_BY_PURPOSE = {"dkim": _dkim_judgement.judge, "dmarc": _dmarc_judgement.judge_record}


def _judge_by_purpose(case: _Case) -> Findings:
    """Judge what only receivers of one kind of record can tell, also of records that are right."""
    judge_values = _BY_PURPOSE.get(_record.purpose(*case.record.key, case.record.values[0]))
    if judge_values and case.values:
        yield from judge_values(case.record, case.values, case.severity, case.should)


def _judge_content(case: _Case) -> Findings:
    """Judge what the zone holds."""
    if fits(case.record, case.answer):
        yield from _judge_by_purpose(case)
    elif not case.answer.cnames:
        yield from _judge_wrong(case)


def _judge_wrong(case: _Case) -> Findings:
    """Judge what is there instead of the record set: one finding for one record."""
    if case.is_wildcard:
        message = f"there is no such record; a wildcard answers for it, with {_quoted(case.answer.values)}"
        yield Finding("dns_wildcard_answers", case.severity, case.subject, message, case.should, "RFC 4592, 2.2.1")
    elif not case.values:
        yield Finding("dns_record_missing", case.severity, case.subject, _absence(case.answer), case.should)
    elif _is_several_spf(case):
        message = f"there are {len(case.values)} SPF records, so none counts: {_quoted(case.values)}"
        remedy = f"Remove all but one. {case.should}"
        yield Finding("dns_spf_several_records", "error", case.subject, message, remedy, "RFC 7208, 3.2, 4.5")
    else:
        yield from list(_judge_by_purpose(case)) or [_different(case)]


def _different(case: _Case) -> Finding:
    message = f"it is {_quoted(case.values)}, and should be {_quoted(case.record.values)}"
    return Finding("dns_record_different", case.severity, case.subject, message, f"Replace it. {case.should}")


def _is_several_spf(case: _Case) -> bool:
    kinds = [_record.purpose(case.record.name, case.record.type, value) for value in case.values]
    return kinds.count("spf") > 1


def _absence(answer: Answer) -> str:
    if answer.values:
        return "the name has other records of this type, and not this one"
    if answer.state == _dns_answer.NO_NAME:
        return "the name does not exist"
    return f"the name exists and has no record of type {answer.rdtype}"


def _alias_severity(case: _Case) -> str:
    """Where the data at the end of an alias are right, only hosts must not be reached by it."""
    if not fits(case.record, case.answer):
        return case.severity
    # Reverse names are aliases where the addresses of a network are delegated one by one (RFC 2317, 4).
    return "warning" if case.record.type in ("A", "AAAA", "MX") else "notice"


def _alias_end(case: _Case) -> str:
    if case.answer.detail:
        return f"of which the end is not known: {case.answer.detail}"
    if fits(case.record, case.answer):
        return "where the data are right"
    return f"where there is {_quoted(case.values) or 'no such record'}"


def _judge_aliases(cases: t.Sequence[_Case]) -> Findings:
    """Judge a CNAME at a name: one finding, for whichever types of records there should be."""
    first = cases[0]
    severity = min(map(_alias_severity, cases), key=_finding.SEVERITIES.index)
    ends = "; ".join(f"{case.record.type}: {_alias_end(case)}" for case in cases)
    message = f"the name is an alias: CNAME {' → '.join(first.answer.cnames)}, "
    message += _alias_end(first) if len(cases) == 1 else ends
    remedy = "Remove the CNAME. Publish: " + "\n".join(case.lines for case in cases)
    if severity == "notice" and all(fits(case.record, case.answer) for case in cases):
        remedy = f"Nothing, if it is meant: whoever has {first.answer.cnames[-1]} decides what it says."
    subject = first.subject if len(cases) == 1 else first.record.name
    yield Finding("dns_cname", severity, subject, message, remedy, "RFC 1034, 3.6.2; RFC 5321, 5.1")


def _state(case: _Case, answer: Answer) -> tuple[t.Any, ...]:
    return (answer.cnames, fits(case.record, answer) or seen(case.record, answer))


def _agreed(observation: Observation) -> _Case | None:
    """Return what the servers that answer agree on."""
    cases = [_Case(observation, answer) for answer in observation.answers if answer.is_answered]
    return cases[0] if len({_state(case, case.answer) for case in cases}) == 1 else None


def _judge_disagreement(observation: Observation) -> Findings:
    """Judge that the servers do not hold the same."""
    groups: dict[tuple[t.Any, ...], list[Answer]] = {}
    cases = [_Case(observation, answer) for answer in observation.answers if answer.is_answered]
    for case in cases:
        groups.setdefault(_state(case, case.answer), []).append(case.answer)
    if len(groups) < 2:
        return
    case = cases[0]
    parts = [
        f"{_servers(group)} {'says ' + _quoted(seen(case.record, group[0])) if group[0].values else 'has none'}"
        for group in groups.values()
    ]
    remedy = f"Wait for the secondary servers, or look at their transfers. Each should have: {case.lines}"
    yield Finding("dns_servers_disagree", case.severity, case.subject, "; ".join(parts), remedy, "RFC 1034, 4.3.5")


def _judge_resolved(observation: Observation) -> Findings:
    """Judge what a resolver says beside the servers: whether it is bogus, or still the old data."""
    answer = observation.resolved
    if answer is None:
        return
    case = _Case(observation, answer)
    if answer.state == _dns_answer.BOGUS:
        message = f"a validating resolver holds it for forged ({answer.detail}), as many receivers will"
        remedy = "Sign the zone anew, or mend its DS record at the parent."
        yield Finding("dns_bogus", "error", case.subject, message, remedy, "RFC 4035, 5.5")
        return
    answered = [other for other in observation.answers if other.is_answered and not other.cnames]
    current = bool(answered) and all(fits(observation.record, other) for other in answered)
    if answer.authoritative:
        return
    if answer.is_answered and current and not fits(observation.record, answer):
        old = _quoted(case.values) or "that there is none"
        left = f" for {answer.ttl} s more" if answer.values else " until that expires"
        message = f"the servers are right, and {answer.server} still has in its cache {old}{left}"
        yield Finding("dns_record_cached", "notice", case.subject, message, "Wait.", "RFC 1035, 3.2.1; RFC 2308, 5")


def _judge_zone(observation: Observation) -> Findings:
    """Judge whether the servers were to be found."""
    problem, record = observation.problem, observation.record
    if observation.zone and not observation.answers and "." not in observation.zone.strip("."):
        message = f"its domain is not delegated: the closest zone above it is {observation.zone!r}"
        remedy = "Register the domain, and have its NS records put into the zone above."
        yield Finding("dns_zone_not_delegated", _SEVERITY[record.grade], record.name, message, remedy)
    elif not observation.answers:
        message = "its authoritative servers were not found"
        if problem:
            text = f"{problem.name} {problem.rdtype} is {problem.state}"
            message += f": {text}{f' ({problem.detail})' if problem.detail else ''}, says {problem.server}"
        remedy = "Look at the delegation, at the addresses of its servers, and at the resolver that was asked."
        yield Finding("dns_servers_unknown", _SEVERITY[record.grade], record.name, message, remedy)


def judge_servers(observations: t.Iterable[Observation]) -> Findings:
    """Judge servers that did not answer: one finding for each. It is an error where no other server has answered."""
    silent: dict[tuple[t.Any, str], list[tuple[Answer, bool]]] = {}
    for observation in observations:
        covered = any(answer.is_answered for answer in observation.answers)
        for answer in observation.answers:
            if not answer.is_answered:
                silent.setdefault((answer.server, answer.state), []).append((answer, covered))
    for (server, state), answers in silent.items():
        what, remedy = _SERVER[state]
        first = answers[0][0]
        more = f" and {len(answers) - 1} more" if len(answers) > 1 else ""
        alone = "" if all(covered for _answer, covered in answers) else ", and nobody else has answered that"
        message = f"it {what}{f' ({first.detail})' if first.detail else ''}: {first.name} {first.rdtype}{more}{alone}"
        yield Finding(f"dns_server_{state}", "error" if alone else "warning", str(server), message, f"{remedy}.")


def judge(observations: t.Sequence[Observation]) -> list[Finding]:
    """Return all findings."""
    findings = list(judge_servers(observations))
    aliases: dict[tuple[str, tuple[str, ...]], list[_Case]] = {}
    for observation in observations:
        findings += [*_judge_zone(observation), *_judge_disagreement(observation), *_judge_resolved(observation)]
        case = _agreed(observation)
        if case and case.answer.cnames:
            aliases.setdefault((case.record.name, case.answer.cnames), []).append(case)
        findings += _judge_content(case) if case else ()
    for cases in aliases.values():
        findings += _judge_aliases(cases)
    return _finding.ordered(findings)

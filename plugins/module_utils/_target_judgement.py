# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""The hosts that records point to: whether they have addresses of their own, and those that they should have."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _dns_judgement, _ptr
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Observation
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

ADDRESS_TYPES = ("A", "AAAA")

_RULE = {"MX": "RFC 5321, 5.1; RFC 2181, 10.3", "SRV": "RFC 2782"}


def targets(record: RecordSet) -> list[str]:
    """Return the names of the hosts that a record set points to; ``.`` says that there is none."""
    if record.type not in ("MX", "PTR", "SRV"):
        return []
    names = (value.split()[-1].rstrip(".") for value in record.values)
    return [name for name in dict.fromkeys(names) if name]


def _by_name(answers: t.Iterable[Answer]) -> dict[str, list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        found.setdefault(answer.name, []).append(answer)
    return found


def _addresses(answers: t.Iterable[Answer]) -> list[str]:
    return [address for answer in answers for address in answer.values]


def _unknown(subject: str, answers: t.Iterable[Answer]) -> Finding | None:
    """Return a finding where a question for addresses had no answer: then nothing else can be said."""
    for answer in answers:
        if not answer.is_answered:
            why = f"{answer.state}{f' ({answer.detail})' if answer.detail else ''}"
            message = (
                f"the addresses of {answer.name} are not known now: {answer.rdtype} is {why}, says {answer.server}"
            )
            return Finding("dns_target_unknown", "warning", subject, message, "Try again; look at that server.")
    return None


def _judge_host(subject: str, rdtype: str, name: str, answers: list[Answer]) -> t.Iterator[Finding]:
    """Judge a host that mail is to be sent to: it is no alias, and has an address."""
    aliases = [answer.cnames[-1] for answer in answers if answer.cnames]
    if aliases:
        message = f"it points to {name}, an alias of {aliases[0]}"
        remedy = f"Point it to {aliases[0]}, or give {name} addresses instead of the CNAME."
        yield Finding("dns_target_alias", "error", subject, message, remedy, _RULE[rdtype])
    elif not _addresses(answers):
        unknown = _unknown(subject, answers)
        message = f"it points to {name}, which has no address"
        remedy = f"Publish A or AAAA records of {name}."
        yield unknown or Finding("dns_target_without_address", "error", subject, message, remedy, _RULE[rdtype])


def _judge_reverse(subject: str, record: RecordSet, answers: dict[str, list[Answer]]) -> t.Iterator[Finding]:
    """Judge whether a name of the address has the address in turn."""
    try:
        address = str(_ptr.parse(record.name))
    except ValueError:
        return
    if any(address in _addresses(found) for found in answers.values()):
        return
    unknown = _unknown(subject, (answer for found in answers.values() for answer in found))
    names = " and ".join(answers)
    message = f"{address} is {names}, which has not {address} in turn"
    remedy = f"Publish: {names}. IN {'AAAA' if ':' in address else 'A'} {address}"
    yield unknown or Finding("dns_ptr_not_confirmed", "error", subject, message, remedy, "RFC 8601, 3; RFC 1912, 2.1")


def judge(observation: Observation) -> t.Iterator[Finding]:
    """Judge the hosts that a record set points to, where it is there as it should be."""
    record = observation.record
    answered = [answer for answer in observation.answers if answer.is_answered]
    if not answered or not all(_dns_judgement.fits(record, answer) for answer in answered):
        return
    subject = f"{record.name} {record.type}"
    answers = _by_name(observation.targets)
    if record.type == "PTR" and answers:
        yield from _judge_reverse(subject, record, answers)
    elif answers:
        for name, found in answers.items():
            yield from _judge_host(subject, record.type, name, found)


def judge_helo(address: str, answers: t.Sequence[Answer]) -> t.Iterator[Finding]:
    """Judge the name that a sender says in HELO by its A and AAAA records (RFC 5321, 2.3.5 and 4.1.4)."""
    if address in _addresses(answers):
        return
    name = answers[0].name
    subject = f"{name} {'AAAA' if ':' in address else 'A'}"
    message = f"{address} says HELO {name}, which has not this address"
    remedy = f"Publish: {name}. IN {subject.rpartition(' ')[2]} {address}"
    unknown = _unknown(subject, answers)
    yield unknown or Finding("dns_helo_not_confirmed", "warning", subject, message, remedy, "RFC 5321, 4.1.4")

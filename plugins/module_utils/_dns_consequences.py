# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What receivers make of the records together: SPF and HELO of the senders, alignment and reports of DMARC.

It is judged by DNS as it is to be, so that what follows from a wrong record is no finding beside the record's own.
"""

from __future__ import annotations

import asyncio
import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.mailops.relay.plugins.module_utils import (
    _dmarc_judgement,
    _spf_check,
    _spf_judgement,
    _spf_model,
    _target_judgement,
)
from ansible_collections.mailops.relay.plugins.module_utils._dmarc_judgement import Author, Policies, Receiver
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer
from ansible_collections.mailops.relay.plugins.module_utils._dns_survey import Survey
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet
from ansible_collections.mailops.relay.plugins.module_utils._sender import Sender, domain_of
from ansible_collections.mailops.relay.plugins.module_utils._spf_judgement import Identity
from ansible_collections.mailops.relay.plugins.module_utils._spf_model import Arguments, Outcome

SPF_SECONDS = 20.0

Lookup = t.Callable[[str, str], t.Awaitable[Answer]]


@dataclass(frozen=True)
class SenderSeen:
    """What was seen of a sender: how SPF ends ``now``, and ``then``, when the records are there; ``helo`` is by then.

    ``helo`` are the A and AAAA records of its name.
    """

    sender: Sender
    now: t.Tuple[Outcome, ...] = ()
    then: t.Tuple[Outcome, ...] = ()
    helo: t.Tuple[Answer, ...] = ()

    @property
    def authors(self) -> list[Author]:
        """The domains that mail is From, with the addresses that SPF does not pass for them."""
        failed: dict[str, dict[str, None]] = {domain: {} for domain in self.sender.authors}
        for identity, outcome in zip(self.sender.identities, self.then):
            if identity.kind == "mail_from" and outcome.result != "pass":
                failed[domain_of(identity.arguments.sender)][identity.arguments.ip] = None
        return [Author(domain, self.sender.dkim, tuple(addresses)) for domain, addresses in failed.items()]


@dataclass(frozen=True)
class Seen:
    """What was seen. ``policies`` are the answers of the tree walks of DMARC, ``agreements`` those of receivers."""

    senders: t.Tuple[SenderSeen, ...] = ()
    policies: t.Mapping[str, Answer] = field(default_factory=dict)
    agreements: t.Mapping[Receiver, t.Optional[Answer]] = field(default_factory=dict)


async def evaluate_spf(lookup: Lookup, arguments: Arguments, seconds: float = SPF_SECONDS) -> Outcome:
    """Evaluate SPF by what is looked up; past the time each further question has failed (RFC 7208, 4.6.4)."""
    deadline = time.monotonic() + seconds
    evaluation = _spf_check.evaluate(arguments)
    try:
        question = next(evaluation)
        while True:
            if time.monotonic() > deadline:
                question = evaluation.send(_spf_model.Answer(failure=f"the evaluation took more than {seconds:g} s"))
                continue
            answer = await lookup(question.name, question.rdtype)
            question = evaluation.send(_spf_judgement.spf_answer(answer))
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return outcome


async def _sender(survey: Survey, sender: Sender) -> SenderSeen:
    arguments = [identity.arguments for identity in sender.identities]
    now, then, helo = await asyncio.gather(
        asyncio.gather(*(evaluate_spf(survey.lookup, each) for each in arguments)),
        asyncio.gather(*(evaluate_spf(survey.expected, each) for each in arguments)),
        survey.addresses(sender.helo),
    )
    return SenderSeen(sender, tuple(now), tuple(then), tuple(helo))


async def _answers(survey: Survey, names: t.Iterable[str]) -> dict[str, Answer]:
    found = {name: survey.expected(name, "TXT") for name in names}
    return dict(zip(found, await asyncio.gather(*found.values())))


async def observe(survey: Survey, senders: t.Sequence[Sender], records: t.Sequence[RecordSet]) -> Seen:
    """Ask for all that the senders and the DMARC records among the records lead to."""
    receivers = _dmarc_judgement.receivers(records)
    signers = [sender for sender in senders if sender.dkim]
    domains = [domain for sender in signers for domain in (*sender.authors, *sender.dkim)]
    domains += [domain for receiver in receivers for domain in (receiver.domain, receiver.host)]
    seen, policies, agreements = await asyncio.gather(
        asyncio.gather(*(_sender(survey, sender) for sender in senders)),
        _answers(survey, _dmarc_judgement.walk(dict.fromkeys(domains))),
        _answers(survey, (receiver.name for receiver in receivers if receiver.name)),
    )
    return Seen(tuple(seen), policies, {each: agreements.get(each.name) for each in receivers})


def _judge_sender(seen: SenderSeen) -> t.Iterator[Finding]:
    for identity, outcome in zip(seen.sender.identities, seen.then):
        yield from _spf_judgement.judge(identity, outcome)
    for address in seen.sender.addresses:
        yield from _target_judgement.judge_helo(address, seen.helo)


def judge(seen: Seen) -> list[Finding]:
    """Return all findings."""
    findings = [finding for sender in seen.senders for finding in _judge_sender(sender)]
    policies = Policies(seen.policies)
    for author in dict.fromkeys(author for sender in seen.senders for author in sender.authors):
        findings += _dmarc_judgement.judge_alignment(author, policies)
    for receiver, agreement in seen.agreements.items():
        findings += _dmarc_judgement.judge_receiver(receiver, policies, agreement)
    return findings


def _describe(identity: Identity, outcome: Outcome) -> dict[str, t.Any]:
    return {
        "address": identity.arguments.ip,
        "identity": identity.kind,
        "sender": identity.arguments.sender,
        "result": outcome.result,
        "path": list(outcome.path),
        "problem": outcome.problem,
        "lookup_terms": outcome.lookup_terms,
    }


def describe(seen: Seen) -> dict[str, t.Any]:
    """Return how SPF ends now as the module returns it."""
    return {"spf": [_describe(*pair) for sender in seen.senders for pair in zip(sender.sender.identities, sender.now)]}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Whether a relay is closed: what strangers got through it, and whether it was a stranger who asked."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _finding, _smtp_battery, _smtp_judgement
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import (
    NOT_ASKED,
    NOT_CHECKED,
    SMUGGLED,
    TLS_VERSIONS,
    Answer,
    Observation,
)

Findings = t.Iterator[Finding]

_SHOWN = 8
_FOR_US = re.compile(
    r"client host|\bblocked\b|block ?list|black ?list|dnsbl|\brbl\b|spamhaus|reputation|"
    r"helo command|sender address rejected",
    re.IGNORECASE,
)
_OWN = {trick.name for trick in _smtp_battery.TRICKS if trick.own}
_REFERENCES = {trick.name: trick.reference for trick in _smtp_battery.TRICKS}


def _named(answers: t.Sequence[Answer]) -> str:
    names = [answer.trick for answer in answers]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _example(answers: t.Sequence[Answer]) -> str:
    return f"{answers[0].command} was answered with {answers[0].reply}"


def judge_closed(seen: Observation) -> Findings:
    """Judge what the tricks and the endings came to."""
    yield from judge_endings(seen)
    yield from judge_tricks(seen)


def judge_tricks(seen: Observation) -> Findings:
    """Judge what the tricks came to. What a relay does for those it trusts says nothing."""
    subject = seen.listener.subject
    if seen.trusted:
        yield Finding(
            "smtp_vantage_trusted",
            "error",
            subject,
            f"The relay trusts the address it was probed from ({seen.source}): that proves nothing about strangers",
            "Probe from an address that is in none of the networks that may relay",
            "RFC 5321, 7.9",
        )
        return
    relayed = [answer for answer in seen.answers if answer.relayed]
    doubtful = [answer for answer in relayed if seen.catch_all and answer.trick in _OWN]
    proven = [answer for answer in relayed if answer not in doubtful]
    if proven:
        yield Finding(
            "smtp_open_relay",
            "error",
            subject,
            f"It accepts mail of strangers for foreign recipients by: {_named(proven)}. {_example(proven)}",
            "Close the relay at once: reject what is neither from those who may relay nor for the relay itself "
            "(Postfix: reject_unauth_destination)",
            _REFERENCES[proven[0].trick],
        )
    elif doubtful:
        yield Finding(
            "smtp_open_relay_unproven",
            "warning",
            subject,
            f"It accepts any name at its own domain, so that it cannot be seen where these go: {_named(doubtful)}",
            "Let it refuse recipients that it does not know (Postfix: local_recipient_maps)",
            _REFERENCES[doubtful[0].trick],
        )
    yield from _deferred(seen)


def judge_endings(seen: Observation) -> Findings:
    """Judge where messages end."""
    fooled = [name for name, outcome in seen.smuggling.items() if outcome == SMUGGLED]
    if fooled:
        yield Finding(
            "smtp_smuggling",
            "error",
            seen.listener.subject,
            f"It takes for the end of a message what is none ({', '.join(fooled)}), and what follows for commands: "
            "others can put messages of their own into those of your users",
            "Let nothing but CR LF . CR LF end a message (Postfix: smtpd_forbid_bare_newline = normalize)",
            "RFC 5321, 2.3.8 and 4.1.1.4",
        )


def _deferred(seen: Observation) -> Findings:
    subject = seen.listener.subject
    deferred = [answer for answer in seen.answers if answer.deferred]
    if deferred:
        yield Finding(
            "smtp_relay_deferred",
            "warning",
            subject,
            f"It defers, and does not refuse, mail of strangers for foreign recipients: {_named(deferred)}. "
            f"{_example(deferred)}",
            "Refuse for good (5xx): a deferral says that mail may be let in later "
            "(Postfix: reject_unauth_destination in place of defer_unauth_destination)",
            "RFC 5321, 4.2.1 and 7.9",
        )


def merged(found: t.Iterable[tuple[str, Finding]]) -> list[Finding]:
    """Put together what is the same at several addresses, and name these in the message."""
    addresses: dict[Finding, list[str]] = {}
    for address, finding in found:
        seen = addresses.setdefault(finding, [])
        if address not in seen:
            seen.append(address)
    return _finding.ordered(
        dataclasses.replace(finding, message=f"{finding.message} ({', '.join(seen)})")
        for finding, seen in addresses.items()
    )


def _result(relay: str, check: str, findings: t.Sequence[Finding], why: t.Iterable[str]) -> dict[str, t.Any]:
    note = "; ".join(dict.fromkeys(why))
    return {
        "relay": relay,
        "check": check,
        "state": NOT_CHECKED if note else "done",
        "note": note,
        "findings": [_finding.join(finding) for finding in findings],
    }


def _refuses_us(answer: Answer) -> bool:
    """Whether a refusal is for who we are, such as for an entry in a block list, and not for the recipient."""
    return bool(answer.reply and not answer.reply.accepts and _FOR_US.search(answer.reply.text))


def _closed_notes(seen: Observation, *, battery: bool) -> t.Iterator[str]:
    place = f"{seen.listener.service} at {seen.listener.address}"
    if seen.smuggling_note and seen.smuggling_note != NOT_ASKED:
        yield f"{place}: where messages end could not be seen: {seen.smuggling_note}"
    if not battery:
        yield "the tricks were not asked for"
    elif seen.trusted:
        yield f"{place} was probed from an address that it trusts"
    elif seen.untried:
        yield f"{place}: {seen.untried}"
    elif not seen.answers:
        yield f"{place} was not come to"
    elif _refuses_us(seen.answers[0]):
        yield f"{place} refuses whatever comes from here: {seen.answers[0].reply}"


def _tls_notes(seen: Observation) -> t.Iterator[str]:
    place = f"{seen.listener.service} at {seen.listener.address}"
    if seen.ehlo is None and not seen.tls_error:
        yield f"{place} was not come to"
    elif seen.protocol:
        missing = [version for version in TLS_VERSIONS if seen.versions.get(version, NOT_CHECKED) == NOT_CHECKED]
        if missing:
            yield f"{place}: {', '.join(missing)} could not be tried"


def results(observations: t.Sequence[Observation], least_days: int, *, battery: bool) -> list[dict[str, t.Any]]:
    """Return the checks of each relay, as a report takes them."""
    found = []
    for relay in dict.fromkeys(seen.listener.relay for seen in observations):
        own = [seen for seen in observations if seen.listener.relay == relay]

        def put_together(
            judge: t.Callable[[Observation], Findings], own: t.Sequence[Observation] = own
        ) -> list[Finding]:
            return merged((seen.listener.address, finding) for seen in own for finding in judge(seen))

        tls = put_together(lambda seen: _smtp_judgement.judge_all_tls(seen, least_days))
        notes = [note for seen in own for note in _closed_notes(seen, battery=battery)]
        found.append(_result(relay, "listeners", put_together(_smtp_judgement.judge_listener), ()))
        found.append(_result(relay, "closed", put_together(judge_closed), notes))
        found.append(_result(relay, "tls", tls, [note for seen in own for note in _tls_notes(seen)]))
    return found

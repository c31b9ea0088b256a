# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
"""SPF as the world evaluates it, for the addresses that mail leaves from: what to evaluate, and what is wrong then."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _dns_answer, _mx, _spf_lookup, _spf_model
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._spf_model import Arguments, Outcome


@dataclass(frozen=True)
class Identity:
    """What a receiver evaluates: ``kind`` is ``helo`` or ``mail_from`` (RFC 7208, 2.3 and 2.4)."""

    kind: str
    arguments: Arguments


def identities(addresses: t.Iterable[str], helo: str, mail_from: t.Iterable[str]) -> list[Identity]:
    """Return what to evaluate for a sender: HELO and each MAIL FROM, of each address; a domain stands for its mail."""
    senders = [text if "@" in text else f"postmaster@{text}" for text in mail_from]
    found = []
    for address in addresses:
        found.append(Identity("helo", _spf_model.helo_identity(address, helo)))
        found += [Identity("mail_from", _spf_model.mail_from_identity(address, sender, helo)) for sender in senders]
    return found


def _preference(value: str) -> tuple[int, str]:
    exchange = _mx.parse(value)
    return exchange.preference, exchange.exchange


def spf_answer(answer: Answer) -> _spf_model.Answer:
    """Return an answer of DNS as the evaluation wants it (RFC 7208, 4.4 and 5)."""
    if not answer.is_answered:
        return _spf_model.Answer(failure=f"{answer.state}{f' ({answer.detail})' if answer.detail else ''}")
    values = answer.values
    if answer.rdtype == "MX":
        try:
            values = tuple(exchange for _number, exchange in sorted(map(_preference, values)))
        except ValueError as error:
            return _spf_model.Answer(failure=str(error))
    return _spf_model.Answer(values, exists=answer.state != _dns_answer.NO_NAME)


def _path(outcome: Outcome) -> str:
    return f", by {' → '.join(outcome.path)}" if outcome.path else ""


def judge(identity: Identity, outcome: Outcome) -> t.Iterator[Finding]:
    """Judge an outcome: everything but pass is wrong for an address that mail is meant to leave from."""
    arguments = identity.arguments
    what = "HELO" if identity.kind == "helo" else "MAIL FROM"
    subject = f"{outcome.domain} TXT"
    label = f"mail from {arguments.ip} with {what} {arguments.helo if identity.kind == 'helo' else arguments.sender}"
    if outcome.result == "temperror":
        message = f"{label}: not known now, {outcome.problem}"
        yield Finding(
            "spf_temperror", "warning", subject, message, "Try again; look at that server.", "RFC 7208, 2.6.6"
        )
    elif outcome.result != "pass":
        severity = "warning" if identity.kind == "helo" and outcome.result == "none" else "error"
        problem = f": {outcome.problem}" if outcome.problem else ""
        message = f"{label} is {outcome.result}{_path(outcome)}{problem}"
        remedy = f"Have the SPF record of {outcome.domain} pass {arguments.ip}."
        yield Finding("spf_not_pass", severity, subject, message, remedy, "RFC 7208, 2.6")
    if outcome.void_lookups > _spf_lookup.VOID_TERMS and outcome.result != "permerror":
        message = (
            f"{label}: {outcome.void_lookups} lookups find nothing; some receivers accept {_spf_lookup.VOID_TERMS}"
        )
        remedy = f"Take the terms that find nothing out of the SPF record of {outcome.domain}."
        yield Finding("spf_void_lookups", "warning", subject, message, remedy, "RFC 7208, 4.6.4")

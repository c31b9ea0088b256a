# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What is wrong about a canary: refused, lost, slow, unsigned, or not believed by the receiver."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _finding, _shape
from ansible_collections.mailops.relay.plugins.module_utils._authentication_results import ResInfo
from ansible_collections.mailops.relay.plugins.module_utils._canary import Arrived, Sent
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding

Findings = t.Iterator[Finding]

_HARD = ("fail", "permerror", "hardfail")
"""Results that receivers refuse mail for; the others make it suspect, or are no answer yet."""


@dataclass(frozen=True)
class Expected:
    """``domain`` has to sign. A canary has to arrive within ``patience`` seconds, and should within ``slow``."""

    domain: str
    patience: float
    slow: float


def judge_sent(sent: Sent) -> Findings:
    """Judge what the relay said to it."""
    if sent.accepted:
        return
    if sent.reply:
        message = f"The relay did not take the message: {sent.stage} was answered with {sent.reply}"
        remedy = "See in its log why; the host that sends has to be one that may relay, or log in"
        yield Finding("canary_refused", "error", sent.subject, message, remedy, "RFC 5321, 4.2")
    else:
        message = f"The message could not be handed to the relay ({sent.stage}): {sent.trouble}"
        remedy = "See that the relay runs, and that this host can reach it; ask again"
        yield Finding("canary_not_sent", "error", sent.subject, message, remedy, "RFC 5321, 4.5.4.1")


def judge_delivery(sent: Sent, arrived: Arrived | None, expected: Expected) -> Findings:
    """Judge whether it has arrived, how fast, and whether SPF and DMARC are content."""
    if arrived is None:
        queue = f" as {sent.queue_id}" if sent.queue_id else ""
        message = f"The relay took the message{queue}, and it has not arrived after {expected.patience:g} s"
        remedy = "Look for it in the log and the queue of the relay, and among the junk of the mailbox"
        yield Finding("canary_lost", "error", sent.subject, message, remedy, "RFC 5321, 4.5.4.1")
        return
    seconds = arrived.at - sent.at
    if seconds > expected.slow:
        message = f"The message took {seconds:.0f} s; up to {expected.slow:g} s are accepted"
        remedy = "The dates of its Received fields show which server kept it; see the queue there"
        yield Finding("canary_slow", "warning", sent.subject, message, remedy, "RFC 5321, 4.4")
    if not arrived.verdicts:
        others = f"; there are verdicts of {', '.join(arrived.authserv_ids[:5])}" if arrived.authserv_ids else ""
        message = f"{arrived.authserv_id or 'The receiver'} says nothing of SPF, DKIM and DMARC{others}"
        remedy = "Name the receiver's own authserv_id, or take a mailbox whose server checks what it receives"
        yield Finding("canary_not_verified", "notice", sent.subject, message, remedy, "RFC 8601, 2.5")
        return
    yield from _judge_method(sent, arrived, "spf", "RFC 7208, 2.6", "Publish an SPF record that names all the relays")
    remedy = "Let SPF or DKIM pass for the domain of From itself, and publish a DMARC record"
    yield from _judge_method(sent, arrived, "dmarc", "RFC 9989", remedy)


def _best(verdicts: t.Iterable[ResInfo]) -> ResInfo | None:
    """Return the verdict that counts: one that passes is enough."""
    found = sorted(verdicts, key=lambda info: (info.result != "pass", info.result not in _HARD))
    return found[0] if found else None


def _tell(info: ResInfo) -> str:
    why = [info.reason, *(f"{name}={value}" for name, value in info.properties.items())]
    return _shape.visible(f"{info.method}={info.result} {', '.join(filter(None, why))}".strip(), 300)


def _judge_method(sent: Sent, arrived: Arrived, method: str, reference: str, remedy: str) -> Findings:
    best = _best(info for info in arrived.verdicts if info.method == method)
    if best is None or best.result == "pass":
        return
    severity = "error" if best.result in _HARD else "warning"
    message = f"The receiver {arrived.authserv_id} says {_tell(best)}"
    yield Finding(f"canary_{method}_fail", severity, sent.subject, message, remedy, reference)


def judge_signing(sent: Sent, arrived: Arrived, expected: Expected) -> Findings:
    """Judge whether the domain has signed it, with a key that the receiver finds."""
    own = [signature for signature in arrived.signatures if signature.domain == expected.domain]
    if not own:
        others = sorted({signature.domain for signature in arrived.signatures})
        message = f"The message arrived without a DKIM signature of {expected.domain}"
        message += f"; signed has {', '.join(others[:5])}" if others else ""
        remedy = (
            "See that the signer runs, knows the domain, and that mail waits while it does not"
            " (Postfix: milter_default_action = tempfail)"
        )
        yield Finding("canary_unsigned", "error", sent.subject, message, remedy, "RFC 6376, 3.5")
        return
    selectors = sorted({signature.selector for signature in own})
    if sent.selectors and not set(selectors) & set(sent.selectors):
        message = f"It is signed with the selector {', '.join(selectors[:5])}; wanted: {', '.join(sent.selectors[:5])}"
        remedy = "Deploy the relay again, or finish the rotation of its key"
        yield Finding("canary_wrong_selector", "warning", sent.subject, message, remedy, "RFC 6376, 3.1")
    verdicts = [info for info in arrived.verdicts if info.method == "dkim" and _is_of(info, expected.domain)]
    best = _best(verdicts)
    if best and best.result != "pass":
        severity = "error" if best.result in _HARD else "warning"
        message = f"The receiver {arrived.authserv_id} says {_tell(best)}"
        remedy = "Publish the public key of the selector; if it is there, see what changes mail after it is signed"
        yield Finding("canary_dkim_fail", severity, sent.subject, message, remedy, "RFC 6376, 3.9")


def _is_of(info: ResInfo, domain: str) -> bool:
    """Whether a verdict is about a signature of the domain; some receivers do not say, or write ``header.i`` only."""
    named = info.properties.get("header.d") or info.properties.get("header.i", "").rpartition("@")[2]
    return not named or named.lower() == domain


def results(
    sent: t.Sequence[Sent], arrived: t.Mapping[str, Arrived], expected: Expected, untold: str = ""
) -> list[dict[str, t.Any]]:
    """Return the checks of each relay, as a report takes them. ``untold`` is why nobody could look for the canaries."""
    found = []
    for relay in dict.fromkeys(each.relay for each in sent):
        canary: list[Finding] = []
        signing: list[Finding] = []
        notes = [untold] if untold and any(each.accepted for each in sent if each.relay == relay) else []
        unseen = []
        for each in (one for one in sent if one.relay == relay):
            canary += judge_sent(each)
            here = arrived.get(each.token)
            if each.accepted and not untold:
                canary += judge_delivery(each, here, expected)
            if here:
                signing += judge_signing(each, here, expected)
            else:
                unseen.append(f"the message through {each.subject} was not seen")
        found += [_item(relay, "canary", canary, notes), _item(relay, "signing", signing, unseen)]
    return found


def _item(relay: str, check: str, findings: t.Iterable[Finding], notes: t.Iterable[str]) -> dict[str, t.Any]:
    note = "; ".join(dict.fromkeys(notes))
    return {
        "relay": relay,
        "check": check,
        "state": "not_checked" if note else "done",
        "note": note,
        "findings": [_finding.join(finding) for finding in _finding.ordered(findings)],
    }

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The function check_host() of RFC 7208, section 4, as a generator that asks its questions of DNS and is sent answers.

:func:`check_host` drives it with a plain function. An asynchronous driver is as short::

    evaluation = _spf_check.evaluate(arguments)
    answer = None
    while True:
        try:
            question = evaluation.send(answer)
        except StopIteration as stop:
            return stop.value
        answer = await ask(question)

A driver that runs out of time (4.6.4 wants 20 seconds at the least) answers every further question with a failure.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.mailops.relay.plugins.module_utils import _spf, _spf_macro
from ansible_collections.mailops.relay.plugins.module_utils._spf_lookup import Asking, Lookups, StopError, is_within
from ansible_collections.mailops.relay.plugins.module_utils._spf_macro import MacroString
from ansible_collections.mailops.relay.plugins.module_utils._spf_model import Answer, Arguments, Outcome, Question, Step
from ansible_collections.mailops.relay.plugins.module_utils._spf_term import (
    A,
    All,
    Directive,
    Exists,
    Include,
    Ip4,
    Ip6,
    Mechanism,
    Mx,
    Record,
)

_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_ERRORS = ("temperror", "permerror")


class _Evaluation:
    def __init__(self, arguments: Arguments) -> None:
        self.arguments = arguments
        self.lookups = Lookups(arguments)

    def check_host(self, domain: str, *, explain: bool = True) -> Asking[Outcome]:
        """Evaluate the record of a domain (4.3 to 4.5); inside an include nothing is explained (6.2)."""
        if not _spf_macro.is_domain(domain):
            return Outcome("none", domain, problem=f"{domain!r} is not a domain of two labels or more (RFC 7208, 4.3)")
        text = None
        try:
            text = _spf.select((yield from self.lookups.ask(domain, "TXT")))
            if text is None:
                return Outcome("none", domain, problem=f"{domain} has no SPF record (RFC 7208, 4.5)")
            record = _spf.parse(text)
        except StopError as stop:
            return Outcome(stop.result, domain, problem=str(stop))
        except ValueError as error:
            return Outcome("permerror", domain, record=text or "", problem=f"{domain}: {error}")
        return (yield from self._evaluate(domain, text, record, explain))

    def _evaluate(self, domain: str, text: str, record: Record, explain: bool) -> Asking[Outcome]:
        """Evaluate the terms from left to right (4.6.2), then the redirect (6.1), or else the default (4.7)."""
        steps: list[Step] = []
        for directive in record.directives:
            step = yield from self._step(directive, domain)
            steps.append(step)
            if step.outcome in _ERRORS:
                return Outcome(step.outcome, domain, text, tuple(steps), step, problem=step.detail)
            if step.outcome == "match":
                result = _RESULTS[directive.qualifier]
                explanation = ""
                if result == "fail" and explain:
                    explanation = yield from self._explain(record, domain, steps)
                return Outcome(result, domain, text, tuple(steps), step, explanation)
        if record.redirect is None:
            return Outcome("neutral", domain, text, tuple(steps))
        step = yield from self._redirect(str(record.redirect), record.redirect.domain_spec, domain, explain)
        explanation = step.evaluation.explanation if step.evaluation else ""
        problem = step.detail if step.outcome in _ERRORS else ""
        return Outcome(step.outcome, domain, text, (*steps, step), step, explanation, problem)

    def _redirect(self, text: str, spec: MacroString, domain: str, explain: bool) -> Asking[Step]:
        target = ""
        try:
            self.lookups.count_lookup()
            target = yield from self.lookups.target(spec, domain)
        except StopError as stop:
            return Step(text, stop.result, target, str(stop))
        nested = yield from self.check_host(target, explain=explain)
        result = "permerror" if nested.result == "none" else nested.result
        return Step(text, result, target, nested.problem, nested)

    def _step(self, directive: Directive, domain: str) -> Asking[Step]:
        """Evaluate a directive: match, no match, or an exception (4.6.2)."""
        mechanism, text, target = directive.mechanism, str(directive), ""
        try:
            if isinstance(mechanism, _spf.LOOKUP_MECHANISMS):
                self.lookups.count_lookup()
                if not self.arguments.local_part.isascii() and _spf_macro.letters(mechanism.domain_spec) & {"s", "l"}:
                    return Step(text, "no match", detail="the local-part is not in ASCII (RFC 8616, 4)")
                target = yield from self.lookups.target(mechanism.domain_spec, domain)
                if isinstance(mechanism, Include):
                    return (yield from self._include(text, target))
                if not _spf_macro.is_name(target):
                    return Step(text, "no match", target, f"{target!r} is no name for DNS (RFC 7208, 4.8)")
            matches = yield from self._matches(mechanism, target)
        except StopError as stop:
            return Step(text, stop.result, target, str(stop))
        return Step(text, "match" if matches else "no match", target)

    def _include(self, text: str, target: str) -> Asking[Step]:
        """Evaluate the record of another domain, and map its result by the table of 5.2."""
        nested = yield from self.check_host(target, explain=False)
        outcome = {"pass": "match", "none": "permerror"}.get(nested.result, nested.result)
        if outcome in ("fail", "softfail", "neutral"):
            outcome = "no match"
        return Step(text, outcome, target, nested.problem, nested)

    def _matches(self, mechanism: Mechanism, target: str) -> Asking[bool]:
        if isinstance(mechanism, All):
            return True
        if isinstance(mechanism, (Ip4, Ip6)):
            return self.lookups.within(str(mechanism.network), mechanism.cidr_length)
        if isinstance(mechanism, Exists):
            return bool((yield from self.lookups.ask(target, "A")))
        if isinstance(mechanism, A):
            return (yield from self.lookups.has_address(target, mechanism.cidr_length))
        if isinstance(mechanism, Mx):
            return (yield from self.lookups.mx(target, mechanism.cidr_length))
        names = yield from self.lookups.validated_names()
        return any(is_within(name, target) for name in names)

    def _explain(self, record: Record, domain: str, steps: list[Step]) -> Asking[str]:
        """Return the explanation of a fail; what goes wrong on the way only leaves it out (6.2)."""
        if record.explanation is None:
            return ""
        self.lookups.end_terms()
        text, problem = "", ""
        target = yield from self.lookups.target(record.explanation.domain_spec, domain)
        answer = (yield Question(target, "TXT")) if _spf_macro.is_name(target) else Answer(failure="no name for DNS")
        try:
            if answer.failure or len(answer.values) != 1:
                raise ValueError(answer.failure or f"{len(answer.values)} TXT records, one is accepted (RFC 7208, 6.2)")
            text = yield from self.lookups.expand(_spf_macro.explain_string(answer.values[0]), domain)
            if not (text.isascii() and text.isprintable()):
                raise ValueError("characters outside printable ASCII (RFC 7208, 6.2)")
        except ValueError as error:
            text, problem = "", f"{target} TXT: {error}"
        steps.append(Step(str(record.explanation), "ignored" if problem else "explained", target, problem))
        return text


def evaluate(arguments: Arguments) -> Asking[Outcome]:
    """Evaluate check_host(): yield each question, be sent its answer, and return the outcome.

    Raises ValueError where ``arguments.ip`` is not an IP address.
    """
    evaluation = _Evaluation(arguments)
    outcome = yield from evaluation.check_host(arguments.domain.removesuffix("."))
    counts = evaluation.lookups
    return replace(
        outcome,
        lookup_terms=counts.lookup_terms,
        void_terms=counts.void_terms,
        void_lookups=counts.void_lookups,
    )


def check_host(arguments: Arguments, lookup: t.Callable[[Question], Answer]) -> Outcome:
    """Evaluate check_host() with a function that answers at once."""
    evaluation = evaluate(arguments)
    try:
        question = next(evaluation)
        while True:
            question = evaluation.send(lookup(question))
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return outcome

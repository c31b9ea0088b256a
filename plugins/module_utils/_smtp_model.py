# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What is seen of a listener from outside, as plain values."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

ACCEPTED, REFUSED, NOT_CHECKED = "accepted", "refused", "not_checked"

ONE_MESSAGE, SMUGGLED = "one_message", "smuggled"

NOT_ASKED = "only tried with the option follow, and then at the first listener of each relay"

TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


class Trouble(Exception):  # noqa: N818 - it is what happened to a conversation, and no fault of the program
    """A conversation has ended early. ``kind`` is a part of the finding's id, ``detail`` tells it in words."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail


@dataclass(frozen=True)
class Reply:
    """A reply (RFC 5321, 4.2): its code, and its text, the lines of which have lost their code."""

    code: int
    lines: t.Sequence[str] = ()

    @property
    def text(self) -> str:
        return " ".join(self.lines).strip()

    @property
    def accepts(self) -> bool:
        return 200 <= self.code <= 299

    @property
    def defers(self) -> bool:
        return 400 <= self.code <= 499

    def __str__(self) -> str:
        return f"{self.code} {self.text[:120]}".strip()


@dataclass(frozen=True)
class Listener:
    """A port of an address. ``tls`` is ``may``, ``encrypt`` (STARTTLS first) or ``wrapper`` (TLS from the first byte).

    ``trusted`` are the networks that may relay.
    """

    relay: str
    service: str
    address: str
    port: int
    tls: str
    trusted: t.Sequence[str] = ()

    @property
    def subject(self) -> str:
        return f"{self.relay} {self.service}"


@dataclass(frozen=True)
class Shown:
    """A certificate of a listener. ``error`` says why it cannot be read."""

    names: t.Sequence[str] = ()
    not_after: str = ""
    days_left: float = 0.0
    covers: bool = False
    key: str = ""
    self_signed: bool = False
    error: str = ""


@dataclass(frozen=True)
class Answer:
    """What came of one trick: ``reply`` is the last one, ``step`` the command that it is for.

    ``reply`` is None where there was none; ``error`` tells why. ``offered`` is whether it came to the recipient.
    """

    trick: str
    step: str = ""
    reply: Reply | None = None
    offered: bool = False
    error: str = ""

    @property
    def relayed(self) -> bool:
        return bool(self.offered and self.reply and self.reply.accepts)

    @property
    def command(self) -> str:
        """The command in ASCII: octets that are no text are shown as such."""
        return self.step.encode("utf-8", "surrogateescape").decode("ascii", "backslashreplace")

    @property
    def deferred(self) -> bool:
        return bool(self.reply and self.reply.defers)


@dataclass
class Observation:
    """A listener as it was seen so far; what is None was not come to."""

    listener: Listener
    trouble: Trouble | None = None
    source: str | None = None
    connect_time: float | None = None
    greeting: Reply | None = None
    greeting_time: float | None = None
    ehlo: Reply | None = None
    ehlo_tls: Reply | None = None
    starttls: Reply | None = None
    tls_error: str = ""
    protocol: str = ""
    cipher: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    certificate: Shown | None = None
    verified: bool | None = None
    verify_error: str = ""
    mail_in_clear: Reply | None = None
    vrfy: tuple[Reply, Reply] | None = None
    expn: tuple[Reply, Reply] | None = None
    early_talk: str = NOT_CHECKED
    pipelining: str = NOT_CHECKED
    long_line: Reply | None = None
    trusted: bool = False
    catch_all: bool | None = None
    answers: list[Answer] = field(default_factory=list)
    untried: str = ""
    smuggling: dict[str, str] = field(default_factory=dict)
    smuggling_note: str = ""

    @property
    def in_clear(self) -> list[str]:
        """Keywords of EHLO that anybody on the way can read; none where TLS is there from the first byte."""
        return [] if self.listener.tls == "wrapper" else keywords(self.ehlo)

    @property
    def under_tls(self) -> list[str]:
        return keywords(self.ehlo_tls)


def keywords(ehlo: Reply | None) -> list[str]:
    """Return the keywords with their parameters (RFC 5321, 4.1.1.1); the first line is a name."""
    return [line.strip() for line in ehlo.lines[1:]] if ehlo and ehlo.accepts else []


def parameters(found: t.Iterable[str], keyword: str) -> list[str] | None:
    """Return the parameters of a keyword, None where it is not offered. ``AUTH=`` is how old servers write it."""
    for line in found:
        words = line.upper().replace("AUTH=", "AUTH ").split()
        if words[:1] == [keyword]:
            return words[1:]
    return None


def describe(seen: Observation) -> dict[str, t.Any]:
    """Return an observation as the module returns it."""
    listener = seen.listener
    best = seen.under_tls or keywords(seen.ehlo)
    size = parameters(best, "SIZE")
    return {
        "relay": listener.relay,
        "service": listener.service,
        "address": listener.address,
        "port": listener.port,
        "source": seen.source,
        "vantage_trusted": seen.trusted,
        "trouble": {"kind": seen.trouble.kind, "detail": seen.trouble.detail} if seen.trouble else None,
        "connect_time": seen.connect_time,
        "greeting": _reply(seen.greeting),
        "greeting_time": seen.greeting_time,
        "keywords": seen.in_clear,
        "keywords_tls": seen.under_tls,
        "size": int(size[0]) if size and size[0].isdigit() else None,
        "smtputf8": parameters(best, "SMTPUTF8") is not None,
        "auth": parameters(seen.in_clear, "AUTH") or [],
        "auth_tls": parameters(seen.under_tls, "AUTH") or [],
        "mail_in_clear": _reply(seen.mail_in_clear),
        "vrfy": [_reply(reply) for reply in seen.vrfy or ()],
        "expn": [_reply(reply) for reply in seen.expn or ()],
        "early_talk": seen.early_talk,
        "pipelining": seen.pipelining,
        "long_line": _reply(seen.long_line),
        "tls": _tls(seen),
        "certificate": _certificate(seen),
        "tricks": [_answer(answer) for answer in seen.answers],
        "tricks_not_tried": seen.untried,
        "smuggling": {"endings": dict(seen.smuggling), "note": seen.smuggling_note},
    }


def _reply(reply: Reply | None) -> dict[str, t.Any] | None:
    return {"code": reply.code, "text": reply.text[:512]} if reply else None


def _answer(answer: Answer) -> dict[str, t.Any]:
    return {
        "name": answer.trick,
        "command": answer.command,
        "reply": _reply(answer.reply),
        "relayed": answer.relayed,
        "error": answer.error,
    }


def _tls(seen: Observation) -> dict[str, t.Any]:
    offered = parameters(seen.in_clear, "STARTTLS") is not None
    return {
        "starttls": offered if seen.listener.tls != "wrapper" else None,
        "protocol": seen.protocol or None,
        "cipher": seen.cipher or None,
        "versions": {version: seen.versions.get(version, NOT_CHECKED) for version in TLS_VERSIONS},
        "error": seen.tls_error or None,
    }


def _certificate(seen: Observation) -> dict[str, t.Any] | None:
    shown = seen.certificate
    if shown is None:
        return None
    return {
        "names": list(shown.names),
        "not_after": shown.not_after,
        "days_left": round(shown.days_left, 1),
        "covers_relay": shown.covers,
        "key": shown.key,
        "self_signed": shown.self_signed,
        "verified": seen.verified,
        "verify_error": seen.verify_error or None,
        "error": shown.error or None,
    }

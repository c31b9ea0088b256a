# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Tries the tricks at one listener, and stays below its limits: few errors for each connection, few connections."""

from __future__ import annotations

import asyncio
import collections
import re
import ssl
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _smtp_battery, _smtp_tls
from ansible_collections.mailops.relay.plugins.module_utils._smtp_battery import AUTH, CLEAR, TLS, Names, Trick
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import (
    Answer,
    Observation,
    Reply,
    Trouble,
    parameters,
)
from ansible_collections.mailops.relay.plugins.module_utils._smtp_probe import NOBODY, Settings, enter, greeted
from ansible_collections.mailops.relay.plugins.module_utils._smtp_session import Session

# Postfix slows down after ten errors and drops after twenty (smtpd_soft_error_limit, smtpd_hard_error_limit).
ERRORS = 8

# Others drop far earlier; each drop costs a connection.
DROPS = 12

_TOO_MANY = re.compile(r"too (?:many|much)|rate limit|limit exceeded|4\.7\.0 .*limit", re.IGNORECASE)


class _Busy(Exception):  # noqa: N818 - it asks for a pause
    """The listener has had enough of us for now."""


class _Talk:
    """One connection on which tricks are tried."""

    def __init__(self, session: Session, names: Names) -> None:
        self.session = session
        self.names = names
        self.errors = 0
        self.mail: str | None = None
        self.begun = False

    async def say(self, text: str) -> Reply:
        reply = await self.session.command(text)
        if reply.code == 421:
            raise _Busy(str(reply))
        self.errors += reply.code >= 400
        return reply

    async def _prepare(self, trick: Trick) -> tuple[str, Reply] | None:
        """Come to where the recipient is offered; return the command that was refused on the way, and how."""
        if trick.alone or self.mail != trick.mail:
            if self.begun:
                await self.say("RSET")
            self.begun, self.mail = True, None
            if trick.helo:
                await self.say(f"EHLO {trick.helo}")
            for text in trick.before:
                await self.say(text)
            if trick.mail is not None:
                command = _smtp_battery.mail_command(trick)
                reply = await self.say(command)
                if not reply.accepts:
                    return command, reply
            for text in trick.between:
                await self.say(text)
            self.mail = None if trick.alone else trick.mail
        return None

    async def offer(self, trick: Trick) -> Answer:
        """Try a trick up to the answer to its recipient."""
        filled = self.names.fill(trick)
        stopped = await self._prepare(filled)
        if stopped:
            return Answer(trick.name, *stopped)
        command = _smtp_battery.rcpt_command(filled)
        answer = Answer(trick.name, command, await self.say(command), offered=True)
        if trick.helo:
            await self.say(f"EHLO {self.names.helo}")
        return answer


class Offers:
    """The tricks that one listener is still to be tried with."""

    def __init__(self, seen: Observation, settings: Settings, *, encrypted: bool, tricks: t.Iterable[Trick]) -> None:
        self.seen = seen
        self.settings = settings
        self.encrypted = encrypted
        self.queue = collections.deque(tricks)
        self.drops = 0
        self.pauses = list(settings.back_off)
        listener = seen.listener
        self.names = Names(listener.relay, listener.address, settings.helo, settings.sender, settings.recipient)

    async def run(self) -> None:
        """Try all tricks, in as many connections as that takes."""
        while self.queue:
            before = len(self.queue)
            try:
                await self._connection()
            except _Busy as busy:
                await self._pause(str(busy))
            except (Trouble, ssl.SSLError, OSError) as error:
                if getattr(error, "kind", "") == "busy":
                    await self._pause(str(error))
                    continue
                self._dropped(before, error)

    async def _pause(self, why: str) -> None:
        if not self.pauses:
            raise Trouble("busy", why)
        await asyncio.sleep(self.pauses.pop(0))

    def _dropped(self, before: int, error: Exception) -> None:
        """A listener may drop us for a trick: that is an answer, if the trick was the first of its connection."""
        self.drops += 1
        if self.drops > DROPS:
            raise error
        if len(self.queue) == before and self.queue and self.talked:
            self.seen.answers.append(Answer(self.queue.popleft().name, error=str(error)))
        elif not self.talked:
            raise error

    async def _connection(self) -> None:
        self.talked = False
        session = await enter(self.seen.listener, self.settings)
        try:
            await greeted(session, self.settings.helo)
            if self.encrypted and not session.encrypted:
                await session.command("STARTTLS")
                await session.encrypt(_smtp_tls.any_context())
                await session.command(f"EHLO {self.settings.helo}")
            self.talked = True
            talk = _Talk(session, self.names)
            while self.queue and talk.errors < ERRORS:
                answer = await talk.offer(self.queue[0])
                if answer.deferred:
                    await self._check_deferral(talk, answer)
                self.queue.popleft()
                self.seen.answers.append(answer)
            await session.quit()
        finally:
            session.close()

    async def _check_deferral(self, talk: _Talk, answer: Answer) -> None:
        """See whether it is us who are deferred, and no longer the trick: then what was refused before is so too."""
        if answer.reply and _TOO_MANY.search(answer.reply.text):
            raise _Busy(str(answer.reply))
        first = self.seen.answers[0] if self.seen.answers else None
        if first and first.reply and first.reply.code >= 500:
            talk.mail = ""
            again = await talk.offer(_smtp_battery.TRICKS[0])
            if again.deferred:
                raise _Busy(str(again.reply))


async def takes_any_name(seen: Observation, settings: Settings, *, encrypted: bool) -> bool:
    """Whether the relay takes mail for any name of its own domain, so that what it means by it cannot be seen."""
    mark = len(seen.answers)
    control = Trick("control", "", rcpt=f"<{NOBODY}@{{relay}}>")
    await Offers(seen, settings, encrypted=encrypted, tricks=[control]).run()
    answers = seen.answers[mark:]
    del seen.answers[mark:]
    return any(answer.relayed for answer in answers)


def choose(seen: Observation) -> list[tuple[bool, list[Trick]]]:
    """Return the tricks for a listener, those in the clear and those under TLS."""
    has_tls = seen.ehlo_tls is not None
    clear = seen.listener.tls == "may" or not has_tls
    tricks = {needs: [trick for trick in _smtp_battery.TRICKS if trick.needs == needs] for needs in (CLEAR, TLS, AUTH)}
    auth_clear, auth_tls = (parameters(found, "AUTH") is not None for found in (seen.in_clear, seen.under_tls))
    if not clear:
        return [(True, tricks[CLEAR] + tricks[AUTH] * auth_tls)]
    chosen = [(False, tricks[CLEAR] + tricks[AUTH] * auth_clear)]
    if has_tls:
        chosen.append((True, tricks[TLS] + tricks[AUTH] * (auth_tls and not auth_clear)))
    return chosen


async def offer_all(seen: Observation, settings: Settings) -> None:
    """Try all tricks that fit the listener."""
    chosen = choose(seen)
    total = sum(len(tricks) for _encrypted, tricks in chosen)
    seen.untried = f"none of {total} tricks could be tried in time"
    try:
        for encrypted, tricks in chosen:
            await Offers(seen, settings, encrypted=encrypted, tricks=tricks).run()
        own = {trick.name for trick in _smtp_battery.TRICKS if trick.own}
        if any(answer.relayed and answer.trick in own for answer in seen.answers):
            seen.catch_all = await takes_any_name(seen, settings, encrypted=chosen[0][0])
        seen.untried = ""
    finally:
        if seen.untried and seen.answers:
            seen.untried = f"{total - len(seen.answers)} of {total} tricks could not be tried"

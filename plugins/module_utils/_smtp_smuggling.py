# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Ends messages in ways that are no end (RFC 5321, 4.1.1.4), and sees whether what follows is taken for commands."""

from __future__ import annotations

import ssl

from ansible_collections.mailops.relay.plugins.module_utils import _smtp_battery, _smtp_tls
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import (
    ONE_MESSAGE,
    REFUSED,
    SMUGGLED,
    Observation,
    Trouble,
)
from ansible_collections.mailops.relay.plugins.module_utils._smtp_probe import Settings, enter, greeted
from ansible_collections.mailops.relay.plugins.module_utils._smtp_session import Session


class _NotTaken(Exception):  # noqa: N818 - the message is not taken, so nothing can be seen
    """The listener does not take a message from here."""


async def try_endings(seen: Observation, settings: Settings, follow: str) -> None:
    """Send one message for each ending to a mailbox of the user's own."""
    seen.smuggling_note = "there was not enough time"
    for name, ending in _smtp_battery.ENDINGS.items():
        try:
            seen.smuggling[name] = await _try(seen, settings, follow, name, ending)
        except (_NotTaken, Trouble, ssl.SSLError, OSError) as error:
            seen.smuggling_note = str(error)
            return
    seen.smuggling_note = ""


async def _try(seen: Observation, settings: Settings, follow: str, name: str, ending: bytes) -> str:
    session = await enter(seen.listener, settings)
    try:
        await greeted(session, settings.helo)
        if seen.ehlo_tls and not session.encrypted:
            await session.command("STARTTLS")
            await session.encrypt(_smtp_tls.any_context())
            await session.command(f"EHLO {settings.helo}")
        for command, code in ((f"MAIL FROM:<{settings.sender}>", 250), (f"RCPT TO:<{follow}>", 250), ("DATA", 354)):
            reply = await session.command(command)
            if reply.code != code:
                raise _NotTaken(f"{command} was answered with {reply}")
        session.send(_smtp_battery.message(name, ending, settings.sender, follow))
        return await _outcome(session)
    finally:
        session.close()


async def _outcome(session: Session) -> str:
    """Return what the listener made of it: the first reply is for the message, each further one for what was in it."""
    if not (await session.reply()).accepts:
        return REFUSED
    try:
        session.send(b"QUIT\r\n")
        return ONE_MESSAGE if (await session.reply()).code == 221 else SMUGGLED
    except Trouble as trouble:
        if trouble.kind != "dropped":
            raise
        return ONE_MESSAGE

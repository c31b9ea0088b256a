# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Probes many listeners at once, each within its own bound of time."""

from __future__ import annotations

import asyncio
import os
import ssl
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _smtp_offers, _smtp_probe, _smtp_smuggling, _smtp_tls
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import NOT_ASKED, Listener, Observation, Trouble
from ansible_collections.mailops.relay.plugins.module_utils._smtp_probe import Settings

NOT_TRIED = "it was not come to"


async def _battery(seen: Observation, settings: Settings) -> None:
    try:
        await _smtp_offers.offer_all(seen, settings)
    except Trouble as trouble:
        seen.untried = f"{seen.untried}: {trouble.detail}"
        if trouble.kind == "busy":
            raise
    except OSError as error:
        seen.untried = f"{seen.untried}: {error}"


async def _manners(seen: Observation, settings: Settings) -> None:
    try:
        await _smtp_probe.look_at_manners(seen, settings)
    except (Trouble, OSError):
        # What was not come to stays not checked.
        return


async def _tls(seen: Observation, settings: Settings) -> None:
    if seen.protocol:
        await _smtp_probe.look_at_versions(seen, settings)
        await _smtp_probe.look_at_trust(seen, settings)


async def _probe(seen: Observation, settings: Settings, *, battery: bool, follow: str | None) -> None:
    try:
        await _smtp_probe.look(seen, settings)
    except Trouble as trouble:
        if trouble.kind != "busy" or not settings.back_off:
            raise
        await asyncio.sleep(settings.back_off[0])
        await _smtp_probe.look(seen, settings)
    work = [_tls(seen, settings), _manners(seen, settings)]
    if battery and not seen.trusted:
        work.append(_battery(seen, settings))
    # What ends one of them leaves the others alone.
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
    if follow:
        await _smtp_smuggling.try_endings(seen, settings, follow)


async def probe(
    listener: Listener, settings: Settings, in_all: float, *, battery: bool, follow: str | None = None
) -> Observation:
    """Return what is seen of a listener within ``in_all`` seconds; what happens to a conversation is part of it."""
    seen = Observation(listener, smuggling_note=NOT_TRIED if follow else NOT_ASKED)
    try:
        await asyncio.wait_for(_probe(seen, settings, battery=battery, follow=follow), in_all)
    except asyncio.TimeoutError:
        kind = "unfinished" if seen.ehlo else "too_slow"
        seen.trouble = Trouble(kind, f"it is not done with within {in_all:g} seconds")
    except Trouble as trouble:
        seen.trouble = trouble
    except ssl.SSLError as error:
        seen.trouble = Trouble("tls", _smtp_tls.words(error))
    except OSError as error:
        seen.trouble = Trouble("dropped", os.strerror(error.errno) if error.errno else str(error))
    return seen


async def probe_all(
    listeners: t.Sequence[Listener],
    settings: Settings,
    in_all: float,
    in_flight: int,
    *,
    battery: bool = True,
    follow: str | None = None,
) -> list[Observation]:
    """Probe all listeners, ``in_flight`` of them at a time. Messages go to ``follow`` by the first of each relay."""
    room = asyncio.Semaphore(in_flight)
    relays: set[str] = set()

    async def one(listener: Listener, mailbox: str | None) -> Observation:
        async with room:
            return await probe(listener, settings, in_all, battery=battery, follow=mailbox)

    work = []
    for listener in listeners:
        work.append(one(listener, None if listener.relay in relays else follow))
        relays.add(listener.relay)

    return list(await asyncio.gather(*work))

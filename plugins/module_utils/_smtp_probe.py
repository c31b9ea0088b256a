# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Looks at one listener from outside: greeting, keywords, TLS, certificate, manners. It judges nothing."""

from __future__ import annotations

import ipaddress
import ssl
import time
import typing as t
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.mailops.relay.plugins.module_utils import _certificate, _smtp_tls
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import (
    ACCEPTED,
    NOT_CHECKED,
    REFUSED,
    Listener,
    Observation,
    Reply,
    Shown,
    Trouble,
    parameters,
)
from ansible_collections.mailops.relay.plugins.module_utils._smtp_session import Session

NOBODY = "no-such-mailbox-7d1f"
_LONG_LINE = 1200


@dataclass(frozen=True)
class Settings:
    """How to look. ``seconds`` are for each step, ``back_off`` to wait after a listener that is too busy for us.

    Limits for strangers are mostly for a minute: in all, the pauses are longer, so that a second run gets through.
    """

    helo: str
    sender: str
    recipient: str
    seconds: float
    ca_file: str | None = None
    back_off: t.Sequence[float] = (5.0, 30.0, 30.0)


def is_trusted(source: str, networks: t.Iterable[str]) -> bool:
    """Return whether an address of ours is in one of the networks that may relay."""
    address = ipaddress.ip_address(source)
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in ipaddress.ip_network(network, strict=False) for network in networks)


async def enter(listener: Listener, settings: Settings, context: ssl.SSLContext | None = None) -> Session:
    """Connect, and begin TLS where the listener has it from the first byte."""
    session = await Session.connect(listener, settings.seconds)
    try:
        if listener.tls == "wrapper":
            await session.encrypt(context or _smtp_tls.any_context())
    except BaseException:
        session.close()
        raise
    return session


async def greeted(session: Session, helo: str) -> Reply:
    """Hear the greeting and say EHLO; a listener that does not want to speak to us is a ``Trouble``."""
    greeting = await session.reply()
    if greeting.code == 421:
        raise Trouble("busy", f"it greets with {greeting}")
    if greeting.code != 220:
        raise Trouble("refused", f"it greets with {greeting}")
    return await hello(session, helo)


async def hello(session: Session, helo: str) -> Reply:
    """Say EHLO, or HELO to those that do not know it. Refusals after none of them would say nothing about relaying."""
    reply = await session.command(f"EHLO {helo}")
    if not reply.accepts:
        reply = await session.command(f"HELO {helo}")
    if not reply.accepts:
        raise Trouble("busy" if reply.defers else "refused", f"it answers EHLO and HELO with {reply}")
    return reply


async def look(seen: Observation, settings: Settings) -> None:
    """Fill in what one conversation shows."""
    started = time.monotonic()
    session = await Session.connect(seen.listener, settings.seconds)
    try:
        seen.connect_time = round(time.monotonic() - started, 3)
        seen.source = session.source
        seen.trusted = is_trusted(session.source, seen.listener.trusted)
        if seen.listener.tls == "wrapper":
            await _encrypt(session, seen)
        await _greeting(session, seen)
        seen.ehlo = await hello(session, settings.helo)
        if seen.listener.tls == "wrapper":
            seen.ehlo_tls = seen.ehlo
        else:
            await _in_clear(session, seen, settings)
        await _questions(session, seen)
        await session.quit()
    except Trouble as trouble:
        # Where mail is taken in the clear as well, there is more to see than TLS.
        if trouble.kind != "tls" or seen.listener.tls != "may":
            raise
    finally:
        session.close()


async def _greeting(session: Session, seen: Observation) -> None:
    started = time.monotonic()
    try:
        seen.greeting = await session.reply()
    except Trouble as trouble:
        raise Trouble("no_banner", trouble.detail) if trouble.kind == "silent" else trouble from None
    seen.greeting_time = round(time.monotonic() - started, 3)
    if seen.greeting.code == 421:
        raise Trouble("busy", f"it greets with {seen.greeting}")
    if seen.greeting.code != 220:
        raise Trouble("refused", f"it greets with {seen.greeting}")


async def _encrypt(session: Session, seen: Observation) -> None:
    """Begin TLS with a client that takes whatever there is, and see what that comes to."""
    try:
        await session.encrypt(_smtp_tls.any_context())
    except ssl.SSLError as error:
        seen.tls_error = _smtp_tls.words(error)
        raise Trouble("tls", f"TLS does not begin: {seen.tls_error}") from None
    except Trouble as trouble:
        seen.tls_error = trouble.detail
        raise Trouble("tls", trouble.detail) from None
    tls = session.tls
    seen.protocol, seen.cipher = tls.version() or "", (tls.cipher() or ("",))[0]
    seen.versions[seen.protocol] = ACCEPTED
    seen.certificate = shown(tls.getpeercert(binary_form=True), seen.listener.relay, datetime.now(timezone.utc))


def shown(der: bytes | None, relay: str, now: datetime) -> Shown | None:
    """Return what is in a certificate, or why it cannot be read."""
    if not der:
        return None
    if not _certificate.HAS_CRYPTOGRAPHY:
        return Shown(error="the library that reads it is missing (Debian: python3-cryptography)")
    try:
        found = _certificate.read(der)
    except ValueError as error:
        return Shown(error=str(error))
    return Shown(
        names=found.names,
        not_after=found.not_after.strftime("%Y-%m-%d"),
        days_left=_certificate.days_left(found, now),
        covers=_certificate.covers(found, relay),
        key=found.key,
        self_signed=found.self_signed,
    )


async def _in_clear(session: Session, seen: Observation, settings: Settings) -> None:
    """Try to send in the clear where TLS is a must, then begin TLS."""
    if seen.listener.tls == "encrypt":
        seen.mail_in_clear = await session.command(f"MAIL FROM:<{settings.sender}>")
        if seen.mail_in_clear.accepts:
            await session.command("RSET")
    if parameters(seen.in_clear, "STARTTLS") is None:
        return
    seen.starttls = await session.command("STARTTLS")
    if seen.starttls.code != 220:
        seen.tls_error = f"it answers STARTTLS with {seen.starttls}"
        return
    await _encrypt(session, seen)
    seen.ehlo_tls = await session.command(f"EHLO {settings.helo}")


async def _questions(session: Session, seen: Observation) -> None:
    """Ask who has a mailbox: one that has to be there, and one that is not."""
    relay = seen.listener.relay
    # A mail server may close here; what has been seen until now counts.
    try:
        known = await session.command(f"VRFY postmaster@{relay}")
        seen.vrfy = (known, await session.command(f"VRFY {NOBODY}@{relay}"))
        known = await session.command("EXPN postmaster")
        seen.expn = (known, await session.command(f"EXPN {NOBODY}"))
        seen.long_line = await session.command(f"NOOP {'x' * _LONG_LINE}")
    except Trouble as trouble:
        if trouble.kind != "dropped":
            raise


async def look_at_versions(seen: Observation, settings: Settings) -> None:
    """See which versions of TLS are accepted, each with a connection of its own."""
    for version in _smtp_tls.offered():
        if version not in seen.versions:
            seen.versions[version] = await _try_version(seen.listener, version, settings)


async def _try_version(listener: Listener, version: str, settings: Settings) -> str:
    context = _smtp_tls.version_context(version)
    try:
        return ACCEPTED if await _tls_session(listener, settings, context) else NOT_CHECKED
    except ssl.SSLError as error:
        return _smtp_tls.verdict(error)
    except Trouble as trouble:
        return REFUSED if trouble.kind == "tls_dropped" else NOT_CHECKED


async def _tls_session(listener: Listener, settings: Settings, context: ssl.SSLContext) -> bool:
    """Come to an end of the handshake; return whether there was one."""
    session = await Session.connect(listener, settings.seconds)
    try:
        if listener.tls == "wrapper":
            await session.encrypt(context)
            # With TLS 1.3 a refusal may come after our side of the handshake.
            await session.reply()
            return True
        await greeted(session, settings.helo)
        if (await session.command("STARTTLS")).code != 220:
            return False
        await session.encrypt(context)
        await session.command(f"EHLO {settings.helo}")
        await session.quit()
        return True
    finally:
        session.close()


async def look_at_trust(seen: Observation, settings: Settings) -> None:
    """See whether the certificate leads to an authority; its names are another matter."""
    try:
        context = _smtp_tls.trust_context(settings.ca_file)
        if await _tls_session(seen.listener, settings, context):
            seen.verified = True
    except ssl.SSLCertVerificationError as error:
        seen.verified, seen.verify_error = False, error.verify_message
    except (ssl.SSLError, Trouble) as error:
        seen.verify_error = str(error)


async def look_at_manners(seen: Observation, settings: Settings) -> None:
    """Speak before the greeting; and, in another connection, on after EHLO, the last of a group (RFC 2920, 3.1)."""
    ehlo = f"EHLO {settings.helo}\r\n".encode("ascii")
    session = await enter(seen.listener, settings)
    try:
        session.send(ehlo)
        seen.early_talk = await _minds(session, 2)
        session.close()
        session = await enter(seen.listener, settings)
        if (await session.reply()).code == 220:
            session.send(ehlo + b"NOOP\r\n")
            seen.pipelining = await _minds(session, 2)
    finally:
        session.close()


async def _minds(session: Session, replies: int) -> str:
    """Return whether all replies come and none refuses: one that minds says so, or closes."""
    try:
        for _each in range(replies):
            reply = await session.reply()
            if not reply.accepts:
                return REFUSED if reply.code >= 500 else NOT_CHECKED
    except Trouble as trouble:
        return REFUSED if trouble.kind == "dropped" else NOT_CHECKED
    return ACCEPTED

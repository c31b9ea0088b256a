# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TLS policy map for Postfix that puts DANE before MTA-STS.

Postfix takes what a policy map says for more than its own level, so a map of MTA-STS policies alone would switch DANE
off for the domains that have both; RFC 8461, 2 forbids that. This program stands between Postfix and mta-sts-daemon,
asks the daemon first, and what it has to say counts where the domain's servers have no TLSA records to go by:

- all of them have: NOTFOUND, so that Postfix's own level, dane, holds;
- some of them have, or it cannot be known: dane-only, so that mail goes to servers that are proven by DANE, or waits;
- none has: what the daemon says.

Where the daemon does not answer the lookup fails, and Postfix keeps the mail in its queue. See socketmap_table(5).
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import re
import socket
import sys
import typing as t

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

LONGEST = 10_000
"""Octets that a request or a reply may have."""

TIMEOUT = 5.0
"""Seconds that one question to the resolver may take; it is asked this often: """
TRIES = 3

BACKEND_TIMEOUT = 60.0
"""Seconds that mta-sts-daemon has to fetch a policy. Postfix waits for 100 (socketmap_table(5))."""

LISTENING = 3
"""Descriptor of the socket that systemd hands over (sd_listen_fds(3))."""

NOT_FOUND = "NOTFOUND "
DANE_ONLY = "OK dane-only"

_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_DIGESTS = {1: 32, 2: 64}

log = logging.getLogger("tls-policy-map")


class UnknownError(Exception):
    """What DNS holds cannot be known now: no answer, or one that is bogus."""


class Found(t.NamedTuple):
    """Records of one type, whether they are validated, and the name at the end of all aliases."""

    records: t.Sequence[t.Any]
    secure: bool
    name: dns.name.Name


Ask = t.Callable[[dns.name.Name, str], t.Awaitable[Found]]


# DNS


def resolver(address: str) -> Ask:
    """Return a function that asks the validating resolver at ``address``."""

    async def ask(name: dns.name.Name, rdtype: str) -> Found:
        query = dns.message.make_query(name, rdtype)
        query.flags |= dns.flags.AD
        for _each in range(TRIES):
            try:
                answer, _tcp = await dns.asyncquery.udp_with_fallback(query, address, timeout=TIMEOUT)
                return found(answer, rdtype)
            except (dns.exception.Timeout, OSError):
                continue
            except dns.exception.DNSException as error:
                raise UnknownError(f"{name} {rdtype}: {error or type(error).__name__}") from error
        raise UnknownError(f"{name} {rdtype}: the resolver at {address} does not answer")

    return ask


def found(answer: dns.message.Message, rdtype: str) -> Found:
    """Return what an answer holds; raise :class:`UnknownError` where the resolver could or would not say."""
    question = answer.question[0]
    if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise UnknownError(f"{question.name} {rdtype}: {dns.rcode.to_text(answer.rcode())}")
    name = t.cast(dns.message.QueryMessage, answer).canonical_name()
    records = answer.get_rrset(answer.answer, name, dns.rdataclass.IN, dns.rdatatype.from_text(rdtype))
    return Found(list(records or ()), bool(answer.flags & dns.flags.AD), name)


def is_usable(record: t.Any) -> bool:
    """Whether SMTP clients take a TLSA record (RFC 7672, 3.1; RFC 6698, 2.1)."""
    length = _DIGESTS.get(record.mtype, len(record.cert))
    known = record.usage in (2, 3) and record.selector in (0, 1) and record.mtype in (0, 1, 2)
    return known and len(record.cert) == length > 0


async def has_dane(ask: Ask, host: dns.name.Name) -> bool:
    """Whether a server is to be proven by DANE: validated addresses and usable TLSA records (RFC 7672, 2.2)."""
    address = await ask(host, "A")
    if not address.records:
        address = await ask(host, "AAAA")
    if not address.records or not address.secure:
        return False
    # The name at the end of the aliases goes first (RFC 7672, 2.2.3).
    for base in dict.fromkeys([address.name, host]):
        tlsa = await ask(dns.name.from_text("_25._tcp", base), "TLSA")
        if tlsa.records and tlsa.secure:
            return any(map(is_usable, tlsa.records))
    return False


async def servers(ask: Ask, domain: str) -> list[dns.name.Name]:
    """Return the domain's servers; none where their names are not validated, since DANE cannot prove forged ones."""
    mx = await ask(dns.name.from_text(domain), "MX")
    if not mx.secure:
        return []
    # Without MX records the domain is its own server (RFC 5321, 5.1); "." says that there is none (RFC 7505).
    hosts = {record.exchange for record in mx.records} if mx.records else {mx.name}
    return sorted(host for host in hosts if host != dns.name.root)


async def dane(ask: Ask, domain: str) -> str:
    """Return of how many servers of a domain DANE holds: ``all``, ``some`` or ``none``; ``some`` if it is unknown."""
    outcomes = await asyncio.gather(
        *(has_dane(ask, host) for host in await servers(ask, domain)), return_exceptions=True
    )
    for outcome in outcomes:
        if isinstance(outcome, UnknownError):
            log.warning("%s: %s", domain, outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
    if outcomes and all(outcome is True for outcome in outcomes):
        return "all"
    return "none" if all(outcome is False for outcome in outcomes) else "some"


# Socketmap


def netstring(text: str) -> bytes:
    """Write a request or a reply."""
    octets = text.encode()
    return b"%d:%s," % (len(octets), octets)


async def read_netstring(reader: asyncio.StreamReader) -> str:
    """Read a request or a reply. ValueError says that it is none, IncompleteReadError that there is no more."""
    length = (await reader.readuntil(b":"))[:-1]
    if not length.isdigit() or int(length) > LONGEST:
        raise ValueError(f"{length[:20]!r} is not the length of a netstring; up to {LONGEST} is accepted")
    octets = await reader.readexactly(int(length) + 1)
    if not octets.endswith(b","):
        raise ValueError("a netstring without its end")
    return octets[:-1].decode()


def is_domain(key: str) -> bool:
    """Whether a key is a domain whose servers MX records name, and no address, parent or ``[host]``."""
    try:
        ipaddress.ip_address(key)
    except ValueError:
        return bool(_DOMAIN.fullmatch(key)) and len(key) <= 253
    return False


class Policies:
    """The map. ``backend`` is the socket of mta-sts-daemon; without ``ask`` there is no DANE.

    ``leave`` are parents such as ``.example.net`` whose level is in another map: Postfix asks for a parent only where
    no map knows the domain itself.
    """

    def __init__(self, backend: str, ask: t.Optional[Ask], leave: t.Sequence[str] = ()) -> None:
        self.backend = backend
        self.ask = ask
        self.leave = tuple(leave)

    async def answer(self, request: str) -> str:
        """Return the reply to ``NAME KEY``."""
        key = request.partition(" ")[2]
        # Next hops in brackets were chosen by the administrator: they have no MX records, and so no MTA-STS.
        if key.startswith((".", "[")) or key.lower().endswith(self.leave):
            return NOT_FOUND
        try:
            reply = await asyncio.wait_for(self._policy(request), BACKEND_TIMEOUT)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError, asyncio.TimeoutError) as error:
            log.error("%s: mta-sts-daemon does not answer: %s", key, error or type(error).__name__)
            return "TEMP mta-sts-daemon does not answer"
        if self.ask is None or not reply.startswith("OK ") or not is_domain(key):
            return reply
        try:
            holds = await dane(self.ask, key)
        except UnknownError as error:
            log.warning("%s", error)
            return f"TEMP {error}"
        if holds != "none":
            log.info("%s: DANE goes before MTA-STS, %s of its servers", key, holds)
        return {"all": NOT_FOUND, "some": DANE_ONLY}.get(holds, reply)

    async def _policy(self, request: str) -> str:
        reader, writer = await asyncio.open_unix_connection(self.backend)
        try:
            writer.write(netstring(request))
            await writer.drain()
            return await read_netstring(reader)
        finally:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection, one after the other."""
        try:
            while True:
                writer.write(netstring(await self.answer(await read_netstring(reader))))
                await writer.drain()
        except (EOFError, OSError):
            pass
        except (ValueError, asyncio.LimitOverrunError) as error:
            log.warning("a client does not speak socketmap: %s", error)
        finally:
            writer.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description="TLS policies for Postfix: DANE before MTA-STS")
    parser.add_argument("--backend", required=True, help="unix socket of mta-sts-daemon")
    parser.add_argument("--resolver", help="address of a validating resolver; without it there is no DANE")
    parser.add_argument("--leave", action="append", default=[], help="parent domain whose level is said elsewhere")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    policies = Policies(options.backend, resolver(options.resolver) if options.resolver else None, options.leave)
    listening = socket.socket(fileno=LISTENING)
    server = await asyncio.start_unix_server(policies.serve, sock=listening)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Where a host can stand to see its own listeners as a stranger does, and what a stranger must see."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

# The second of each pair is not the first on purpose: where 127.0.0.1 alone is trusted, 127.0.0.2 is a stranger.
_LOOPBACKS = {4: (("127.0.0.1", "127.0.0.1"), ("127.0.0.1", "127.0.0.2")), 6: (("::1", "::1"),)}


@dataclass(frozen=True)
class Vantage:
    """A connection to try: from the local address ``source`` to ``address``.

    ``stranger`` says whether the relay has no reason to trust ``source``.
    """

    address: str
    source: str
    stranger: bool


@dataclass(frozen=True)
class Answers:
    """What a listener said: each a reply code and text, None where it came to none.

    ``error`` tells why a conversation ended early, in words.
    """

    greeting: tuple[int, str] | None = None
    recipient: tuple[int, str] | None = None
    error: str | None = None


def vantages(addresses: t.Iterable[str], trusted: t.Iterable[str], families: t.Iterable[int]) -> list[Vantage]:
    """Return one vantage for each address family, that of a stranger where the host has one.

    ``addresses`` are the host's own, in order of preference; ``trusted`` the networks that may relay.
    """
    networks = [ipaddress.ip_network(network) for network in trusted]
    result = []
    for family in families:
        own = [a for a in addresses if ipaddress.ip_address(a).version == family]
        pairs = [*((a, a) for a in own), *_LOOPBACKS[family]]
        strange = [pair for pair in pairs if not any(ipaddress.ip_address(pair[1]) in network for network in networks)]
        address, source = (strange or pairs)[0]
        result.append(Vantage(address, source, stranger=bool(strange)))
    return result


def judge(answers: Answers, stranger: bool) -> str | None:
    """Return what is wrong with a listener's answers, or None.

    A stranger's recipient has to be refused for good (5xx): a deferral (4xx) says that something is broken, or that
    it may be let in later.
    """
    if answers.greeting is None:
        return answers.error or "did not greet"
    code, text = answers.greeting
    if code != 220:
        return f"greeted with {code} {text} instead of 220"
    if answers.recipient is None:
        return answers.error if stranger else None
    code, text = answers.recipient
    if not stranger or 500 <= code <= 599:
        return None
    verdict = "accepted" if code < 400 else "deferred, and did not refuse,"
    return f"{verdict} a foreign recipient from a stranger: {code} {text}"

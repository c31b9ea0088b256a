# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Block lists in DNS (RFC 5782): how an address is asked for, what an answer means, and whether a list is alive."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _dns_answer, _ptr
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding

Findings = t.Iterator[Finding]

LISTED = "listed"
NOT_LISTED = "not_listed"
REFUSED = "refused"
"""The list does not want to answer whoever asks, or somebody else answers in its place: that is no listing."""
UNKNOWN = "unknown"

ALWAYS = {4: "127.0.0.2", 6: "::ffff:127.0.0.2"}
"""Addresses that a list has to hold, so that one can see it work (RFC 5782, 5)."""
NEVER = {4: "127.0.0.1", 6: "::ffff:127.0.0.1"}
"""Addresses that no list may hold (RFC 5782, 5)."""

MAX_REASON = 300
"""Characters shown of what a list says about an address; it is free text (RFC 5782, 2.1)."""

_LISTINGS = ipaddress.IPv4Network("127.0.0.0/8")
_REFUSALS = ipaddress.IPv4Network("127.255.255.0/24")


def question(address: str, zone: str) -> str:
    """Return the name to ask for: the octets or nibbles of the address, last one first (RFC 5782, 2.1 and 2.4)."""
    reverse = ipaddress.ip_address(address).reverse_pointer
    return f"{reverse.removesuffix(_ptr.IPV4_SUFFIX).removesuffix(_ptr.IPV6_SUFFIX)}.{zone}"


def test_points(addresses: t.Iterable[str]) -> list[str]:
    """Return the addresses that show whether a list is alive; those of IPv4 in any case, since most lists have them."""
    families = {4, *(ipaddress.ip_address(address).version for address in addresses)}
    return [points[family] for family in sorted(families) for points in (ALWAYS, NEVER)]


@dataclass(frozen=True)
class Listing:
    """What a list says of an address; ``reason`` is the text beside a listing (RFC 5782, 2.1)."""

    zone: str
    address: str
    answer: Answer
    reason: str = ""

    @property
    def state(self) -> str:
        """What the answer means. Codes of 127.255.255.0/24, and answers outside of 127.0.0.0/8, are no listings."""
        if self.answer.state in (_dns_answer.NO_NAME, _dns_answer.NO_DATA):
            return NOT_LISTED
        if self.answer.state != _dns_answer.PRESENT:
            return UNKNOWN
        codes = [ipaddress.IPv4Address(value) for value in self.answer.values]
        return LISTED if all(code in _LISTINGS and code not in _REFUSALS for code in codes) else REFUSED

    @property
    def codes(self) -> str:
        return ", ".join(self.answer.values)


@dataclass(frozen=True)
class Observation:
    """What was seen of a list: what it says of its test points, and of the addresses that matter."""

    zone: str
    points: tuple[Listing, ...]
    listings: tuple[Listing, ...]


def _family(listing: Listing) -> int:
    return ipaddress.ip_address(listing.address).version


def _names(listings: t.Iterable[Listing]) -> str:
    return ", ".join(listing.address for listing in listings)


def _judge_refusal(seen: Observation) -> Findings:
    """Judge answers that say nothing of the address: one finding for the list."""
    refusals = [listing for listing in (*seen.listings, *seen.points) if listing.state == REFUSED]
    if not refusals:
        return
    first = refusals[0]
    coded = all(ipaddress.IPv4Address(value) in _LISTINGS for value in first.answer.values)
    what = "it does not answer whoever asks" if coded else "which no list says: others answer in its place"
    message = f"it says {first.codes} of {_names(refusals)}: {what}. Nothing is known of a listing"
    remedy = "Ask by a resolver of your own, and not a public one; some lists want you to register."
    if not coded:
        remedy = "See whether the list is still run, and whether the resolver changes answers."
    yield Finding("block_list_refused", "notice", seen.zone, message, remedy, "RFC 5782, 2.1")


def _judge_unknown(seen: Observation) -> Findings:
    """Judge answers that did not come: one finding for the list."""
    unknown = [listing for listing in (*seen.listings, *seen.points) if listing.state == UNKNOWN]
    if unknown:
        answer = unknown[0].answer
        why = f"{answer.state}{f' ({answer.detail})' if answer.detail else ''}"
        message = f"whether it lists {_names(unknown)} is not known: {why}, says {answer.server}"
        yield Finding("block_list_unknown", "warning", seen.zone, message, "Try again; look at the resolver.")


def _judge_listing(listing: Listing) -> Finding:
    reason = f": {listing.reason!r}" if listing.reason else ""
    message = f"it is in the block list {listing.zone}, with {listing.codes}{reason}"
    remedy = f"Find and end what got it listed, then ask {listing.zone} to take it out."
    return Finding("block_list_listed", "error", listing.address, message, remedy, "RFC 5782, 2.1")


def _judge_life(seen: Observation) -> Findings:
    """Judge whether the silence of a list says anything, by its test points (RFC 5782, 5)."""
    states = {listing.address: listing.state for listing in seen.points}
    families = sorted({_family(listing) for listing in seen.listings})
    silent = [
        family
        for family in families
        if states[ALWAYS[family]] == NOT_LISTED
        and not any(listing.state == LISTED for listing in seen.listings if _family(listing) == family)
    ]
    if silent and not any(states[ALWAYS[family]] == LISTED for family in ALWAYS if ALWAYS[family] in states):
        points = " and ".join(ALWAYS[family] for family in silent)
        message = f"it does not list {points}, as every list does: it is not run any more, or is no list"
        remedy = f"Take {seen.zone} out of block_lists."
        yield Finding("block_list_dead", "warning", seen.zone, message, remedy, "RFC 5782, 5")
        return
    for family in silent:
        addresses = _names(listing for listing in seen.listings if _family(listing) == family)
        message = (
            f"it holds no IPv{family} addresses, not even {ALWAYS[family]}: its silence on {addresses} says nothing"
        )
        yield Finding(f"block_list_no_ipv{family}", "notice", seen.zone, message, reference="RFC 5782, 5")


def _lists_everything(seen: Observation) -> Finding | None:
    for listing in seen.points:
        if listing.address in NEVER.values() and listing.state == LISTED:
            message = f"it lists {listing.address}, which no list does, and so everything: its listings are not counted"
            remedy = f"Take {seen.zone} out of block_lists; receivers that still use it refuse all mail."
            return Finding("block_list_dead", "warning", seen.zone, message, remedy, "RFC 5782, 5")
    return None


def judge(seen: Observation) -> Findings:
    """Judge what a list says. A dead list may list everything; then none of its listings counts."""
    dead = _lists_everything(seen)
    if dead:
        yield dead
        return
    yield from map(_judge_listing, (listing for listing in seen.listings if listing.state == LISTED))
    yield from _judge_refusal(seen)
    yield from _judge_unknown(seen)
    yield from _judge_life(seen)


def describe(seen: Observation) -> list[dict[str, t.Any]]:
    """Return what a list says of each address as the module returns it."""
    return [
        {
            "list": seen.zone,
            "address": listing.address,
            "state": listing.state,
            "codes": list(listing.answer.values),
            "reason": listing.reason,
        }
        for listing in seen.listings
    ]

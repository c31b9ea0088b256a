# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The protocol in which Postfix asks a map behind a socket: socketmap_table(5), in netstrings."""

from __future__ import annotations

LONGEST = 100_000
"""Octets that Postfix takes of a reply."""


def request(name: str, key: str) -> bytes:
    """Return the request for ``key`` in the map ``name``."""
    octets = f"{name} {key}".encode()
    return b"%d:%s," % (len(octets), octets)


def reply(octets: bytes) -> str | None:
    """Return the reply that the octets hold, None where they end too early. ValueError says that it is no reply."""
    length, colon, rest = octets.partition(b":")
    if (length and not length.isdigit()) or len(length) > 6 or (length and int(length) > LONGEST):
        raise ValueError(f"{octets[:40]!r} is not a netstring")
    if not colon or len(rest) <= int(length):
        return None
    if rest[int(length) : int(length) + 1] != b",":
        raise ValueError(f"{octets[:40]!r} is a netstring without its end")
    return rest[: int(length)].decode("utf-8", "backslashreplace")

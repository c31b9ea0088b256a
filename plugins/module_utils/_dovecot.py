# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Dovecot as a server of logins: its passwd-file, its mechanisms, and its auth protocol, as its documentation has them.

The auth protocol is lines of fields with tabs between them. The server introduces itself (``VERSION``, ``MECH`` and
others, then ``DONE``), the client likewise, then each ``AUTH`` is answered by ``OK``, ``FAIL`` or ``CONT``.
"""

from __future__ import annotations

import base64
import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _scram

User = t.Mapping[str, t.Any]

# Schemes from which Dovecot can compute what SCRAM-SHA-256 needs.
_FOR_SCRAM = (_scram.SCHEME, "PLAIN", "CLEAR", "CLEARTEXT")

_SCHEME = re.compile(r"\{([^{}.]+)(\.[A-Za-z0-9]+)?\}")


def scheme(hash_: str) -> str:
    """Return the scheme in front of a hash, without the name of its encoding (``.b64``, ``.hex``)."""
    match = _SCHEME.match(hash_)
    return match[1].upper() if match else ""


def _hash(user: User, hostname: str) -> str:
    if user.get("password") is None:
        return str(user["hash"])
    name = user["name"].lower()
    try:
        return _scram.verifier(user["password"], _scram.salt_for(hostname, name))
    except ValueError as problem:
        raise ValueError(
            f"relay_users: {user['name']!r}: the password (not shown) cannot be used: {problem}. Accepted: a password"
            " of ASCII characters, or a hash."
        ) from None


def users_file(users: t.Iterable[User], hostname: str) -> str:
    """Return the text of a passwd-file. Names are in lower case, as Dovecot is told to look for them."""
    return "".join(f"{user['name'].lower()}:{_hash(user, hostname)}\n" for user in users)


def mechanisms(users: t.Iterable[User], has_other_sources: bool) -> list[str]:
    """Return the mechanisms that work for everybody: a directory, or most hashes, can only judge a password itself."""
    hashes = [user["hash"] for user in users if user.get("password") is None]
    scram = not has_other_sources and all(scheme(hash_) in _FOR_SCRAM for hash_ in hashes)
    return ["PLAIN", "LOGIN", *([_scram.SCHEME] if scram else [])]


def schemes(text: str) -> dict[str, str]:
    """Return the scheme of each user of a passwd-file."""
    lines = [line.partition(":") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: scheme(rest) for name, _colon, rest in lines}


# The auth protocol

ACCEPTED, REFUSED, TEMPORARY = "accepted", "refused", "temporary"
"""What becomes of a login; the last where the server could not find out."""


class ProtocolError(Exception):
    """The server did not answer, or not as the protocol asks."""


def offered(lines: t.Iterable[str]) -> tuple[str, ...]:
    """Return the mechanisms in the server's introduction, or raise :class:`ProtocolError`."""
    fields = [line.split("\t") for line in lines]
    versions = [line[1] for line in fields if line[0] == "VERSION" and len(line) > 1]
    if versions[:1] != ["1"]:
        raise ProtocolError(f"it speaks version {(versions or ['none'])[0]} of the auth protocol; accepted: 1")
    return tuple(line[1].upper() for line in fields if line[0] == "MECH" and len(line) > 1)


def introduction(process: int) -> str:
    """Return what a client says first; ``process`` is its number."""
    return f"VERSION\t1\t1\nCPID\t{process}\n"


def plain_login(number: int, name: str, password: str) -> str:
    """Return the request of a login by PLAIN (RFC 4616), as Postfix makes it for a client under TLS."""
    response = base64.b64encode(f"\0{name}\0{password}".encode()).decode()
    return f"AUTH\t{number}\tPLAIN\tservice=smtp\tnologin\tsecured\tresp={response}\n"


def verdict(line: str, number: int) -> str:
    """Return the answer to the request of that number: one of the words below; or raise :class:`ProtocolError`."""
    word, *fields = line.split("\t")
    if fields[:1] != [str(number)] or word not in ("OK", "FAIL"):
        raise ProtocolError(f"it answered a login with {word!r}; accepted: OK or FAIL")
    if word == "OK":
        return ACCEPTED
    return TEMPORARY if {"temp", "code=temp_fail"} & set(fields) else REFUSED

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""MTA-STS: the TXT record of RFC 8461 section 3.1, and the policy file of section 3.2.

:func:`parse` and :func:`join` are inverses for the record, :func:`parse_policy` and :func:`join_policy` for the file.
All raise nothing but ``ValueError``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _syntax

VERSION = "v=STSv1"
MODES = ("enforce", "testing", "none")
MAX_MAX_AGE = 31557600
"""Seconds of a year, the longest ``max_age`` (RFC 8461, 3.2)."""

MAX_POLICY_SIZE = 65536
"""Octets that senders are expected to read of a policy (RFC 8461, 3.3)."""

_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_POLICY_FIELD = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(?P<value>[^ \t].*)", re.DOTALL)
_NOT_VCHAR = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_TERM = re.compile(r"\r?\n")
_MAX_AGE = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True)
class Record:
    """The TXT record. ``id`` changes with each change of the policy (RFC 8461, 3.1)."""

    id: str


@dataclass(frozen=True)
class Policy:
    """A policy. The attributes are the fields of RFC 8461, 3.2; ``mx`` are patterns in lower case."""

    mode: str
    max_age: int
    mx: tuple[str, ...] = ()


def is_record(text: str) -> bool:
    """Whether senders count the text as an MTA-STS record; several at a name count as none (RFC 8461, 3.1)."""
    return _syntax.starts_with_version(text, VERSION)


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(
            f"the field id has the value {text!r}; 1 to 32 letters and digits are accepted (RFC 8461, 3.1)"
        )
    return text


def parse(text: str) -> Record:
    """Parse the text of an MTA-STS record; the strings of a TXT record are to be joined before (RFC 8461, 3.1).

    The version is first, id is required, unknown fields are ignored, and of several id the first one counts (3.2).
    """
    ids = [value for name, value in _syntax.fields(text, VERSION, ("id",), "RFC 8461, 3.1") if name == "id"]
    if not ids:
        raise ValueError("the field id is missing; id= with 1 to 32 letters and digits is accepted (RFC 8461, 3.1)")
    return Record(_id(ids[0]))


def join(record: Record) -> str:
    """Write an MTA-STS record."""
    return f"{VERSION}; id={_id(record.id)};"


def only_record(texts: t.Iterable[str]) -> t.Optional[Record]:
    """Return the record of a name: other texts do not count, and of several records none does (RFC 8461, 3.1)."""
    candidates = [text for text in texts if is_record(text)]
    return parse(candidates[0]) if len(candidates) == 1 else None


def _pattern(text: str) -> str:
    """Return an sts-policy-mx-value in lower case: a name, or ``*.`` in front of one (RFC 8461, 3.2)."""
    wildcard = "*." if text.startswith("*.") else ""
    try:
        return wildcard + _syntax.host_name(text[len(wildcard) :], labels=1)
    except ValueError as error:
        raise ValueError(
            f"the field mx has the value {text!r}; a name such as mail.example.com or *.example.com is accepted: "
            f"{error} (RFC 8461, 3.2)"
        ) from None


def _policy_fields(text: str) -> t.Iterator[tuple[str, str]]:
    """Yield names and values of the lines of a policy, which end with LF or CRLF (RFC 8461, 3.2)."""
    lines = _TERM.split(text)
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, 1):
        field = _POLICY_FIELD.fullmatch(line.rstrip(_syntax.WSP))
        if not field or _NOT_VCHAR.search(field["value"]):
            raise ValueError(f"line {number} of the policy is {line!r}; name: value is accepted (RFC 8461, 3.2)")
        yield field["name"], field["value"]


def _max_age(text: str) -> int:
    if not _MAX_AGE.fullmatch(text) or int(text) > MAX_MAX_AGE:
        raise ValueError(f"the field max_age has the value {text!r}; 0 to {MAX_MAX_AGE} is accepted (RFC 8461, 3.2)")
    return int(text)


def parse_policy(text: str) -> Policy:
    """Parse a policy file (RFC 8461, 3.2).

    version, mode and max_age are required, of several ones the first counts; mx is required unless the mode is none.
    Unknown fields are ignored. Names and the values of version and mode are case-sensitive.
    """
    mx: list[str] = []
    values: dict[str, str] = {}
    for name, value in _policy_fields(text):
        if name == "mx":
            mx.append(_pattern(value))
        else:
            values.setdefault(name, value)
    for name, accepted in (("version", ("STSv1",)), ("mode", MODES), ("max_age", ())):
        if name not in values:
            raise ValueError(f"the field {name} is missing in the policy (RFC 8461, 3.2)")
        if accepted and values[name] not in accepted:
            raise ValueError(
                f"the field {name} has the value {values[name]!r}; {' or '.join(accepted)} is accepted (RFC 8461, 3.2)"
            )
    if not mx and values["mode"] != "none":
        raise ValueError(f"the field mx is missing; at least one is needed in mode {values['mode']} (RFC 8461, 3.2)")
    return Policy(values["mode"], _max_age(values["max_age"]), tuple(mx))


def join_policy(policy: Policy) -> str:
    """Write a policy file, its lines ended with CRLF as RFC 8461, 3.2 says first."""
    policy = dataclasses.replace(policy, mx=tuple(map(_pattern, policy.mx)))
    lines = ["version: STSv1", f"mode: {policy.mode}", *(f"mx: {each}" for each in policy.mx)]
    text = "".join(f"{line}\r\n" for line in (*lines, f"max_age: {policy.max_age}"))
    if len(text) > MAX_POLICY_SIZE:
        raise ValueError(f"the policy has {len(text)} octets; up to {MAX_POLICY_SIZE} are accepted (RFC 8461, 3.3)")
    if parse_policy(text) != policy:
        raise ValueError(f"the mode is {policy.mode!r}; one of {', '.join(MODES)} is accepted (RFC 8461, 3.2)")
    return text


def policy_id(policy: Policy) -> str:
    """Return an id that changes exactly when the policy does: the start of its SHA-256 (RFC 8461, 3.1)."""
    return hashlib.sha256(join_policy(policy).encode("ascii")).hexdigest()[:32]


def matches(policy: Policy, mx_host: str) -> bool:
    """Whether the policy allows an MX host: ``*`` stands for exactly its first label (RFC 8461, 4.1)."""
    host = _syntax.host_name(mx_host, labels=1)
    return any(each in (host, f"*.{host.partition('.')[2]}") for each in policy.mx)


def record_name(domain: str) -> str:
    """Return where the record of a Policy Domain is published, without the final dot (RFC 8461, 3.1)."""
    return _syntax.owner_name("_mta-sts", domain)


def policy_host(domain: str) -> str:
    """Return the name of the HTTPS server with the policy of a Policy Domain (RFC 8461, 3.2)."""
    return _syntax.host_name(f"mta-sts.{domain}")


def policy_url(domain: str) -> str:
    """Return where the policy of a Policy Domain is served; redirects are not followed (RFC 8461, 3.2, 3.3)."""
    return f"https://{policy_host(domain)}/.well-known/mta-sts.txt"

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""DKIM key records: RFC 6376 section 3.6.1 with the tag list of 3.2, key lengths of RFC 8301, Ed25519 of RFC 8463.

:func:`parse` and :func:`join` are inverses: ``parse(join(record)) == record``, and ``join(parse(text))`` means what
``text`` means. Both raise nothing but ``ValueError``.
"""

from __future__ import annotations

import base64
import binascii
import re
import typing as t
from dataclasses import dataclass

RSA_BITS = range(2048, 4097)
"""Lengths of RSA keys to sign with: verifiers must take up to 4096 bits, signers should use 2048 (RFC 8301, 3.2)."""

ED25519_LENGTH = 32
"""Octets of an Ed25519 public key (RFC 8463, 4.2)."""

_FWS = re.compile(r"(?:[ \t]*\r?\n)?[ \t]+")
_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TAG_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e \t\r\n]*")
_HYPHENATED_WORD = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_SUB_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_QP_OCTET = re.compile(r"=([0-9A-F]{2})")


@dataclass(frozen=True)
class KeyRecord:
    """A key record. The attributes are the tags of RFC 6376, 3.6.1; an empty ``p`` says that the key is revoked.

    An empty ``h`` allows every hash algorithm. Tags that the RFC does not name carry no meaning and are not kept.
    """

    p: bytes
    k: str = "rsa"
    h: tuple[str, ...] = ()
    s: tuple[str, ...] = ("*",)
    t: tuple[str, ...] = ()
    n: str = ""

    @property
    def revoked(self) -> bool:
        return not self.p

    @property
    def testing(self) -> bool:
        return "y" in self.t


def tag_list(text: str) -> dict[str, str]:
    """Return the tags of a tag-list in their order (RFC 6376, 3.2). No tag may occur twice."""
    tags: dict[str, str] = {}
    specs = text.split(";")
    if len(specs) > 1 and not specs[-1].strip(" \t\r\n"):
        specs.pop()
    for spec in specs:
        name, equals, value = spec.partition("=")
        name, value = name.strip(" \t\r\n"), value.strip(" \t\r\n")
        if not equals or not _TAG_NAME.fullmatch(name):
            raise ValueError(f"{spec.strip()!r} is not a tag; name=value is accepted (RFC 6376, 3.2)")
        if not _TAG_VALUE.fullmatch(value):
            raise ValueError(f"the value of the tag {name} holds characters outside printable ASCII (RFC 6376, 3.2)")
        if name in tags:
            raise ValueError(f"the tag {name} occurs twice (RFC 6376, 3.2)")
        tags[name] = value
    return tags


def _words(name: str, value: str, other: tuple[str, ...] = ()) -> tuple[str, ...]:
    words = tuple(word.strip(" \t\r\n") for word in value.split(":"))
    for word in words:
        if word not in other and not _HYPHENATED_WORD.fullmatch(word):
            raise ValueError(f"{word!r} in the tag {name} is not a hyphenated-word (RFC 6376, 3.6.1)")
    return words


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode(_FWS.sub("", value).encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the tag p is not base64: {error} (RFC 6376, 3.6.1)") from error


def _qp_section(value: str) -> str:
    """Decode the notes, quoted-printable of RFC 2045 (RFC 6376, 3.6.1)."""
    octets = _QP_OCTET.sub(lambda match: chr(int(match[1], 16)), value).encode("latin-1")
    return octets.decode("utf-8", "replace")


def _quote_notes(notes: str) -> str:
    plain = {*range(0x21, 0x7F)} - {ord("="), ord(";")}
    octets = notes.encode("utf-8")
    inner = range(1, len(octets) - 1)
    return "".join(
        chr(octet) if octet in plain or (octet == 0x20 and i in inner) else f"={octet:02X}"
        for i, octet in enumerate(octets)
    )


def parse(text: str) -> KeyRecord:
    """Parse the text of a key record; the strings of a TXT record are to be joined before (RFC 6376, 3.6.2.2)."""
    tags = tag_list(text)
    if "v" in tags and (next(iter(tags)) != "v" or tags["v"] != "DKIM1"):
        raise ValueError("the tag v must be the first one and v=DKIM1 (RFC 6376, 3.6.1)")
    if "p" not in tags:
        raise ValueError("the tag p, the public key, is missing (RFC 6376, 3.6.1)")
    record = KeyRecord(
        p=_base64(tags["p"]),
        k=_words("k", tags["k"])[0] if "k" in tags else "rsa",
        h=_words("h", tags["h"]) if "h" in tags else (),
        s=_words("s", tags["s"], ("*",)) if "s" in tags else ("*",),
        t=_words("t", tags["t"]) if tags.get("t") else (),
        n=_qp_section(tags.get("n", "")),
    )
    if ":" in tags.get("k", ""):
        raise ValueError("the tag k names one key type (RFC 6376, 3.6.1)")
    if record.k == "ed25519" and record.p and len(record.p) != ED25519_LENGTH:
        raise ValueError(f"an ed25519 key has {ED25519_LENGTH} octets, this one {len(record.p)} (RFC 8463, 4.2)")
    return record


def join(record: KeyRecord) -> str:
    """Write a key record; tags that have their default value are left out, except k."""
    parts: list[tuple[str, str]] = [("v", "DKIM1")]
    if record.h:
        parts.append(("h", ":".join(record.h)))
    parts.append(("k", record.k))
    if record.s != ("*",):
        parts.append(("s", ":".join(record.s)))
    if record.t:
        parts.append(("t", ":".join(record.t)))
    if record.n:
        parts.append(("n", _quote_notes(record.n)))
    parts.append(("p", base64.b64encode(record.p).decode("ascii")))
    return "; ".join(f"{name}={value}" for name, value in parts)


def _labels(text: str) -> t.Iterator[str]:
    for label in text.split("."):
        if len(label) > 63 or not _SUB_DOMAIN.fullmatch(label):
            raise ValueError(f"the part {label!r} is not made of 1 to 63 letters, digits and inner hyphens")
        yield label.lower()


def selector(text: str) -> str:
    """Return a selector in lower case (RFC 6376, 3.1: sub-domains as in RFC 5321)."""
    try:
        return ".".join(_labels(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a selector: {error} (RFC 6376, 3.1)") from None


def domain(text: str) -> str:
    """Return a signing domain in lower case (RFC 6376, 3.5, tag d): a name with a dot in it, IDN as A-labels."""
    try:
        labels = list(_labels(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not a domain: {error} (RFC 6376, 3.5)") from None
    if len(labels) < 2 or labels[-1].isdigit():
        raise ValueError(f"{text!r} is not a domain: a name such as example.com is accepted (RFC 6376, 3.5)")
    return ".".join(labels)


def record_name(of_selector: str, of_domain: str) -> str:
    """Return where the key record is published, without the final dot (RFC 6376, 3.6.2.1)."""
    name = f"{selector(of_selector)}._domainkey.{domain(of_domain)}"
    if len(name) > 253:
        raise ValueError(f"{name!r} is longer than 253 characters: a shorter selector is needed (RFC 1035, 2.3.4)")
    return name

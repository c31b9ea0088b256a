# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A verifier of DKIM signatures that shares no code with what it judges: RFC 6376, rsa-sha256, relaxed/relaxed."""

from __future__ import annotations

import base64
import hashlib
import re
import typing as t

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

Records = t.Mapping[str, str]
"""The text of each key record by its name."""


def split(message: bytes) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return header fields, in their order, and body."""
    message = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head, _empty, body = message.partition(b"\r\n\r\n")
    fields = re.sub(rb"\r\n(?=[ \t])", b"\0", head).split(b"\r\n")
    return [(f.partition(b":")[0], f.partition(b":")[2].replace(b"\0", b"\r\n")) for f in fields], body


def relaxed_field(name: bytes, value: bytes) -> bytes:
    unfolded = value.replace(b"\r\n", b"")
    return name.strip().lower() + b":" + re.sub(rb"[ \t]+", b" ", unfolded).strip()


def relaxed_body(body: bytes) -> bytes:
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def tags_of(value: bytes) -> dict[str, str]:
    pairs = (tag.partition("=") for tag in value.decode("ascii").split(";") if tag.strip())
    return {name.strip(): re.sub(r"\s+", "", text) for name, _equals, text in pairs}


def signed_data(fields: list[tuple[bytes, bytes]], signature: tuple[bytes, bytes], names: str) -> bytes:
    left = [field for field in fields if field is not signature]
    data = b""
    for name in names.lower().split(":"):
        for field in reversed(left):
            if field[0].strip().lower().decode() == name:
                data += relaxed_field(*field) + b"\r\n"
                left.remove(field)
                break
    unsigned = re.sub(rb"(\bb=)[^;]*", rb"\1", signature[1], count=1)
    return data + relaxed_field(signature[0], unsigned)


def verify(message: bytes, records: Records) -> list[dict[str, str]]:
    """Return the tags of each signature; raise ``ValueError`` for the first that does not verify."""
    fields, body = split(message)
    found = []
    for signature in [field for field in fields if field[0].lower() == b"dkim-signature"]:
        tags = tags_of(signature[1])
        if (tags["a"], tags["c"]) != ("rsa-sha256", "relaxed/relaxed"):
            raise ValueError(f"not the expected algorithms: {tags['a']}, {tags['c']}")
        if base64.b64decode(tags["bh"]) != hashlib.sha256(relaxed_body(body)).digest():
            raise ValueError("the body hash differs")
        record = tags_of(records[f"{tags['s']}._domainkey.{tags['d']}"].encode())
        key = load_der_public_key(base64.b64decode(record["p"]))
        assert isinstance(key, rsa.RSAPublicKey)
        data = signed_data(fields, signature, tags["h"])
        try:
            key.verify(base64.b64decode(tags["b"]), data, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise ValueError("the signature does not fit the header") from None
        found.append(tags)
    return found

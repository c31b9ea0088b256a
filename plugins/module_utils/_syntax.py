# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Rules that the grammars of several records share: names in the DNS, and records of ``name=value`` fields.

Each raises nothing but ``ValueError``. Names are returned in lower case and without the dot of the root, so that two
spellings of one name compare equal (RFC 4343, 2).
"""

from __future__ import annotations

import re
import typing as t

MAX_NAME = 253
"""Characters of a name without the dot of the root: 255 octets with the lengths of its labels (RFC 1035, 2.3.4)."""

MAX_LABEL = 63
"""Characters of a label (RFC 1035, 2.3.4)."""

WSP = " \t"
"""White space inside a line (RFC 5234, B.1)."""

_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_DOMAIN_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
_FIELD = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]{0,31})=(?P<value>[^;]*)")
_EXTENSION_VALUE = re.compile(r"[\x21-\x3a\x3c\x3e-\x7e]+")


def _name(text: str, kind: str, label: re.Pattern[str], accepted: str) -> list[str]:
    labels = _fold(text[:-1] if text.endswith(".") else text).split(".")
    if sum(len(each) + 1 for each in labels) - 1 > MAX_NAME:
        raise ValueError(
            f"{text[:40]!r}... is not a {kind}: up to {MAX_NAME} characters are accepted (RFC 1035, 2.3.4)"
        )
    for each in labels:
        if len(each) > MAX_LABEL or not label.fullmatch(each):
            raise ValueError(f"{text!r} is not a {kind}: {each!r} is not made of 1 to {MAX_LABEL} {accepted}")
    return labels


def _fold(text: str) -> str:
    """Return the text with its ASCII letters in lower case; ``str.lower`` would turn other signs into ASCII."""
    return text.lower() if text.isascii() else text


def domain_name(text: str) -> str:
    """Return a domain name in lower case, without a final dot: labels of letters, digits, ``-`` and ``_``.

    Labels have 1 to 63 octets, the name up to 253 (RFC 1035, 2.3.4); underscored names are names as well (RFC 8552).
    Internationalized names are written with A-labels (RFC 5890, 2.3.2.1).
    """
    return ".".join(_name(text, "domain name", _DOMAIN_LABEL, "letters, digits, underscores and inner hyphens"))


def host_name(text: str, labels: int = 2) -> str:
    """Return a host name in lower case, without a final dot: letters, digits and inner hyphens (RFC 1123, 2.1).

    ``labels`` is the least number of labels: one alone is no fully-qualified name (RFC 5321, 2.3.5). A last label of
    digits only would be an address (RFC 1123, 2.1).
    """
    found = _name(text, "host name", _HOST_LABEL, "letters, digits and inner hyphens (RFC 1123, 2.1)")
    if len(found) < labels:
        raise ValueError(f"{text!r} is not a host name: a full name such as mail.example.com is accepted")
    if found[-1].isdigit():
        raise ValueError(f"{text!r} is an address, not a host name such as mail.example.com (RFC 1123, 2.1)")
    return ".".join(found)


def owner_name(prefix: str, name: str) -> str:
    """Return ``prefix.name``, the name of a record, without a final dot; ``name`` is a domain name (RFC 8552)."""
    return domain_name(f"{prefix}.{domain_name(name)}")


def tag_specs(text: str) -> list[str]:
    """Split at ``;`` with the white space around it; one ``;`` may end the text (RFC 8460, 3; 8461, 3.1; 9989, 4.8)."""
    specs = [spec.strip(WSP) for spec in text.split(";")]
    if not specs[-1]:
        specs.pop()
    return specs


def starts_with_version(text: str, version: str) -> bool:
    """Whether ``text`` starts with ``version;``: others are not counted (RFC 8460, 3 and RFC 8461, 3.1)."""
    return text.startswith(f"{version};")


def fields(text: str, version: str, known: t.Container[str], reference: str) -> t.Iterator[tuple[str, str]]:
    """Yield names and values of the fields after ``version``, as RFC 8460, 3 and RFC 8461, 3.1 write them both.

    Fields are separated by ``;`` with white space around it, one ``;`` may end the record, and there is no white space
    around ``=``. Values of ``known`` fields have a syntax of their own and are not looked at here; other values have
    no ``=`` and no space in them. Names are case-sensitive, up to 32 characters long.
    """
    if not starts_with_version(text, version):
        raise ValueError(f"the record starts with {text[:16]!r}; {version}; is accepted ({reference})")
    for spec in tag_specs(text[len(version) + 1 :]):
        field = _FIELD.fullmatch(spec)
        if not field:
            raise ValueError(f"{spec!r} is not a field; name=value without spaces around = is accepted ({reference})")
        name, value = field["name"], field["value"]
        if name not in known and not _EXTENSION_VALUE.fullmatch(value):
            raise ValueError(
                f"the field {name} has the value {value!r}; printable ASCII without = is accepted ({reference})"
            )
        yield name, value

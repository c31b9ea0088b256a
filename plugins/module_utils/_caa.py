# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""CAA records: RFC 8659 section 4, with the parameters of RFC 8657 for ACME.

:func:`parse` and :func:`join` are inverses, as are :func:`parse_issue` and :func:`join_issue` for the values of the
properties that let a CA issue. All raise nothing but ``ValueError``.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _syntax, _uri

CRITICAL = 128
"""Issuer Critical: a CA that does not know the property must not issue, other bits are reserved (RFC 8659, 4.1)."""

ISSUE_TAGS = ("issue", "issuewild", "issuemail")
"""Properties that name an issuer: RFC 8659, 4.2 and 4.3, and RFC 9495, 3."""

IODEF_SCHEMES = ("mailto", "http", "https")
"""Where a CA reports to (RFC 8659, 4.4)."""

MAX_TAG = 255
"""Octets of a tag at most, as one octet holds its length (RFC 8659, 4.1)."""

_RDATA = re.compile(
    r"(?P<flags>[0-9]{1,3})[ \t]+(?P<tag>[A-Za-z0-9]+)[ \t]+"
    r'(?:"(?P<quoted>(?:[^"\\\r\n]|\\[0-9]{3}|\\[^0-9\r\n])*)"|(?P<plain>(?:[^"\\\s;()]|\\[0-9]{3}|\\[^0-9\s])+))'
)
_ESCAPE = re.compile(r"\\([0-9]{3}|.)", re.DOTALL)
_LABEL = re.compile(r"[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*")
_PARAMETER_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e]*")
_METHOD = re.compile(r"[A-Za-z0-9-]+")


@dataclass(frozen=True)
class Property:
    """A CAA record. ``tag`` is in lower case; ``value`` holds one character for each of its octets (Latin-1)."""

    flags: int
    tag: str
    value: str

    @property
    def critical(self) -> bool:
        return bool(self.flags & CRITICAL)


@dataclass(frozen=True)
class Issue:
    """The value of an issue property (RFC 8659, 4.2). An empty ``issuer_domain_name`` lets no CA issue."""

    issuer_domain_name: str = ""
    parameters: tuple[tuple[str, str], ...] = ()

    def _parameter(self, tag: str) -> t.Optional[str]:
        return dict(self.parameters).get(tag)

    @property
    def accounturi(self) -> t.Optional[str]:
        """The only account that may issue (RFC 8657, 3)."""
        return self._parameter("accounturi")

    @property
    def validationmethods(self) -> t.Optional[tuple[str, ...]]:
        """The only methods to validate by (RFC 8657, 4); None for every method."""
        value = self._parameter("validationmethods")
        return None if value is None else tuple(value.split(",")) if value else ()


def _check_parameters(parameters: tuple[tuple[str, str], ...]) -> None:
    """Raise ValueError for what no CA can satisfy, or what is not a parameter (RFC 8659, 4.2; RFC 8657, 3 and 4)."""
    tags = [tag for tag, _value in parameters]
    for tag, value in parameters:
        if not _LABEL.fullmatch(tag):
            raise ValueError(f"the parameter {tag!r} is not made of letters, digits and inner hyphens (RFC 8659, 4.2)")
        if not _PARAMETER_VALUE.fullmatch(value):
            raise ValueError(
                f"the parameter {tag} has the value {value!r}; printable ASCII is accepted (RFC 8659, 4.2)"
            )
        if tag in ("accounturi", "validationmethods") and tags.count(tag) > 1:
            raise ValueError(f"the parameter {tag} occurs twice, no CA may issue then (RFC 8657, 3 and 4)")
        if tag == "accounturi":
            _uri.parse(value)
        if tag == "validationmethods" and value and not all(map(_METHOD.fullmatch, value.split(","))):
            raise ValueError(f"the parameter {tag} has the value {value!r}; dns-01,http-01 is accepted (RFC 8657, 4)")


def parse_issue(value: str) -> Issue:
    """Parse the value of an issue property (RFC 8659, 4.2).

    What does not fit lets no CA issue; so do an account that is no URI, and a parameter of RFC 8657 given twice. A
    ``;`` may end the value only where it has no parameters.
    """
    issuer, *rest = (part.strip(_syntax.WSP) for part in value.split(";"))
    if rest == [""]:
        rest = []
    parameters = []
    for part in rest:
        tag, equals, parameter = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} is not a parameter; tag=value is accepted (RFC 8659, 4.2)")
        parameters.append((tag.rstrip(_syntax.WSP), parameter.lstrip(_syntax.WSP)))
    return _checked_issue(Issue(_lower(issuer), tuple(parameters)))


def _lower(text: str) -> str:
    return text.lower() if text.isascii() else text


def _checked_issue(issue: Issue) -> Issue:
    if issue.issuer_domain_name and not all(map(_LABEL.fullmatch, issue.issuer_domain_name.split("."))):
        raise ValueError(
            f"the issuer is {issue.issuer_domain_name!r}; a name such as ca.example.net, or nothing, is accepted "
            "(RFC 8659, 4.2)"
        )
    _check_parameters(issue.parameters)
    return issue


def join_issue(issue: Issue) -> str:
    """Write the value of an issue property."""
    _checked_issue(issue)
    parts = [issue.issuer_domain_name, *(f"{tag}={value}" for tag, value in issue.parameters)]
    return "; ".join(parts) if len(parts) > 1 else parts[0] or ";"


def _checked(record: Property) -> Property:
    if not 0 <= record.flags <= 255:
        raise ValueError(f"the flags of the CAA record are {record.flags}; 0 or {CRITICAL} is accepted (RFC 8659, 4.1)")
    if len(record.tag) > MAX_TAG:
        raise ValueError(f"the tag of the CAA record has {len(record.tag)} characters; up to {MAX_TAG} are accepted")
    if record.tag in ISSUE_TAGS:
        parse_issue(record.value)
    elif record.tag == "iodef" and _uri.parse(record.value).scheme not in IODEF_SCHEMES:
        raise ValueError(f"iodef has the value {record.value!r}; mailto:, http: or https: is accepted (RFC 8659, 4.4)")
    return record


def _unescape(match: re.Match[str]) -> str:
    text = match[1]
    if len(text) == 1:
        return text
    if int(text) > 255:
        raise ValueError(f"\\{text} is not an octet; \\000 to \\255 is accepted (RFC 1035, 5.1)")
    return chr(int(text))


def parse(text: str) -> Property:
    r"""Parse the data of a CAA record: flags, tag, and value, which is quoted where needed (RFC 8659, 4.1.1).

    Tags are made of letters and digits and compare without regard to case (RFC 8659, 4.1). In the value, ``\`` stands
    in front of a character, or of three digits for an octet (RFC 1035, 5.1).
    """
    match = _RDATA.fullmatch(text.strip(_syntax.WSP))
    if not match:
        raise ValueError(f'{text!r} is not a CAA record; 0 issue "ca.example.net" is accepted (RFC 8659, 4.1.1)')
    value = match["plain"] if match["quoted"] is None else match["quoted"]
    if not value.isascii():
        raise ValueError(f"the value {value!r} is not ASCII; \\000 to \\255 is accepted for octets (RFC 1035, 5.1)")
    return _checked(Property(int(match["flags"]), match["tag"].lower(), _ESCAPE.sub(_unescape, value)))


def _escape(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    return character if " " <= character <= "~" else f"\\{ord(character):03d}"


def join(record: Property) -> str:
    """Write a CAA record as in a zone file, its value in quotes."""
    if not re.fullmatch(r"[a-z0-9]+", record.tag):
        raise ValueError(f"the tag is {record.tag!r}; lower-case letters and digits are accepted (RFC 8659, 4.1)")
    if any(ord(character) > 255 for character in record.value):
        raise ValueError(f"the value {record.value!r} is not made of octets (RFC 8659, 4.1)")
    _checked(record)
    return f'{record.flags} {record.tag} "{"".join(map(_escape, record.value))}"'

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows from what was seen: whether a certificate is due, whether its key may change, what went wrong."""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime, timezone

DAY = 86400

CONFIRMED_FOR = 3 * DAY
"""Seconds for which it counts that the records of the next key were seen: what was there may be removed again."""

CURL = {
    "6": "its name is not in DNS",
    "7": "nobody answers there",
    "22": "it answers with an error",
    "28": "it does not answer in time",
    "35": "TLS fails",
    "60": "its own certificate is not signed by an authority that is trusted here; see relay_tls.acme.ca_file",
    "77": "the file relay_tls.acme.ca_file cannot be read",
}

PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\n.*?-----END \1-----\n?", re.DOTALL)


class AcmeError(Exception):
    """Why something cannot be done. The message is for the user."""


class BusyError(AcmeError):
    """Another run holds the lock, maybe for as long as a record is waited for."""


class Certificate(t.NamedTuple):
    """What openssl says of a certificate. Times are in seconds since 1970."""

    names: tuple[str, ...]
    self_signed: bool
    begins: float
    ends: float


def certificate_of(text: str) -> Certificate:
    """Read the output of ``openssl x509 -noout -subject -issuer -startdate -enddate -ext subjectAltName``."""
    fields = dict(line.partition("=")[::2] for line in text.splitlines() if "=" in line)

    def seconds(name: str) -> float:
        return datetime.strptime(fields[name], "%b %d %H:%M:%S %Y GMT").replace(tzinfo=timezone.utc).timestamp()

    return Certificate(
        names=tuple(name.lower() for name in re.findall(r"DNS:([^,\s]+)", text)),
        self_signed=fields["subject"] == fields["issuer"],
        begins=seconds("notBefore"),
        ends=seconds("notAfter"),
    )


def why_due(certificate: Certificate | None, config: t.Mapping[str, t.Any], issued_by: str, now: float) -> str:
    """Return why a certificate is to be ordered, empty for nothing.

    A certificate of a few days is renewed when a third of its time is left, whatever ``renew_before`` says.
    """
    if certificate is None:
        return "there is none that can be used"
    if certificate.self_signed:
        return "it is self-signed"
    if config["hostname"] not in certificate.names:
        return f"it is for {', '.join(certificate.names) or 'no name'}"
    if issued_by != config["directory"]:
        return f"it is not from {config['directory']}"
    if certificate.ends - now <= min(config["renew_before"] * DAY, (certificate.ends - certificate.begins) / 3):
        return f"it expires at {clock(certificate.ends)}"
    return ""


def may_change_key(notes: t.Mapping[str, t.Any], next_key: str, settle: float, now: float) -> str:
    """Return why the next key must not be served yet, empty where it may be. ``next_key`` is its digest."""
    confirmed = notes.get("confirmed") or {}
    if confirmed.get("key") != next_key:
        return "the TLSA records of the next key have not been seen on all authoritative servers"
    if now - confirmed["last"] > CONFIRMED_FOR:
        return f"the TLSA records of the next key were last seen at {clock(confirmed['last'])}"
    if now - confirmed["since"] < settle:
        return f"resolvers may know no TLSA record of the next key until {clock(confirmed['since'] + settle)}"
    return ""


def problem_of(output: str, code: int) -> str:
    """Return what went wrong in words, from all that dehydrated wrote."""
    curl = re.search(r"curl returned with (\d+)", output)
    if curl:
        return f"the authority cannot be reached: {CURL.get(curl[1], f'curl(1) ends with {curl[1]}')}"
    details = re.findall(r'"(?:error",")?detail"\]?:?\s*"((?:[^"\\]|\\.)*)"', output)
    if details:
        return f"the authority says: {unescaped(details[-1])}"
    lines = [line.strip() for line in output.splitlines() if re.match(r"\s*(\+ )?ERROR: ", line)]
    own = [line for line in lines if "hook returned" not in line]
    last = (own or lines or [f"ERROR: dehydrated ended with status {code}"])[-1]
    return last.partition("ERROR: ")[2]


def unescaped(text: str) -> str:
    """Return a string of JSON without its escapes, or as it is where it is none."""
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")

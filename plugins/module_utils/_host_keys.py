# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The DKIM keys that the running configuration of the signer names, and the tables that name them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _opendkim
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._opendkim import KeyEntry

Findings = t.Iterator[Finding]

OPENDKIM = "OpenDKIM"


@dataclass(frozen=True)
class Configuration:
    """What OpenDKIM signs with. ``tables`` maps KeyTable and SigningTable to their values in the configuration."""

    user: str
    signs: bool
    tables: t.Mapping[str, str]
    single: KeyEntry | None


@dataclass(frozen=True)
class Key:
    """A key file. ``unsafe`` says how owner or mode differ, ``refused`` what is wrong with its content."""

    path: str
    domain: str
    selector: str
    exists: bool
    bits: int | None = None
    unsafe: str = ""
    refused: t.Sequence[str] = ()
    unseen: str = ""


@dataclass(frozen=True)
class Keys:
    """All that was seen of ``program``, the one that signs.

    ``error`` says why the configuration cannot be used, ``unseen`` what could not be seen.
    """

    keys: t.Sequence[Key] = ()
    dangling: t.Sequence[str] = ()
    error: str = ""
    unseen: str = ""
    program: str = OPENDKIM

    @property
    def reference(self) -> str:
        return "opendkim.conf(5)" if self.program == OPENDKIM else "RFC 6376"


def configuration(text: str, unit_user: str) -> Configuration:
    """Read opendkim.conf(5). A configuration without tables may name one key, for one domain."""
    settings = _opendkim.settings(text)
    names = ("keytable", "signingtable")
    tables = {name: settings[name] for name in names if settings.get(name)}
    single = None
    if not tables and all(settings.get(name) for name in ("domain", "selector", "keyfile")):
        domain = settings["domain"].split(",")[0].strip()
        single = KeyEntry(domain, domain, settings["selector"], settings["keyfile"])
    user = settings.get("userid", "").partition(":")[0] or unit_user or "root"
    return Configuration(user, "s" in settings.get("mode", "sv"), tables, single)


def dangling(keys: t.Mapping[str, KeyEntry], signing: t.Sequence[tuple[str, str]]) -> list[str]:
    """Return what is wrong between the two tables, a few lines of it at most."""
    problems = _opendkim.dangling(keys, signing)
    return problems[:5] + ([f"The same for {len(problems) - 5} more lines"] if len(problems) > 5 else [])


def judge(seen: Keys) -> Findings:
    """Judge all that was seen."""
    if seen.unseen:
        yield _not_checked(seen.program, seen.unseen)
        return
    if seen.error:
        remedy = "Deploy the relay again, or mend the file"
        remedy += "; opendkim -n -x shows what it holds against it" if seen.program == OPENDKIM else ""
        yield Finding("key_table_unusable", "error", seen.program, seen.error, remedy, seen.reference)
        return
    for problem in seen.dangling:
        message, _semicolon, accepted = problem.partition("; accepted: ")
        remedy = f"Name one of the KeyTable: {accepted}" if accepted else ""
        yield Finding("key_table_dangling", "error", "SigningTable", message, remedy, "opendkim.conf(5)")
    if not seen.keys:
        remedy = f"Deploy the relay with its domains, or leave {seen.program} out of what is expected"
        message = f"{seen.program} has no key, so it signs for no domain"
        yield Finding("key_none", "error", seen.program, message, remedy, seen.reference)
    for key in seen.keys:
        yield from _judge_key(key, seen)


def _judge_key(key: Key, seen: Keys) -> Findings:
    where = f"{key.selector}._domainkey.{key.domain}"
    if key.unseen:
        yield _not_checked(key.path, f"The key of {where} cannot be looked at: {key.unseen}")
    elif not key.exists:
        remedy = "Restore it from a backup, or deploy the relay, which makes a new one to publish"
        message = f"The key of {where} is missing; {seen.program} is told to sign with it"
        reference = f"{seen.reference}, KeyTable" if seen.program == OPENDKIM else seen.reference
        yield Finding("key_missing", "error", key.path, message, remedy, reference)
    if key.unsafe:
        message = f"The key of {where} is not {seen.program}'s alone: {key.unsafe}"
        remedy = "Give it to OpenDKIM's user with mode 0600" if seen.program == OPENDKIM else "Deploy the relay again"
        remedy += "; where others could read it, rotate the key"
        reference = f"{seen.reference}, RequireSafeKeys" if seen.program == OPENDKIM else seen.reference
        yield Finding("key_unsafe", "error", key.path, message, remedy, reference)
    for problem in key.refused:
        message, _semicolon, accepted = problem.partition("; accepted: ")
        remedy = f"Accepted: {accepted}" if accepted else "Rotate the key"
        yield Finding("key_refused", "error", key.path, message, remedy, "RFC 6376, RFC 8301")


def _not_checked(subject: str, reason: str) -> Finding:
    return Finding("key_not_checked", "warning", subject, reason, "Run as root on the relay")


def describe(key: Key) -> dict[str, t.Any]:
    """Return a key as the module returns it; nothing in it is secret."""
    return {
        "path": key.path,
        "domain": key.domain,
        "selector": key.selector,
        "exists": None if key.unseen else key.exists,
        "bits": key.bits,
    }

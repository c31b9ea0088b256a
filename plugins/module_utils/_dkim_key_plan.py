# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Which DKIM keys a host has, which are missing, and making them: the work of the module dkim_keys."""

from __future__ import annotations

import grp
import os
import pwd
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _dkim_keys, _rotation
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyObservation, KeyStore
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner
from ansible_collections.mailops.relay.plugins.module_utils._rotation import Selector

OPTIONS: dict[str, dict[str, t.Any]] = {
    "directory": {"type": "path", "default": "/etc/dkimkeys"},
    "domains": {"type": "list", "elements": "str", "required": True},
    "selector": {"type": "str", "required": True},
    "bits": {"type": "int", "choices": [2048, 3072, 4096], "default": 2048},
    "shortest": {"type": "int", "choices": [1024, 2048, 3072, 4096], "default": 2048},
    "owner": {"type": "str", "default": "opendkim"},
    "group": {"type": "str", "default": "opendkim"},
}
"""The options of whoever asks for the keys, in a module's ``argument_spec``."""


class KeysError(Exception):
    """The keys were refused. The message names each problem in one line."""


def names(params: dict[str, t.Any]) -> tuple[list[str], str]:
    """Return domains and selector in their normal form, or raise :class:`KeysError` with all that is wrong."""
    problems: list[str] = []
    domains: list[str] = []
    for text in params["domains"]:
        try:
            domain = _dkim.domain(text)
            _dkim.record_name(params["selector"], domain)
        except ValueError as error:
            problems.append(f"domains: {error}")
            continue
        if domain in domains:
            problems.append(f"domains: {text!r} is listed twice; accepted: each domain once")
        domains.append(domain)
    try:
        selector = _dkim.selector(params["selector"])
    except ValueError as error:
        raise KeysError(f"selector: {error}") from None
    if problems:
        raise KeysError("\n".join(problems))
    return domains, selector


def normal(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the options in their normal form, or raise :class:`KeysError` with all that is wrong."""
    domains, selector = names(params)
    return {**params, "domains": domains, "selector": selector}


def _id(option: str, name: str, lookup: t.Callable[[str], int], check_mode: bool) -> int | None:
    try:
        return lookup(name)
    except KeyError:
        if check_mode:
            return None
        raise KeysError(
            f"{option}: {name!r} is not known on this host; accepted: a name as the package opendkim brings"
        ) from None


def _uid(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


def _gid(name: str) -> int:
    return grp.getgrnam(name).gr_gid


def owner_of(params: dict[str, t.Any], check_mode: bool) -> Owner:
    """Resolve owner and group; in check mode they may be missing, since their package comes before in a real run."""
    return Owner(
        _id("owner", params["owner"], _uid, check_mode),
        _id("group", params["group"], _gid, check_mode),
    )


class Plan(t.NamedTuple):
    """What is there, and what has to be done about it. ``unneeded`` are private halves of revoked selectors."""

    selectors: t.Tuple[Selector, ...]
    noted: bool
    keys: t.List[t.Tuple[Selector, KeyObservation]]
    unneeded: t.List[t.Tuple[str, str]]
    shells: t.List[t.Tuple[Selector, str]]

    @property
    def missing(self) -> list[KeyObservation]:
        return [key for _selector, key in self.keys if not key.exists]

    @property
    def mended(self) -> list[KeyObservation]:
        return [key for _selector, key in self.keys if key.exists and (key.unsafe or key.recorded is None)]


def plan(params: dict[str, t.Any], store: KeyStore, now: int) -> Plan:
    """Look at the notes and at all keys, or raise :class:`KeysError` with all that is wrong."""
    domains = params["domains"]
    try:
        noted = store.notes()
        selectors = noted or _rotation.initial(params["selector"], store.existing(domains), now)
    except ValueError as error:
        raise KeysError(f"{error}\nNothing was changed.") from None
    ordered = sorted(selectors, key=lambda each: (each.state != "current", _rotation.STATES.index(each.state)))
    pairs = [(each, domain) for each in ordered for domain in domains]
    keys = [(each, store.observe(domain, each.name)) for each, domain in pairs if each.state in _rotation.WITH_KEY]
    # A domain that came later has no key of a selector that has retired, and needs none.
    keys = [(each, key) for each, key in keys if key.exists or each.state != "retired"]
    problems = _dkim_keys.judge([key for _selector, key in keys], params["shortest"])
    if problems:
        raise KeysError("\n".join([*problems, "Nothing was changed."]))
    gone = [(each, domain) for each, domain in pairs if each.state not in _rotation.WITH_KEY]
    files = {(each.name, domain): store.files(domain, each.name) for each, domain in gone}
    return Plan(
        selectors,
        noted is not None,
        keys,
        [(domain, f"{name}.private") for (name, domain), found in files.items() if f"{name}.private" in found],
        [(each, domain) for each, domain in gone if files[each.name, domain]],
    )


def describe(selector: Selector, key: KeyObservation, bits: int, created: bool) -> dict[str, t.Any]:
    """Return the public half of a key, that of one still to be made without its value."""
    return {
        "domain": key.domain,
        "selector": key.selector,
        "state": selector.state,
        "name": _dkim.record_name(key.selector, key.domain),
        "type": "TXT",
        "value": None if key.record is None else _dkim.join(key.record),
        "key_file": key.path,
        "bits": bits if key.public is None else key.public.bits,
        "created": created,
    }


def describe_shell(selector: Selector, domain: str, path: str) -> dict[str, t.Any]:
    """Return what is left of a key that is revoked, or whose record is to be removed."""
    return {
        "domain": domain,
        "selector": selector.name,
        "state": selector.state,
        "name": _dkim.record_name(selector.name, domain),
        "type": "TXT",
        "value": _dkim.join(_dkim.KeyRecord(p=b"")) if selector.state == "revoked" else None,
        "key_file": path,
        "bits": None,
        "created": False,
    }


def diff_of(found: Plan, store: KeyStore, bits: int) -> dict[str, str]:
    """Return a diff of names: keys that appear and go, and what is mended about others."""
    before = [f"{key.path}: {key.unsafe or 'public half not recorded'}\n" for key in found.mended]
    before += [f"{os.path.join(store.directory, *file)}: revoked\n" for file in found.unneeded]
    after = [f"{key.path}\n" for key in found.mended]
    after += [f"{key.path}: RSA, {bits} bits\n" for key in found.missing]
    if not found.noted:
        after += _rotation.join_notes(found.selectors).splitlines(keepends=True)
    return {"before": "".join(before), "after": "".join(after)}


def make(found: Plan, store: KeyStore, bits: int) -> dict[str, KeyObservation]:
    """Do what is planned; return the keys that were made by their paths."""
    for key in found.mended:
        store.mend(key)
    made = {key.path: store.make(key.domain, key.selector, bits) for key in found.missing}
    for domain, name in found.unneeded:
        store.discard(domain, name)
    if not found.noted:
        store.note(found.selectors)
    return made


def run(params: dict[str, t.Any], store: KeyStore, check_mode: bool, now: int) -> dict[str, t.Any]:
    """Judge all keys, then make what is missing. ``params`` are the module's options in their normal form."""
    found = plan(params, store, now)
    if found.missing and not check_mode and not _dkim_keys.can_make_keys():
        raise KeysError(
            "This host's Python has no library cryptography, which makes the keys (Debian: python3-cryptography).\n"
            "Nothing was changed."
        )
    made = {} if check_mode else make(found, store, params["bits"])
    records = [describe(each, made.get(key.path, key), params["bits"], not key.exists) for each, key in found.keys]
    records += [describe_shell(each, domain, store.path(domain, each.name)) for each, domain in found.shells]
    changed = bool(found.missing or found.mended or found.unneeded or not found.noted)
    return {
        "changed": changed,
        "records": records,
        "selectors": _rotation.describe(found.selectors),
        "mended": [f"{key.path}: {key.unsafe or 'public half not recorded'}" for key in found.mended],
        **({"diff": diff_of(found, store, params["bits"])} if changed else {}),
    }


def look(params: dict[str, t.Any], now: int) -> dict[str, t.Any]:
    """Return what :func:`run` in check mode does. Owners that the host does not know are not compared.

    :param params: the options, as :data:`OPTIONS` accepts them
    :raises KeysError: naming all that is wrong, with options or keys
    """
    accepted = normal(params)
    store = KeyStore(accepted["directory"], owner_of(accepted, check_mode=True))
    return run(accepted, store, check_mode=True, now=now)

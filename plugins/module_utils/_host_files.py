# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Looks at files with keys: certificates of Postfix, DKIM keys of the signer. Nothing of a key leaves this file."""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import pwd
import ssl
import stat
import typing as t
from dataclasses import replace

from ansible_collections.mailops.relay.plugins.module_utils import (
    _dkim_keys,
    _host_certificate,
    _host_keys,
    _opendkim,
    _x509,
)
from ansible_collections.mailops.relay.plugins.module_utils._host_certificate import Chain, Facts, Observation, Source
from ansible_collections.mailops.relay.plugins.module_utils._host_keys import Key, Keys
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner
from ansible_collections.mailops.relay.plugins.module_utils._opendkim import KeyEntry

RSPAMD = "rspamd"

_LARGEST = 1 << 20
_LARGEST_TABLE = 1 << 24
_MOST_KEYS = 5000
_DENIED = (errno.EACCES, errno.EPERM)


def _read(path: str, largest: int) -> str:
    """Read a regular file; a named pipe, or one without end, must not hold the run up."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        octets = stream.read(largest + 1)
    if len(octets) > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest} octets", path)
    return octets.decode("utf-8", "replace")


# Certificates


def observe_certificates(source: Source, hostname: str, now: float) -> list[Observation]:
    """Look at the chains in files that belong together. Whoever may not read the key may still read the certificate."""
    texts: dict[str, str] = {}
    unseen = []
    for path in source.files:
        try:
            texts[path] = _read(path, _LARGEST)
        except OSError as error:
            why = f"{path} cannot be read: {error.strerror}"
            if not _denied(error):
                return [Observation(source.files, error=why)]
            unseen.append(why)
    exposed = [path for path, text in texts.items() if _holds_key(text) and _open_to_others(path)]
    blocks = [block for text in texts.values() for block in _host_certificate.blocks(text)]
    found = [
        _observe_chain(chain, source.files, hostname, now, unseen)
        for chain in _host_certificate.chains(blocks, together=source.together)
    ]
    late = source.together and _host_certificate.key_is_late(blocks)
    mismatch = found[0].mismatch or ("The private key comes after the certificate, and Postfix refuses that" * late)
    return [replace(found[0], exposed=exposed, mismatch=mismatch), *found[1:]]


def _denied(error: OSError) -> bool:
    return error.errno in _DENIED and os.geteuid() != 0


def _observe_chain(
    chain: Chain, files: t.Sequence[str], hostname: str, now: float, unseen: t.Sequence[str]
) -> Observation:
    try:
        facts = _facts(chain, hostname, now) if chain.certificates else None
    except ValueError as error:
        return Observation(files, error=f"Of the certificate: {error}", unseen=unseen)
    missing = "" if chain.key and chain.certificates else "certificate" if chain.key else "private key"
    if missing and not unseen:
        return Observation(files, facts, error=f"There is no {missing} in {' and '.join(files)}")
    return Observation(files, facts, "" if missing else _mismatch(chain), unseen=unseen)


def _facts(chain: Chain, hostname: str, now: float) -> Facts:
    certificates = [_x509.read(block.der()) for block in chain.certificates]
    certificate, misplaced = certificates[0], _x509.out_of_order(certificates)
    moment = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    return Facts(
        certificate.subject,
        certificate.names,
        certificate.not_after.strftime("%Y-%m-%d"),
        _x509.days_left(certificate, moment),
        bool(hostname) and _x509.covers(certificate, hostname),
        certificate.key,
        certificate.self_signed,
        _x509.days_until(certificate, moment),
        "" if misplaced is None else certificates[misplaced].subject,
    )


def _holds_key(text: str) -> bool:
    return any(block.is_key for block in _host_certificate.blocks(text))


def _open_to_others(path: str) -> bool:
    """Whether everybody on the host may read or write a file: it lets them, and so do all folders above it."""
    real = os.path.realpath(path)
    with contextlib.suppress(OSError):
        reachable = os.stat(real).st_mode & (stat.S_IROTH | stat.S_IWOTH)
        while reachable and real != "/":
            real = os.path.dirname(real)
            reachable = os.stat(real).st_mode & stat.S_IXOTH
        return bool(reachable)
    return False


def _mismatch(chain: Chain) -> str:
    """Have OpenSSL load key and certificate, as Postfix does. They are in memory only: the key is for no other file."""
    if chain.key and chain.key.is_encrypted:
        return "The private key has a pass phrase, and Postfix has none to give"
    key = chain.key.text if chain.key else ""
    certificates = "\n".join(block.text for block in chain.certificates)
    try:
        with _in_memory(certificates) as chain_file, _in_memory(key) as key_file:
            # So that nothing is ever asked of the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain_file, key_file, password=lambda: "")
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            return "The private key does not belong to the certificate"
        return f"OpenSSL refuses key and certificate: {error.reason or error}"
    except (OSError, ValueError) as error:
        return f"OpenSSL refuses key and certificate: {error}"
    return ""


@contextlib.contextmanager
def _in_memory(text: str) -> t.Iterator[str]:
    descriptor = os.memfd_create("mailops-relay")
    try:
        os.write(descriptor, text.encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


# DKIM keys


def observe_keys(config: str, unit_user: str, shortest: int) -> Keys:
    """Look at the keys that the configuration ``config`` of OpenDKIM names."""
    try:
        text = _read(config, _LARGEST)
        wanted = _host_keys.configuration(text, unit_user)
        if not wanted.signs:
            return Keys()
        entries, signing, unseen = _tables(wanted)
        keys = _observe_entries([*entries.values(), *filter(None, [wanted.single])], wanted.user, shortest)
    except OSError as error:
        why = f"{error.filename} cannot be read: {error.strerror}"
        return Keys(unseen=why) if _denied(error) else Keys(error=why)
    except ValueError as error:
        return Keys(error=str(error))
    return Keys(unseen=unseen) if unseen else Keys(keys, _host_keys.dangling(entries, signing))


def _tables(wanted: _host_keys.Configuration) -> tuple[dict[str, KeyEntry], list[tuple[str, str]], str]:
    texts = {"keytable": "", "signingtable": ""}
    for name, dataset in wanted.tables.items():
        path = _opendkim.file_of(dataset)
        if path is None:
            return {}, [], f"{name} is kept in {dataset.partition(':')[0]}; only files are looked at"
        texts[name] = _read(path, _LARGEST_TABLE)
    entries = _opendkim.key_table(texts["keytable"])
    if any(entry.path is None for entry in entries.values()):
        return {}, [], "The KeyTable holds keys itself; only those in files are looked at"
    if len(entries) > _MOST_KEYS:
        return {}, [], f"The KeyTable has {len(entries)} keys; up to {_MOST_KEYS} are looked at"
    return entries, _opendkim.signing_table(texts["signingtable"]), ""


def _observe_entries(entries: t.Iterable[KeyEntry], user: str, shortest: int) -> list[Key]:
    try:
        owner = Owner(pwd.getpwnam(user).pw_uid, None)
    except KeyError:
        owner = Owner(None, None)
    seen = [_dkim_keys.observe_file(e.path, e.domain, e.selector, owner) for e in entries if e.path]
    problems = _dkim_keys.judge(seen, shortest)
    return [_key(each, owner, [p for p in problems if p.startswith(f"{each.path}: ")]) for each in seen]


def _key(seen: _dkim_keys.KeyObservation, owner: Owner, problems: list[str]) -> Key:
    unseen = ""
    if os.geteuid() != 0 and seen.error in [os.strerror(number) for number in _DENIED]:
        unseen, problems = seen.error or "", []
    refused = [problem[len(seen.path) + 2 :] for problem in problems]
    unsafe = seen.unsafe if seen.unsafe and not _is_his_alone(seen.path, owner) else ""
    bits = seen.public.bits if seen.public else None
    return Key(seen.path, seen.domain, seen.selector, seen.exists, bits, unsafe or "", refused, unseen)


def _is_his_alone(path: str, owner: Owner) -> bool:
    """Whether a mode that differs is a stricter one."""
    try:
        status = os.stat(path)
    except OSError:
        return False
    return owner.has(status) and not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)


def observe_rspamd_keys(config: str, shortest: int) -> Keys:
    """Look at the copies of keys beside the configuration of rspamd, as the role rspamd puts them there."""
    folder = os.path.dirname(config)
    path = os.path.join(folder, "settings.json")
    try:
        signing = json.loads(_read(path, _LARGEST_TABLE)).get("signing") or {}
    except FileNotFoundError:
        return Keys(program=RSPAMD, unseen=f"rspamd is started with {config}, which is not of this collection")
    except OSError as error:
        why = f"{path} cannot be read: {error.strerror}"
        return Keys(program=RSPAMD, unseen=why) if _denied(error) else Keys(program=RSPAMD, error=why)
    except (ValueError, AttributeError):
        return Keys(program=RSPAMD, error=f"{path} is not as the role rspamd writes it")
    anybody = Owner(None, None)
    seen = [
        _dkim_keys.observe_file(os.path.join(folder, f"{domain}.private"), domain, selector, anybody)
        for domain, selector in signing.items()
    ]
    problems = _dkim_keys.judge(seen, shortest)
    keys = [_key(each, anybody, [p for p in problems if p.startswith(f"{each.path}: ")]) for each in seen]
    return Keys([replace(key, unsafe=_exposed(key.path)) for key in keys], program=RSPAMD)


def _exposed(path: str) -> str:
    """Return how others than root and rspamd's group could read or replace a key."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return ""
    return f"mode {stat.S_IMODE(mode):04o}" if mode & (stat.S_IWGRP | stat.S_IRWXO) else ""

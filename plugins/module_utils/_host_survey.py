# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Looks at the host that it runs on, and changes nothing: systemd, the queue, the clock, the firewall, packages."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import time
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import (
    _host_queue,
    _host_services,
    _host_system,
    _milter,
    _opendkim,
)
from ansible_collections.mailops.relay.plugins.module_utils._host_programs import Outcome, Programs
from ansible_collections.mailops.relay.plugins.module_utils._host_queue import Listing, Queue, Space
from ansible_collections.mailops.relay.plugins.module_utils._host_system import Clock, Firewall, Package

# struct timex of linux/timex.h: modes, then offset, freq, maxerror and esterror, then status.
_TIMEX = struct.Struct("@Illlli")
_TIMEX_SIZE = 512
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5

_REBOOT_REQUIRED = "/run/reboot-required"
_LISTS = "/var/lib/apt/lists"
_UPDATED = "/var/lib/apt/periodic/update-success-stamp"
# Into no cache: that would be a change on the host.
_POLICY = ("apt-cache", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "policy")


class MilterAnswer(t.NamedTuple):
    """What is wrong about the answer of a milter; or why it could not be asked."""

    problem: str = ""
    unseen: str = ""


# Services


def observe_units(programs: Programs, names: t.Iterable[str]) -> tuple[dict[str, dict[str, str]], str]:
    """Return what systemd knows of units, and why it does not tell."""
    units = [f"{name}.service" for name in names]
    outcome = programs.run("systemctl", "show", f"--property={_host_services.PROPERTIES}", "--", *units)
    return _host_services.parse_units(outcome.output), outcome.why_not


def observe_failed_units(programs: Programs) -> tuple[list[str], str]:
    """Return the names of the units that failed, and why they cannot be listed."""
    outcome = programs.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "--no-pager", "--full")
    return [line.split()[0] for line in outcome.output.splitlines() if line.split()], outcome.why_not


def ask_milter(programs: Programs, milter: str, settings: t.Mapping[str, str]) -> MilterAnswer:
    """Speak to a milter as Postfix would begin to, and see whether Postfix's user may."""
    path = _host_services.milter_path(milter, settings.get("queue_directory", ""))
    text = f"local:{path}" if path else _inet(milter)
    try:
        _milter.open_milter(_opendkim.socket_address(text), programs.timeout).connection.close()
    except (OSError, ValueError, _milter.MilterError) as error:
        why = f"{path or milter}: {getattr(error, 'strerror', None) or error}"
        unseen = isinstance(error, PermissionError) and os.geteuid() != 0
        return MilterAnswer(unseen=why) if unseen else MilterAnswer(why)
    if path and os.geteuid() == 0:
        user = settings.get("mail_owner") or "postfix"
        tried = programs.run("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "test", "-w", path)
        if tried.code == 1 and not tried.errors and not tried.problem:
            return MilterAnswer(f"{path}: the user {user} may not write to this socket")
    return MilterAnswer()


def _inet(milter: str) -> str:
    """Write Postfix's ``inet:host:port`` as OpenDKIM does."""
    kind, _colon, place = milter.partition(":")
    host, _colon, port = place.rpartition(":")
    return f"{kind}:{port}@{host}"


# Postfix


def parameters(outcome: Outcome) -> dict[str, str]:
    """Return what ``postconf`` has printed as ``name = value``."""
    pairs = (line.partition("=")[::2] for line in outcome.output.splitlines())
    return {name.strip(): value.strip() for name, value in pairs}


def observe_queue(programs: Programs, settings: t.Mapping[str, str], now: float) -> Queue:
    """Look at the queue: its folders tell how many, ``postqueue -j`` tells since when and why."""
    directory = settings.get("queue_directory") or "/var/spool/postfix"
    counts, unseen = count_files(directory, time.monotonic() + programs.timeout)
    listing = Listing()
    listed = programs.stream(listing.take, "postqueue", "-j")
    if listed.why_not:
        unseen.append(f"The queue is not listed in full: {listed.why_not}")
    if listing.malformed:
        unseen.append(f"postqueue has printed {listing.malformed} lines that are no messages")
    return Queue(
        now,
        {**listing.messages, **counts},
        listing.oldest,
        listing.reasons.most_common(_host_queue.SHOWN),
        listing.destinations.most_common(_host_queue.SHOWN),
        _number(settings.get("qmgr_message_active_limit"), 20000),
        _space(directory),
        _host_queue.needed_space(
            _number(settings.get("message_size_limit"), 0), _number(settings.get("queue_minfree"), 0)
        ),
        unseen,
    )


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdigit() else otherwise


def count_files(directory: str, deadline: float) -> tuple[dict[str, int], list[str]]:
    """Count the files of each queue, those of hashed folders included, and say which could not be seen."""
    counts: dict[str, int] = {}
    unseen: dict[str, list[str]] = {}
    for name in _host_queue.QUEUES:
        try:
            counts[name] = _count(os.path.join(directory, name), deadline)
        except TimeoutError:
            unseen.setdefault("there was not enough time", []).append(name)
        except OSError as error:
            unseen.setdefault(str(error.strerror), []).append(name)
    return counts, [
        f"The messages in {', '.join(names)} below {directory} cannot be counted: {reason}"
        for reason, names in unseen.items()
    ]


def _count(directory: str, deadline: float) -> int:
    count, folders = 0, [directory]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        count += 1
                    if time.monotonic() > deadline:
                        raise TimeoutError
        except FileNotFoundError:
            # Postfix has removed it meanwhile; only the queue itself has to be there.
            if folder == directory:
                raise
    return count


def _space(directory: str) -> Space | None:
    try:
        found = os.statvfs(directory)
    except OSError:
        return None
    return Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, found.f_favail, found.f_files)


# The host


def observe_clock(controller: float | None) -> Clock:
    """Read the kernel's clock. Whichever program sets it tells the kernel whether it is synchronised (adjtimex(2))."""
    now = time.time()
    buffer = ctypes.create_string_buffer(_TIMEX_SIZE)
    try:
        # All zero: modes = 0 sets nothing.
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (AttributeError, OSError):
        return Clock(None, now, controller, "this system has no adjtimex")
    if state < 0:
        return Clock(None, now, controller, os.strerror(ctypes.get_errno()))
    status = _TIMEX.unpack_from(buffer.raw)[-1]
    return Clock(state != _TIME_ERROR and not status & _STA_UNSYNC, now, controller)


def observe_firewall(programs: Programs, units: t.Mapping[str, t.Mapping[str, str]], own_unit: str) -> Firewall:
    """List the tables of nftables, and see whether a service loads them at boot."""
    outcome = programs.run("nft", "list", "tables")
    at_boot = any(_host_services.service_of(name, units).at_boot for name in (own_unit, "nftables"))
    if outcome.why_not:
        return Firewall(None, at_boot, outcome.why_not)
    return Firewall(_host_system.tables(outcome.output), at_boot)


def observe_packages(programs: Programs, names: t.Iterable[str]) -> tuple[list[Package], str]:
    """Return the packages as apt has them in its cache, without any network, and why it does not tell."""
    outcome = programs.run(*_POLICY, *names)
    return _host_system.parse_policy(outcome.output), outcome.why_not


def lists_age(now: float) -> float | None:
    """Return since how many seconds the package lists have not been fetched, None where there are none."""
    times = []
    for path in (_LISTS, _UPDATED):
        with contextlib.suppress(OSError):
            if path != _LISTS or any(name.endswith("_Packages") for name in os.listdir(path)):
                times.append(os.stat(path).st_mtime)
    return max(0.0, now - max(times)) if times else None


def reboot_required() -> list[str] | None:
    """Return the packages that wait for a reboot; None where none does."""
    if not os.path.exists(_REBOOT_REQUIRED):
        return None
    with contextlib.suppress(OSError), open(f"{_REBOOT_REQUIRED}.pkgs", encoding="utf-8", errors="replace") as stream:
        return sorted({line.strip() for line in stream.read(65536).splitlines() if line.strip()})
    return []

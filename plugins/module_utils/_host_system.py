# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The host itself: its clock, its firewall, its packages, units that failed, a reboot that is due."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding

Findings = t.Iterator[Finding]

DAY = 86400


def not_checked(area: str, subject: str, reason: str) -> Finding:
    """Return the finding that something could not be seen: that is no fault, and no pass either."""
    remedy = "Run as root on the relay, with the programs that its roles install"
    return Finding(f"{area}_not_checked", "warning", subject, reason, remedy)


# The clock


@dataclass(frozen=True)
class Clock:
    """What the kernel says of its clock (adjtimex(2)), None where it does not, and what it showed at ``host``.

    ``controller`` is what the controller's clock showed before the module was on its way, so what lies between the two
    holds that way.
    """

    synchronised: bool | None
    host: float
    controller: float | None = None
    unseen: str = ""

    @property
    def offset(self) -> float | None:
        """Seconds that the host's clock is ahead, at most; a negative one is behind by at least that."""
        return None if self.controller is None else self.host - self.controller


def judge_clock(clock: Clock, most: float) -> Findings:
    """Judge the clock; ``most`` seconds of offset are accepted."""
    remedy = "Install and start one of chrony, systemd-timesyncd or ntpsec; behind a firewall, name servers of yours"
    if clock.synchronised is None:
        yield not_checked(
            "clock", "clock", f"The kernel does not say whether its clock is synchronised: {clock.unseen}"
        )
    elif not clock.synchronised:
        message = "Nothing synchronises the clock of this host. DKIM, TLS and TSIG go by it, and so does the log"
        yield Finding("clock_not_synchronised", "warning", "clock", message, remedy, "adjtimex(2), timedatectl(1)")
    offset = clock.offset
    if offset is not None and abs(offset) > most:
        bound, side = ("up to ", "ahead of") if offset > 0 else ("at least ", "behind")
        message = f"The clock is {bound}{abs(offset):.0f} s {side} the controller's; {most:g} s are accepted"
        yield Finding("clock_offset", "warning", "clock", message, remedy, "RFC 6376, 3.5 (t=, x=)")


# The firewall


@dataclass(frozen=True)
class Firewall:
    """The tables that are loaded, as ``family name``, None where they cannot be seen; ``at_boot``: whether ours is."""

    tables: t.Sequence[str] | None
    at_boot: bool
    unseen: str = ""


def tables(listing: str) -> list[str]:
    """Parse what ``nft list tables`` prints."""
    return [" ".join(line.split()[1:3]) for line in listing.splitlines() if line.startswith("table ")]


def judge_firewall(firewall: Firewall, table: str) -> Findings:
    """Judge whether ``table`` is loaded now, and will be at boot."""
    remedy = "Deploy the relay again: its role nftables loads the table, and has it loaded at boot"
    if firewall.tables is None:
        yield not_checked("firewall", table, f"The tables of nftables cannot be listed: {firewall.unseen}")
    elif table not in firewall.tables:
        message = f"nftables has no table {table}: the relay's firewall is not in force"
        yield Finding("firewall_missing", "error", table, message, remedy, "nft(8)")
    elif not firewall.at_boot:
        message = f"The table {table} is loaded, and no enabled service loads it at boot"
        yield Finding("firewall_not_at_boot", "warning", table, message, remedy, "nft(8)")


# Packages


@dataclass(frozen=True)
class Package:
    """A package, with what apt would install, and whether that comes from Debian's security updates."""

    name: str
    installed: str
    candidate: str
    security: bool

    @property
    def outdated(self) -> bool:
        return self.candidate not in (self.installed, "")


def parse_policy(text: str) -> list[Package]:
    """Parse what ``apt-cache policy`` prints of packages; those that are not installed are left out."""
    packages = []
    for block in re.split(r"^(?=\S+:$)", text, flags=re.MULTILINE):
        fields = dict(re.findall(r"^  (Installed|Candidate): (\S+)", block, re.MULTILINE))
        installed, candidate = fields.get("Installed", "(none)"), fields.get("Candidate", "(none)")
        if installed != "(none)":
            newer = "" if candidate == "(none)" else candidate
            security = any("-security" in source for source in _sources(block, candidate))
            packages.append(Package(block.partition(":")[0].strip(), installed, newer, security))
    return packages


def _sources(block: str, version: str) -> list[str]:
    """Return the lines that name where a version comes from; they are indented deeper than the version."""
    found = re.search(
        rf"^ [ *]{{3}} {re.escape(version)}(?: \d+)?\n(?P<sources>(?: {{8,}}.*\n?)*)", block, re.MULTILINE
    )
    return found["sources"].splitlines() if found else []


def judge_packages(packages: t.Iterable[Package], lists_age: float | None, most_days: int) -> Findings:
    """Judge what apt has in its cache. ``lists_age`` is in seconds; None where there are no lists."""
    for package in packages:
        if not package.outdated:
            continue
        kind = "host_update_security" if package.security else "host_update"
        severity = "warning" if package.security else "notice"
        what = "a security update" if package.security else "an update"
        message = f"{what} is there: {package.candidate}, and {package.installed} is installed"
        remedy = f"apt-get install --only-upgrade {package.name}"
        yield Finding(kind, severity, package.name, message, remedy, "apt-get(8)")
    if lists_age is None or lists_age > most_days * DAY:
        age = "were never fetched" if lists_age is None else f"are {lists_age / DAY:.0f} days old"
        message = f"The package lists {age}; updates that came later are not seen. {most_days} days are accepted"
        yield Finding("host_package_lists_old", "notice", "apt", message, "apt-get update", "apt-get(8)")


# The rest


def judge_units(failed: t.Sequence[str], known: t.Container[str]) -> Findings:
    """Judge the units that failed, but for those ``known`` to be judged elsewhere."""
    others = [name for name in failed if name.removesuffix(".service") not in known]
    if others:
        shown = ", ".join(others[:10]) + (f" and {len(others) - 10} more" if len(others) > 10 else "")
        remedy = "Read systemctl status of each; after mending, systemctl reset-failed"
        yield Finding("host_unit_failed", "warning", "systemd", f"Units that failed: {shown}", remedy, "systemctl(1)")


def judge_reboot(packages: t.Sequence[str] | None) -> Findings:
    """Judge the mark that packages leave; None where there is none."""
    if packages is not None:
        why = f" (for {', '.join(packages[:10])})" if packages else ""
        message = f"An update waits for a reboot{why}"
        yield Finding("host_reboot_required", "notice", "host", message, "Reboot when mail can wait", "")

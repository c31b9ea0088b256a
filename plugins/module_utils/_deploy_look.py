# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What a host tells of itself, as its programs and files write it: system, packages, addresses, answers of debconf."""

from __future__ import annotations

import ipaddress
import json
import re
import shlex
import typing as t

PACKAGES_FORMAT = "${db:Status-Status} ${Package}\\n"
"""What dpkg-query(1) is told to show, for :func:`installed`."""


def system(text: str) -> tuple[str, str]:
    """Return the name of the distribution and its release, as os-release(5) has them: ``debian`` and ``13``."""
    values = dict(line.partition("=")[::2] for line in text.splitlines() if not line.lstrip().startswith("#"))
    name, release = (" ".join(shlex.split(values.get(key, ""))) for key in ("ID", "VERSION_ID"))
    return name or "linux", release


def installed(text: str) -> list[str]:
    """Return the packages that are installed and configured; ``text`` is in :data:`PACKAGES_FORMAT`."""
    lines = (line.split() for line in text.splitlines())
    return [words[1] for words in lines if len(words) == 2 and words[0] == "installed"]


def addresses(text: str) -> list[str]:
    """Return the addresses of the host but those of its loopback, of IPv4 first, from ``ip -json address``."""
    found = [
        ipaddress.ip_address(entry["local"])
        for link in json.loads(text or "[]")
        for entry in link.get("addr_info", [])
        if "local" in entry
    ]
    outward = [address for address in found if not address.is_loopback]
    return [str(address) for address in sorted(outward, key=lambda address: address.version)]


def answers(text: str, questions: t.Collection[str]) -> dict[str, str]:
    """Return the values that debconf has for the questions, from its own file; see debconf.conf(5), ``File``.

    Where it keeps them elsewhere, they are left out as those that nobody has given.
    """
    found = {}
    for stanza in re.split(r"\n\s*\n", text):
        fields = dict(line.partition(": ")[::2] for line in stanza.splitlines())
        if fields.get("Name") in questions and "Value" in fields:
            found[fields["Name"]] = fields["Value"]
    return found

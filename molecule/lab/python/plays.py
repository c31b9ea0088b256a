# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playing the collection's playbooks against the lab, as a user does, and looking at its name servers."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.update
import dns.zone
from lab import INVENTORY, Host, inventory

# Molecule has Ansible write colours wherever it thinks that somebody looks at a terminal, which outdoes NOCOLOR.
ENVIRONMENT = {
    **os.environ,
    "ANSIBLE_FORCE_COLOR": "false",
    "ANSIBLE_NOCOLOR": "1",
    "ANSIBLE_PIPELINING": "true",
    "ANSIBLE_LOCALHOST_WARNING": "0",
}
PRIMARY = Host("ns1")
SECONDARY = Host("ns2")


@dataclass(frozen=True)
class Played:
    """What a run of a playbook came to: its status, everything it printed, and what changed on all hosts together."""

    status: int
    output: str

    @property
    def changed(self) -> int:
        return sum(map(int, re.findall(r" changed=(\d+) ", self.output)))


def command(playbook: str, *options: str, **variables: Any) -> list[str]:
    """A playbook of the collection, in the lab's inventory unless another one is among the options."""
    extra = ["--extra-vars", json.dumps(variables)] if variables else []
    where = [] if "--inventory" in options else ["--inventory", str(INVENTORY)]
    return ["ansible-playbook", *where, f"mailops.relay.{playbook}", *options, *extra]


def play(playbook: str, *options: str, **variables: Any) -> Played:
    """Play a playbook to its end, whatever that is."""
    done = subprocess.run(
        command(playbook, *options, **variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env=ENVIRONMENT,
        timeout=600,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stdout, done.stdout
    return Played(done.returncode, done.stdout)


def succeed(playbook: str, *options: str, **variables: Any) -> Played:
    """Play a playbook that has to succeed."""
    played = play(playbook, *options, **variables)
    assert played.status == 0, played.output
    return played


@contextlib.contextmanager
def stopped(host: Host, service: str = "knot") -> Iterator[None]:
    """A service of a host is down meanwhile."""
    host.run("systemctl", "stop", service)
    try:
        yield
    finally:
        host.run("systemctl", "start", service)


@contextlib.contextmanager
def paused(host: Host) -> Iterator[None]:
    """A host is there and does nothing meanwhile."""
    subprocess.run(["podman", "pause", f"mailops-{host.name}"], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["podman", "unpause", f"mailops-{host.name}"], check=True, capture_output=True)


def described(**changes: Any) -> dict[str, Any]:
    """The variable relay_dns of the lab with changes, for --extra-vars."""
    return {"relay_dns": {**inventory()["relay12"]["relay_dns"], **changes}}


def texts(name: str, server: Host = PRIMARY, rdtype: str = "TXT") -> list[str]:
    """The values that a server of the lab has of a name; the strings of a TXT record are joined."""
    answer = dns.query.tcp(dns.message.make_query(name, rdtype), server.ipv4, timeout=10)
    data = [item for rrset in answer.answer if rrset.rdtype == dns.rdatatype.from_text(rdtype) for item in rrset]
    return [b"".join(item.strings).decode() if rdtype == "TXT" else item.to_text() for item in data]


def _keyring() -> Any:
    variables = inventory()["ns1"]
    return dns.tsigkeyring.from_text({variables["lab_tsig_name"]: ("hmac-sha256", variables["lab_tsig_secret"])})


def zone_text(zone: str) -> str:
    """A whole zone as the primary has it, without what changes by itself: serial number and signatures."""
    found = dns.zone.from_xfr(dns.query.xfr(PRIMARY.ipv4, zone, keyring=_keyring(), timeout=10))
    lines = (line for line in found.to_text(sorted=True).splitlines() if " SOA " not in line)
    return "\n".join(line for line in lines if not {"RRSIG", "NSEC", "DNSKEY"} & set(line.split()[2:4]))


def update(zone: str, *steps: tuple[Any, ...]) -> None:
    """Change a zone as somebody else would: ("add", name, ttl, type, data), ("delete", name[, type[, data]])."""
    message = dns.update.UpdateMessage(zone, keyring=_keyring())
    for verb, name, *rest in steps:
        getattr(message, verb)(f"{name}.", *rest)
    code = dns.query.tcp(message, PRIMARY.ipv4, timeout=10).rcode()
    assert code == 0, f"{zone}: {dns.rcode.to_text(code)}"

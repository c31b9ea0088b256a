# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab, seen from the controller: its hosts, what they are asked to do, and what arrived at mx1.

Shared by the tests of all scenarios and by the demo.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
INVENTORY = HERE.parents[1] / "inventory"
INSIDE = (HERE / "inside.py").read_text()

# Listeners of the relays: port and how TLS comes into play for a client that uses it.
LISTENERS = {25: "none", 587: "starttls", 465: "wrapper"}


@functools.lru_cache(maxsize=1)
def inventory() -> dict[str, dict[str, Any]]:
    """The variables of every host, as Ansible sees them."""
    listing = subprocess.run(
        ["ansible-inventory", "--inventory", str(INVENTORY), "--list"], check=True, capture_output=True, text=True
    )
    return json.loads(listing.stdout)["_meta"]["hostvars"]


@dataclass(frozen=True)
class Host:
    """One host of the lab."""

    name: str

    @property
    def ipv4(self) -> str:
        return inventory()[self.name]["lab_ipv4"]

    @property
    def ipv6(self) -> str:
        return inventory()[self.name]["lab_ipv6"]

    @property
    def signer(self) -> str:
        """The program that signs on this relay."""
        return inventory()[self.name].get("relay_dkim", {}).get("signer", "opendkim")

    def selectors(self) -> set[str]:
        """The selectors that the signer signs with."""
        if self.signer == "rspamd":
            return set(json.loads(self.run("cat", "/etc/rspamd-relay/settings.json"))["signing"].values())
        return set(re.findall(r"^\S+ [^:\s]+:([^:\s]+):", self.run("cat", "/etc/opendkim/KeyTable"), re.MULTILINE))

    def address(self, family: int) -> str:
        return self.ipv4 if family == 4 else self.ipv6

    def run(self, *argv: str, stdin: str = "", timeout: float = 120, check: bool = True) -> str:
        """Run a command in the host; return what it printed."""
        command = ["podman", "exec", "--interactive", f"mailops-{self.name}", *argv]
        done = subprocess.run(
            command, check=False, capture_output=True, encoding="utf-8", errors="replace", input=stdin, timeout=timeout
        )
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(argv)[:200]}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def call(self, function: str, **arguments: Any) -> Any:
        """Run a function of inside.py in the host."""
        request = json.dumps({"function": function, "arguments": arguments})
        return json.loads(self.run("python3", "-c", INSIDE, stdin=request, timeout=600))

    def send(self, mails: list[dict[str, Any]], workers: int = 10, patience: float = 0) -> list[dict[str, Any]]:
        return self.call("send", mails=mails, workers=workers, patience=patience)

    def talk(self, conversations: list[dict[str, Any]]) -> list[list[str]]:
        return self.call("talk", conversations=conversations)


RELAYS = [Host("relay12"), Host("relay13")]
MX = Host("mx1")
CLIENT = Host("client1")
STRANGER = Host("stranger1")


def new_token() -> str:
    """Marks the messages of one test, so that tests do not see each other's."""
    return f"t{uuid.uuid4().hex[:12]}"


def mail(
    relay: Host,
    sender: str,
    recipients: list[str],
    token: str,
    *,
    family: int = 4,
    port: int = 25,
    login: tuple[str, str] | None = None,
    header_from: str | None = None,
) -> dict[str, Any]:
    """A plain message as a mail program would hand it to the relay, for Host.send()."""
    lines = [
        f"From: {header_from or sender}",
        f"To: {recipients[0]}",
        f"Subject: A message of the lab ({token})",
        f"Message-ID: <{token}.{uuid.uuid4().hex[:8]}@{sender.rpartition('@')[2]}>",
        "Date: Mon, 02 Nov 2026 10:00:00 +0000",
        "",
        "Good morning from the lab.",
        "",
    ]
    return {
        "server": relay.address(family),
        "port": port,
        "tls": LISTENERS[port],
        "login": login,
        "sender": sender,
        "recipients": recipients,
        "message": "\r\n".join(lines),
    }


def conversation(relay: Host, family: int, port: int, lines: list[str], tls: str | None = None) -> dict[str, Any]:
    """SMTP by hand, for Host.talk()."""
    return {"server": relay.address(family), "port": port, "tls": tls or LISTENERS[port], "lines": lines}


@dataclass(frozen=True)
class Arrived:
    """A message in the mailbox of mx1."""

    headers: list[list[str]]  # name, value
    raw: str

    def header(self, name: str) -> str:
        """The topmost header of that name, unfolded."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return re.sub(r"\s+", " ", value)
        return ""

    @property
    def recipient(self) -> str:
        return self.header("Delivered-To")

    @property
    def verdicts(self) -> list[tuple[str, str, str]]:
        """(method, result, properties) of each verdict that mx1 has stamped, as ("dkim", "pass", "header.d=...")."""
        stamp = self.header("Authentication-Results")
        found = []
        for part in re.sub(r"\([^()]*\)|\"[^\"]*\"", "", stamp).split(";")[1:]:
            verdict = re.match(r"\s*(\w+)=(\w+)\s*(.*)", part)
            if verdict:
                found.append((verdict[1], verdict[2], verdict[3].strip()))
        return found

    def results(self, method: str) -> list[str]:
        return [result for name, result, _properties in self.verdicts if name == method]

    @property
    def passes(self) -> bool:
        """SPF, DKIM and DMARC each pass, and no signature fails."""
        return self.passes_with("pass")

    def passes_with(self, spf: str) -> bool:
        """DKIM and DMARC pass, and SPF comes to this result."""
        expected = {"spf": spf, "dkim": "pass", "dmarc": "pass"}
        return all(self.results(method) == [result] for method, result in expected.items())


def arrived(token: str, count: int, seconds: float = 60, *, distinct: bool = False) -> list[Arrived]:
    """The messages with this token in mx1's mailbox, after waiting for COUNT of them.

    With DISTINCT the count is that of their recipients.
    """
    found = MX.call("mailbox", token=token, count=count, seconds=seconds, distinct=distinct)
    return [Arrived(item["headers"], item["raw"]) for item in found]

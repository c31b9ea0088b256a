# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up, in a container, one instance of Debian's Postfix for each relay: relays.yml comes as JSON on standard input.

Each instance has its own configuration, queue and address; what differs from servers/main.cf is the fault.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

ADDRESSES = ("198.19.200.{}", "10.198.200.{}", "2001:db8:200::{}")


def run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)[:200]}: exit {done.returncode}: {done.stdout}{done.stderr}")


def main_cf(base: str, relay: dict) -> str:
    """What is right, and at the end the fault. A parameter that is there twice would be a warning."""
    faults = relay.get("main", {})
    lines = [line for line in base.splitlines() if line.partition(" =")[0] not in faults]
    lines += [f"# The fault: {relay['fault']}", *(f"{name} = {value}" for name, value in faults.items())]
    return "\n".join(lines) + "\n"


def master_cf(listeners: dict[str, dict[str, str]]) -> str:
    """Debian's master.cf with our listeners in place of its own. Without chroot: tables and sockets are outside."""
    lines = ["# Debian's services without chroot, and the listeners of this relay."]
    for line in pathlib.Path("/usr/share/postfix/master.cf.dist").read_text(encoding="utf-8").splitlines():
        fields = line.split(None, 7)
        if line[:1] in ("#", "") or fields[:2] == ["smtp", "inet"]:
            continue
        if not line[0].isspace():
            fields[4] = "n"
        lines.append(line if line[0].isspace() else " ".join(fields))
    for service, options in listeners.items():
        lines.append(f"{service} inet n - n - - smtpd")
        lines += [f"  -o {{{name}={value}}}" for name, value in options.items()]
    return "\n".join(lines) + "\n"


def write(number: int, relay: dict, base: str) -> None:
    """Write the configuration of one relay, and give the host its address."""
    name = relay["name"]
    addresses = [address.format(number) for address in ADDRESSES]
    folder = pathlib.Path(f"/etc/postfix-{name}")
    folder.mkdir(exist_ok=True)
    for path in ("dynamicmaps.cf", "postfix-files"):
        (folder / path).write_bytes(pathlib.Path("/etc/postfix", path).read_bytes())
    text = base.replace("{name}", name).replace("{addresses}", ", ".join(addresses))
    (folder / "main.cf").write_text(main_cf(text, relay), encoding="utf-8")
    (folder / "master.cf").write_text(master_cf(relay.get("listeners", {"smtp": {}})), encoding="utf-8")
    for path in (f"/var/spool/postfix-{name}", f"/var/lib/postfix-{name}"):
        pathlib.Path(path).mkdir(exist_ok=True)
    run("chown", "postfix:", f"/var/lib/postfix-{name}")
    for address in addresses:
        length, no_dad = (64, ["nodad"]) if ":" in address else (24, [])
        run("ip", "address", "replace", f"{address}/{length}", "dev", "eth0", *no_dad)


def main() -> None:
    request = json.load(sys.stdin)
    for index, relay in enumerate(request["relays"]):
        write(request["first"] + index, relay, request["base"])
    units = ["postfix@" + relay["name"].replace("-", r"\x2d") for relay in request["relays"]]
    run("systemctl", "restart", *units)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificate of a mail relay, from an authority that is asked by ACME (RFC 8555).

Written by Ansible (mailops.relay.acme). It needs nothing of Ansible: a timer runs it as well.

  mailops-relay-acme status          say what there is and what is due, as JSON
  mailops-relay-acme renew [--force] do what is due
  mailops-relay-acme prepare         have the next key, where keys are staged in DNS
  mailops-relay-acme confirm DIGEST  every authoritative server has the records of this next key now
  mailops-relay-acme begin           order by dns-01, as far as the challenge; say which record it needs
  mailops-relay-acme proceed         the record is there: go on, and say what came of it

dehydrated(1) talks to the authority. It gets a request for a key that was made here: its own way to have the next key
ahead uses the key up with an order that fails, and the records of that key were published for nothing.

The file that Postfix reads holds key and chain, and is replaced in one step. Where TLSA records bind the key (RFC
7672), a new certificate is for the same key, unless the records of the next one are known to be out for long enough.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t

import order
from challenge import OUTCOME, begin, close_challenge, hook, proceed
from host import RUN, Relay, locked, write
from judgement import AcmeError, BusyError, clock


def renew(force: bool) -> dict[str, t.Any]:
    os.makedirs(RUN, mode=0o755, exist_ok=True)
    with locked(wait=0) as relay:
        try:
            outcome = {"done": order.renew(relay, force), "error": ""}
        except (AcmeError, OSError) as error:
            outcome = {"done": "", "error": f"{relay.hostname}: no new certificate: {error}. {in_use(relay)}"}
        finally:
            close_challenge()
        write(OUTCOME, json.dumps(outcome))
    return outcome


def prepare() -> bool:
    """Have a next key. An order that is under way does that itself, at its end."""
    try:
        with locked(wait=0) as relay:
            return relay.prepare()
    except BusyError:
        return False


def in_use(relay: Relay) -> str:
    certificate = relay.certificate()
    if certificate is None:
        return "There is none in use"
    kind = "The self-signed one" if certificate.self_signed else "The one in use"
    return f"{kind} stays; it expires at {clock(certificate.ends)}"


def run(command: str, arguments: list[str]) -> dict[str, t.Any]:
    if command == "renew":
        return renew("--force" in arguments)
    if command == "confirm":
        with locked(wait=60) as relay:
            return {"changed": relay.confirm(arguments[0])}
    if command == "prepare":
        return {"changed": prepare()}
    return {"status": Relay().status, "begin": begin, "proceed": proceed}[command]()


def main() -> int:
    os.umask(0o077)
    command, *arguments = sys.argv[1:] or ["help"]
    if command in ("help", "--help", "-h"):
        print(__doc__)
        return 0
    asked = command in ("renew", "prepare", "confirm", "status", "begin", "proceed")
    result: dict[str, t.Any] = {}
    try:
        if asked:
            result = run(command, arguments)
        else:
            hook(command, arguments)
    except (AcmeError, OSError) as error:
        result = {"done": "", "error": str(error)}
    if result.get("error"):
        print(f"ERROR: {result['error']}", file=sys.stderr)
    if asked:
        print(json.dumps(result))
    return 1 if result.get("error") else 0


if __name__ == "__main__":
    sys.exit(main())

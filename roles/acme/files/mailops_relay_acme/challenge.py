# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The challenge: what dehydrated calls, and what the playbook for dns-01 does with it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import time
import typing as t

from host import RUN, Relay, load, write
from judgement import AcmeError
from order import PATIENCE, PUBLISHING, TOKENS, WEB_ROOT

SERVICE = "mailops-relay-acme.service"
WEB_SERVICE = "mailops-relay-acme-http.service"

CHALLENGE = f"{RUN}/challenge.json"
"""There while a record is waited for."""

PROCEED = f"{RUN}/proceed"
"""There when it is published."""

OUTCOME = f"{RUN}/outcome.json"
"""What came of the last run."""

STARTING = 20
"""Seconds within which systemd begins what it was asked to start."""


def systemctl(*arguments: str) -> str:
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def open_web(token: str, value: str) -> None:
    """Serve the answer to the challenge on port 80, and nothing else: a server that lives for this one question."""
    close_challenge()
    sandbox = {
        "DynamicUser": "yes",
        "AmbientCapabilities": "CAP_NET_BIND_SERVICE",
        "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE",
        "NoNewPrivileges": "yes",
        "ProtectHome": "yes",
        "ProtectSystem": "strict",
        "PrivateDevices": "yes",
        "RestrictAddressFamilies": "AF_INET AF_INET6",
        "RuntimeMaxSec": str(PATIENCE),
    }
    properties = [f"--property={name}={value}" for name, value in sandbox.items()]
    server = ["/usr/bin/python3", "-I", "-m", "http.server", "80", "--directory", WEB_ROOT]
    unit = ["systemd-run", "--quiet", f"--unit={WEB_SERVICE}", *properties, *server]
    done = subprocess.run(unit, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AcmeError(f"the web server for the challenge does not start: {done.stderr.strip()}")
    deadline = time.monotonic() + 30
    while answer(f"{TOKENS}/{token}") != value:
        if systemctl("is-failed", WEB_SERVICE) == "failed":
            raise AcmeError("the web server for the challenge does not start; is another one on port 80 of this host?")
        if time.monotonic() > deadline:
            raise AcmeError("port 80 of this host does not answer as the web server for the challenge does")
        time.sleep(0.1)


def answer(path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", 80, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read(1000).decode("ascii", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def await_publication(hostname: str, value: str) -> None:
    """Say which record the challenge needs, and wait until somebody has published it."""
    close_challenge()
    record = {"name": f"_acme-challenge.{hostname}", "type": "TXT", "values": [value], "ttl": 60}
    write(CHALLENGE, json.dumps({"record": record}))
    deadline = time.monotonic() + PUBLISHING
    while not os.path.exists(PROCEED):
        if time.monotonic() > deadline:
            raise AcmeError(f"nobody has published the record of the challenge within {PUBLISHING} seconds")
        time.sleep(0.2)


def close_challenge() -> None:
    """Leave nothing of a challenge, also of one that was killed."""
    forget(CHALLENGE, PROCEED)
    if systemctl("is-active", WEB_SERVICE) not in ("inactive", "unknown"):
        systemctl("stop", WEB_SERVICE)
        systemctl("reset-failed", WEB_SERVICE)


def hook(event: str, arguments: list[str]) -> None:
    """What dehydrated calls at many moments; two of them are of interest."""
    if event == "deploy_challenge":
        _domain, token, value = arguments
        config = Relay().config
        if config["challenge"] == "http-01":
            open_web(token, value)
        else:
            await_publication(config["hostname"], value)
    elif event == "clean_challenge":
        close_challenge()


def begin() -> dict[str, t.Any]:
    """Have the service order what is due, and return the record that it waits for; nothing where it needs none.

    A service that waits already, for a playbook that was killed, is the one to go on with.
    """
    if not Relay().due():
        return {}
    if systemctl("is-active", SERVICE) != "activating":
        forget(CHALLENGE, PROCEED, OUTCOME)
        systemctl("start", "--no-block", SERVICE)
    return wait_for(CHALLENGE)


def proceed() -> dict[str, t.Any]:
    """Let the service go on, and return what came of it."""
    if os.path.exists(CHALLENGE):
        write(PROCEED, "")
    return wait_for()


def wait_for(path: str | None = None) -> dict[str, t.Any]:
    """Wait until a file is there, or the service has ended. Return what the file holds, or what came of the service."""
    started = time.monotonic()
    while time.monotonic() < started + PATIENCE:
        if path and os.path.exists(path):
            return load(path)
        if systemctl("is-active", SERVICE) in ("inactive", "failed"):
            if os.path.exists(OUTCOME):
                return load(OUTCOME)
            if time.monotonic() > started + STARTING:
                raise AcmeError(f"{SERVICE} has ended without a word; see its journal")
        time.sleep(0.2)
    raise AcmeError(f"the authority has not come to an end within {PATIENCE} seconds")


def forget(*paths: str) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)

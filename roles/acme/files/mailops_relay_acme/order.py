# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of a certificate: what is asked of dehydrated, and what becomes of its answer."""

from __future__ import annotations

import base64
import contextlib
import os
import shlex
import subprocess
import tempfile
import time

from host import FOLDER, RUN, Relay, load, openssl, write
from judgement import PEM, AcmeError, clock, problem_of

PROGRAM = "/usr/local/sbin/mailops-relay-acme"
WEB_ROOT = f"{RUN}/www"
TOKENS = "/.well-known/acme-challenge"

PATIENCE = 600
"""Seconds that dehydrated may take, beside the time in which a record of dns-01 is published."""

PUBLISHING = 3600
"""Seconds within which that has to happen."""


def renew(relay: Relay, force: bool) -> str:
    """Order what is due, put it to use, and return what was done, empty for nothing."""
    relay.reload()
    due = "it was asked for" if force else relay.due()
    if not due:
        relay.prepare()
        return ""
    key = relay.chosen_key()
    with tempfile.TemporaryDirectory(prefix="mailops-relay-acme-") as folder:
        chain = Order(relay, folder).run(key)
    certificate = relay.examine(key, chain[0])
    until = clock(certificate.ends)
    if relay.hostname not in certificate.names or certificate.ends <= time.time():
        names = ", ".join(certificate.names) or "no name"
        raise AcmeError(f"the authority has issued one for {names} that expires at {until}; it is not used")
    kept = key == relay.key()
    write(relay.file, "".join(f"{block.strip()}\n" for block in [key, *chain]))
    relay.note(directory=relay.config["directory"])
    relay.prepare()
    relay.reload()
    return f"a new certificate for {'the same' if kept else 'another'} key, until {until} ({due})"


class Order:
    """One order, with its files in ``folder``, which others cannot read."""

    def __init__(self, relay: Relay, folder: str) -> None:
        self.config = relay.config
        self.folder = folder

    def run(self, key: str) -> list[str]:
        """Have a certificate for the key issued, and return it with its chain."""
        for path in (RUN, WEB_ROOT, f"{WEB_ROOT}/.well-known", f"{WEB_ROOT}{TOKENS}"):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, 0o755)  # noqa: S103 - the web server is another user
        name = self.config["hostname"]
        # The subject holds the name only where it fits into it (RFC 5280, appendix A.1).
        subject = f"/CN={name}" if len(name) <= 64 else "/"
        write(f"{self.folder}/key.pem", key)
        request = ("-key", f"{self.folder}/key.pem", "-subj", subject, "-addext", f"subjectAltName=DNS:{name}")
        write(f"{self.folder}/request.pem", openssl("req", "-new", "-sha256", *request))
        write(f"{self.folder}/config", self.client_config())
        self.register()
        output = self.client("--signcsr", f"{self.folder}/request.pem")
        chain = [match[0] for match in PEM.finditer(output) if match[1] == "CERTIFICATE"]
        if not chain:
            raise AcmeError("the authority has issued no certificate")
        return chain

    def client_config(self) -> str:
        """Return a configuration of dehydrated(1), which is read by the shell."""
        authority = f" --cacert {shlex.quote(self.config['ca_file'])}" if self.config["ca_file"] else ""
        values = {
            "CA": self.config["directory"],
            "API": "2",
            "BASEDIR": FOLDER,
            "CERTDIR": f"{RUN}/certs",
            "CHAINCACHE": f"{RUN}/chains",
            "WELLKNOWN": f"{WEB_ROOT}{TOKENS}",
            "HOOK": PROGRAM,
            "CHALLENGETYPE": self.config["challenge"],
            "CONTACT_EMAIL": self.config["email"] or "",
            "KEYSIZE": "2048",
            "CURL_OPTS": f"--connect-timeout 20 --max-time 60{authority}",
        }
        return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())

    def register(self) -> None:
        """Have an account. One of which a killed run has left a half is made anew: nobody knows it."""
        name = base64.urlsafe_b64encode(f"{self.config['directory']}\n".encode()).decode().rstrip("=")
        account = f"{FOLDER}/accounts/{name}"
        if not load(f"{account}/registration_info.json"):
            for file in ("account_key.pem", "registration_info.json", "account_id.json"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{account}/{file}")
            self.client("--register", "--accept-terms")

    def client(self, *arguments: str) -> str:
        # The lock is ours: that of dehydrated would outlive a process that was killed.
        command = ["dehydrated", "--config", f"{self.folder}/config", "--no-lock", *arguments]
        environment = {**os.environ, "TMPDIR": self.folder, "LC_ALL": "C.UTF-8"}
        patience = PATIENCE + (PUBLISHING if self.config["challenge"] == "dns-01" else 0)
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=patience, check=False, env=environment
            )
        except subprocess.TimeoutExpired:
            raise AcmeError(f"the authority has not come to an end within {patience} seconds") from None
        except FileNotFoundError:
            raise AcmeError("dehydrated is not installed. Accepted: the package dehydrated") from None
        if done.returncode:
            raise AcmeError(problem_of(done.stdout + done.stderr, done.returncode))
        return done.stdout

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is on this host: the certificate, the keys, the notes, and how they are written."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import subprocess
import time
import typing as t

from judgement import (
    CONFIRMED_FOR,
    PEM,
    AcmeError,
    BusyError,
    Certificate,
    certificate_of,
    clock,
    may_change_key,
    why_due,
)

FOLDER = os.environ.get("MAILOPS_RELAY_ACME", "/etc/mailops-relay/acme")
RUN = os.environ.get("MAILOPS_RELAY_ACME_RUN", "/run/mailops-relay-acme")


def write(path: str, text: str) -> None:
    """Put a file in place by a rename, readable by root alone."""
    descriptor = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(f"{path}.new", path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def read(path: str) -> str:
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()
    return ""


def load(path: str) -> dict[str, t.Any]:
    """Return what a file of notes holds. A damaged one tells nothing: all that it may lead to is the safe way."""
    try:
        found = json.loads(read(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def openssl(*arguments: str, text: str = "") -> str:
    done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AcmeError(f"openssl {arguments[0]}: {(done.stderr.strip().splitlines() or ['no reason given'])[0]}")
    return done.stdout


class Relay:
    """The certificate, the keys and the notes of this host."""

    def __init__(self) -> None:
        self.config = load(f"{FOLDER}/config.json")
        if not self.config:
            raise AcmeError(f"{FOLDER}/config.json is not there, or damaged. The role mailops.relay.acme writes it.")
        self.hostname = self.config["hostname"]
        self.file = f"{FOLDER}/{self.hostname}.pem"
        self.next_file = f"{FOLDER}/{self.hostname}.next.key"
        self.notes = load(f"{FOLDER}/notes.json")

    def note(self, **values: t.Any) -> None:
        self.notes.update(values)
        write(f"{FOLDER}/notes.json", json.dumps(self.notes, indent=1) + "\n")

    # What there is

    def blocks(self, key: bool) -> list[str]:
        """Return the PEM blocks of the file that Postfix reads, keys or certificates."""
        return [match[0] for match in PEM.finditer(read(self.file)) if ("PRIVATE KEY" in match[1]) == key]

    def key(self) -> str:
        return (self.blocks(key=True) or [""])[0]

    def certificate(self) -> Certificate | None:
        """Return the certificate in use, None where there is none that belongs to the key in use."""
        chain = self.blocks(key=False)
        try:
            return self.examine(self.key(), chain[0]) if chain else None
        except AcmeError:
            return None

    @staticmethod
    def examine(key: str, certificate: str) -> Certificate:
        if openssl("pkey", "-pubout", text=key) != openssl("x509", "-noout", "-pubkey", text=certificate):
            raise AcmeError("the certificate is for another key")
        asked = ("-subject", "-issuer", "-startdate", "-enddate", "-ext", "subjectAltName")
        return certificate_of(openssl("x509", "-noout", *asked, text=certificate))

    def due(self) -> str:
        return why_due(self.certificate(), self.config, self.notes.get("directory", ""), time.time())

    def status(self) -> dict[str, t.Any]:
        certificate = self.certificate()
        return {
            "due": self.due(),
            "expires": clock(certificate.ends) if certificate else None,
            "self_signed": certificate.self_signed if certificate else None,
            "next_key": (self.kept_key() or "The next certificate has another key") if self.config["tlsa"] else "",
        }

    # Keys

    def make_key(self) -> str:
        if self.config["key_type"] == "rsa":
            return openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        return openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")

    def prepare(self) -> bool:
        """Have a next key that is not in use already, where its records go to DNS. Return whether one was made."""
        if not self.config["tlsa"]:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.next_file)
            return False
        try:
            if openssl("pkey", "-pubout", text=read(self.next_file)) != openssl("pkey", "-pubout", text=self.key()):
                return False
        except AcmeError:
            pass
        write(self.next_file, self.make_key())
        return True

    def next_digest(self) -> str:
        return hashlib.sha256(openssl("pkey", "-pubout", text=read(self.next_file)).encode()).hexdigest()

    def confirm(self, digest: str) -> bool:
        """Note that the records of the next key were seen, unless it is another one by now."""
        if digest != self.next_digest():
            return False
        now = time.time()
        before = self.notes.get("confirmed") or {}
        fresh = before.get("key") == digest and now - before["last"] <= CONFIRMED_FOR
        self.note(confirmed={"key": digest, "since": before["since"] if fresh else now, "last": now})
        return True

    def kept_key(self) -> str:
        """Return why the next certificate has to be for the key in use, empty where it may be for another."""
        if not self.config["tlsa"] or not self.key():
            return ""
        try:
            return may_change_key(self.notes, self.next_digest(), self.config["settle"], time.time())
        except AcmeError:
            return "there is no next key"

    def chosen_key(self) -> str:
        if self.kept_key():
            return self.key()
        return read(self.next_file) if self.config["tlsa"] and os.path.exists(self.next_file) else self.make_key()

    def reload(self) -> None:
        """Have Postfix read a file that it has not been told of. Its sessions end by themselves with the old one."""
        digest = hashlib.sha256(read(self.file).encode()).hexdigest()
        if digest == self.notes.get("loaded"):
            return
        if (
            os.path.exists("/usr/sbin/postfix")
            and not subprocess.run(["postfix", "status"], capture_output=True, check=False).returncode
        ):
            done = subprocess.run(["postfix", "reload"], capture_output=True, text=True, check=False)
            if done.returncode:
                raise AcmeError(f"postfix reload: {done.stderr.strip()}")
        self.note(loaded=digest)


@contextlib.contextmanager
def locked(wait: float) -> t.Iterator[Relay]:
    with open(f"{FOLDER}/lock", "w", encoding="ascii") as stream:
        deadline = time.monotonic() + wait
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise BusyError("another run is under way; wait until it has ended") from None
                time.sleep(0.2)
        yield Relay()

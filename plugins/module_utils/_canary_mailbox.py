# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Looks for canaries where they arrive: in a Maildir, or in a mailbox by IMAP. The only importer of imaplib.

A mailbox has :meth:`look`, which returns the canaries that are there by their tokens, each once, and :meth:`remove`.
"""

from __future__ import annotations

import contextlib
import imaplib
import os
import pathlib
import queue
import re
import ssl
import threading
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _canary, _shape
from ansible_collections.mailops.relay.plugins.module_utils._canary import Arrived

MAX_LITERAL = 4 * 1024 * 1024
"""Octets that a server may send in one part of a response."""

MAX_FOUND = 500
"""Messages that one look returns; more would not be of one run."""

GRACE = 15.0
"""Seconds that the last look may take beyond the time that is waited for."""

_UID = re.compile(rb"\bUID (\d+)\b")


class MailboxError(Exception):
    """Nobody can look, and why."""


class Mailbox(t.Protocol):
    """Where canaries arrive."""

    def look(self, run: str) -> dict[str, Arrived]:
        """Return the canaries of a run that have come since the last look."""

    def remove(self) -> None:
        """Remove all that was returned."""

    def close(self) -> None:
        """Leave."""


class Maildir:
    """A Maildir of this host. A file is read once: its content does not change, and its name does with its flags."""

    def __init__(self, path: str, authserv_id: str) -> None:
        self.folder, self.authserv_id = pathlib.Path(path), authserv_id
        self.seen: set[str] = set()
        self.found: list[str] = []
        if not self._folders():
            raise MailboxError(f"{path} is no Maildir: it has neither new nor cur")

    def _folders(self) -> list[pathlib.Path]:
        return [folder for folder in (self.folder / "new", self.folder / "cur") if folder.is_dir()]

    def look(self, run: str) -> dict[str, Arrived]:
        found: dict[str, Arrived] = {}
        try:
            for folder in self._folders():
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._take(entry, run, found)
        except OSError as error:
            raise MailboxError(f"{error.filename or self.folder}: {error.strerror}") from None
        return found

    def _take(self, entry: os.DirEntry[str], run: str, found: dict[str, Arrived]) -> None:
        unique = entry.name.partition(":")[0]
        if unique in self.seen:
            return
        try:
            with open(entry.path, "rb") as file:
                octets, at = file.read(_canary.MAX_HEADER), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            return  # a mail program has moved it: it is seen in the next look
        self.seen.add(unique)
        read = _canary.read(octets, at, self.authserv_id) if run.encode("ascii") in octets else None
        if read and _canary.run_of(read[0]) == run:
            self.found.append(unique)
            found.setdefault(*read)

    def remove(self) -> None:
        for folder in self._folders():
            for unique in self.found:
                for path in [folder / unique, *folder.glob(f"{unique}:*")]:
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is open."""


class _Limits:
    """Of imaplib, which believes each length that a server tells."""

    def read(self, size: int) -> bytes:
        if size > MAX_LITERAL:
            raise imaplib.IMAP4.abort(f"the server wants to send {size} octets at once")
        octets: bytes = super().read(size)  # type: ignore[misc]
        return octets


class _Plain(_Limits, imaplib.IMAP4):
    pass


class _Encrypted(_Limits, imaplib.IMAP4_SSL):
    pass


@dataclass(frozen=True)
class Account:
    """A mailbox of an IMAP server; ``tls`` is ``wrapper``, ``encrypt`` (STARTTLS) or ``none``."""

    host: str
    port: int
    tls: str
    user: str
    password: str
    folder: str = "INBOX"


class Imap:
    """A mailbox by IMAP (RFC 3501). Only headers are fetched, and without marking a message as read."""

    def __init__(
        self, account: Account, context: ssl.SSLContext, authserv_id: str, timeout: float, *, delete: bool
    ) -> None:
        self.authserv_id = authserv_id
        self.seen: set[bytes] = set()
        self.found: list[bytes] = []
        with self._told(f"the mailbox at {account.host}:{account.port}"):
            self.client: imaplib.IMAP4 = (
                _Encrypted(account.host, account.port, ssl_context=context, timeout=timeout)
                if account.tls == "wrapper"
                else _Plain(account.host, account.port, timeout=timeout)
            )
            if account.tls == "encrypt":
                self.client.starttls(context)
            self.client.login(account.user, account.password)
            self._ok(self.client.select(_quoted(account.folder), readonly=not delete))

    @contextlib.contextmanager
    def _told(self, what: str) -> t.Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise MailboxError(f"{what}: its certificate is not accepted: {error.verify_message}") from None
        except (imaplib.IMAP4.error, OSError, ValueError) as error:
            text = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else _said(error)
            raise MailboxError(f"{what}: {text}") from None

    @staticmethod
    def _ok(answer: tuple[str, list[t.Any]]) -> list[t.Any]:
        status, data = answer
        if status != "OK":
            raise imaplib.IMAP4.error(data[0] if data else status)
        return data

    def look(self, run: str) -> dict[str, Arrived]:
        found: dict[str, Arrived] = {}
        with self._told("looking into the mailbox"):
            self._ok(self.client.noop())
            listed = self._ok(self.client.uid("SEARCH", "HEADER", _canary.FIELD, run))
            fresh = [uid for uid in (listed[0] or b"").split() if uid.isdigit() and uid not in self.seen][:MAX_FOUND]
            if fresh:
                parts = f"(UID BODY.PEEK[HEADER]<0.{_canary.MAX_HEADER}>)"
                for part in self._ok(self.client.uid("FETCH", b",".join(fresh).decode("ascii"), parts)):
                    self._take(part, run, found)
        return found

    def _take(self, part: t.Any, run: str, found: dict[str, Arrived]) -> None:
        uid = _UID.search(part[0]) if isinstance(part, tuple) else None
        if uid is None or uid[1] in self.seen:
            return
        self.seen.add(uid[1])
        read = _canary.read(part[1], time.time(), self.authserv_id)
        if read and _canary.run_of(read[0]) == run:
            self.found.append(uid[1])
            found.setdefault(*read)

    def remove(self) -> None:
        """Without UIDPLUS (RFC 4315) they are marked only: EXPUNGE would remove what others have marked."""
        if not self.found:
            return
        uids = b",".join(self.found).decode("ascii")
        with self._told("removing the canaries"):
            self._ok(self.client.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"))
            # What the server could before the login, which imaplib remembers, may be less.
            capabilities = self._ok(self.client.capability())
            if b"UIDPLUS" in b" ".join(part or b"" for part in capabilities).upper().split():
                self._ok(self.client.uid("EXPUNGE", uids))

    def close(self) -> None:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self.client.logout()


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    text = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else str(text)
    return _shape.visible(text or type(error).__name__, 300)


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _wait(
    opened: t.Callable[[], Mailbox], run: str, count: int, deadline: float, interval: float, *, delete: bool
) -> dict[str, Arrived]:
    mailbox = opened()
    found: dict[str, Arrived] = {}
    try:
        while True:
            for token, arrived in mailbox.look(run).items():
                found.setdefault(token, arrived)
            if len(found) >= count or time.monotonic() >= deadline:
                break
            time.sleep(interval)
        if delete:
            mailbox.remove()
    finally:
        mailbox.close()
    return found


def wait(
    opened: t.Callable[[], Mailbox], run: str, count: int, patience: float, interval: float, *, delete: bool
) -> dict[str, Arrived]:
    """Wait until ``count`` canaries of a run have arrived, or ``patience`` seconds are over; return what is there.

    ``opened`` opens the mailbox. Raises MailboxError. A server that sends an octet now and then cannot keep us.
    """
    answers: queue.Queue[dict[str, Arrived] | Exception] = queue.Queue()

    def work() -> None:
        try:
            answers.put(_wait(opened, run, count, time.monotonic() + patience, interval, delete=delete))
        except (MailboxError, OSError, ValueError) as error:
            answers.put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        answer = answers.get(timeout=patience + GRACE)
    except queue.Empty:
        raise MailboxError(f"the mailbox does not answer within {patience + GRACE:g} s") from None
    if isinstance(answer, MailboxError):
        raise answer
    if isinstance(answer, Exception):
        raise MailboxError(_said(answer))
    return answer

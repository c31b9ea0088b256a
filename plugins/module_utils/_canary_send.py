# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Hands canaries to relays, to all at once, each within its bound of time and of what the relay may say."""

from __future__ import annotations

import contextlib
import os
import smtplib
import socket
import ssl
import threading
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _canary, _shape
from ansible_collections.mailops.relay.plugins.module_utils._canary import Sent, Through

MAX_SAID = 64 * 1024
"""Octets that a relay may say in a whole conversation."""

MAX_AT_ONCE = 20
"""Relays that are spoken to at the same time; each is a thread."""


class _RefusedError(Exception):
    """The relay answers, and not as wished."""


class _Bounded:
    """The replies of a server, which come to an end: smtplib would read continuation lines for ever."""

    def __init__(self, stream: t.Any, deadline: float) -> None:
        self.stream, self.deadline, self.left = stream, deadline, MAX_SAID

    def readline(self, size: int) -> bytes:
        line: bytes = self.stream.readline(size)
        self.left -= len(line)
        if self.left < 0:
            raise ConnectionAbortedError(0, "it says too much")
        if time.monotonic() > self.deadline:
            raise TimeoutError(0, "it is too slow")
        return line

    def close(self) -> None:
        self.stream.close()


class _Session(smtplib.SMTP):
    """A conversation over a connection that is made already."""

    def __init__(self, connection: socket.socket, helo: str, deadline: float) -> None:
        super().__init__(local_hostname=helo)
        self.sock: t.Any = connection
        self.deadline = deadline

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file: t.Any = _Bounded(self.sock.makefile("rb"), self.deadline)
        return super().getreply()

    def encrypt(self, context: ssl.SSLContext, name: str) -> None:
        """Go on under TLS; whatever came before is forgotten (RFC 3207, 4.2)."""
        self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self.file = None
        self.ehlo_resp = self.helo_resp = None
        self.esmtp_features: dict[str, str] = {}
        self.does_esmtp = False


@dataclass(frozen=True)
class Settings:
    """What all canaries have in common; ``timeout`` is in seconds, for each conversation."""

    sender: str
    recipient: str
    helo: str
    timeout: float
    ca_file: str | None = None
    verify: bool = True

    def context(self, through: Through) -> ssl.SSLContext:
        """Return how a relay is encrypted with. Where TLS is no must, an unknown certificate is better than none."""
        context = ssl.create_default_context(cafile=self.ca_file)
        if through.tls == "may" or not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _text(code: int, said: bytes) -> str:
    return _shape.visible(f"{code} {said.decode('utf-8', 'backslashreplace')}".replace("\n", " "), 400)


class _Conversation:
    """Comes as far as it can; ``stage`` says how far that is."""

    def __init__(self, through: Through, settings: Settings, context: ssl.SSLContext) -> None:
        self.through, self.settings, self.context = through, settings, context
        self.deadline = time.monotonic() + settings.timeout
        self.stage = "connection"

    def _must(self, stage: str, codes: t.Container[int], answer: tuple[int, bytes]) -> None:
        if answer[0] not in codes:
            self.stage = stage
            raise _RefusedError(_text(*answer))

    def _encrypt(self, session: _Session) -> None:
        self.stage = "TLS"
        session.encrypt(self.context, self.through.relay)

    def _greet(self, session: _Session) -> None:
        if self.through.tls == "wrapper":
            self._encrypt(session)
        self.stage = "greeting"
        self._must("the connection", (220,), session.getreply())
        self.stage = "EHLO"
        self._must("EHLO", (250,), session.ehlo())
        wanted = self.through.tls == "encrypt" or (self.through.tls == "may" and session.has_extn("starttls"))
        if wanted:
            self.stage = "STARTTLS"
            self._must("STARTTLS", (220,), session.docmd("STARTTLS"))
            self._encrypt(session)
            self.stage = "EHLO"
            self._must("EHLO under TLS", (250,), session.ehlo())

    def _log_in(self, session: _Session) -> None:
        self.stage = "AUTH"
        try:
            session.login(self.through.user, self.through.password, initial_response_ok=True)
        except smtplib.SMTPAuthenticationError as error:
            said = error.smtp_error
            raise _RefusedError(_text(error.smtp_code, said if isinstance(said, bytes) else said.encode())) from None

    def hand_over(self, content: bytes) -> str:
        """Return the reply to the message, or raise."""
        place = (self.through.address, self.through.port)
        with contextlib.closing(socket.create_connection(place, self.settings.timeout)) as plain:
            session = _Session(plain, self.settings.helo, self.deadline)
            try:
                self._greet(session)
                if self.through.user:
                    self._log_in(session)
                self.stage = "MAIL"
                self._must("MAIL", (250,), session.docmd("MAIL", f"FROM:<{self.settings.sender}>"))
                self.stage = "RCPT"
                self._must("RCPT", (250, 251), session.docmd("RCPT", f"TO:<{self.settings.recipient}>"))
                self.stage = "DATA"
                self._must("DATA", (354,), session.docmd("DATA"))
                self.stage = "the message"
                session.send(content + b".\r\n")
                answer = session.getreply()
                self._must("the message", (250,), answer)
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    session.docmd("QUIT")
                return _text(*answer)
            finally:
                session.close()


def _why(error: BaseException) -> str:
    # smtplib wraps what the socket says.
    if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
        return _why(error.__context__)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS ({error.reason or error.strerror or error})"
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return _shape.visible(str(error) or type(error).__name__, 300)


def _send_one(through: Through, token: str, settings: Settings, context: ssl.SSLContext) -> Sent:
    at = time.time()
    conversation = _Conversation(through, settings, context)
    reply = trouble = stage = ""
    try:
        content = _canary.message(token, through.relay, settings.sender, settings.recipient, at)
        reply = conversation.hand_over(content)
    except _RefusedError as refused:
        reply, stage = str(refused), conversation.stage
    except (OSError, ValueError, smtplib.SMTPException) as error:
        trouble, stage = _why(error), conversation.stage
    return Sent(through.relay, through.subject, token, not stage, at, stage, reply, trouble, through.selectors)


class _Worker:
    """One conversation in a thread of its own, which can be left behind."""

    def __init__(self, through: Through, token: str, settings: Settings, room: threading.Semaphore) -> None:
        self.through, self.token, self.settings, self.room = through, token, settings, room
        # Made here: a file of authorities that cannot be read is an error of the user's, and not of the relay.
        self.context = settings.context(through)
        self.sent: Sent | None = None
        self.thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        self.room.acquire(timeout=self.settings.timeout)
        self.deadline = time.monotonic() + self.settings.timeout
        self.thread.start()

    def _work(self) -> None:
        try:
            self.sent = _send_one(self.through, self.token, self.settings, self.context)
        finally:
            self.room.release()

    def result(self) -> Sent:
        self.thread.join(max(0.0, self.deadline + 1 - time.monotonic()))
        through = self.through
        return self.sent or Sent(
            through.relay,
            through.subject,
            self.token,
            accepted=False,
            at=time.time(),
            stage="the conversation",
            trouble="no answer in time",
            selectors=through.selectors,
        )


def send(relays: t.Sequence[Through], tokens: t.Sequence[str], settings: Settings) -> list[Sent]:
    """Send a canary through each relay.

    Who is not done in time is left behind: a server that says an octet now and then cannot keep us.
    """
    room = threading.Semaphore(MAX_AT_ONCE)
    workers = [_Worker(relay, token, settings, room) for relay, token in zip(relays, tokens)]
    for worker in workers:
        worker.start()
    return [worker.result() for worker in workers]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""SMTP conversations. The only importer of smtplib: it looks and does not judge."""

from __future__ import annotations

import smtplib
import socket
import ssl

from ansible_collections.mailops.relay.plugins.module_utils._vantage import Answers, Vantage

# Names of RFC 2606: nobody's mail is touched, whatever the answer is.
SENDER = "stranger@example.org"
RECIPIENT = "recipient@example.net"
HELO = "stranger.example.org"


def _context() -> ssl.SSLContext:
    """Encrypt without judging the certificate: the relay itself is asked, over the host's own interface."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class _Conversation:
    def __init__(self, port: int, tls: str, vantage: Vantage, timeout: float) -> None:
        self.tls = tls
        self.socket: socket.socket = socket.create_connection(
            (vantage.address, port), timeout=timeout, source_address=(vantage.source, 0)
        )
        self.client = smtplib.SMTP(local_hostname=HELO, timeout=timeout)

    def _encrypt(self) -> None:
        self.socket = _context().wrap_socket(self.socket)
        self._use_socket()

    def _use_socket(self) -> None:
        self.client.sock = self.socket
        self.client.file = None

    def greet(self) -> tuple[int, str]:
        self._use_socket()
        if self.tls == "wrapper":
            self._encrypt()
        return _reply(self.client.getreply())

    def offer(self) -> tuple[int, str]:
        """Offer a foreign recipient; return the first refusal, or the answer to the recipient."""
        self.client.ehlo()
        if self.tls == "encrypt":
            code, text = self.client.docmd("STARTTLS")
            if code != 220:
                return _reply((code, text))
            self._encrypt()
            self.client.ehlo()
        code, text = self.client.docmd("MAIL", f"FROM:<{SENDER}>")
        if code == 250:
            code, text = self.client.docmd("RCPT", f"TO:<{RECIPIENT}>")
        return _reply((code, text))

    def close(self) -> None:
        self.client.close()
        self.socket.close()


def _reply(answer: tuple[int, bytes]) -> tuple[int, str]:
    code, text = answer
    return code, text.decode("ascii", "backslashreplace").replace("\n", " ")


def offer_foreign_recipient(port: int, tls: str, vantage: Vantage, timeout: float) -> Answers:
    """Offer the listener at ``port`` a foreign recipient and no message.

    ``tls`` is the listener's kind: ``may`` (asked in the clear), ``encrypt`` (STARTTLS first), ``wrapper`` (TLS from
    the first byte). ``timeout`` is in seconds, for each answer.
    """
    greeting = recipient = error = conversation = None
    try:
        conversation = _Conversation(port, tls, vantage, timeout)
        greeting = conversation.greet()
        if greeting[0] == 220:
            recipient = conversation.offer()
    except (OSError, smtplib.SMTPException) as problem:
        error = f"{'ended the conversation' if greeting else 'did not answer'}: {problem}"
    finally:
        if conversation:
            conversation.close()
    return Answers(greeting, recipient, error)

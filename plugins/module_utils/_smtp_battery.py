# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The tricks by which strangers have got mail through relays, as data. None of them comes to a message."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t
from dataclasses import dataclass

CLEAR, TLS, AUTH = "clear", "tls", "auth"


@dataclass(frozen=True)
class Trick:
    """One trick: what is said before, the sender, and the recipient that a stranger must not reach.

    ``mail`` and ``rcpt`` are paths (RFC 5321, 4.1.2) with their parameters. ``before`` is said before MAIL, ``between``
    after it, ``helo`` takes the place of our own name. With ``mail`` None there is no MAIL of its own.
    ``own`` says that the address ends in the relay's own domain: a relay that takes any name there may mean itself.
    ``needs`` is what has to be there: a connection under TLS beside one in the clear, or AUTH.
    """

    name: str
    reference: str
    rcpt: str = "<{recipient}>"
    mail: str | None = "<{sender}>"
    helo: str = ""
    before: t.Sequence[str] = ()
    between: t.Sequence[str] = ()
    own: bool = False
    needs: str = CLEAR

    @property
    def alone(self) -> bool:
        """Whether it cannot share a transaction with the trick before it."""
        return bool(self.helo or self.before or self.between or self.mail is None)


_PATH = "RFC 5321, 4.1.2"
_ROUTE = "RFC 5321, 3.6.1 and appendix C"
_PERCENT = "RFC 1123, 5.2.16"
_BANG = "RFC 976, 3.1"
_CLOSED = "RFC 5321, 3.6.2 and 7.9"
_NULL = "RFC 5321, 4.5.5"
_POSTMASTER = "RFC 5321, 4.5.1"
_RESET = "RFC 5321, 4.1.1.5"
_EHLO = "RFC 5321, 4.1.4"
_UTF8 = "RFC 6531, 3.3"
_AUTH = "RFC 4954, 4"

TRICKS: tuple[Trick, ...] = (
    # Tricks with the same sender stand together: they share a transaction, and cost one command each.
    Trick("foreign to foreign", _CLOSED),
    Trick("recipient without brackets", _PATH, "{recipient}"),
    Trick("recipient after a blank", _PATH, " <{recipient}>"),
    Trick("recipient with a final dot", "RFC 5321, 2.3.5", "<{recipient}.>"),
    Trick("recipient in capitals", "RFC 5321, 2.4", "<{RECIPIENT}>"),
    Trick("quoted local part", _PATH, '<"{local}"@{domain}>'),
    Trick("quoted local part with the target", _PATH, '<"{recipient}"@{relay}>', own=True),
    Trick("target quoted, no domain", _PATH, '<"{recipient}">', own=True),
    Trick("percent hack", _PERCENT, "<{local}%{domain}@{relay}>", own=True),
    Trick("percent hack, no domain", _PERCENT, "<{local}%{domain}>", own=True),
    Trick("percent hack to an address literal", _PERCENT, "<{local}%{domain}@{literal}>", own=True),
    Trick("percent hack, twice", _PERCENT, "<{local}%{domain}%{relay}@{relay}>", own=True),
    Trick("percent hack to a foreign host", _PERCENT, "<{local}%{relay}@{domain}>"),
    Trick("two at signs", _PATH, "<{recipient}@{relay}>", own=True),
    Trick("two at signs, address literal", _PATH, "<{recipient}@{literal}>", own=True),
    Trick("bang path", _BANG, "<{domain}!{local}>", own=True),
    Trick("bang path at the relay", _BANG, "<{domain}!{local}@{relay}>", own=True),
    Trick("bang path through the relay", _BANG, "<{relay}!{domain}!{local}>", own=True),
    Trick("bang path to a foreign host", _BANG, "<{relay}!{local}@{domain}>"),
    Trick("source route through the relay", _ROUTE, "<@{relay}:{recipient}>"),
    Trick("source route through an address literal", _ROUTE, "<@{literal}:{recipient}>"),
    Trick("source route with a percent hack", _ROUTE, "<@{relay}:{local}%{domain}@{relay}>", own=True),
    Trick("foreign address literal", "RFC 5321, 4.1.3", "<{local}@[203.0.113.25]>"),
    Trick("foreign postmaster", _POSTMASTER, "<postmaster@{domain}>"),
    Trick("foreign postmaster by percent hack", _POSTMASTER, "<postmaster%{domain}@{relay}>", own=True),
    Trick("8-bit recipient", "RFC 6152", "<r\udce9cipient@{domain}>"),
    Trick("relay as a parent domain", "RFC 5321, 2.3.5", "<{local}@{relay}.{domain}>"),
    Trick("good and bad recipients mixed", "RFC 5321, 3.3", between=("RCPT TO:<postmaster@{relay}>",)),
    Trick("null sender", _NULL, mail="<>"),
    Trick("sender at the relay", _CLOSED, mail="<{sender_local}@{relay}>"),
    Trick("postmaster of the relay as sender", _POSTMASTER, mail="<postmaster@{relay}>"),
    Trick("root at localhost as sender", _CLOSED, mail="<root@localhost>"),
    Trick("sender at the relay's parent domain", _CLOSED, mail="<postmaster@{parent}>"),
    Trick("sender at the relay's address", "RFC 5321, 4.1.3", mail="<{sender_local}@{literal}>"),
    Trick("sender without a domain", _PATH, mail="<{sender_local}>"),
    Trick("recipient as its own sender", _CLOSED, mail="<{recipient}>"),
    Trick("source-routed sender", _ROUTE, mail="<@{relay}:{sender}>"),
    Trick("8-bit sender", "RFC 6152", mail="<str\udce4nger@{sender_domain}>"),
    Trick("UTF-8 addresses", _UTF8, "<récipient@{domain}>", mail="<strängér@{sender_domain}> SMTPUTF8"),
    Trick("sender that claims a login", "RFC 4954, 5", mail="<{sender}> AUTH=postmaster@{relay}"),
    Trick("relay's own name in EHLO", _EHLO, helo="{relay}"),
    Trick("localhost in EHLO", _EHLO, helo="localhost"),
    Trick("127.0.0.1 in EHLO", _EHLO, helo="[127.0.0.1]"),
    Trick("RSET in between", _RESET, between=("RCPT TO:<postmaster@{relay}>", "RSET", "MAIL FROM:<{sender}>")),
    Trick("EHLO in between", _EHLO, between=("RCPT TO:<postmaster@{relay}>", "EHLO {helo}"), own=False),
    Trick("no MAIL", "RFC 5321, 4.1.4", mail=None),
    Trick(
        "XCLIENT from a stranger",
        "XCLIENT_README of Postfix",
        before=("XCLIENT NAME=localhost ADDR=127.0.0.1", "EHLO {helo}"),
    ),
    Trick("foreign to foreign, after STARTTLS", "RFC 3207, 4.2", needs=TLS),
    Trick("percent hack, after STARTTLS", _PERCENT, "<{local}%{domain}@{relay}>", own=True, needs=TLS),
    Trick("null sender, after STARTTLS", _NULL, mail="<>", needs=TLS),
    Trick("sender at the relay, after STARTTLS", _CLOSED, mail="<{sender_local}@{relay}>", needs=TLS),
    Trick("after a failed AUTH", _AUTH, before=("AUTH PLAIN AHByb2JlAHByb2Jl",), needs=AUTH),
)

# Only CR LF . CR LF ends a message (RFC 5321, 4.1.1.4). Where two servers differ, strangers write the second message.
ENDINGS: dict[str, bytes] = {
    "LF.LF": b"\n.\n",
    "LF.CRLF": b"\n.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF.NUL CRLF": b"\r\n.\0\r\n",
    "CRLF NUL.CRLF": b"\r\n\0.\r\n",
}


def message(name: str, ending: bytes, sender: str, recipient: str) -> bytes:
    """Return a message with an ending, a harmless command, and the end that counts."""
    text = (
        f"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: Probe of a mail relay: {name}\r\n\r\n"
        "This tests where a message ends. NOOP may follow below."
    )
    return text.encode("ascii") + ending + b"NOOP\r\n\r\n.\r\n"


@dataclass(frozen=True)
class Names:
    """What the placeholders of the table stand for."""

    relay: str
    address: str
    helo: str
    sender: str
    recipient: str

    def _values(self) -> dict[str, str]:
        local, _at, domain = self.recipient.rpartition("@")
        sender_local, _at, sender_domain = self.sender.rpartition("@")
        _first, _dot, parent = self.relay.partition(".")
        return {
            "relay": self.relay,
            "parent": parent if "." in parent else self.relay,
            "literal": literal(self.address),
            "helo": self.helo,
            "sender": self.sender,
            "sender_local": sender_local,
            "sender_domain": sender_domain,
            "recipient": self.recipient,
            "RECIPIENT": self.recipient.upper(),
            "local": local,
            "domain": domain,
        }

    def fill(self, trick: Trick) -> Trick:
        """Return the trick with names for its placeholders."""
        values = self._values()

        def filled(text: str) -> str:
            return text.format_map(values)

        return dataclasses.replace(
            trick,
            rcpt=filled(trick.rcpt),
            mail=None if trick.mail is None else filled(trick.mail),
            helo=filled(trick.helo),
            before=tuple(filled(text) for text in trick.before),
            between=tuple(filled(text) for text in trick.between),
        )


def literal(address: str) -> str:
    """Return an address literal (RFC 5321, 4.1.3)."""
    return f"[IPv6:{address}]" if ipaddress.ip_address(address).version == 6 else f"[{address}]"


def parts(tricks: t.Sequence[Trick], size: int) -> list[list[Trick]]:
    """Share tricks among connections, at most ``size`` for each: servers slow down after some errors, and then drop."""
    return [list(tricks[start : start + size]) for start in range(0, len(tricks), size)]


def mail_command(trick: Trick) -> str:
    return f"MAIL FROM:{trick.mail}"


def rcpt_command(trick: Trick) -> str:
    return f"RCPT TO:{trick.rcpt}"

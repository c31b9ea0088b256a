# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs inside the hosts of the lab: sending mail, talking SMTP by hand, reading the mailbox of mx1.

lab.py hands this whole file to python3 in a container, with a function's name and arguments as JSON on standard input;
the answer is JSON on standard output. It uses the standard library only. One call does a whole batch.
"""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from pathlib import Path

INBOX = Path("/var/spool/inbox/all/new")


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _session(mail: dict, timeout: float = 60) -> smtplib.SMTP:
    """Connect, start TLS and log in as far as the message asks for it."""
    where = {
        "host": mail["server"],
        "port": mail.get("port", 25),
        "local_hostname": mail.get("helo"),
        "timeout": timeout,
    }
    if mail.get("source"):
        where["source_address"] = (mail["source"], 0)
    tls = mail.get("tls", "none")
    session = smtplib.SMTP_SSL(**where, context=_unverified()) if tls == "wrapper" else smtplib.SMTP(**where)
    if tls == "starttls":
        session.starttls(context=_unverified())
    if mail.get("login"):
        session.login(*mail["login"])
    return session


def _send_one(mail: dict) -> dict:
    """Send one message; the answer says how far it came and what the server said."""
    try:
        with _session(mail) as session:
            refused = session.sendmail(mail["sender"], mail["recipients"], mail["message"].encode())
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error
        return {"code": error.smtp_code, "text": text.decode(errors="replace") if isinstance(text, bytes) else text}
    except OSError as error:  # smtplib's other errors too
        return {"code": 0, "text": f"{type(error).__name__}: {error}"}
    for code, text in refused.values():
        return {"code": code, "text": text.decode(errors="replace")}
    return {"code": 250, "text": "accepted"}


def _send_until(mail: dict, deadline: float) -> dict:
    """Send as a mail server would: a temporary refusal is tried again until the deadline."""
    tries = 1
    while (result := _send_one(mail))["code"] < 500 and result["code"] != 250 and time.monotonic() < deadline:
        time.sleep(1)
        tries += 1
    return {**result, "tries": tries}


def send(mails: list, workers: int = 10, patience: float = 0) -> list:
    """Send every message of the list, several at a time; the results are in the same order.

    What is refused for now (4xx, or no connection) is tried again for PATIENCE seconds.
    """
    deadline = time.monotonic() + patience
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda mail: _send_until(mail, deadline), mails))


def hold(mail: dict, held: str, go: str) -> list:
    """Log in, make the file HELD, wait for the file GO, and only then ask to send; the replies."""
    with _session(mail) as session:
        Path(held).touch()
        deadline = time.monotonic() + 240
        while not Path(go).exists():
            if time.monotonic() > deadline:
                return ["nobody said go"]
            time.sleep(0.1)
        replies = []
        for command in (f"MAIL FROM:<{mail['sender']}>", f"RCPT TO:<{mail['recipients'][0]}>"):
            code, text = session.docmd(command)
            replies.append(f"{code} {text.decode(errors='replace')}")
        return replies


def attack(mail: dict, count: int, workers: int, timeout: float) -> list:
    """Try to log in COUNT times, several at a time; how often each answer came. A connection may take TIMEOUT s."""

    def try_once(_number: int) -> str:
        try:
            _session(mail, timeout).close()
        except smtplib.SMTPResponseException as error:
            return str(error.smtp_code)
        except OSError as error:  # smtplib's other errors too
            return type(error).__name__
        return "welcome"

    with ThreadPoolExecutor(workers) as pool:
        return [dict(Counter(pool.map(try_once, range(count))))]


def _reply(stream) -> str:
    """Read one reply, all its lines."""
    lines = []
    while True:
        line = stream.readline().decode(errors="replace").rstrip("\r\n")
        lines.append(line)
        if line[3:4] != "-":
            return "\n".join(lines)


def _converse(server: str, port: int, tls: str, lines: list) -> list:
    replies = []
    with socket.create_connection((server, port), timeout=20) as plain:
        connection = _unverified().wrap_socket(plain) if tls == "wrapper" else plain
        stream = connection.makefile("rb")
        replies.append(_reply(stream))
        if tls == "starttls":
            for command in (b"EHLO client.invalid\r\n", b"STARTTLS\r\n"):
                connection.sendall(command)
                _reply(stream)
            connection = _unverified().wrap_socket(plain)
            stream = connection.makefile("rb")
        for line in lines:
            connection.sendall(line.encode("latin-1"))
            replies.append(_reply(stream))
        connection.close()
    return replies


def _talk_one(conversation: dict) -> list:
    try:
        return _converse(**conversation)
    except OSError as error:
        return [f"{type(error).__name__}: {error}"]


def talk(conversations: list, workers: int = 4) -> list:
    """Talk SMTP by hand: for each conversation, the greeting and the reply to each of its lines.

    A line is sent as it is, with its own line end, and then one reply is read; a server that hung up replies "".
    """
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(_talk_one, conversations))


def _recipient(raw: bytes) -> bytes:
    return raw.partition(b"\nDelivered-To: ")[2].partition(b"\n")[0]


def mailbox(token: str, count: int, seconds: float = 60, distinct: bool = False) -> list:
    """Wait until COUNT messages that contain TOKEN have arrived, or the seconds are over; return what is there.

    With DISTINCT, COUNT is that of the recipients: copies of the same message do not count.
    """
    deadline = time.monotonic() + seconds
    seen = set()
    found = []
    while True:
        for path in INBOX.glob("*"):
            if path.name not in seen:
                seen.add(path.name)
                raw = path.read_bytes()
                if token.encode() in raw:
                    found.append(raw)
        if len({_recipient(raw) for raw in found} if distinct else found) >= count or time.monotonic() >= deadline:
            break
        time.sleep(0.3)
    headers = [message_from_bytes(raw, policy=policy.compat32).items() for raw in found]
    return [
        {"headers": [[name, str(value)] for name, value in items], "raw": raw.decode("latin-1")}
        for items, raw in zip(headers, found)
    ]


if __name__ == "__main__":
    request = json.load(sys.stdin)
    json.dump(globals()[request["function"]](**request["arguments"]), sys.stdout)

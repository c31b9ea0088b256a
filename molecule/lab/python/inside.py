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
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from pathlib import Path

INBOX = Path("/var/spool/inbox/all/new")


def _unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _session(server: str, port: int, tls: str, helo: str | None) -> smtplib.SMTP:
    if tls == "wrapper":
        return smtplib.SMTP_SSL(server, port, local_hostname=helo, timeout=60, context=_unverified())
    session = smtplib.SMTP(server, port, local_hostname=helo, timeout=60)
    if tls == "starttls":
        session.starttls(context=_unverified())
    return session


def _send_one(mail: dict) -> dict:
    """Send one message; the answer says how far it came and what the server said."""
    try:
        with _session(mail["server"], mail.get("port", 25), mail.get("tls", "none"), mail.get("helo")) as session:
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


def send(mails: list, workers: int = 10) -> list:
    """Send every message of the list, several at a time; the results are in the same order."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(_send_one, mails))


def _reply(stream) -> str:
    """Read one reply, all its lines."""
    lines = []
    while True:
        line = stream.readline().decode(errors="replace").rstrip("\r\n")
        lines.append(line)
        if line[3:4] != "-":
            return "\n".join(lines)


def talk(server: str, port: int = 25, tls: str = "none", lines: list | None = None) -> list:
    """Talk SMTP by hand: the greeting and the reply to each line, which is sent as it is (with its own line end).

    A line that is no command but data is one that ends the data; a server that hangs up ends the list with "".
    """
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
        try:
            for line in lines or []:
                connection.sendall(line.encode("latin-1"))
                replies.append(_reply(stream))
        except OSError as error:
            replies.append(f"{type(error).__name__}: {error}")
        connection.close()
    return replies


def _found(token: str) -> list:
    return [path for path in INBOX.glob("*") if token.encode() in path.read_bytes()] if INBOX.is_dir() else []


def mailbox(token: str, count: int, seconds: float = 60) -> list:
    """Wait until COUNT messages that contain TOKEN have arrived, or the seconds are over; return what is there."""
    deadline = time.monotonic() + seconds
    while len(found := _found(token)) < count and time.monotonic() < deadline:
        time.sleep(0.3)
    messages = []
    for path in found:
        raw = path.read_bytes()
        headers = message_from_bytes(raw, policy=policy.compat32).items()
        messages.append({"headers": [[name, str(value)] for name, value in headers], "raw": raw.decode("latin-1")})
    return messages


if __name__ == "__main__":
    request = json.load(sys.stdin)
    json.dump(globals()[request["function"]](**request["arguments"]), sys.stdout)

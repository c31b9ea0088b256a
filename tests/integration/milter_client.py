# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mail server's side of the milter protocol, to be run on a host whose milter is tried: macros, verdict and reply."""

from __future__ import annotations

import json
import typing as t

PROGRAM = r"""
import concurrent.futures, json, socket, struct, sys

ANSWERLESS = {b"L": 0x80, b"C": 0x1000, b"H": 0x2000, b"M": 0x4000, b"R": 0x8000, b"N": 0x40000, b"B": 0x80000}


class Milter:
    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(60)
        self.connection.connect(path)
        self.send(b"O", struct.pack("!III", 6, 0x1FF, sum(ANSWERLESS.values())))
        command, data = self.receive()
        steps = struct.unpack("!I", data[8:12])[0]
        self.silent = [command for command, flag in ANSWERLESS.items() if steps & flag]

    def send(self, command, data=b""):
        self.connection.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def take(self, length):
        data = b""
        while len(data) < length:
            chunk = self.connection.recv(length - len(data))
            if not chunk:
                raise EOFError("the milter closed the connection")
            data += chunk
        return data

    def receive(self):
        packet = self.take(struct.unpack("!I", self.take(4))[0])
        return packet[:1], packet[1:]

    def step(self, command, data=b""):
        self.send(command, data)
        if command not in self.silent:
            self.receive()


def judge(message):
    milter = Milter(message["socket"])
    client = message["client"]
    family = b"6" if ":" in client else b"4"
    milter.step(b"C", b"client\0" + family + struct.pack("!H", 4000) + client.encode() + b"\0")
    milter.step(b"H", b"client\0")
    login = b"{auth_authen}\0" + message["user"].encode() + b"\0" if message["user"] else b""
    milter.send(b"D", b"Mi\0QUEUEID\0" + login)
    milter.step(b"M", b"<" + message["sender"].encode() + b">\0")
    for number in range(message["recipients"]):
        milter.step(b"R", b"<r%d@rcpt.test>\0" % number)
    for name, value in message["headers"]:
        milter.step(b"L", name.encode() + b"\0" + value.encode("utf-8", "surrogateescape") + b"\0")
    milter.step(b"N")
    milter.step(b"B", b"hello\r\n")
    milter.send(b"E")
    while True:
        command, data = milter.receive()
        if command in b"acdrty":
            milter.connection.close()
            return data.rstrip(b"\0").decode() if command == b"y" else {b"a": "accept", b"c": "accept"}.get(
                command, command.decode())


with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
    print(json.dumps(list(pool.map(judge, json.loads(MESSAGES)))))
"""


def message(socket: str, **what: t.Any) -> dict[str, t.Any]:
    """One message: of ``user``, from ``client``, with ``sender`` in the envelope and ``headers`` of one's own."""
    default = {"socket": socket, "client": "198.18.0.9", "user": "", "sender": "a@alpha.test", "recipients": 1}
    headers = [["From", "<a@alpha.test>"], ["Subject", "x"]]
    return {**default, "headers": headers, **what}


def program(messages: t.Sequence[dict[str, t.Any]], threads: int = 1) -> str:
    """The program that offers the messages, and prints the answers as a list."""
    return f"MESSAGES = {json.dumps(messages)!r}\nTHREADS = {threads}\n{PROGRAM}"

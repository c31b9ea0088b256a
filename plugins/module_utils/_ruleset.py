# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Texts of nftables: what nft lists and complains about, and the file that it is to load."""

from __future__ import annotations

import ipaddress
import re
import typing as t
from dataclasses import dataclass

# (uid_t) -2 belongs to nobody: -1 means "no user", and the kernel's overflow uid is 65534.
NO_SUCH_UID = 4294967294

_TABLE = re.compile(r"^table (\w+) (\S+) \{", re.MULTILINE)
_COMPLAINT = re.compile(r"^(?P<path>.*?):(?P<line>\d+):\d+-\d+: (?:Error|Warning): (?P<text>.*)$")
_COMMENT_OR_STRING = re.compile(r'"[^"\n]*"|#[^\n]*')
_DESTROY = re.compile(r"\bdestroy\s+\w+\s+([^;\n{]*)")


@dataclass(frozen=True)
class Table:
    """The name of a table."""

    family: str
    name: str

    def __str__(self) -> str:
        return f"{self.family} {self.name}"


@dataclass(frozen=True)
class Connection:
    """The connection by which a host is managed: the port on it, and from which address, if that is known."""

    port: int
    address: str | None = None


@dataclass(frozen=True)
class Ruleset:
    """The text of a file for nft, and which part of it begins after which line."""

    text: str
    parts: tuple[tuple[str, int], ...] = ()

    def place(self, line: int) -> str:
        """Name a line of the text by the part in which it is."""
        name, before = next((part for part in reversed(self.parts) if line > part[1]), ("line", 0))
        return f"{name}, line {line - before}"


# What nft lists


def split_tables(listing: str) -> dict[str, str]:
    """Split what ``nft list ruleset`` prints into the texts of its tables, by ``family name``."""
    starts = [match.start() for match in _TABLE.finditer(listing)]
    texts = [listing[start:end] for start, end in zip(starts, [*starts[1:], len(listing)])]
    return {" ".join(text.split(None, 3)[1:3]): text for text in texts}


def without_state(listing: str) -> str:
    """Return the listing of a table without the elements that rules, or programs, add to its sets and that expire.

    Counters are left out by ``nft -s`` already. What remains are the rules.
    """
    result: list[str] = []
    dynamic = skipping = False
    for line in listing.splitlines():
        words = line.strip()
        if words.startswith(("set ", "map ", "chain ")):
            dynamic = False
        elif words.startswith("flags "):
            dynamic = bool({"dynamic", "timeout"} & set(words[len("flags ") :].split(",")))
        if dynamic and words.startswith("elements = {"):
            skipping = True
        if not skipping:
            result.append(line)
        elif words.endswith("}"):
            skipping = False
    return "".join(f"{line}\n" for line in result).strip("\n")


def replacing(table: Table, listing: str) -> str:
    """Return a file for nft that replaces the table by what was listed of it; by nothing if that is empty."""
    text = listing and f"{listing}\n"
    return f"table {table} {{}}\ndelete table {table}\n{text}"


def canaries(tables: t.Iterable[str], token: str) -> str:
    """Return a file with stand-ins for ``tables`` and one more table: whoever touches one of them is seen to do so."""
    chain = f"chain canary_{token} {{\n\t\taccept\n\t}}"
    return "".join(f"table {table} {{\n\t{chain}\n}}\n" for table in [*tables, f"inet canary_{token}"])


def judge_trial(table: Table, before: str, after: str, twice: str) -> list[str]:
    """Judge listings of a trial: of the canaries, with the candidate loaded, and with it loaded once more.

    The last is empty where the candidate could not be loaded once more.
    """
    own = str(table)
    old, new = split_tables(before), split_tables(after)
    new_own = new.pop(own, "")
    touched = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    foreign = [name for name in touched if "canary_" not in name]
    if len(touched) > len(foreign):
        return [f"The rules flush or delete tables of others. Accepted: statements for table {own} only."]
    if foreign:
        return [f"The rules touch table {foreign[0]}. Accepted: statements for table {own} only."]
    if not new_own:
        return [f"The rules make no table {own}."]
    if split_tables(twice).get(own) != new_own:
        return [
            f"The rules add to table {own} instead of replacing it. Accepted: a content that begins with"
            f" 'table {own} {{}}' and 'delete table {own}'."
        ]
    return []


def judge_words(table: Table, text: str) -> list[str]:
    """Judge what a trial cannot show: ``destroy`` says nothing where there is nothing to destroy."""
    plain = _COMMENT_OR_STRING.sub("", text)
    foreign = [m.group(0).strip() for m in _DESTROY.finditer(plain) if not f"{m.group(1)} ".startswith(f"{table} ")]
    return [f"'{statement}' is not about table {table}. Accepted: that table only." for statement in foreign]


# What nft complains about


def explain(errors: str, ruleset: Ruleset, path: str) -> list[str]:
    """Turn the complaints of nft about the file at ``path`` into problems with the part, the line and its text."""
    problems = []
    for complaint in errors.splitlines():
        match = _COMPLAINT.match(complaint)
        if match is None:
            continue
        number = int(match["line"])
        lines = ruleset.text.splitlines()
        if match["path"] != path or not 0 < number <= len(lines):
            problems.append(complaint)
        else:
            problems.append(f"{ruleset.place(number)}: {match['text']}: {lines[number - 1].strip()}")
    return problems[:3] or [" ".join(errors.split())[:300] or "nft failed and said nothing"]


# What nft is to load


def parse_connection(text: str) -> Connection | None:
    """Read the value of SSH_CONNECTION: the client's address and port, then the server's."""
    try:
        client, _client_port, _server, port = text.split()
        address = ipaddress.ip_address(client.split("%")[0])
        number = int(port)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return Connection(number, str(mapped or address))


def connection_statement(
    connection: Connection | None, ports: t.Collection[int], networks: t.Collection[str]
) -> str | None:
    """Return the match and verdict that let the connection in, or None where rules for ``ports`` let it in anyway.

    ``networks`` are those from which the ports are open; none of them means all.
    """
    if connection is None:
        return None
    known = connection.port in ports
    statement = f"tcp dport {connection.port} accept"
    if connection.address is None or not networks:
        return None if known else statement
    address = ipaddress.ip_address(connection.address)
    if known and any(address in ipaddress.ip_network(network) for network in networks):
        return None
    return f"{'ip' if address.version == 4 else 'ip6'} saddr {address} {statement}"


def compose(content: str, extra: str, users: t.Mapping[str, int | None], rule: str | None) -> Ruleset:
    """Put the file together: numbers of users, ``content``, the ``rule`` of the connection, ``extra``."""
    definitions = "".join(
        f"define uid_{name} = {NO_SUCH_UID} # no such user yet\n" if uid is None else f"define uid_{name} = {uid}\n"
        for name, uid in users.items()
    )
    own_rule = f"\n# The connection of the run that loaded this.\n{rule}" if rule else ""
    parts, text = [], ""
    for name, part in (
        ("users", definitions),
        ("content", content),
        ("connection", own_rule),
        ("extra (nftables_extra)", extra),
    ):
        if part.strip():
            parts.append((name, text.count("\n")))
            text += part.rstrip("\n") + "\n"
    return Ruleset(text, tuple(parts))

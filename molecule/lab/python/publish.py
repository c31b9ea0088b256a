# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put records into the zones of the lab: publish.py SERVER, with {"records", "zones", "key"} as JSON on standard input.

Each record is {"name", "type", "value"}. A name that has other records of that type gets this one in their place. One
signed update per zone; prints the names that changed.
"""

from __future__ import annotations

import json
import sys

import dns.message
import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update

TTL = 60
TIMEOUT = 10


def text(record: dict) -> str:
    """The record's data as a zone file has it: TXT in strings of at most 255 bytes."""
    if record["type"] != "TXT":
        return record["value"]
    value = record["value"]
    return " ".join(f'"{value[start : start + 255]}"' for start in range(0, len(value), 255))


def is_published(server: str, record: dict) -> bool:
    """Whether the server has this record, and only this one, of that name and type."""
    question = dns.message.make_query(record["name"], record["type"])
    answer = dns.query.tcp(question, server, timeout=TIMEOUT).answer
    data = [item for rrset in answer for item in rrset]
    if record["type"] == "TXT":
        return [b"".join(item.strings).decode() for item in data] == [record["value"]]
    return [item.to_text().rstrip(".") for item in data] == [record["value"].rstrip(".")]


def main() -> int:
    server = sys.argv[1]
    order = json.load(sys.stdin)
    keyring = dns.tsigkeyring.from_text({order["key"]["name"]: ("hmac-sha256", order["key"]["secret"])})
    updates = {}
    for record in order["records"]:
        zone = max((zone for zone in order["zones"] if f".{record['name']}".endswith(f".{zone}")), key=len)
        if not is_published(server, record):
            update = updates.setdefault(zone, dns.update.UpdateMessage(zone, keyring=keyring))
            update.replace(f"{record['name']}.", TTL, record["type"], text(record))
            print(record["name"])
    for zone, update in updates.items():
        code = dns.query.tcp(update, server, timeout=TIMEOUT).rcode()
        if code != dns.rcode.NOERROR:
            sys.exit(f"{server} refuses the update of {zone}: {dns.rcode.to_text(code)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""DNS as it is to be: what a question gets once the records are there.

A record that is not there, or not right, is a finding of its own, and so many other things go wrong with it: SPF does
not pass, a name in HELO has no address, reports are not authorised. Those are judged by these answers instead of by
what DNS says now. So each of them is a finding only where it has a cause of its own, which stays when the records are
mended. What DNS says now is returned beside it.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.mailops.relay.plugins.module_utils import _dmarc, _dns_answer, _record
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server
from ansible_collections.mailops.relay.plugins.module_utils._record import RecordSet

MAX_ALIASES = 8
"""How many aliases are followed: records may lead in a circle."""


def _is_of_mail(record: RecordSet) -> bool:
    """Whether TXT records are such that receivers look for; agreements to get reports are at any name (RFC 9990, 4)."""
    return any(_record.purpose(*record.key, value) or _dmarc.is_record(value) for value in record.values)


class Expected:
    """The answers that the records bring about."""

    def __init__(self, records: t.Iterable[RecordSet] = ()) -> None:
        self._records = {record.key: record for record in records}
        self._names = {name for name, rdtype in self._records if rdtype != "CNAME"}

    def aliases(self, name: str) -> tuple[str, ...]:
        """Return where the records lead a question for a name to, the end last; nothing where they do not."""
        found: list[str] = []
        at = name.lower()
        while (at, "CNAME") in self._records and len(found) < MAX_ALIASES:
            at = self._records[at, "CNAME"].values[0].rstrip(".")
            found.append(at)
        return tuple(found)

    def whole(self, name: str, rdtype: str) -> Answer | None:
        """Return an answer that is known without a question. TXT records of others share a name with the records."""
        record = self._records.get((name.lower(), rdtype))
        if record is None or rdtype == "TXT":
            return None
        return Answer(name, rdtype, Server(""), _dns_answer.PRESENT, record.values)

    def answer(self, now: Answer) -> Answer:
        """Return what the question of an answer gets then."""
        record = self._records.get((now.name.lower(), now.rdtype)) or self._wildcard(now)
        if record:
            return self._with(record, now)
        if now.name.lower() in self._names and now.is_answered and (now.cnames or now.state == _dns_answer.NO_NAME):
            # There are records at the name, so it is there, and is no alias (RFC 1034, 3.6.2).
            return replace(now, state=_dns_answer.NO_DATA, values=(), cnames=(), detail="")
        return now

    def _wildcard(self, now: Answer) -> RecordSet | None:
        """Return the wildcard that answers where there is no name: that of the closest name (RFC 4592, 3.3.1)."""
        at = now.name.lower()
        if now.state in (_dns_answer.PRESENT, _dns_answer.NO_DATA):
            return None
        while at and at not in self._names:
            at = at.partition(".")[2]
            record = self._records.get((f"*.{at}", now.rdtype))
            if record:
                return record
        return None

    @staticmethod
    def _with(record: RecordSet, now: Answer) -> Answer:
        values: tuple[str, ...] = ()
        if record.type == "TXT":
            if not now.is_answered and not _is_of_mail(record):
                return now  # What else is at the name may be what is asked for.
            present = () if now.cnames else now.values
            gone = _record.rivals(record, present)
            values = tuple(value for value in present if value not in gone)
        return replace(now, state=_dns_answer.PRESENT, values=(*record.values, *values), cnames=(), detail="")

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""The queue of Postfix: what ``postqueue -j`` lists, counted as it passes by, and what is wrong about it.

QSHAPE_README of Postfix tells what each queue is for, and what a long one means.
"""

from __future__ import annotations

import collections
import json
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding

Findings = t.Iterator[Finding]

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
_WAITING = ("maildrop", "incoming", "active", "deferred")

MOST_KINDS = 2000
"""How many different reasons, or destinations, are told apart."""
SHOWN = 10
_LONGEST_REASON = 200
_OTHER = "(others)"

_LOCAL_PART = re.compile(r'(?:"[^"]*"|[^\s<>"@,;:()\[\]]+)@(?=[\w\[])')
_HEAD = re.compile(rb'"queue_name": ?"(?P<queue>\w+)".*?"arrival_time": ?(?P<arrival>\d+)')
_FIRST_RECIPIENT = re.compile(rb'"address": ?"[^"]*@(?P<domain>[^"@]+)"(?:, ?"delay_reason": ?"(?P<reason>[^"]*)")?')


def reason_of(text: str) -> str:
    """Return a reason for a delay without the addresses of people, so that equal ones are counted together."""
    return _LOCAL_PART.sub("*@", " ".join(text[: 5 * _LONGEST_REASON].split()))[:_LONGEST_REASON]


def _count(counter: collections.Counter[str], key: str) -> None:
    counter[key if key in counter or len(counter) < MOST_KINDS else _OTHER] += 1


@dataclass
class Listing:
    """Counts the messages of a listing. Its size does not grow with the queue."""

    messages: collections.Counter[str] = field(default_factory=collections.Counter)
    oldest: dict[str, int] = field(default_factory=dict)
    reasons: collections.Counter[str] = field(default_factory=collections.Counter)
    destinations: collections.Counter[str] = field(default_factory=collections.Counter)
    malformed: int = 0

    def take(self, line: bytes) -> None:
        """Count one message; of a line that was cut, its beginning tells enough."""
        if not line.strip():
            return
        try:
            message = json.loads(line)
            queue, arrival = str(message["queue_name"]), int(message["arrival_time"])
            recipients = [(str(each["address"]), str(each.get("delay_reason", ""))) for each in message["recipients"]]
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
            head, first = _HEAD.search(line), _FIRST_RECIPIENT.search(line)
            if head is None:
                self.malformed += 1
                return
            queue, arrival = head["queue"].decode(), int(head["arrival"])
            recipients = [(f"@{_text(first['domain'])}", _text(first["reason"]))] if first else []
        self._add(queue, arrival, recipients)

    def _add(self, queue: str, arrival: int, recipients: t.Sequence[tuple[str, str]]) -> None:
        if queue not in QUEUES:
            self.malformed += 1
            return
        self.messages[queue] += 1
        self.oldest[queue] = min(arrival, self.oldest.get(queue, arrival))
        for domain in {_domain(address) for address, _reason in recipients}:
            _count(self.destinations, domain)
        for reason in {reason_of(reason) for _address, reason in recipients if reason}:
            _count(self.reasons, reason)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower() if "@" in address else "(local)"


def _text(octets: bytes | None) -> str:
    return (octets or b"").decode("utf-8", "replace")


@dataclass(frozen=True)
class Space:
    """A file system: free and total octets, free and total inodes. Some have no fixed number of inodes: 0 and 0."""

    free: int
    total: int
    inodes_free: int
    inodes_total: int


@dataclass(frozen=True)
class Queue:
    """What was seen of the queue at ``now``. ``unseen`` says what could not be, and why.

    ``messages`` counts by queue. ``oldest`` is a time by queue. ``needed`` is the space that Postfix wants to have free
    before it takes a message.
    """

    now: float
    messages: t.Mapping[str, int] = field(default_factory=dict)
    oldest: t.Mapping[str, int] = field(default_factory=dict)
    reasons: t.Sequence[tuple[str, int]] = ()
    destinations: t.Sequence[tuple[str, int]] = ()
    active_limit: int = 20000
    space: Space | None = None
    needed: int = 0
    unseen: t.Sequence[str] = ()

    @property
    def oldest_age(self) -> int | None:
        """Seconds that the oldest message waits. One on hold waits for an administrator, and does not count."""
        times = [self.oldest[queue] for queue in _WAITING if queue in self.oldest]
        return max(0, int(self.now - min(times))) if times else None


@dataclass(frozen=True)
class Limits:
    """What is accepted: seconds, messages, and per cent."""

    age: int
    deferred: int
    incoming: int
    free: int


def needed_space(message_size: int, minimum: int) -> int:
    """Return the octets that smtpd(8) wants to see free: ``queue_minfree``, or 1.5 times ``message_size_limit``."""
    return max(minimum, message_size * 3 // 2)


def duration(seconds: float) -> str:
    """Write a time in its largest unit that has two of it at least."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def judge(queue: Queue, limits: Limits) -> Findings:
    """Judge all that was seen."""
    for reason in queue.unseen:
        remedy = "Run as root on the relay; where a program took too long, with a larger timeout"
        yield Finding("queue_not_checked", "warning", "queue", reason, remedy, "postqueue(1)")
    yield from _judge_waiting(queue, limits)
    yield from _judge_set_aside(queue)
    if queue.space is not None:
        yield from _judge_space(queue.space, queue.needed, limits.free)


def _judge_waiting(queue: Queue, limits: Limits) -> Findings:
    age = queue.oldest_age
    why = f". Most often: {queue.reasons[0][0]} ({queue.reasons[0][1]} messages)" if queue.reasons else ""
    look = "postqueue -p shows the messages and why they wait; mend that, or tell the senders"
    if age is not None and age > limits.age:
        message = f"The oldest message waits for {duration(age)}; up to {duration(limits.age)} is accepted{why}"
        yield Finding("queue_old", "warning", "queue", message, look, "RFC 5321, 4.5.4.1")
    deferred = queue.messages.get("deferred", 0)
    if deferred > limits.deferred:
        message = f"{deferred} messages are deferred; up to {limits.deferred} are accepted{why}"
        yield Finding("queue_deferred", "warning", "deferred", message, look, "QSHAPE_README, deferred queue")
    arriving = queue.messages.get("incoming", 0) + queue.messages.get("maildrop", 0)
    active = queue.messages.get("active", 0)
    if arriving > limits.incoming or active >= queue.active_limit:
        message = (
            f"{arriving} messages have arrived that the queue manager has not taken; up to {limits.incoming} are"
            f" accepted ({active} are active, of at most {queue.active_limit})"
        )
        remedy = "See that Postfix runs, that its disk and milter are fast enough, and that destinations answer"
        yield Finding("queue_congested", "warning", "incoming", message, remedy, "QSHAPE_README, incoming queue")


def _judge_set_aside(queue: Queue) -> Findings:
    corrupt, held = queue.messages.get("corrupt", 0), queue.messages.get("hold", 0)
    if corrupt:
        message = f"{corrupt} files of the queue are damaged and were set aside; their mail is not delivered"
        remedy = "postcat -q ID shows one; look for a full or failing disk, then remove them from corrupt/"
        yield Finding("queue_corrupt", "warning", "corrupt", message, remedy, "QSHAPE_README, corrupt queue")
    if held:
        message = f"{held} messages are on hold until an administrator decides"
        remedy = "Release them with postsuper -H ID, or delete them with postsuper -d ID"
        yield Finding("queue_held", "notice", "hold", message, remedy, "postsuper(1)")


def _judge_space(space: Space, needed: int, least: int) -> Findings:
    percent = 100 * space.free / max(1, space.total)
    remedy = "Make room on the file system of the queue, or enlarge it"
    free = f"{space.free / 1e6:.0f} MB of {space.total / 1e6:.0f} MB are free for the queue"
    if space.free < needed:
        message = f"{free}; Postfix takes no mail with less than {needed / 1e6:.0f} MB (452 4.3.1)"
        yield Finding("queue_disk_full", "error", "disk", message, remedy, "postconf(5), queue_minfree")
    elif percent < least:
        message = f"{free}; at least {least} % are accepted"
        yield Finding("queue_disk_low", "warning", "disk", message, remedy, "postconf(5), queue_minfree")
    if space.inodes_total and 100 * space.inodes_free < least * space.inodes_total:
        severity = "warning" if space.inodes_free > 1000 else "error"
        message = f"{space.inodes_free} of {space.inodes_total} inodes are free for the queue; a message takes one"
        yield Finding("queue_inodes_low", severity, "inodes", message, remedy, "df(1)")


def describe(queue: Queue) -> dict[str, t.Any]:
    """Return what was seen as the module returns it."""
    return {
        "messages": {name: queue.messages[name] for name in QUEUES if name in queue.messages},
        "oldest_age": queue.oldest_age,
        "oldest": {name: max(0, int(queue.now - queue.oldest[name])) for name in QUEUES if name in queue.oldest},
        "reasons": [{"reason": reason, "messages": count} for reason, count in queue.reasons],
        "destinations": [{"domain": domain, "messages": count} for domain, count in queue.destinations],
        "space": None if queue.space is None else dict(queue.space.__dict__),
        "unseen": list(queue.unseen),
    }

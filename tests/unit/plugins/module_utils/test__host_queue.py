# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import tracemalloc

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _host_queue
from ansible_collections.mailops.relay.plugins.module_utils._host_queue import Limits, Listing, Queue, Space

LIMITS = Limits(age=14400, deferred=500, incoming=200, free=10)
NOW = 1_800_000_000


def line(queue="deferred", arrival=NOW, recipients=(("b@example.com", "no route"),)):
    listed = [{"address": address, "delay_reason": reason} for address, reason in recipients]
    message = {"queue_name": queue, "queue_id": "4abc", "arrival_time": arrival, "message_size": 300}
    return json.dumps({**message, "forced_expire": False, "sender": "a@example.org", "recipients": listed}).encode()


def listing_of(*lines):
    listing = Listing()
    for each in lines:
        listing.take(each)
    return listing


def test_a_listing():
    listing = listing_of(
        line(arrival=NOW - 10),
        line(arrival=NOW - 90, recipients=[("b@example.com", "no route"), ("c@Example.COM", "no route")]),
        line("active", recipients=[("root", "")]),
    )
    assert listing.messages == {"deferred": 2, "active": 1}
    assert listing.oldest == {"deferred": NOW - 90, "active": NOW}
    assert listing.reasons == {"no route": 2}
    assert listing.destinations == {"example.com": 2, "(local)": 1}
    assert listing.malformed == 0


@pytest.mark.parametrize(
    "text",
    [
        b"Mail queue is empty",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b"[" * 60000,
        b'{"queue_name": "deferred"}',
        b'{"queue_name": "elsewhere", "arrival_time": 1, "recipients": []}',
        b'{"queue_name": "deferred", "arrival_time": "x", "recipients": []}',
    ],
)
def test_what_is_no_message(text):
    listing = listing_of(text)
    assert (listing.malformed, sum(listing.messages.values())) == (1, 0)


def test_empty_lines_are_none():
    assert listing_of(b"", b" ") == Listing()


def test_a_message_with_very_many_recipients_is_cut_and_still_counts():
    text = line(arrival=NOW - 5, recipients=[(f"b{n}@example.com", "no route to b@example.com") for n in range(5000)])
    listing = listing_of(text[: 1 << 16])
    assert listing.messages == {"deferred": 1}
    assert listing.oldest == {"deferred": NOW - 5}
    assert listing.destinations == {"example.com": 1}
    assert listing.reasons == {"no route to *@example.com": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connect to mx.example[192.0.2.1]:25: timed out", "connect to mx.example[192.0.2.1]:25: timed out"),
        (
            "host said: 450 <jo.doe+x@example.com>: unknown (in reply)",
            "host said: 450 <*@example.com>: unknown (in reply)",
        ),
        ('said: "jo doe"@example.com is full', "said: *@example.com is full"),
        ("line\n end", "line end"),
        ("x" * 500, "x" * 200),
        ("a" * (1 << 20), "a" * 200),
    ],
)
def test_reasons_name_nobody(text, expected):
    assert _host_queue.reason_of(text) == expected


def test_memory_does_not_grow_with_the_queue():
    lines = [line(recipients=[(f"b@d{n}.example", f"reason {n} {'x' * 300}")]) for n in range(2500)]
    listing = listing_of(*lines)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(2000):
            listing.take(line(recipients=[(f"b@e{number}.example", f"other {number} {'x' * 300}")]))
        assert tracemalloc.get_traced_memory()[0] - before < 1 << 20
    finally:
        tracemalloc.stop()
    assert listing.messages == {"deferred": 4500}
    assert len(listing.reasons) == len(listing.destinations) == _host_queue.MOST_KINDS + 1
    assert sum(listing.destinations.values()) == 4500


SPACE = Space(50 * 10**9, 100 * 10**9, 900_000, 1_000_000)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({}, []),
        ({"messages": {"deferred": 500, "incoming": 100, "maildrop": 100, "active": 19999}}, []),
        ({"oldest": {"deferred": NOW - 14400, "hold": NOW - 10**7}}, []),
        ({"oldest": {"deferred": NOW - 14401}}, ["queue_old"]),
        ({"oldest": {"active": NOW + 100, "maildrop": NOW - 14401}}, ["queue_old"]),
        ({"oldest": {"active": NOW + 100}}, []),
        ({"messages": {"deferred": 501}}, ["queue_deferred"]),
        ({"messages": {"incoming": 101, "maildrop": 100}}, ["queue_congested"]),
        ({"messages": {"active": 20000}}, ["queue_congested"]),
        ({"messages": {"corrupt": 1}}, ["queue_corrupt"]),
        ({"messages": {"hold": 1}}, ["queue_held"]),
        ({"space": SPACE, "needed": 15 * 10**6}, []),
        ({"space": SPACE, "needed": 51 * 10**9}, ["queue_disk_full"]),
        ({"space": Space(9 * 10**9, 100 * 10**9, 9, 10), "needed": 15 * 10**6}, ["queue_disk_low"]),
        ({"space": Space(50, 100, 9, 100)}, ["queue_inodes_low"]),
        ({"space": Space(50, 100, 0, 0)}, []),
        ({"space": Space(0, 0, 0, 0)}, ["queue_disk_low"]),
        ({"unseen": ["one", "two"]}, ["queue_not_checked", "queue_not_checked"]),
    ],
)
def test_judgement(seen, expected):
    assert [finding.id for finding in _host_queue.judge(Queue(NOW, **seen), LIMITS)] == expected


def test_the_most_frequent_reason_is_told():
    queue = Queue(NOW, {"deferred": 501}, reasons=[("no route", 400), ("full", 3)])
    (finding,) = _host_queue.judge(queue, LIMITS)
    assert finding.message.endswith("Most often: no route (400 messages)")


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (14400, "4 h"), (10**6, "12 days")]
)
def test_duration(seconds, expected):
    assert _host_queue.duration(seconds) == expected


@pytest.mark.parametrize(("size", "minimum", "expected"), [(10240000, 0, 15360000), (10, 99, 99), (0, 0, 0)])
def test_needed_space(size, minimum, expected):
    assert _host_queue.needed_space(size, minimum) == expected


def test_description():
    queue = Queue(NOW, {"deferred": 2}, {"deferred": NOW - 7}, [("full", 2)], [("example.com", 2)], space=SPACE)
    assert _host_queue.describe(queue) == {
        "messages": {"deferred": 2},
        "oldest_age": 7,
        "oldest": {"deferred": 7},
        "reasons": [{"reason": "full", "messages": 2}],
        "destinations": [{"domain": "example.com", "messages": 2}],
        "space": {"free": 50 * 10**9, "total": 100 * 10**9, "inodes_free": 900_000, "inodes_total": 1_000_000},
        "unseen": [],
    }

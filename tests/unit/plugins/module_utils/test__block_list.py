# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections are those of RFC 5782."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _block_list
from ansible_collections.mailops.relay.plugins.module_utils._block_list import Listing, Observation
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer, Server

ZONE = "bl.example.org"
V4, V6 = "192.0.2.99", "2001:db8:1:2:3:4:567:89ab"
ALIVE = {"127.0.0.2": "127.0.0.2", "127.0.0.1": None}
ALIVE6 = {"::ffff:127.0.0.2": "127.0.0.2", "::ffff:127.0.0.1": None}


def listing(address, value, reason=""):
    """None is NXDOMAIN, a word a state, and anything else the values of A."""
    state = "no_name" if value is None else value if value[0].isalpha() else "present"
    values = tuple(value.split()) if state == "present" else ()
    return Listing(ZONE, address, Answer("x", "A", Server("192.0.2.53"), state, values), reason)


def found(said, points):
    seen = Observation(ZONE, *(tuple(listing(*item) for item in part.items()) for part in (points, said)))
    return [(finding.id, finding.severity, finding.subject) for finding in _block_list.judge(seen)]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(V4, "99.2.0.192.bl.example.org", id="2.1: example"),
        pytest.param(
            V6, "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.example.org", id="2.4: example"
        ),
        pytest.param(
            "::ffff:127.0.0.2", "2.0.0.0.0.0.f.7.f.f.f.f" + ".0" * 20 + ".bl.example.org", id="5: test point of IPv6"
        ),
    ],
)
def test_question(address, expected):
    assert _block_list.question(address, ZONE) == expected


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        ([V4], ["127.0.0.2", "127.0.0.1"]),
        ([V6, V4], ["127.0.0.2", "127.0.0.1", "::ffff:127.0.0.2", "::ffff:127.0.0.1"]),
        ([V6], ["127.0.0.2", "127.0.0.1", "::ffff:127.0.0.2", "::ffff:127.0.0.1"]),
    ],
)
def test_test_points(addresses, expected):
    assert _block_list.test_points(addresses) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(None, "not_listed", id="2.1: no such name"),
        pytest.param("no_data", "not_listed", id="2.1: no A record"),
        pytest.param("127.0.0.2", "listed", id="2.1: the usual code"),
        pytest.param("127.0.0.10 127.0.1.4", "listed", id="2.3: several codes"),
        pytest.param("127.255.254.255", "listed", id="beside the refusals"),
        pytest.param("127.255.255.252", "refused", id="a typing error in the name of the list"),
        pytest.param("127.255.255.254", "refused", id="asked by a public resolver"),
        pytest.param("127.255.255.255", "refused", id="too many questions"),
        pytest.param("127.0.0.2 127.255.255.255", "refused", id="a refusal among codes"),
        pytest.param("192.0.2.80", "refused", id="2.1: outside of 127/8"),
        pytest.param("timed_out", "unknown", id="no answer"),
        pytest.param("refused", "unknown", id="the resolver refuses"),
        pytest.param("failed", "unknown", id="no server of the list answers"),
        pytest.param("bogus", "unknown", id="forged"),
    ],
)
def test_state(value, expected):
    assert listing(V4, value).state == expected


@pytest.mark.parametrize(
    ("said", "points", "expected"),
    [
        pytest.param({V4: None}, ALIVE, [], id="alive and silent"),
        pytest.param({V4: "127.0.0.4"}, ALIVE, [("block_list_listed", "error", V4)], id="listed"),
        pytest.param(
            {V4: "127.0.0.4", V6: None},
            {**ALIVE, **ALIVE6},
            [("block_list_listed", "error", V4)],
            id="one of two",
        ),
        pytest.param(
            {V4: "127.255.255.254", V6: "127.255.255.254"},
            dict.fromkeys([*ALIVE, *ALIVE6], "127.255.255.254"),
            [("block_list_refused", "notice", ZONE)],
            id="refused altogether: one finding",
        ),
        pytest.param(
            {V4: "198.51.100.1"},
            {"127.0.0.2": "198.51.100.1", "127.0.0.1": "198.51.100.1"},
            [("block_list_refused", "notice", ZONE)],
            id="a wildcard of a parked domain",
        ),
        pytest.param(
            {V4: "127.0.0.2"},
            {"127.0.0.2": "127.0.0.2", "127.0.0.1": "127.0.0.2"},
            [("block_list_dead", "warning", ZONE)],
            id="5: lists everything, which is no listing",
        ),
        pytest.param({V4: None}, dict.fromkeys(ALIVE), [("block_list_dead", "warning", ZONE)], id="5: holds nothing"),
        pytest.param(
            {V4: "127.0.0.9"}, dict.fromkeys(ALIVE), [("block_list_listed", "error", V4)], id="5: no test point"
        ),
        pytest.param(
            {V4: None, V6: None},
            {**ALIVE, **dict.fromkeys(ALIVE6)},
            [("block_list_no_ipv6", "notice", ZONE)],
            id="5: IPv4 only",
        ),
        pytest.param(
            {V4: None, V6: None},
            {**dict.fromkeys(ALIVE), **ALIVE6},
            [("block_list_no_ipv4", "notice", ZONE)],
            id="5: IPv6 only",
        ),
        pytest.param({V6: None}, {**dict.fromkeys(ALIVE), **ALIVE6}, [], id="5: IPv6 only, and nothing else asked"),
        pytest.param(
            {V6: None},
            dict.fromkeys([*ALIVE, *ALIVE6]),
            [("block_list_dead", "warning", ZONE)],
            id="5: holds nothing of IPv6 either",
        ),
        pytest.param(
            {V4: "timed_out"},
            dict.fromkeys(ALIVE, "timed_out"),
            [("block_list_unknown", "warning", ZONE)],
            id="no answer at all: one finding",
        ),
        pytest.param(
            {V4: "127.0.0.4"},
            dict.fromkeys(ALIVE, "failed"),
            [("block_list_listed", "error", V4), ("block_list_unknown", "warning", ZONE)],
            id="listed, test points not known",
        ),
    ],
)
def test_judge(said, points, expected):
    assert found(said, points) == expected


def test_what_is_said_of_a_listing():
    seen = Observation(
        ZONE,
        tuple(listing(*item) for item in ALIVE.items()),
        (listing(V4, "127.0.0.4", "Spam seen, see https://bl.example.org/99"),),
    )
    finding = next(_block_list.judge(seen))
    assert finding.message == (
        "it is in the block list bl.example.org, with 127.0.0.4: 'Spam seen, see https://bl.example.org/99'"
    )
    assert _block_list.describe(seen) == [
        {
            "list": ZONE,
            "address": V4,
            "state": "listed",
            "codes": ["127.0.0.4"],
            "reason": "Spam seen, see https://bl.example.org/99",
        }
    ]

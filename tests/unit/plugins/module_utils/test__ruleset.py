# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._ruleset import (
    NO_SUCH_UID,
    Connection,
    Ruleset,
    Table,
    canaries,
    compose,
    connection_statement,
    explain,
    judge_trial,
    judge_words,
    parse_connection,
    replacing,
    split_tables,
    without_state,
)

OURS = Table("inet", "ours")
BODY = "table inet ours {\n\tchain input {\n\t\taccept\n\t}\n}\n"
FOREIGN = "table ip foreign {\n\tchain canary_1 {\n\t\taccept\n\t}\n}\n"
GUARD = "table inet canary_1 {\n\tchain canary_1 {\n\t\taccept\n\t}\n}\n"


# What nft lists


def test_a_listing_is_split_into_its_tables():
    assert split_tables(FOREIGN + BODY) == {"ip foreign": FOREIGN, "inet ours": BODY}
    assert split_tables("") == {}


LISTED = """\
table inet ours {
    flags dormant
    set trusted {
        type ipv4_addr
        flags interval
        elements = { 10.0.0.0/8,
                192.0.2.1 }
    }

    set seen {
        type ipv4_addr
        flags dynamic,timeout
        timeout 2m
        elements = { 192.0.2.7 limit rate over 60/minute timeout 2m expires 10s,
                192.0.2.8 limit rate over 60/minute timeout 2m expires 12s }
    }

    set banned {
        type ipv4_addr
        flags timeout
        elements = { 192.0.2.9 timeout 1h expires 10m }
    }

    chain input {
        ip saddr @seen drop
    }
}
"""


def test_what_packets_and_programs_add_is_state():
    stateless = without_state(LISTED)
    assert "192.0.2.1 }" in stateless
    for state in ("192.0.2.7", "192.0.2.8", "192.0.2.9", "expires"):
        assert state not in stateless
    assert stateless.count("{") == stateless.count("}")
    assert "ip saddr @seen drop" in stateless
    assert without_state(stateless) == stateless


def test_the_way_back_is_the_listing_or_nothing():
    begin = "table inet ours {}\ndelete table inet ours\n"
    assert replacing(OURS, BODY.rstrip()) == begin + BODY
    assert replacing(OURS, "") == begin


# The trial


@pytest.mark.parametrize(
    ("after", "twice", "problem"),
    [
        (FOREIGN + GUARD + BODY, FOREIGN + GUARD + BODY, None),
        (BODY, BODY, "flush or delete tables of others"),
        (GUARD + BODY, "", "touch table ip foreign"),
        (FOREIGN.replace("\t\taccept\n", "") + GUARD + BODY, "", "touch table ip foreign"),
        (FOREIGN + GUARD + "table ip new {\n}\n" + BODY, "", "touch table ip new"),
        (FOREIGN + GUARD, FOREIGN + GUARD, "make no table inet ours"),
        (
            FOREIGN + GUARD + BODY,
            FOREIGN + GUARD + BODY.replace("accept", "accept\n\t\taccept"),
            "instead of replacing",
        ),
        (FOREIGN + GUARD + BODY, "", "instead of replacing"),
    ],
)
def test_a_trial_shows_what_a_candidate_touches(after, twice, problem):
    problems = judge_trial(OURS, FOREIGN + GUARD, after, twice)
    if problem is None:
        assert problems == []
    else:
        assert problem in problems[0]


def test_canaries_stand_in_for_every_table():
    assert set(split_tables(canaries(["ip foreign"], "1"))) == {"ip foreign", "inet canary_1"}
    assert canaries(["ip foreign"], "1") == FOREIGN + GUARD


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("destroy table inet ours", False),
        ("destroy rule inet ours input handle 4", False),
        ("# destroy table ip foreign", False),
        ('add rule inet ours input accept comment "destroy table ip foreign"', False),
        ("destroy table ip foreign", True),
        ("destroy table ours", True),
        ("destroy chain inet ours_not input", True),
    ],
)
def test_destroy_is_for_the_own_table_only(text, refused):
    assert bool(judge_words(OURS, text)) == refused


# Complaints


def test_a_complaint_is_told_by_part_line_and_text():
    ruleset = compose("one\ntwo\n", "three\nfour acept\n", {"postfix": 7}, "add rule inet ours connection accept")
    lines = ruleset.text.splitlines()
    number = lines.index("four acept") + 1
    errors = f"/tmp/x.nft:{number}:6-10: Error: syntax error, unexpected string\nfour acept\n     ^^^^^\n"
    assert explain(errors, ruleset, "/tmp/x.nft") == [
        "extra (nftables_extra), line 2: syntax error, unexpected string: four acept"
    ]
    assert ruleset.place(lines.index("one") + 1) == "content, line 1"
    assert ruleset.place(1) == "users, line 1"


@pytest.mark.parametrize(
    ("errors", "problems"),
    [
        ("/etc/other.nft:3:1-2: Error: no\n", ["/etc/other.nft:3:1-2: Error: no"]),
        ("/x:99:1-2: Error: past the end\n", ["/x:99:1-2: Error: past the end"]),
        ("netlink: Error: cache\n  initialization failed\n", ["netlink: Error: cache initialization failed"]),
        ("", ["nft failed and said nothing"]),
    ],
)
def test_other_complaints_are_passed_on(errors, problems):
    assert explain(errors, Ruleset("one line\n"), "/x") == problems


def test_three_complaints_are_enough():
    errors = "".join(f"/x:1:1-2: Error: no {n}\n" for n in range(9))
    assert len(explain(errors, Ruleset("line\n"), "/x")) == 3


# The connection


@pytest.mark.parametrize(
    ("value", "connection"),
    [
        ("198.51.100.7 50000 198.51.100.12 22", Connection(22, "198.51.100.7")),
        ("2001:db8::7 50000 2001:db8::12 2222", Connection(2222, "2001:db8::7")),
        ("fe80::7%eth0 50000 fe80::12%eth0 22", Connection(22, "fe80::7")),
        ("::ffff:198.51.100.7 50000 ::ffff:198.51.100.12 22", Connection(22, "198.51.100.7")),
        ("", None),
        ("198.51.100.7 50000 22", None),
        ("nobody 1 somewhere 22", None),
        ("198.51.100.7 50000 198.51.100.12 ssh", None),
    ],
)
def test_ssh_connection_is_read(value, connection):
    assert parse_connection(value) == connection


@pytest.mark.parametrize(
    ("connection", "ports", "networks", "statement"),
    [
        (None, [22], [], None),
        (Connection(22, "198.51.100.7"), [22], [], None),
        (Connection(2222, "198.51.100.7"), [22], [], "tcp dport 2222 accept"),
        (Connection(22, "198.51.100.7"), [22], ["198.51.100.0/24"], None),
        (Connection(22, "198.51.100.7"), [22], ["10.0.0.0/8"], "ip saddr 198.51.100.7 tcp dport 22 accept"),
        (Connection(2222, "198.51.100.7"), [22], ["198.51.100.0/24"], "ip saddr 198.51.100.7 tcp dport 2222 accept"),
        (Connection(22, "2001:db8::7"), [22], ["10.0.0.0/8"], "ip6 saddr 2001:db8::7 tcp dport 22 accept"),
        (Connection(22), [22], ["10.0.0.0/8"], None),
        (Connection(2200), [22], ["10.0.0.0/8"], "tcp dport 2200 accept"),
    ],
)
def test_a_connection_gets_a_rule_where_no_other_lets_it_in(connection, ports, networks, statement):
    assert connection_statement(connection, ports, networks) == statement


# The file


def test_the_parts_come_in_their_order():
    ruleset = compose("content", "extra", {"postfix": 104, "absent": None}, "add rule inet ours connection accept")
    assert ruleset.text == (
        "define uid_postfix = 104\n"
        f"define uid_absent = {NO_SUCH_UID} # no such user yet\n"
        "content\n"
        "\n"
        "# The connection of the run that loaded this.\n"
        "add rule inet ours connection accept\n"
        "extra\n"
    )


def test_empty_parts_leave_nothing():
    assert compose("content\n", " \n", {}, None).text == "content\n"

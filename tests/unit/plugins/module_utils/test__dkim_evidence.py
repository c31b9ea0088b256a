# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What answers of DNS prove about keys."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils._dkim_evidence import evidence

KEY, OTHER, REVOKED = "v=DKIM1; k=rsa; p=QUJD", "v=DKIM1; k=rsa; p=REVG", "v=DKIM1; k=rsa; p="
ONE, TWO = "ns1.test (192.0.2.1)", "ns2.test (192.0.2.2)"


def key(domain: str, value: str | None, selector: str = "s1") -> dict[str, t.Any]:
    return {"name": f"{selector}._domainkey.{domain}", "selector": selector, "value": value}


def answer(server: str, domain: str, *values: str, state: str = "", kind: str = "authoritative") -> dict[str, t.Any]:
    state = state or ("present" if values else "no_name")
    name = f"s1._domainkey.{domain}"
    return {"name": name, "type": "TXT", "server": server, "kind": kind, "state": state, "values": list(values)}


ROWS: list[tuple[str, str | None, list[dict[str, t.Any]], str]] = [
    ("both have it", KEY, [answer(ONE, "a.test", KEY), answer(TWO, "a.test", KEY)], "visible"),
    ("v is not first", KEY, [answer(ONE, "a.test", "p=QUJD ; v=DKIM1")], "does not have"),
    ("with more tags", KEY, [answer(ONE, "a.test", "v=DKIM1; n=x; p=QU JD")], "visible"),
    ("nobody asked", KEY, [], "no authoritative server"),
    ("only a resolver says so", KEY, [answer(ONE, "a.test", KEY, kind="resolver")], "no authoritative server"),
    ("one has not", KEY, [answer(ONE, "a.test", KEY), answer(TWO, "a.test")], "ns2.test (192.0.2.2) does not have"),
    ("one has another", KEY, [answer(ONE, "a.test", KEY), answer(TWO, "a.test", OTHER)], "ns2.test"),
    ("one has two", KEY, [answer(ONE, "a.test", KEY, OTHER)], "ns1.test"),
    ("one is silent", KEY, [answer(ONE, "a.test", KEY), answer(TWO, "a.test", state="timed_out")], "(timed_out)"),
    (
        "no way to one address of a server",
        KEY,
        [answer(ONE, "a.test", KEY), answer("ns1.test (2001:db8::1)", "a.test", state="unreachable")],
        "visible",
    ),
    ("revoked, and the key is there", REVOKED, [answer(ONE, "a.test", KEY)], "does not have"),
    ("revoked everywhere", REVOKED, [answer(ONE, "a.test", REVOKED)], "visible"),
    ("gone", None, [answer(ONE, "a.test"), answer(TWO, "a.test", state="no_data")], "absent"),
    ("still there", None, [answer(ONE, "a.test"), answer(TWO, "a.test", REVOKED)], "still has a record"),
    (
        "gone, as far as one can tell",
        None,
        [answer(ONE, "a.test"), answer(TWO, "a.test", state="refused")],
        "(refused)",
    ),
]


@pytest.mark.parametrize(("value", "answers", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_is_proven(value: str | None, answers: list[dict[str, t.Any]], expected: str) -> None:
    found = evidence([key("a.test", value)], answers)
    if expected in ("visible", "absent"):
        assert getattr(found, expected) == {"s1"}
        assert not found.missing
    else:
        assert not found.visible | found.absent
        assert expected in found.why_not("s1")


def test_a_selector_counts_with_all_of_its_domains() -> None:
    keys = [key("a.test", KEY), key("b.test", OTHER), key("a.test", KEY, "s2")]
    found = evidence(keys, [answer(ONE, "a.test", KEY), answer(ONE, "b.test", KEY)])
    assert not found.visible
    assert "b.test" in found.missing["s1"]
    assert "s2._domainkey.a.test" in found.missing["s2"]

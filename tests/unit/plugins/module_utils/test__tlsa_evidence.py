# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _tlsa_evidence

SERVED, COMING, OTHER = (f"3 1 1 {digit * 64}" for digit in "abc")
NAMES = ("_25._tcp.relay1.test", "_465._tcp.relay1.test")
RECORDS = [{"name": name, "type": "TLSA", "values": [SERVED, COMING]} for name in NAMES]


def answer(name, server, values, state="present", kind="authoritative"):
    return {"name": name, "type": "TLSA", "kind": kind, "server": server, "state": state, "values": values}


def both(*values):
    return [answer(name, server, list(values)) for name in NAMES for server in ("ns1 (192.0.2.1)", "ns2 (192.0.2.2)")]


@pytest.mark.parametrize(
    ("answers", "visible", "missing"),
    [
        (both(SERVED, COMING), True, ""),
        (both(COMING.upper(), SERVED, OTHER), True, ""),
        (both(SERVED), False, "ns1 (192.0.2.1) does not have all records of _25._tcp.relay1.test"),
        (
            [*both(SERVED, COMING)[:-1], answer(NAMES[1], "ns2 (192.0.2.2)", [SERVED])],
            False,
            "ns2 (192.0.2.2) does not",
        ),
        ([*both(SERVED, COMING)[:-1], answer(NAMES[1], "ns2 (192.0.2.2)", [], "no_data")], False, "ns2 (192.0.2.2)"),
        ([*both(SERVED, COMING)[:-1], answer(NAMES[1], "ns2 (192.0.2.2)", [], "timeout")], False, "(timeout)"),
        # A server has two addresses, and there is no way to one of them.
        ([*both(SERVED, COMING), answer(NAMES[0], "ns2 (2001:db8::2)", [], "timeout")], True, ""),
        (both(SERVED, COMING)[:2], False, "no authoritative server of _465._tcp.relay1.test"),
        ([answer(name, "resolver", [SERVED, COMING], kind="resolver") for name in NAMES], False, "no authoritative"),
        ([], False, "no authoritative server"),
    ],
)
def test_evidence(answers, visible, missing):
    found = _tlsa_evidence.evidence(RECORDS, answers)
    assert found.visible == ({"relay1.test"} if visible else set())
    assert missing in found.missing.get("relay1.test", "")

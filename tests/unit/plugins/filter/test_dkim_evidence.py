# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter dkim_evidence; what it proves is tested with _dkim_evidence."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.dkim_evidence import dkim_evidence

NAME, KEY = "s1._domainkey.a.test", "v=DKIM1; k=rsa; p=QUJD"
KEYS = [{"name": NAME, "selector": "s1", "value": KEY}]
ANSWERS = [
    {"name": NAME, "type": "TXT", "server": "ns1", "kind": "authoritative", "state": "present", "values": [KEY]},
]


def test_the_filter_returns_an_option() -> None:
    assert dkim_evidence(KEYS, ANSWERS) == {"visible": ["s1"], "absent": [], "missing": {}}


@pytest.mark.parametrize("keys", ["x", [{}], 5, [{**KEYS[0], "value": "p"}]])
def test_keys_that_are_none(keys: object) -> None:
    with pytest.raises(AnsibleFilterError, match="Accepted: records as dkim_keys"):
        dkim_evidence(keys, ANSWERS)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _sender
from ansible_collections.mailops.relay.plugins.module_utils._sender import Sender

ITEM = {
    "helo": "Relay.example.com",
    "addresses": ["192.0.2.1", "2001:db8::1"],
    "mail_from": ["example.com", "a@Example.com", "b@example.org"],
    "dkim": ["Example.com"],
}


def test_parse():
    sender = _sender.parse(ITEM)
    assert sender == Sender("relay.example.com", tuple(ITEM["addresses"]), tuple(ITEM["mail_from"]), ("example.com",))
    assert sender.authors == ["example.com", "example.org"]
    assert len(sender.identities) == 8


def test_what_may_be_left_out():
    sender = _sender.parse({**ITEM, "mail_from": None, "dkim": None})
    assert (sender.authors, sender.dkim, len(sender.identities)) == ([], (), 2)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"helo": "x"}, "'x' is not a host name"),
        ({"addresses": ["x"]}, "'x' does not appear to be an IPv4 or IPv6 address"),
        ({"mail_from": ["a@b..c"]}, "'b..c' is not a domain name"),
        ({"dkim": ["localhost"]}, "'localhost' is not a domain"),
    ],
)
def test_parse_refuses(change, text):
    with pytest.raises(ValueError, match=text):
        _sender.parse({**ITEM, **change})

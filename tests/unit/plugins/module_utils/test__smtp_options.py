# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _smtp_options
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import Listener

SERVICE = {"name": "smtp", "port": 25, "tls": "may"}
TARGET: dict[str, t.Any] = {
    "relay": "relay.example.com",
    "addresses": ["198.51.100.12", "2001:DB8::12"],
    "services": [SERVICE, {"name": "submission", "port": 587, "tls": "encrypt"}],
    "trusted": ["10.0.0.0/8"],
}
OPTIONS: dict[str, t.Any] = {
    "targets": [TARGET],
    "helo": "h.example.org",
    "sender": "a@example.org",
    "recipient": "b@example.net",
    "follow": None,
    "timeout": 15,
    "in_all": 120,
    "in_flight": 64,
    "certificate_days": 14,
}


def test_good_options() -> None:
    _smtp_options.check(OPTIONS)
    _smtp_options.check({**OPTIONS, "follow": "me@example.com", "targets": [{**TARGET, "trusted": []}]})


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"timeout": 0}, "timeout: 0 is not accepted; 1 to 300 are"),
        ({"timeout": float("nan")}, "timeout: nan is not accepted"),
        ({"in_flight": 1000}, "in_flight: 1000 is not accepted"),
        ({"helo": "a b"}, "helo: 'a b' is no host name"),
        ({"helo": "a\r\nRSET"}, r"helo: 'a\r\nRSET' is no host name"),
        ({"sender": "a"}, "sender: 'a' is no plain address"),
        ({"sender": "a@example.org>\r\nDATA"}, "sender: "),
        ({"recipient": "<b@example.net>"}, "recipient: "),
        ({"recipient": "{x}@example.net"}, ""),
        ({"recipient": "b@relay.example.com"}, "has to be foreign to all"),
        ({"follow": "nobody"}, "follow: 'nobody' is no plain address"),
        ({"targets": []}, "targets: there is none"),
        ({"targets": [{**TARGET, "relay": "-x"}]}, "targets[0].relay: '-x' is no host name"),
        ({"targets": [{**TARGET, "relay": "x" * 64}]}, "targets[0].relay"),
        ({"targets": [TARGET, {**TARGET, "addresses": []}]}, "targets[1].addresses: there is none"),
        ({"targets": [{**TARGET, "addresses": ["x"]}]}, "'x' is no IPv4 or IPv6 address"),
        ({"targets": [{**TARGET, "trusted": ["x"]}]}, "'x' is no network"),
        ({"targets": [{**TARGET, "services": [{**SERVICE, "port": 0}]}]}, "the port 0 of smtp is not accepted"),
    ],
)
def test_bad_options(other: dict[str, t.Any], problem: str) -> None:
    if not problem:
        # Braces are allowed in a local part (RFC 5322, 3.2.3), and no placeholder there.
        _smtp_options.check({**OPTIONS, **other})
        return
    with pytest.raises(ValueError) as caught:
        _smtp_options.check({**OPTIONS, **other})
    assert problem in str(caught.value)


def test_listeners() -> None:
    found = _smtp_options.listeners([TARGET, TARGET])
    assert found == [
        Listener("relay.example.com", service, address, port, tls, ("10.0.0.0/8",))
        for address in ("198.51.100.12", "2001:db8::12")
        for service, port, tls in (("smtp", 25, "may"), ("submission", 587, "encrypt"))
    ]

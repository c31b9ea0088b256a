# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""A host that mail leaves from, as the option ``senders`` describes it."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _spf_judgement, _syntax
from ansible_collections.mailops.relay.plugins.module_utils._spf_judgement import Identity

OPTION: dict[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "helo": {"type": "str", "required": True},
        "addresses": {"type": "list", "elements": "str", "required": True},
        "mail_from": {"type": "list", "elements": "str", "default": []},
        "dkim": {"type": "list", "elements": "str", "default": []},
    },
}
"""The option ``senders``."""


@dataclass(frozen=True)
class Sender:
    """``helo`` is its name in HELO, ``mail_from`` holds domains or addresses, ``dkim`` the domains it signs with."""

    helo: str
    addresses: t.Tuple[str, ...]
    mail_from: t.Tuple[str, ...] = ()
    dkim: t.Tuple[str, ...] = ()

    @property
    def identities(self) -> list[Identity]:
        """What a receiver evaluates SPF for."""
        return _spf_judgement.identities(self.addresses, self.helo, self.mail_from)

    @property
    def authors(self) -> list[str]:
        """The domains that its mail is From: those that it is sent by."""
        return list(dict.fromkeys(domain_of(text) for text in self.mail_from))


def domain_of(text: str) -> str:
    """Return the domain of a domain or a mail address, or raise ValueError."""
    return _syntax.domain_name(text.rpartition("@")[2])


def parse(item: t.Mapping[str, t.Any]) -> Sender:
    """Return the sender of an item of the option, or raise ValueError with what is wrong with it."""
    for address in item["addresses"]:
        ipaddress.ip_address(address)
    for text in item["mail_from"] or ():
        domain_of(text)
    return Sender(
        helo=_syntax.host_name(item["helo"]),
        addresses=tuple(item["addresses"]),
        mail_from=tuple(item["mail_from"] or ()),
        dkim=tuple(map(_dkim.domain, item["dkim"] or ())),
    )

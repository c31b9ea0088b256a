# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Which logins may send as which address: the owners of ``smtpd_sender_login_maps`` in postconf(5).

Postfix looks for the address first and for its domain only if nothing is found, so the owners of a domain stand beside
each of its addresses, too.
"""

from __future__ import annotations

import typing as t


def owners(users: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, list[str]]:
    """Return the logins by address, or by ``@domain``; all in lower case, since Dovecot's logins are."""
    found: dict[str, set[str]] = {}
    for user in users:
        for sender in user["senders"]:
            found.setdefault(sender.lower(), set()).add(user["name"].lower())
    for sender, logins in found.items():
        logins.update(found.get("@" + sender.rpartition("@")[2], ()))
    return {sender: sorted(logins) for sender, logins in sorted(found.items())}

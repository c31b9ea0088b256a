# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name of an address in the reverse zones, for the zone files of the lab."""

from __future__ import annotations

import ipaddress


def reverse_pointer(address: str) -> str:
    """198.51.100.12 -> 12.100.51.198.in-addr.arpa, and likewise for IPv6."""
    return ipaddress.ip_address(address).reverse_pointer


class FilterModule:
    def filters(self) -> dict:
        return {"reverse_pointer": reverse_pointer}

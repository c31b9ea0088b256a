# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers for the networks of the tests: runs beside one another, and the workers of one run, do not meet."""

from __future__ import annotations

import os

KINDS = ("dns", "update", "signed", "bind", "nftables", "smtp")
WORKERS = 2


def number(kind: str) -> int:
    """Return a number from 0 to 239 for the networks of one kind of test in this process, such as 198.18.N.0/24."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS
    return (os.getpid() % 20 * WORKERS + worker) * len(KINDS) + KINDS.index(kind)

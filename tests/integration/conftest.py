# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which tests run at each change, and which only in ``make test-all``: the mark ``thorough``."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test marked ``any_release`` is thorough on the older release: nothing in it depends on which one it is."""
    for item in items:
        if item.get_closest_marker("any_release") and "bookworm" in item.nodeid:
            item.add_marker(pytest.mark.thorough)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of what the modules share that put a set of files to use in a service."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that are the same for all of them."""

    DOCUMENTATION = r"""
options: {}
attributes:
  diff_mode:
    support: full
    description: Shows each file that changes; the content of files that hold secrets is left out.
  platform:
    platforms: posix
    support: full
    description: Needs systemd.
"""

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sys
from pathlib import Path

# lab.py is shared by the tests of all scenarios and by the demo.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab" / "python"))

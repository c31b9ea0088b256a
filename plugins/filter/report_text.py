# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: a report as text, for a terminal, a log or a mail."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _report_text, _report_words, _shape


def report_text(report: t.Any, colour: t.Any = False) -> str:
    """Return the report as lines."""
    try:
        return _report_text.render(_report_words.read(report), _shape.read(colour, bool, "colour"))
    except ValueError as error:
        raise AnsibleFilterError(f"report_text: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"report_text": report_text}

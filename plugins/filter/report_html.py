# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: a report as one page of HTML that needs nothing else."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _report_html, _report_words


def report_html(report: t.Any) -> str:
    """Return the page."""
    try:
        return _report_html.render(_report_words.read(report))
    except ValueError as error:
        raise AnsibleFilterError(f"report_html: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"report_html": report_html}

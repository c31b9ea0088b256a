# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: results of checks to a report, for programs to read and for other filters to show."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _report, _report_input, _shape
from ansible_collections.mailops.relay.plugins.module_utils._report import Wishes


def report(
    results: t.Any,
    *,
    silence: t.Any = None,
    must: t.Any = None,
    fail_from: t.Any = "error",
    records: t.Any = None,
    generated: t.Any = "",
) -> dict[str, t.Any]:
    """Return the report as a plain value."""
    try:
        wishes = Wishes(
            _report_input.parse_silences([] if silence is None else silence),
            None if must is None else _shape.read(must, [_report_input.CHECKS], "must"),
            _shape.read(fail_from, _report.FAIL_FROM, "fail_from"),
        )
        return _report.build(
            _report_input.parse_results(results),
            wishes,
            _report_input.parse_records([] if records is None else records),
            _shape.read(generated, str, "generated"),
        )
    except ValueError as error:
        raise AnsibleFilterError(f"report: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"report": report}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: answers of authoritative servers to what they prove about DKIM keys."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _dkim_evidence


def dkim_evidence(keys: t.Any, answers: t.Any) -> dict[str, t.Any]:
    """Return the option ``evidence`` of ``dkim_rotation``."""
    try:
        evidence = _dkim_evidence.evidence(keys, answers)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(
            f"dkim_evidence: {type(error).__name__}: {error}. Accepted: records as dkim_keys returns them, and answers"
            " as dns_records_info returns them."
        ) from None
    return {
        "visible": sorted(evidence.visible),
        "absent": sorted(evidence.absent),
        "missing": dict(evidence.missing),
    }


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"dkim_evidence": dkim_evidence}

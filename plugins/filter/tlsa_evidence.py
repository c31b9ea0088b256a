# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: answers of name servers, to the relays whose TLSA records every one of them has."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _tlsa_evidence


def tlsa_evidence(records: t.Any, answers: t.Any) -> dict[str, t.Any]:
    """Return host names whose records are everywhere, and what was seen of the others."""
    try:
        evidence = _tlsa_evidence.evidence(records, answers)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AnsibleFilterError(
            f"tlsa_evidence: {type(error).__name__}: {error}. Accepted: TLSA records as relay_records returns them, and"
            " answers as dns_records_info returns them."
        ) from None
    return {"visible": sorted(evidence.visible), "missing": dict(evidence.missing)}


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"tlsa_evidence": tlsa_evidence}

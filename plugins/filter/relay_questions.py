# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the descriptions of all relays to what else is asked of DNS."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _publication
from ansible_collections.mailops.relay.plugins.plugin_utils._description import read_relays


def relay_questions(hosts: t.Any, hostvars: t.Any) -> dict[str, t.Any]:
    """Return options of ``dns_records_info``."""
    try:
        found = _publication.questions(read_relays(hosts, hostvars))
    except ValueError as error:
        raise AnsibleFilterError(f"relay_questions: {error}") from None
    # Modules on the controller are started in another directory than the playbook.
    report = os.path.abspath(os.path.expanduser(found["verify"].get("report", "")))
    return {**found, "verify": {**found["verify"], "report": report}}


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"relay_questions": relay_questions}

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the descriptions of all relays to the MTA-STS policies of their domains."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.module_utils import _mta_sts, _records
from ansible_collections.mailops.relay.plugins.plugin_utils._description import read_relays


def mta_sts_policies(hosts: t.Any, hostvars: t.Any) -> list[dict[str, str]]:
    """Return the policies, each with the place where senders look for it."""
    try:
        policies = _records.policies(read_relays(hosts, hostvars))
        return [
            {"domain": name, "url": _mta_sts.policy_url(name), "content": _mta_sts.join_policy(policy)}
            for name, policy in policies.items()
        ]
    except ValueError as error:
        raise AnsibleFilterError(f"mta_sts_policies: {error}") from None


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"mta_sts_policies": mta_sts_policies}

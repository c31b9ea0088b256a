# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Whether modules would change anything: the look of each, as in check mode, and all in one process."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailops.relay.plugins.module_utils import (
    _dovecot_auth_config,
    _fail2ban_config,
    _nftables_ruleset,
    _opendkim_config,
    _postfix_config,
    _rspamd_config,
)
from ansible_collections.mailops.relay.plugins.module_utils._activation import REFUSALS
from ansible_collections.mailops.relay.plugins.module_utils._nftables import NftError
from ansible_collections.mailops.relay.plugins.module_utils._task import Look, Task

CODE: dict[str, t.Any] = {
    "dovecot_auth_config": _dovecot_auth_config,
    "fail2ban_config": _fail2ban_config,
    "nftables_ruleset": _nftables_ruleset,
    "opendkim_config": _opendkim_config,
    "postfix_config": _postfix_config,
    "rspamd_config": _rspamd_config,
}
"""What is behind each module that can be asked for."""


class Answer(t.NamedTuple):
    """Whether a module has nothing to do, and what it would warn of all the same."""

    settled: bool
    warnings: list[str]


def look(task: Task, name: str, options: t.Mapping[str, t.Any]) -> Answer:
    """Look on behalf of ``task`` whether a module would change anything if it got ``options``.

    What the module would refuse is not settled: it is for the module to say what is wrong, when its turn comes.
    """
    code = CODE[name]
    validated = ArgumentSpecValidator(code.ARGUMENTS, required_if=code.REQUIRED_IF).validate(dict(options))
    if validated.error_messages:
        return Answer(False, [])
    inner = Look(task, validated.validated_parameters)
    try:
        changed = code.run(inner)["changed"]
    except (*REFUSALS, NftError):
        return Answer(False, [])
    return Answer(not changed, [] if changed else inner.warnings)

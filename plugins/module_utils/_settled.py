# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Whether modules would change anything: the look of each, as in check mode, and all in one process."""

from __future__ import annotations

import typing as t

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


Options = t.Mapping[str, t.Any]
"""Options of a module by their names."""

Validate = t.Callable[[t.Mapping[str, t.Any], t.Sequence[t.Any], Options], t.Optional[t.Dict[str, t.Any]]]
"""Return options as a module gets them, by its arguments and ``required_if``; None where Ansible would refuse them."""


def looks(
    task: Task, modules: t.Mapping[str, Options], secrets: t.Mapping[str, Options], validate: Validate
) -> dict[str, bool]:
    """Return for each of ``modules`` whether it would change nothing; see :func:`look`.

    ``secrets`` are more options of the same modules. Raises ``ValueError`` for a module that cannot be asked for.
    """
    _check("modules", modules)
    _check("secrets", secrets)
    return {name: look(task, name, {**modules[name], **secrets.get(name, {})}, validate) for name in modules}


def _check(option: str, modules: t.Mapping[str, t.Any]) -> None:
    for name, options in modules.items():
        if name not in CODE:
            raise ValueError(f"{option}: {name!r} cannot be asked for. Accepted: {', '.join(CODE)}.")
        if not isinstance(options, dict):
            raise ValueError(f"{option}.{name}: this is no dictionary. Accepted: the options of the module.")


def look(task: Task, name: str, options: Options, validate: Validate) -> bool:
    """Look on behalf of ``task`` whether a module would change nothing if it got ``options``.

    It warns of what the module would warn of, where that will not have its turn. What the module would refuse is not
    settled: it is for the module to say what is wrong.
    """
    code = CODE[name]
    params = validate(code.ARGUMENTS, code.REQUIRED_IF, options)
    if params is None:
        return False
    inner = Look(task, params)
    try:
        changed = code.run(inner)["changed"]
    except (*REFUSALS, NftError):
        return False
    for warning in [] if changed else inner.warnings:
        task.warn(warning)
    return not changed

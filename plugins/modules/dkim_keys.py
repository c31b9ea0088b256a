#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_keys
short_description: Make the DKIM keys that are missing
version_added: 0.1.0
author:
  - Mailops contributors (@mailops)
description:
  - Makes, in one call, one RSA key for each domain that has none under the given selector, and returns the public half
    of all of them as TXT records.
  - An existing key is never touched, whatever O(bits) says. Its owner and mode are mended.
  - Keys that exist are judged first. If one is not a private key, too short or too long, not the key that was recorded
    when it was made, or the key of a second domain, the module names all of them and changes nothing.
  - A key is C(<directory>/<domain>/<selector>.private). Beside it C(<selector>.txt) holds the public half as a line for
    a zone file. The private half never leaves the host.
  - Each key appears whole and at once; killed at any moment, the module leaves no half key.
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return what would be made, also before O(owner) or the Python library
      cryptography are on the host.
  diff_mode:
    support: full
    description: Shows the names of the files that are made or mended, never their content.
  platform:
    support: full
    platforms: posix
    description: Target OS/families that can be operated against.
options:
  directory:
    description:
      - The directory that holds one folder per domain.
      - Made with mode V(0700) where it is missing; the owner and mode of an existing one are left alone.
    type: path
    default: /etc/dkimkeys
  domains:
    description:
      - The signing domains. International names are written as A-labels (V(xn--...)).
    type: list
    elements: str
    required: true
  selector:
    description:
      - The selector under which the keys are published. It belongs to one host, since a private key does.
    type: str
    required: true
  bits:
    description:
      - The length of keys that are made.
    type: int
    choices: [2048, 3072, 4096]
    default: 2048
  shortest:
    description:
      - The shortest existing key that is accepted. RFC 8301 forbids fewer than 1024 bits and wants at least 2048.
    type: int
    choices: [1024, 2048, 3072, 4096]
    default: 2048
  owner:
    description:
      - The user that signs, and owns the keys.
    type: str
    default: opendkim
  group:
    description:
      - The group of the keys.
    type: str
    default: opendkim
requirements:
  - cryptography (on the host, for making keys)
seealso:
  - module: mailops.relay.opendkim_config
"""

EXAMPLES = r"""
- name: Have a key for each domain
  mailops.relay.dkim_keys:
    domains: [example.com, example.org]
    selector: relay1-example-net
  register: keys

- name: Show what to publish
  ansible.builtin.debug:
    msg: "{{ keys.records | map(attribute='name') | zip(keys.records | map(attribute='value')) }}"
"""

RETURN = r"""
records:
  description: The public half of each key, in the order of O(domains).
  returned: success
  type: list
  elements: dict
  contains:
    domain:
      description: The signing domain.
      type: str
      sample: example.com
    selector:
      description: The selector.
      type: str
      sample: relay1
    name:
      description: Where to publish the record.
      type: str
      sample: relay1._domainkey.example.com
    type:
      description: The type of the record.
      type: str
      sample: TXT
    value:
      description:
        - The text of the record, in one piece. It is for the publisher to split it into strings of 255 octets.
        - V(none) in check mode for a key that would be made.
      type: str
      sample: "v=DKIM1; k=rsa; p=MIIBIjANBgkq..."
    key_file:
      description: The file of the private key.
      type: str
      sample: /etc/dkimkeys/example.com/relay1.private
    bits:
      description: The length of the key.
      type: int
      sample: 2048
    created:
      description: Whether this run has made the key, or in check mode would make it.
      type: bool
"""

import grp
import pwd
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _dkim_keys
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyObservation, KeyStore, Owner


class KeysError(Exception):
    """The keys were refused. The message names each problem in one line."""


def names(params: dict[str, t.Any]) -> tuple[list[str], str]:
    """Return domains and selector in their normal form, or raise :class:`KeysError` with all that is wrong."""
    problems: list[str] = []
    domains: list[str] = []
    for text in params["domains"]:
        try:
            domain = _dkim.domain(text)
            _dkim.record_name(params["selector"], domain)
        except ValueError as error:
            problems.append(f"domains: {error}")
            continue
        if domain in domains:
            problems.append(f"domains: {text!r} is listed twice; accepted: each domain once")
        domains.append(domain)
    try:
        selector = _dkim.selector(params["selector"])
    except ValueError as error:
        raise KeysError(f"selector: {error}") from None
    if problems:
        raise KeysError("\n".join(problems))
    return domains, selector


def _id(option: str, name: str, lookup: t.Callable[[str], int], check_mode: bool) -> int | None:
    try:
        return lookup(name)
    except KeyError:
        if check_mode:
            return None
        raise KeysError(
            f"{option}: {name!r} is not known on this host; accepted: a name as the package opendkim brings"
        ) from None


def _uid(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


def _gid(name: str) -> int:
    return grp.getgrnam(name).gr_gid


def owner_of(params: dict[str, t.Any], check_mode: bool) -> Owner:
    """Resolve owner and group; in check mode they may be missing, since their package comes before in a real run."""
    return Owner(
        _id("owner", params["owner"], _uid, check_mode),
        _id("group", params["group"], _gid, check_mode),
    )


def describe(key: KeyObservation, bits: int) -> dict[str, t.Any]:
    """Return the public half of a key, that of one still to be made without its value."""
    return {
        "domain": key.domain,
        "selector": key.selector,
        "name": _dkim.record_name(key.selector, key.domain),
        "type": "TXT",
        "value": None if key.record is None else _dkim.join(key.record),
        "key_file": key.path,
        "bits": bits if key.public is None else key.public.bits,
    }


def diff_of(missing: list[KeyObservation], mended: list[KeyObservation], bits: int) -> dict[str, str]:
    """Return a diff of names: keys that appear, and what is mended about others."""
    before = [f"{key.path}: {key.unsafe or 'public half not recorded'}\n" for key in mended]
    after = [f"{key.path}\n" for key in mended] + [f"{key.path}: RSA, {bits} bits\n" for key in missing]
    return {"before": "".join(before), "after": "".join(after)}


def run(params: dict[str, t.Any], store: KeyStore, check_mode: bool) -> dict[str, t.Any]:
    """Judge all keys, then make what is missing. ``params`` are the module's options in their normal form."""
    keys = [store.observe(domain, params["selector"]) for domain in params["domains"]]
    problems = _dkim_keys.judge(keys, params["shortest"])
    if problems:
        raise KeysError("\n".join([*problems, "Nothing was changed."]))
    missing = [key for key in keys if not key.exists]
    if missing and not check_mode and not _dkim_keys.CAN_MAKE_KEYS:
        raise KeysError(missing_required_lib("cryptography", reason="to make DKIM keys (Debian: python3-cryptography)"))
    mended = [key for key in keys if key.exists and (key.unsafe or key.recorded is None)]
    made: dict[str, KeyObservation] = {}
    if not check_mode:
        for key in mended:
            store.mend(key)
        made = {key.domain: store.make(key.domain, key.selector, params["bits"]) for key in missing}
    result: dict[str, t.Any] = {
        "changed": bool(missing or mended),
        "records": [dict(describe(made.get(key.domain, key), params["bits"]), created=not key.exists) for key in keys],
    }
    if result["changed"]:
        result["diff"] = diff_of(missing, mended, params["bits"])
    return result


def exit_with(module: AnsibleModule, result: dict[str, t.Any]) -> None:
    for line in result.get("diff", {}).get("before", "").splitlines():
        module.warn(f"{line}; this {'would be' if module.check_mode else 'was'} mended")
    module.exit_json(**result)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "default": "/etc/dkimkeys"},
            "domains": {"type": "list", "elements": "str", "required": True},
            "selector": {"type": "str", "required": True},
            "bits": {"type": "int", "choices": [2048, 3072, 4096], "default": 2048},
            "shortest": {"type": "int", "choices": [1024, 2048, 3072, 4096], "default": 2048},
            "owner": {"type": "str", "default": "opendkim"},
            "group": {"type": "str", "default": "opendkim"},
        },
        supports_check_mode=True,
    )
    params = dict(module.params)
    try:
        params["domains"], params["selector"] = names(params)
        store = KeyStore(params["directory"], owner_of(params, module.check_mode))
        if module.check_mode:
            exit_with(module, run(params, store, check_mode=True))
        with store.locked():
            result = run(params, store, check_mode=False)
    except (KeysError, OSError) as error:
        module.fail_json(msg=str(error))
    exit_with(module, result)


if __name__ == "__main__":
    main()

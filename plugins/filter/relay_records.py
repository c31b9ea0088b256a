# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter: the descriptions of all relays, and their public keys, to the records that they need in DNS."""

from __future__ import annotations

import base64
import re
import ssl
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display
from ansible_collections.mailops.relay.plugins.module_utils import _certificate, _record, _records
from ansible_collections.mailops.relay.plugins.plugin_utils._description import read_relays


def _check_keys(keys: t.Any) -> None:
    accepted = "Accepted: a list of items with name and value, such as records of dkim_keys."
    if not isinstance(keys, list):
        raise ValueError(f"keys is {type(keys).__name__}. {accepted}")
    for key in keys:
        if not isinstance(key, t.Mapping) or not isinstance(key.get("name"), str) or "value" not in key:
            raise ValueError(f"keys: {str(key)[:80]!r} has no name and value. {accepted}")
        if not isinstance(key["value"], (str, type(None))):
            raise ValueError(f"keys: {key['name']!r} has a value that is no text. {accepted}")


def _public_keys(certificates: t.Any) -> dict[str, bytes]:
    """Return the public key of each relay's certificate, the first one of its file."""
    accepted = "Accepted: a dictionary of certificates in PEM format, by the relays' host names."
    if not isinstance(certificates, t.Mapping) or not all(isinstance(text, str) for text in certificates.values()):
        raise ValueError(f"certificates is {type(certificates).__name__}. {accepted}")
    found = {}
    for name, text in certificates.items():
        try:
            first = text.partition("-----END CERTIFICATE-----")
            der = ssl.PEM_cert_to_DER_cert((first[0][first[0].index("-----BEGIN CERTIFICATE-----") :]) + first[1])
            found[str(name).lower()] = _certificate.read(der).spki
        except ValueError as error:
            raise ValueError(f"certificates: that of {name!r} cannot be read: {error}. {accepted}") from None
    return found


def _next_keys(texts: t.Any) -> dict[str, bytes]:
    """Return the public keys in PEM format (RFC 7468, 13)."""
    accepted = "Accepted: a dictionary of public keys in PEM format, by the relays' host names."
    if not isinstance(texts, t.Mapping) or not all(isinstance(text, str) for text in texts.values()):
        raise ValueError(f"next_keys is {type(texts).__name__}. {accepted}")
    found = {}
    for name, text in texts.items():
        match = re.search(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----", text)
        if not match:
            raise ValueError(f"next_keys: that of {name!r} is none. {accepted}")
        found[str(name).lower()] = base64.b64decode(match[1])
    return found


def relay_records(
    hosts: t.Any, hostvars: t.Any, keys: t.Any = None, certificates: t.Any = None, next_keys: t.Any = None
) -> list[dict[str, t.Any]]:
    """Return the record sets as the option ``records`` takes them."""
    try:
        _check_keys([] if keys is None else keys)
        public_keys = _public_keys({} if certificates is None else certificates)
        coming = _next_keys({} if next_keys is None else next_keys)
        relays = read_relays(hosts, hostvars)
        problems = _records.check([], keys or [])
        if problems:
            raise ValueError("\n".join(problems))
        records = _records.derive(relays, keys or [], public_keys, coming)
        missing = [] if keys is None else _records.missing_keys(relays, keys)
        unbound = [] if certificates is None else _records.missing_public_keys(relays, public_keys, coming)
    except ValueError as error:
        raise AnsibleFilterError(f"relay_records: {error}") from None
    if missing:
        Display().warning(f"relay_records: no public key is known for {', '.join(missing)}; their records are left out")
    if unbound:
        names = ", ".join(unbound)
        Display().warning(
            f"relay_records: no certificate, or no next key of it, is known of {names}; their TLSA records are left out"
        )
    return [_record.join(record) for record in records]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"relay_records": relay_records}

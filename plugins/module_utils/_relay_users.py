# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Who may log in and send, as whom and how much: ``relay_users``, ``relay_auth`` and ``relay_quotas``."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._values import (
    Description,
    Problems,
    check_ports,
    is_address,
    is_fqdn,
    is_mail_address,
    parse_network,
)

SUBMISSION = ("submission", "submissions")
"""Services that ask for a login (RFC 6409, RFC 8314)."""

LIMITS = ("messages_per_hour", "messages_per_day", "recipients_per_hour", "recipients_per_day", "burst")

# What is special in the tables that hold a login name: separators, patterns, quotes, the master user's asterisk.
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_HASH = re.compile(r"\{[A-Z0-9][A-Z0-9.-]*\}[\x21-\x39\x3b-\x7e]+")
_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_HOST_AND_PORT = re.compile(r"(?P<host>[^\s:\[\]]+|\[[0-9A-Fa-f:.]+\]):(?P<port>\d{1,5})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def has_source(values: Description) -> bool:
    """Whether there is anybody who can log in."""
    auth = values["relay_auth"]
    return bool(values["relay_users"] or auth["ldap"]["uris"] or auth["sql"]["hosts"])


def has_quota(values: Description) -> bool:
    """Whether anybody has a limit."""
    quotas = values["relay_quotas"]
    given = [quotas["user"], quotas["client"], *(user["quota"] for user in values["relay_users"])]
    return any(limits[name] for limits in given for name in LIMITS if name != "burst")


def check(values: Description) -> Problems:
    """Yield the problems of who may log in, as whom they send, and how much."""
    yield from _check_users(values)
    yield from _check_local_senders(values["relay_auth"]["local_senders"])
    yield from _check_ldap(values["relay_auth"]["ldap"])
    yield from _check_sql(values["relay_auth"]["sql"])
    yield from _check_ban(values["relay_auth"]["ban"])
    yield from _check_quotas(values)
    if has_source(values) and not set(values["relay_services"]) & set(SUBMISSION):
        yield (
            "relay_users: there are users, and no service at which they could log in."
            f" Accepted: {' or '.join(SUBMISSION)} in relay_services, or no users."
        )


def _check_sender(label: str, text: str) -> Problems:
    domain_is_one = text.startswith("@") and is_fqdn(text[1:])
    if not domain_is_one and not is_mail_address(text):
        yield f"{label}: {text!r} is no sender. Accepted: an address such as shop@example.com, or @example.com for all."


def _check_users(values: Description) -> Problems:
    seen = set()
    for user in values["relay_users"]:
        label = f"relay_users: {user['name']!r}"
        if not _LOGIN.fullmatch(user["name"]):
            yield f"{label} is no login name. Accepted: letters, digits and . _ @ + -, at most 128, such as shop."
        if user["name"].lower() in seen:
            yield f"{label} is listed twice. Accepted: each name once; upper and lower case are the same."
        seen.add(user["name"].lower())
        yield from _check_secret(label, user)
        for sender in user["senders"]:
            yield from _check_sender(f"{label}: senders", sender)


def _check_secret(label: str, user: t.Mapping[str, t.Any]) -> Problems:
    if (user["password"] is None) == (user["hash"] is None):
        yield f"{label} has {'neither' if user['hash'] is None else 'both'} password and hash. Accepted: one of them."
    if user["password"] is not None and (not user["password"] or _CONTROL.search(user["password"])):
        yield f"{label}: the password (not shown) is empty or has control characters. Accepted: any others."
    if user["hash"] is not None and not _HASH.fullmatch(user["hash"]):
        yield (
            f"{label}: the hash (not shown) has no scheme in front, or characters that no scheme has."
            " Accepted: what doveadm pw prints, such as {SHA512-CRYPT}$6$..."
        )


def _check_local_senders(local_senders: t.Mapping[str, t.Any]) -> Problems:
    for account, senders in local_senders.items():
        label = f"relay_auth.local_senders: {account!r}"
        if not _ACCOUNT.fullmatch(str(account)):
            yield f"{label} is no account. Accepted: the name of one on the host, such as www-data."
        if not isinstance(senders, list) or not all(isinstance(sender, str) for sender in senders):
            yield f"{label} has no list of senders. Accepted: a list such as [shop@example.com]."
            continue
        for sender in senders:
            yield from _check_sender(label, sender)


def _missing(variable: str, options: t.Mapping[str, t.Any], names: t.Iterable[str]) -> Problems:
    for name in names:
        if not options[name]:
            yield f"{variable}.{name}: it is not given. Accepted: a value, or no {variable}."
        elif _CONTROL.search(options[name]):
            yield f"{variable}.{name}: it has control characters, line breaks for instance. Accepted: one line."


def _check_ldap(ldap: t.Mapping[str, t.Any]) -> Problems:
    if not ldap["uris"]:
        return
    yield from _missing("relay_auth.ldap", ldap, ("base", "user_attribute", "sender_attribute", "filter"))
    if (ldap["bind_dn"] is None) != (ldap["bind_password"] is None):
        yield "relay_auth.ldap: there is a bind_dn or a bind_password without the other. Accepted: both, or neither."
    for uri in ldap["uris"]:
        scheme, separator, rest = uri.partition("://")
        host, colon, port = rest.rpartition(":") if re.search(r":\d+$", rest) else (rest, "", "")
        if scheme not in ("ldap", "ldaps") or not separator or not (is_fqdn(host) or is_address(host.strip("[]"))):
            yield f"relay_auth.ldap.uris: {uri!r} is no URI of a server. Accepted: such as ldaps://ds1.example.net."
        elif colon:
            yield from check_ports(f"relay_auth.ldap.uris: {uri!r}", [int(port)])
        if scheme == "ldap" and not ldap["start_tls"]:
            yield (
                f"relay_auth.ldap.uris: {uri!r} would get passwords in the clear. Accepted: start_tls: true, or an"
                " ldaps: URI."
            )


def _check_sql(sql: t.Mapping[str, t.Any]) -> Problems:
    if not sql["hosts"]:
        return
    yield from _missing("relay_auth.sql", sql, ("database", "user", "password", "password_query", "senders_query"))
    for host in sql["hosts"]:
        if not is_fqdn(host) and not is_address(host):
            yield f"relay_auth.sql.hosts: {host!r} is no host. Accepted: a name such as db.example.net, or an address."
    yield from check_ports("relay_auth.sql.port", [sql["port"]])
    for option, mark in (("password_query", "%u"), ("senders_query", "%s")):
        if sql[option] and mark not in sql[option]:
            yield f"relay_auth.sql.{option}: it asks for nobody. Accepted: a query with {mark}."


def _check_ban(ban: t.Mapping[str, t.Any]) -> Problems:
    if ban["attempts"] < 0:
        yield f"relay_auth.ban.attempts: {ban['attempts']} is too small. Accepted: 0 for no bans, or more."
    for option in ("window", "time"):
        if not 1 <= ban[option] <= 31536000:
            yield f"relay_auth.ban.{option}: {ban[option]} is no sensible time. Accepted: 1 second to a year."
    for text in ban["exempt"]:
        try:
            parse_network("relay_auth.ban.exempt", text)
        except ValueError as problem:
            yield str(problem)


def _check_quotas(values: Description) -> Problems:
    quotas = values["relay_quotas"]
    named = [("relay_quotas.user", quotas["user"]), ("relay_quotas.client", quotas["client"])]
    named += [(f"relay_users: {user['name']!r}: quota", user["quota"]) for user in values["relay_users"]]
    for label, limits in named:
        for name in LIMITS:
            if (limits[name] or 0) < 0:
                yield f"{label}.{name}: {limits[name]} is too small. Accepted: 0 for no limit, or more."
    for server in quotas["store"]["servers"]:
        found = _HOST_AND_PORT.fullmatch(server)
        host = found["host"].strip("[]") if found else ""
        if not found or not (is_fqdn(host) or is_address(host)):
            yield f"relay_quotas.store.servers: {server!r} is no server. Accepted: such as 10.20.0.5:6379."
        else:
            yield from check_ports(f"relay_quotas.store.servers: {server!r}", [int(found["port"])])
    if has_quota(values) and not quotas["store"]["servers"]:
        yield (
            "relay_quotas.store.servers: there are quotas, and nowhere to count. Accepted: the address of a Redis or"
            " Valkey server that all relays reach, or no quotas."
        )


def complete(values: Description) -> dict[str, t.Any]:
    """Return ``users``, ``auth`` and ``quotas`` as the roles read them.

    A source that is not given is None. ``auth.enabled`` says whether anybody can log in, ``quotas.enabled`` whether
    anybody has a limit. The quota of a user has what is not given for it from ``relay_quotas.user``.
    """
    auth, quotas = values["relay_auth"], values["relay_quotas"]
    return {
        "users": [
            {
                **user,
                "quota": {
                    name: quotas["user"][name] if user["quota"][name] is None else user["quota"][name]
                    for name in LIMITS
                },
            }
            for user in values["relay_users"]
        ],
        "auth": {
            **auth,
            "ldap": auth["ldap"] if auth["ldap"]["uris"] else None,
            "sql": auth["sql"] if auth["sql"]["hosts"] else None,
            "enabled": has_source(values),
        },
        "quotas": {**quotas, "enabled": has_quota(values)},
    }

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _relay_users

LIMITS = ("messages_per_hour", "messages_per_day", "recipients_per_hour", "recipients_per_day", "burst")
USER = {"name": "shop", "password": "hidden", "hash": None, "senders": [], "quota": dict.fromkeys(LIMITS)}
LDAP = {
    "uris": ["ldap://ds1.example.net", "ldaps://ds2.example.net:6360", "ldap://[2001:db8::1]:389"],
    "start_tls": True,
    "ca_file": None,
    "base": "ou=people,dc=example",
    "bind_dn": None,
    "bind_password": None,
    "user_attribute": "uid",
    "sender_attribute": "mail",
    "filter": "(objectClass=inetOrgPerson)",
}
SQL = {
    "hosts": ["db.example.net", "198.51.100.5"],
    "port": 5432,
    "database": "mail",
    "user": "relay",
    "password": "hidden",
    "tls": "verify-full",
    "ca_file": None,
    "password_query": "SELECT hash AS password FROM users WHERE name = '%u'",
    "senders_query": "SELECT name FROM senders WHERE sender = '%s'",
}
BAN = {"attempts": 10, "window": 600, "time": 3600, "exempt": ["198.51.100.0/24"]}
GOOD = {
    "relay_services": ["smtp", "submission"],
    "relay_users": [
        {**USER, "senders": ["shop@example.com", "@example.org", "o'neil+x@example.com"]},
        {**USER, "name": "anna@example.com", "password": None, "hash": "{SCRAM-SHA-256}4096,abc=,def=,ghi="},
    ],
    "relay_auth": {
        "from_header": False,
        "hide_client": True,
        "local_senders": {"www-data": ["shop@example.com", "@example.org"], "_apt": []},
        "ldap": LDAP,
        "sql": SQL,
        "ban": BAN,
    },
    "relay_quotas": {
        "user": {**dict.fromkeys(LIMITS, 0), "messages_per_hour": 100},
        "client": dict.fromkeys(LIMITS, 0),
        "store": {"servers": ["10.20.0.5:6379", "[2001:db8::5]:6379", "store.example.net:6379"], "password": None},
        "without_store": "accept",
    },
}


def described(variable="relay_auth", **changes):
    values = copy.deepcopy(GOOD)
    values[variable].update(changes)
    return values


def with_users(*users):
    return {**copy.deepcopy(GOOD), "relay_users": [{**USER, **user} for user in users]}


def problems(values):
    return list(_relay_users.check(values))


def test_a_good_description_has_no_problem():
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (with_users({"name": "a b"}), ["relay_users: 'a b' is no login name"]),
        (with_users({"name": "a:b"}), ["relay_users: 'a:b' is no login name"]),
        (with_users({"name": "a,b"}), ["relay_users: 'a,b' is no login name"]),
        (with_users({"name": "admin*shop"}), ["relay_users: 'admin*shop' is no login name"]),
        (with_users({"name": "shop\n"}), ["is no login name"]),
        (with_users({"name": ""}), ["relay_users: '' is no login name"]),
        (with_users({}, {"name": "SHOP"}), ["relay_users: 'SHOP' is listed twice"]),
        (with_users({"password": None}), ["relay_users: 'shop' has neither password and hash"]),
        (with_users({"hash": "{PLAIN}hidden"}), ["relay_users: 'shop' has both password and hash"]),
        (with_users({"password": ""}), ["the password (not shown) is empty"]),
        (with_users({"password": "hidden\n"}), ["the password (not shown) is empty or has control"]),
        (with_users({"password": None, "hash": "$6$hidden"}), ["the hash (not shown) has no scheme"]),
        (with_users({"password": None, "hash": "{CRYPT}hid:den"}), ["the hash (not shown) has no scheme"]),
        (with_users({"senders": ["shop"]}), ["senders: 'shop' is no sender"]),
        (with_users({"senders": ["@"]}), ["senders: '@' is no sender"]),
        (with_users({"senders": ["*@example.com"]}), []),
        (with_users({"senders": ["a b@example.com"]}), ["senders: 'a b@example.com' is no sender"]),
        (with_users({"quota": {**USER["quota"], "burst": -1}}), ["quota.burst: -1 is too small"]),
        (described(local_senders={"a b": []}), ["relay_auth.local_senders: 'a b' is no account"]),
        (described(local_senders={"www-data": "x@example.com"}), ["'www-data' has no list"]),
        (described(local_senders={"www-data": ["x"]}), ["'www-data': 'x' is no sender"]),
        (described(ldap={**LDAP, "base": None}), ["relay_auth.ldap.base: it is not given"]),
        (described(ldap={**LDAP, "filter": "(a=b)\n"}), ["relay_auth.ldap.filter: it has control characters"]),
        (described(ldap={**LDAP, "bind_dn": "cn=x"}), ["without the other"]),
        (described(ldap={**LDAP, "uris": ["ds1.example.net"]}), ["'ds1.example.net' is no URI"]),
        (described(ldap={**LDAP, "uris": ["ldap://ds1.example.net:99999"]}), ["99999 is not a TCP port"]),
        (described(ldap={**LDAP, "uris": ["ldaps://a b.example.net"]}), ["is no URI"]),
        (described(ldap={**LDAP, "uris": ["ldap://ds1.example.net"], "start_tls": False}), ["in the clear"]),
        (described(ldap={**LDAP, "uris": ["ldaps://ds1.example.net"], "start_tls": False}), []),
        (described(ldap={**LDAP, "uris": [], "base": None}), []),
        (described(sql={**SQL, "hosts": ["a b"]}), ["relay_auth.sql.hosts: 'a b' is no host"]),
        (described(sql={**SQL, "password": None}), ["relay_auth.sql.password: it is not given"]),
        (described(sql={**SQL, "password_query": "SELECT 1"}), ["relay_auth.sql.password_query: it asks for nobody"]),
        (described(sql={**SQL, "senders_query": "SELECT '%u'"}), ["relay_auth.sql.senders_query: it asks for nobody"]),
        (described(sql={**SQL, "hosts": [], "database": None}), []),
        (described(ban={**BAN, "attempts": -1}), ["relay_auth.ban.attempts: -1"]),
        (described(ban={**BAN, "window": 0}), ["relay_auth.ban.window: 0"]),
        (described(ban={**BAN, "exempt": ["10.0.0.1/8"]}), ["relay_auth.ban.exempt: '10.0.0.1/8' has host bits"]),
        (
            described("relay_quotas", store={"servers": ["10.0.0.1", "x y:1", "h.example:0"], "password": None}),
            ["'10.0.0.1' is no server", "'x y:1' is no server", "0 is not a TCP port"],
        ),
        (described("relay_quotas", store={"servers": [], "password": None}), ["nowhere to count"]),
        ({**GOOD, "relay_services": ["smtp"]}, ["no service at which they could log in"]),
    ],
)
def test_problems(values, texts):
    found = problems(values)
    assert len(found) == len(texts)
    for problem, text in zip(found, texts):
        assert text in problem
        assert "Accepted: " in problem
        assert "hidden" not in problem


def test_nobody_needs_no_service_and_no_store():
    nobody = {**described("relay_quotas", user=dict.fromkeys(LIMITS, 0)), "relay_users": [], "relay_services": ["smtp"]}
    nobody["relay_auth"].update(ldap={**LDAP, "uris": []}, sql={**SQL, "hosts": []})
    nobody["relay_quotas"]["store"]["servers"] = []
    assert problems(nobody) == []
    assert not _relay_users.has_source(nobody)
    assert not _relay_users.has_quota(nobody)
    completed = _relay_users.complete(nobody)
    assert completed["auth"]["ldap"] is None
    assert completed["auth"]["sql"] is None
    assert not completed["auth"]["enabled"]


def test_a_user_has_the_quota_of_all_but_for_what_is_its_own():
    values = with_users({"quota": {**USER["quota"], "recipients_per_day": 50, "messages_per_hour": 0}}, {"name": "b"})
    first, second = _relay_users.complete(values)["users"]
    assert first["quota"] == {**dict.fromkeys(LIMITS, 0), "recipients_per_day": 50}
    assert second["quota"] == {**dict.fromkeys(LIMITS, 0), "messages_per_hour": 100}


def test_a_quota_of_one_user_is_one():
    values = described("relay_quotas", user=dict.fromkeys(LIMITS, 0))
    assert not _relay_users.has_quota(values)
    values["relay_users"][0]["quota"]["burst"] = 5
    assert not _relay_users.has_quota(values)
    values["relay_users"][0]["quota"]["recipients_per_day"] = 5
    assert _relay_users.has_quota(values)

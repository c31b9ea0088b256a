# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dovecot, _scram

HASH = "{SHA512-CRYPT}$6$salt$hash"


def user(name: str, password: str | None = None, hash_: str | None = None) -> dict[str, str | None]:
    return {"name": name, "password": password, "hash": hash_}


def test_the_file_of_users() -> None:
    lines = _dovecot.users_file([user("Shop", "secret"), user("news", hash_=HASH)], "relay.example").splitlines()
    verifier = _scram.verifier("secret", _scram.salt_for("relay.example", "shop"))
    assert lines == [f"shop:{verifier}", f"news:{HASH}"]
    assert _dovecot.users_file([], "relay.example") == ""


def test_the_same_password_looks_different_for_each_user_and_relay() -> None:
    one = _dovecot.users_file([user("a", "secret"), user("b", "secret")], "relay1.example").splitlines()
    other = _dovecot.users_file([user("a", "secret")], "relay2.example").splitlines()
    assert len({line.partition(":")[2] for line in one + other}) == 3


def test_a_password_that_cannot_be_used_is_not_shown() -> None:
    with pytest.raises(ValueError, match=r"relay_users: 'shop': the password \(not shown\) cannot be used") as caught:
        _dovecot.users_file([user("shop", "se\u00a0cret")], "relay.example")
    assert "se\u00a0cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("hash_", "scheme"),
    [
        (HASH, "SHA512-CRYPT"),
        ("{ssha256.b64}abc", "SSHA256"),
        ("{SCRAM-SHA-256}4096,a,b,c", "SCRAM-SHA-256"),
        ("$6$salt$hash", ""),
        ("", ""),
    ],
)
def test_the_scheme_of_a_hash(hash_: str, scheme: str) -> None:
    assert _dovecot.scheme(hash_) == scheme


def test_the_schemes_of_a_file() -> None:
    assert _dovecot.schemes(f"# users\n\na:{HASH}\nb:{{PLAIN}}x\nc:x\n") == {"a": "SHA512-CRYPT", "b": "PLAIN", "c": ""}


@pytest.mark.parametrize(
    ("users", "other_sources", "scram"),
    [
        ([], False, True),
        ([], True, False),
        ([user("a", "secret")], False, True),
        ([user("a", "secret")], True, False),
        ([user("a", "secret"), user("b", hash_="{SCRAM-SHA-256}4096,a,b,c"), user("c", hash_="{PLAIN}x")], False, True),
        ([user("a", "secret"), user("b", hash_=HASH)], False, False),
    ],
)
def test_mechanisms(users: list[dict[str, str | None]], other_sources: bool, scram: bool) -> None:
    expected = ["PLAIN", "LOGIN", *(["SCRAM-SHA-256"] if scram else [])]
    assert _dovecot.mechanisms(users, other_sources) == expected


def test_what_the_server_offers() -> None:
    lines = ["VERSION\t1\t2", "MECH\tPLAIN\tplaintext", "MECH\tScram-SHA-256", "SPID\t1", "CUID\t1", "COOKIE\tx"]
    assert _dovecot.offered(lines) == ("PLAIN", "SCRAM-SHA-256")


@pytest.mark.parametrize("lines", [[], ["MECH\tPLAIN"], ["VERSION"], ["VERSION\t2\t0"], ["220 hello"]])
def test_another_protocol(lines: list[str]) -> None:
    with pytest.raises(_dovecot.ProtocolError, match="accepted: 1"):
        _dovecot.offered(lines)


def test_what_the_client_says() -> None:
    assert _dovecot.introduction(7) == "VERSION\t1\t1\nCPID\t7\n"
    assert _dovecot.plain_login(3, "u", "p") == "AUTH\t3\tPLAIN\tservice=smtp\tnologin\tsecured\tresp=AHUAcA==\n"


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ("OK\t3\tuser=u", _dovecot.ACCEPTED),
        ("FAIL\t3\tuser=u", _dovecot.REFUSED),
        ("FAIL\t3\tuser=u\tcode=authz", _dovecot.REFUSED),
        ("FAIL\t3\tuser=u\ttemp", _dovecot.TEMPORARY),
        ("FAIL\t3\tuser=u\tcode=temp_fail", _dovecot.TEMPORARY),
    ],
)
def test_verdicts(line: str, verdict: str) -> None:
    assert _dovecot.verdict(line, 3) == verdict


@pytest.mark.parametrize("line", ["", "OK", "OK\t4\tuser=u", "CONT\t3\t", "FAIL\t31"])
def test_no_verdict(line: str) -> None:
    with pytest.raises(_dovecot.ProtocolError, match="accepted: OK or FAIL"):
        _dovecot.verdict(line, 3)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _scram

# The exchange of RFC 7677 section 3.
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
MESSAGES = (
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)
PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
SIGNATURE = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def test_the_example_of_the_rfc() -> None:
    name, _brace, rest = _scram.verifier("pencil", SALT, 4096).partition("}")
    iterations, salt, stored, server = rest.split(",")
    assert (name, iterations, salt) == ("{SCRAM-SHA-256", "4096", base64.b64encode(SALT).decode())
    stored_key, server_key = base64.b64decode(stored), base64.b64decode(server)
    assert hmac.digest(server_key, MESSAGES.encode(), "sha256") == SIGNATURE
    client_signature = hmac.digest(stored_key, MESSAGES.encode(), "sha256")
    client_key = bytes(one ^ other for one, other in zip(PROOF, client_signature))
    assert hashlib.sha256(client_key).digest() == stored_key


def test_the_salt_follows_from_public_names() -> None:
    assert len(_scram.salt_for("relay.example", "shop")) == 16
    assert _scram.salt_for("relay.example", "shop") == _scram.salt_for("Relay.Example", "shop")
    others = [("relay2.example", "shop"), ("relay.example", "shop2"), ("relay.examples", "hop")]
    assert len({_scram.salt_for("relay.example", "shop"), *(_scram.salt_for(*other) for other in others)}) == 4


@pytest.mark.parametrize("password", ["u\u0308ber", "a\u00a0b", "a\u202eb", "\u2168"])
def test_a_password_with_two_forms_has_no_verifier(password: str) -> None:
    with pytest.raises(ValueError) as caught:
        _scram.verifier(password, SALT)
    assert password not in str(caught.value)


def test_a_password_in_its_prepared_form() -> None:
    assert _scram.verifier("\u00fcber", SALT).startswith("{SCRAM-SHA-256}4096,")

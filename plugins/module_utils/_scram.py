# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677), in Dovecot's spelling.

It serves the mechanisms PLAIN and LOGIN as well, where the server computes it from the password that it gets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from ansible_collections.mailops.relay.plugins.module_utils import _saslprep

SCHEME = "SCRAM-SHA-256"

ITERATIONS = 4096
"""The least that RFC 7677 section 4 asks for.

More would be paid for in each run, once for each user of each relay, and at each login with PLAIN or LOGIN, in the one
process that answers all of them. Who wants more gives a hash of another scheme instead of the password.
"""


def salt_for(hostname: str, name: str) -> bytes:
    """Return the salt of a user on a relay.

    It is the same in each run, so that a run without a change makes none. It is made of what is public alone: one made
    of the password would let guesses be tried without the cost of the iterations.
    """
    return hashlib.sha256(f"mailops.relay {SCHEME}\0{hostname.lower()}\0{name}".encode()).digest()[:16]


def verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """Return ``{SCRAM-SHA-256}iterations,salt,StoredKey,ServerKey``; raise ValueError, without the password.

    SCRAM compares passwords in their prepared form, and Dovecot compares those that come by PLAIN or LOGIN as they are.
    A password in another form could be right for one and wrong for the other, so there is none for it.
    """
    if _saslprep.prepare(password) != password:
        raise ValueError("its form is not the one that SASLprep makes of it (RFC 4013)")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"{{{SCHEME}}}{iterations},{','.join(parts)}"

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _record
from ansible_collections.mailops.relay.plugins.module_utils._dkim import KeyRecord
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=600, deadline=None)

KEY = b"public half"
P = base64.b64encode(KEY).decode()
ED25519 = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # RFC 8463, A.2

RECORDS = [
    (f"v=DKIM1; k=rsa; p={P}", KeyRecord(KEY)),
    (f"p={P}", KeyRecord(KEY)),
    (f"p={P};", KeyRecord(KEY)),
    (f"v = DKIM1 ; p\t=\r\n {P} ; ", KeyRecord(KEY)),
    (f"v=DKIM1; p={P[:4]} {P[4:8]}\r\n\t{P[8:]}", KeyRecord(KEY)),
    ("v=DKIM1; p=", KeyRecord(b"")),
    (f"v=DKIM1; h=sha256; p={P}", KeyRecord(KEY, h=("sha256",))),
    (f"v=DKIM1; h=sha1 : sha256; k=rsa; p={P}", KeyRecord(KEY, h=("sha1", "sha256"))),
    (f"v=DKIM1; t=y:s; s=email:*; p={P}", KeyRecord(KEY, t=("y", "s"), s=("email", "*"))),
    (f"v=DKIM1; t=; p={P}", KeyRecord(KEY)),
    (f"v=DKIM1; n=ask=20us=3B_now; p={P}", KeyRecord(KEY, n="ask us;_now")),
    (f"v=DKIM1; g=*; x=unknown; p={P}", KeyRecord(KEY)),
    (f"v=DKIM1; k=ed25519; p={ED25519}", KeyRecord(base64.b64decode(ED25519), k="ed25519")),
    (f"v=DKIM1; k=later; p={P}", KeyRecord(KEY, k="later")),
]

NOT_RECORDS = [
    ("", "not a tag"),
    ("v=DKIM1; k=rsa", "p, the public key, is missing"),
    (f"p={P}; v=DKIM1", "first"),
    (f"v=DKIM2; p={P}", "v=DKIM1"),
    (f"v=dkim1; p={P}", "v=DKIM1"),
    (f"v=DKIM1; p={P}; p={P}", "twice"),
    (f"v=DKIM1; p={P};; k=rsa", "not a tag"),
    (f"v=DKIM1; 1a=b; p={P}", "not a tag"),
    (f"v=DKIM1; k; p={P}", "not a tag"),
    ("v=DKIM1; p=a", "base64"),
    ("v=DKIM1; p=ab$=", "base64"),
    (f"v=DKIM1; n=\u00e4; p={P}", "printable ASCII"),
    (f"v=DKIM1; k=rsa:ed25519; p={P}", "one key type"),
    (f"v=DKIM1; h=; p={P}", "hyphenated-word"),
    (f"v=DKIM1; t=y:-; p={P}", "hyphenated-word"),
    (f"v=DKIM1; h=*; p={P}", "hyphenated-word"),
    (f"v=DKIM1; k=ed25519; p={P}", "32 octets"),
]

SELECTORS = ["a", "2026", "relay1-example-net", "march2005.reykjavik", "A" * 63]
NOT_SELECTORS = ["", "-a", "a-", "a..b", ".a", "a_b", "a/b", "..", "a b", "ä", "a" * 64, "a\n"]

DOMAINS = ["example.com", "xn--mgbh0fb.example", "a.b.c.d.example", "3com.example", "EXAMPLE.com"]
NOT_DOMAINS = [
    "",
    "localhost",
    "example.com.",
    "-a.example",
    "a_b.example",
    "*.example.com",
    "192.0.2.1",
    "a/../b.c",
    "\u00fc.example",
]


@pytest.mark.parametrize(("text", "record"), RECORDS)
def test_parse(text: str, record: KeyRecord) -> None:
    assert _dkim.parse(text) == record


@pytest.mark.parametrize("record", [record for _text, record in RECORDS])
def test_join_and_parse_are_inverses(record: KeyRecord) -> None:
    assert _dkim.parse(_dkim.join(record)) == record


@pytest.mark.parametrize("notes", ["a", "a b", " a ", "a;b=c", "Gr\u00fc\u00dfe an alle", "a  b", "=3B"])
def test_notes_survive(notes: str) -> None:
    record = KeyRecord(KEY, n=notes)
    assert _dkim.parse(_dkim.join(record)) == record


@pytest.mark.parametrize(("text", "message"), NOT_RECORDS)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _dkim.parse(text)


def test_what_a_record_says() -> None:
    assert _dkim.parse("v=DKIM1; p=").revoked
    assert not _dkim.parse(f"p={P}").revoked
    assert _dkim.parse(f"t=s:y; p={P}").testing
    assert not _dkim.parse(f"t=s; p={P}").testing


def test_the_plain_record_is_what_verifiers_know_best() -> None:
    assert _dkim.join(KeyRecord(KEY)) == f"v=DKIM1; k=rsa; p={P}"


@pytest.mark.parametrize("text", SELECTORS)
def test_selector(text: str) -> None:
    assert _dkim.selector(text) == text.lower()


@pytest.mark.parametrize("text", NOT_SELECTORS)
def test_selector_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a selector"):
        _dkim.selector(text)


@pytest.mark.parametrize("text", DOMAINS)
def test_domain(text: str) -> None:
    assert _dkim.domain(text) == text.lower()


@pytest.mark.parametrize("text", NOT_DOMAINS)
def test_domain_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="is not a domain"):
        _dkim.domain(text)


def test_record_name() -> None:
    assert _dkim.record_name("S1", "Example.com") == "s1._domainkey.example.com"
    with pytest.raises(ValueError, match="longer than 253"):
        _dkim.record_name("s" * 63, ".".join(["d" * 63] * 3))


TAGS = st.sampled_from(["v", "h", "k", "n", "p", "s", "t", "x", "g", "P", "1", ""])
VALUES = st.sampled_from(
    [
        *(
            "DKIM1",
            "rsa",
            "ed25519",
            "sha1:sha256",
            "sha1 : sha256",
            "*",
            "email:*",
            "y",
            "y:s",
            "",
            P,
            P[:-1],
            ED25519,
        ),
        *("a=20b", "=ZZ", "=FF=FE", "a b", "a\r\n b", " ", ":", "-", "a:", f"{P[:4]} \t{P[4:]}", "\u00e4"),
    ]
)
SPECS = st.builds(
    "{}{}{}".format, TAGS, st.sampled_from(["=", " = ", "", "=\t", "=\r\n "]), VALUES | st.text(max_size=5)
)


@QUICK
@given(st.text() | st.lists(SPECS, max_size=8).map(";".join) | st.lists(SPECS, max_size=6).map("; ".join))
def test_any_text_is_a_record_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        record = _dkim.parse(text)
        assert _dkim.parse(_dkim.join(record)) == record


@QUICK
@given(st.lists(st.binary(max_size=40), max_size=3))
def test_any_octets_are_a_record_or_a_value_error(strings: list[bytes]) -> None:
    with contextlib.suppress(ValueError):
        _dkim.parse(_record.txt_text([b"v=DKIM1; p=", *strings]))
    with contextlib.suppress(ValueError):
        _dkim.parse(_record.txt_text(strings))


WORDS = st.from_regex(r"[a-z](?:[a-z0-9-]{0,4}[a-z0-9])?", fullmatch=True)


@QUICK
@given(
    st.builds(
        KeyRecord,
        p=st.binary(max_size=400),
        h=st.lists(WORDS, max_size=3).map(tuple),
        s=st.lists(WORDS | st.just("*"), min_size=1, max_size=3).map(tuple),
        t=st.lists(WORDS, max_size=3).map(tuple),
        n=st.text(max_size=20),
    )
)
def test_what_is_written_is_read(record: KeyRecord) -> None:
    assert _dkim.parse(_dkim.join(record)) == record


@QUICK
@given(st.text(max_size=70), st.text(max_size=70))
def test_names_are_names_or_value_errors(selector: str, domain: str) -> None:
    with contextlib.suppress(ValueError):
        name = _dkim.record_name(selector, domain)
        assert name == _record.owner(name)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _opendkim
from ansible_collections.mailops.relay.plugins.module_utils._opendkim import InetSocket, KeyEntry, UnixSocket

KEYS = {
    "a": KeyEntry("a", "a.example", "s1", "/keys/a"),
    "b": KeyEntry("b", "b.example", "s1", "/keys/b"),
}


def test_the_last_setting_of_a_name_counts() -> None:
    text = "Mode sv # both\n\n# Mode v\nSocket\tlocal:/a b\nmode s\nBare\n"
    assert _opendkim.settings(text) == {"mode": "s", "socket": "local:/a b"}


def test_only_whole_paths_are_replaced() -> None:
    paths = {"/etc/keys": "/new/keys", "/etc/keys.conf": "/new/keys.conf"}
    text = "a file:/etc/keys\nb /etc/keys.conf c /etc/keys/x /my/etc/keys /etc/keys2 (/etc/keys)"
    assert _opendkim.with_paths(text, paths) == (
        "a file:/new/keys\nb /new/keys.conf c /etc/keys/x /my/etc/keys /etc/keys2 (/new/keys)"
    )
    assert _opendkim.with_paths(text, {}) == text


@pytest.mark.parametrize(
    ("complaint", "quoted"),
    [
        ("x: configuration error at line 2: unrecognized parameter", ": 'Mdoe s'"),
        ("x: configuration error at line 9: unrecognized parameter", ""),
        ("x: configuration error at line 0: unreadable", ""),
        ("x: unknown mode", ""),
    ],
)
def test_a_complaint_shows_its_line(complaint: str, quoted: str) -> None:
    assert _opendkim.quoting(complaint, "Syslog yes\n  Mdoe s\n") == complaint + quoted


@pytest.mark.parametrize(
    ("dataset", "path"),
    [
        ("file:/etc/x", "/etc/x"),
        ("refile:/etc/x", "/etc/x"),
        ("/etc/x", "/etc/x"),
        ("csl:a,b", None),
        ("a,b", None),
        ("", None),
    ],
)
def test_file_of_a_dataset(dataset: str, path: str | None) -> None:
    assert _opendkim.file_of(dataset) == path


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("local:/run/x.sock", UnixSocket("/run/x.sock")),
        ("unix:/run/x.sock", UnixSocket("/run/x.sock")),
        ("/run/x.sock", UnixSocket("/run/x.sock")),
        ("inet:8891@localhost", InetSocket("localhost", 8891)),
        ("inet:8891", InetSocket("localhost", 8891)),
        ("inet6:8891@[::1]", InetSocket("::1", 8891)),
    ],
)
def test_socket_address(text: str, address: object) -> None:
    assert _opendkim.socket_address(text) == address


@pytest.mark.parametrize("text", ["", "xx:/run/x", "local:x", "inet:localhost", "inet:@8891"])
def test_socket_address_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="accepted: local:/path"):
        _opendkim.socket_address(text)


def test_key_table() -> None:
    text = "# keys\na a.example:s1:/keys/a # first\n\nb\tb.example:s1:/keys/b\nc %:s2:MIIE\n"
    assert _opendkim.key_table(text) == {**KEYS, "c": KeyEntry("c", "%", "s2", "MIIE")}
    assert (KEYS["a"].path, KeyEntry("c", "%", "s2", "MIIE").path) == ("/keys/a", None)


@pytest.mark.parametrize("line", ["a", "a a.example", "a a.example:s1", "a a.example::/keys/a", "a :s1:/x"])
def test_key_table_refuses(line: str) -> None:
    with pytest.raises(ValueError, match=r"KeyTable, line 2: .*accepted: name domain:selector:/path"):
        _opendkim.key_table(f"# keys\n{line}\n")


def test_signing_table() -> None:
    text = "# who\na.example a\n.a.example a\n*@b.example b:user\n"
    assert _opendkim.signing_table(text) == [("a.example", "a"), (".a.example", "a"), ("*@b.example", "b")]
    with pytest.raises(ValueError, match="SigningTable, line 1"):
        _opendkim.signing_table("a.example\n")


@pytest.mark.parametrize(
    ("signing", "problems"),
    [
        ([("a.example", "a"), (".a.example", "a")], 0),
        ([("*", "%")], 0),
        ([("a.example", "x"), ("b.example", "y")], 2),
    ],
)
def test_each_target_has_a_key(signing: list[tuple[str, str]], problems: int) -> None:
    found = _opendkim.dangling(KEYS, signing)
    assert len(found) == problems
    assert all("accepted: a, b" in problem for problem in found)


def test_one_sender_is_probed_for_each_key() -> None:
    signing = [("a.example", "a"), (".a.example", "a"), ("user@b.example", "b"), ("*", "a"), ("x.example", "none")]
    assert _opendkim.probe_senders(KEYS, signing) == {"a.example": KEYS["a"], "b.example": KEYS["b"]}

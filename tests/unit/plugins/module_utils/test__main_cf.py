# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _main_cf

TEXT = """\
# A comment

myhostname = relay1.example.com
mynetworks = 10.0.0.0/8,
    # a comment inside
    [2001:db8::]/32

  # an indented comment
relayhost =
smtpd_tls_chain_files=/a , /b
"""


def settings(text):
    return {block.name: block.value for block in _main_cf.parse(text) if block.name}


@pytest.mark.parametrize("text", [TEXT, "", "\n", "a = b", "# only", "a = b\n\n\nc = d\n", TEXT.replace("\n", "\r\n")])
def test_join_is_the_inverse_of_parse(text):
    assert _main_cf.join(_main_cf.parse(text)) == text


def test_parse():
    assert settings(TEXT)["myhostname"] == "relay1.example.com"
    assert settings(TEXT)["relayhost"] == ""
    assert settings(TEXT)["smtpd_tls_chain_files"] == "/a , /b"
    assert settings(TEXT)["mynetworks"] == "10.0.0.0/8, [2001:db8::]/32"
    assert [block.line for block in _main_cf.parse(TEXT) if block.name] == [3, 4, 9, 10]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("this is no line\n", "line 1: 'this is no line' is not of the form 'name = value'"),
        ("a = b\n= c\n", "line 2: '= c' is not of the form"),
        ("# x\n  a = b\n", "line 2: 'a = b' continues nothing"),
        ("a b = c", "line 1: 'a b = c' is not"),
    ],
)
def test_parse_refuses(text, message):
    with pytest.raises(ValueError, match=message):
        _main_cf.parse(text)


def test_without_takes_continuation_lines_along_and_leaves_comments():
    assert settings(_main_cf.without(TEXT, {"mynetworks"})).keys() == {
        "myhostname",
        "relayhost",
        "smtpd_tls_chain_files",
    }
    assert "# A comment" in _main_cf.without(TEXT, {"myhostname"})
    assert "2001:db8" not in _main_cf.without(TEXT, {"mynetworks"})


def test_override_sets_each_parameter_once():
    text = _main_cf.override(TEXT, "relayhost = [smtp.example.net]\nnew = 1")
    assert text.count("relayhost") == 1
    assert text.endswith("\n\nrelayhost = [smtp.example.net]\nnew = 1\n")
    assert settings(text)["relayhost"] == "[smtp.example.net]"


@pytest.mark.parametrize("extra", ["", "\n", "  \n"])
def test_override_with_nothing(extra):
    assert _main_cf.override(TEXT, extra) == TEXT


@pytest.mark.parametrize(
    ("value", "tables"),
    [
        ("hash:/etc/aliases", ["hash:/etc/aliases"]),
        ("texthash:/a, cidr:/b regexp:/c", ["texthash:/a", "cidr:/b", "regexp:/c"]),
        ("proxy:hash:/a", ["hash:/a"]),
        ("check_client_access inline:{a=b, c=d}, reject", ["inline:{a=b, c=d}"]),
        ("static:anyone", []),
        ("unix:opendkim/opendkim.sock", []),
        ("mysql:/etc/a", []),
        ("", []),
    ],
)
def test_tables(value, tables):
    assert _main_cf.tables(value) == tables

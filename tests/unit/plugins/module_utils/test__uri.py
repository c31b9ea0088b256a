# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _uri
from ansible_collections.mailops.relay.plugins.module_utils._uri import Uri
from hypothesis import given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=200, deadline=None, database=None)

# Text, scheme, host, address. The first ones are the examples of RFC 3986, 1.1.2.
URIS = [
    ("ftp://ftp.is.co.za/rfc/rfc1808.txt", "ftp", "ftp.is.co.za", ""),
    ("http://www.ietf.org/rfc/rfc2396.txt", "http", "www.ietf.org", ""),
    ("ldap://[2001:db8::7]/c=GB?objectClass?one", "ldap", "2001:db8::7", ""),
    ("mailto:John.Doe@example.com", "mailto", "example.com", "John.Doe@example.com"),
    ("news:comp.infosystems.www.servers.unix", "news", "", ""),
    ("tel:+1-816-555-1212", "tel", "", ""),
    ("telnet://192.0.2.16:80/", "telnet", "192.0.2.16", ""),
    ("urn:oasis:names:specification:docbook:dtd:xml:4.1.2", "urn", "", ""),
    ("HTTPS://User:x@Reports.Example.com:8443/v1?a=b#c", "https", "reports.example.com", ""),
    ("https://localhost/", "https", "localhost", ""),
    ("mailto:gorby%25kremvax@example.com", "mailto", "example.com", "gorby%kremvax@example.com"),
    ("mailto:unlikely%3Faddress@example.com", "mailto", "example.com", "unlikely?address@example.com"),
    ("mailto:chris@example.com?subject=report", "mailto", "example.com", "chris@example.com"),
    ("mailto:a%21b@EXAMPLE.com", "mailto", "example.com", "a!b@example.com"),
    ("file:///etc/hosts", "file", "", ""),
]
NOT_URIS = [
    pytest.param("", "is not a URI", id="empty"),
    pytest.param("reports@example.com", "is not a URI", id="3.1: no scheme"),
    pytest.param("//example.com/", "is not a URI", id="4.2: relative"),
    pytest.param("1a:b", "is not a URI", id="3.1: scheme starts with a digit"),
    pytest.param("https://example.com/a b", "is not a URI", id="2: space"),
    pytest.param("https://example.com/%zz", "is not a URI", id="2.1: percent without digits"),
    pytest.param("https://example.com/\u00e4", "is not a URI", id="2: not ASCII"),
    pytest.param("https://example.com/#a#b", "is not a URI", id="3.5: two fragments"),
    pytest.param("foo://a:b:c/", "is not a URI", id="3.2.3: port"),
    pytest.param("https://[::1", "is not a URI", id="3.2.2: bracket"),
    pytest.param("https://[1::2::3]/", "has no host", id="3.2.2: IPv6"),
    pytest.param("https://1.2.3.400/", "has no host", id="3.2.2: IPv4"),
    pytest.param("https://a_b.example/", "has no host", id="3.2.2: host name"),
    pytest.param("https:///reports", "has no host", id="RFC 9110 4.2: https without a host"),
    pytest.param("https:reports", "has no host", id="RFC 9110 4.2: https without an authority"),
    pytest.param("mailto:", "holds no address", id="RFC 6068 2: nobody"),
    pytest.param("mailto:example.com", "holds no address", id="RFC 6068 2: no at sign"),
    pytest.param("mailto:@example.com", "holds no address", id="RFC 6068 2: no local part"),
    pytest.param("mailto:a@b", "holds no address", id="RFC 6068 2: one label"),
    pytest.param("mailto:a@b.example,c@d.example", "holds no address", id="RFC 6068 2: two addresses"),
    pytest.param("mailto:a@192.0.2.1", "holds no address", id="RFC 6068 2: address of a host"),
    pytest.param("mailto:a..b@example.com", "holds no address", id="RFC 5322 3.2.3: dot-atom"),
    pytest.param("mailto://a@example.com", "holds no address", id="RFC 6068 2: authority"),
    pytest.param("mailto:%ff@example.com", "holds no address", id="RFC 6068 2: not UTF-8"),
]


@pytest.mark.parametrize(("text", "scheme", "host", "address"), URIS)
def test_parse(text: str, scheme: str, host: str, address: str) -> None:
    uri = _uri.parse(text)
    assert uri == Uri(text, scheme, host, address)
    assert _uri.join(uri) == text


@pytest.mark.parametrize(("text", "message"), NOT_URIS)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _uri.parse(text)


def test_join_refuses_what_contradicts_itself() -> None:
    with pytest.raises(ValueError, match="does not have the scheme"):
        _uri.join(Uri("https://example.com/", "mailto"))


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("postmaster@example.com", "mailto:postmaster@example.com"),
        ("a!b@example.com", "mailto:a%21b@example.com"),
        ("a/b%c=d?e@example.com", "mailto:a%2Fb%25c%3Dd%3Fe@example.com"),
    ],
)
def test_mailto(address: str, text: str) -> None:
    uri = _uri.mailto(address)
    assert (uri.text, uri.address) == (text, address)


def test_mailto_refuses() -> None:
    with pytest.raises(ValueError, match="holds no address"):
        _uri.mailto("postmaster")


@QUICK
@given(
    st.text()
    | st.lists(
        st.sampled_from(
            ["https:", "mailto:", "/", "//", "@", ":", "a", "example.com", "[", "]", "::1", "%41", "%", "?"]
        )
    ).map("".join)
)
def test_any_text_is_a_uri_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        uri = _uri.parse(text)
        assert _uri.parse(_uri.join(uri)) == uri


@pytest.mark.parametrize(
    "text", ["a:" + "a:" * 20000 + " ", "https://" + "a:" * 20000 + "\x00", "x:" + "%41" * 20000 + "%"]
)
def test_long_texts_take_no_long_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a URI"):
        _uri.parse(text)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters by which the playbooks publish and ask."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.dkim_publication import dkim_publication
from ansible_collections.mailops.relay.plugins.filter.records_to_mend import records_to_mend
from ansible_collections.mailops.relay.plugins.filter.relay_publication import relay_publication
from ansible_collections.mailops.relay.plugins.filter.relay_questions import relay_questions

KEY = "v=DKIM1; k=rsa; p=QUJD"
RECORD = {"name": "relay1.example.com", "type": "A", "values": ["192.0.2.25"]}
HOSTVARS: dict[str, dict[str, t.Any]] = {
    "one": {
        "relay_hostname": "relay1.example.com",
        "relay_addresses": ["192.0.2.25"],
        "relay_postmaster": "mailops@example.org",
        "relay_domains": [{"name": "example.org"}],
        "relay_dns": {
            "primaries": [
                {"server": "ns1.example.net", "zones": ["example.com"], "key_name": "k", "key_secret": "c2Vj"}
            ]
        },
    }
}


def test_what_goes_where() -> None:
    found = relay_publication(["one"], HOSTVARS, [RECORD, {**RECORD, "name": "example.org"}])
    (primary,) = found["primaries"]
    assert (primary["server"], primary["port"], primary["key_algorithm"]) == ("ns1.example.net", 53, "hmac-sha256")
    assert primary["records"] == [RECORD]
    assert [item["name"] for item in found["elsewhere"]["records"]] == ["example.org"]


@pytest.mark.parametrize("records", [None, "x", [5], [{"name": 5}]])
def test_records_that_are_none(records: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"relay_publication: records is no list of records\. Accepted: "):
        relay_publication(["one"], HOSTVARS, records)


def test_the_secret_is_in_no_error() -> None:
    primary = {**HOSTVARS["one"]["relay_dns"]["primaries"][0], "key_secret": "hidden!", "port": 0}
    wrong = {"one": {**HOSTVARS["one"], "relay_dns": {"primaries": [primary]}}}
    with pytest.raises(AnsibleFilterError, match="2 problems") as caught:
        relay_publication(["one"], wrong, [])
    assert "hidden" not in str(caught.value)


def test_questions() -> None:
    found = relay_questions(["one"], HOSTVARS)
    assert found["senders"] == [
        {
            "helo": "relay1.example.com",
            "addresses": ["192.0.2.25"],
            "mail_from": ["example.org"],
            "dkim": ["example.org", "relay1.example.com"],
        }
    ]
    assert found["verify"]["report"] == os.path.join(os.getcwd(), "relay-report")
    with pytest.raises(AnsibleFilterError, match="relay_questions: "):
        relay_questions(["two"], HOSTVARS)


def test_keys() -> None:
    keys = [
        {"name": "a._domainkey.example.org", "value": KEY, "state": "current"},
        {"name": "b._domainkey.example.org", "value": "v=DKIM1; k=rsa; p=", "state": "revoked"},
        {"name": "c._domainkey.example.org", "value": None, "state": "removed"},
    ]
    found = dkim_publication(keys, 60)
    assert [(record["name"][0], record["ttl"]) for record in found["records"]] == [("a", 60), ("b", 60)]
    assert [record["name"][0] for record in found["questions"]] == ["a", "b", "c"]
    assert found["remove"] == [{"name": "c._domainkey.example.org", "type": "TXT"}]
    assert found["confirm_loss"] == ["b._domainkey.example.org"]


@pytest.mark.parametrize("keys", [5, ["x"], [{}], [{"name": "a.test", "value": "p"}]])
def test_keys_that_are_none(keys: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"dkim_publication: .*Accepted: "):
        dkim_publication(keys)


def test_records_to_mend() -> None:
    wrong = {"subject": "relay1.example.com A", "remedy": "Publish: relay1.example.com. 3600 IN A 192.0.2.25"}
    assert records_to_mend([RECORD], [wrong]) == [RECORD]
    assert records_to_mend([RECORD], [{**wrong, "subject": "relay1.example.com TXT"}]) == []
    for wrong in (5, [{}], [{"x": 1}]):
        with pytest.raises(AnsibleFilterError, match=r"records_to_mend: .*Accepted: "):
            records_to_mend(wrong, [{"subject": "x"}])

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.zone_file import FilterModule

zone_file = FilterModule().filters()["zone_file"]


def record(rdtype="TXT", values=("x",), **changes):
    return {"name": "Example.org", "type": rdtype, "values": list(values), **changes}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (
            record("A", ["192.0.2.1", "192.0.2.2"]),
            "example.org. 3600 IN A 192.0.2.1\nexample.org. 3600 IN A 192.0.2.2\n",
        ),
        (record("MX", ["10 mail.example.org"], ttl=60), "example.org. 60 IN MX 10 mail.example.org.\n"),
        (record("CAA", ['0 issue "ca.example"']), 'example.org. 3600 IN CAA 0 issue "ca.example"\n'),
        (record(values=["v=spf1 -all"]), 'example.org. 3600 IN TXT "v=spf1 -all"\n'),
        (record(values=[""]), 'example.org. 3600 IN TXT ""\n'),
        (record(values=["x" * 256]), f'example.org. 3600 IN TXT "{"x" * 255}" "x"\n'),
        (record(values=['a"b\\c;\n\u00fc']), 'example.org. 3600 IN TXT "a\\"b\\\\c;\\010\\195\\188"\n'),
        (
            record(reason="why\n this", grade="optional"),
            '; optional: why this\nexample.org. 3600 IN TXT "x"\n',
        ),
        (record(name="*.example.org"), '*.example.org. 3600 IN TXT "x"\n'),
    ],
)
def test_lines(item, expected):
    assert zone_file([item]) == expected


def test_without_comments():
    assert zone_file([record(reason="why")], comments=False) == 'example.org. 3600 IN TXT "x"\n'


def test_nothing():
    assert zone_file([]) == ""


@pytest.mark.parametrize(
    ("records", "text"),
    [
        ({}, "its input is dict. Accepted: a list"),
        (["x"], "an item is str. Accepted: records with name, type and values."),
        ([{"name": "a.example"}], "the record 'a.example' has type: None. Accepted: text."),
        ([record(ttl="60")], "the record 'Example.org' has ttl: '60'. Accepted: a number."),
        ([record(values=[1])], "the record 'Example.org' has the value 1. Accepted: text."),
        ([record(values=[])], "has 0 values"),
        ([record("A")], "the record 'Example.org' A: 'x' is not the value of a record of type A"),
        ([record("NS")], "'NS' is not a type of record that is known here"),
        ([record(), record()], "'example.org' TXT is listed twice"),
        ([record(), record("CNAME", ["a.example"])], "has a CNAME beside TXT"),
    ],
)
def test_errors_name_the_record(records, text):
    with pytest.raises(AnsibleFilterError) as caught:
        zone_file(records)
    assert str(caught.value).startswith("zone_file: ")
    assert text in str(caught.value)

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.relay.plugins.filter.records_table import FilterModule

records_table = FilterModule().filters()["records_table"]

LONG = "v=DKIM1; k=rsa; p=" + "A" * 700


def record(name="mail.example.org", rdtype="TXT", values=("x",), **changes):
    return {"name": name, "type": rdtype, "values": list(values), **changes}


RECORDS = [
    record("example.org", "MX", ["10 mail.example.org", "100 b.example.net"]),
    record("_submission._tcp.example.org", "SRV", ["0 1 587 mail.example.org"], ttl=60, grade="optional"),
    record("s1._domainkey.Example.org", "TXT", [LONG], reason="not shown"),
    record("12.2.0.192.in-addr.arpa", "PTR", ["mail.example.org"]),
]


def test_all_records_with_full_names():
    assert records_table(RECORDS) == (
        "grade     name                           type  ttl   priority  value\n"
        "required  example.org.                   MX    3600  10        mail.example.org.\n"
        "required  example.org.                   MX    3600  100       b.example.net.\n"
        "optional  _submission._tcp.example.org.  SRV   60    0         1 587 mail.example.org.\n"
        f"required  s1._domainkey.example.org.     TXT   3600            {LONG}\n"
        "required  12.2.0.192.in-addr.arpa.       PTR   3600            mail.example.org.\n"
    )


@pytest.mark.parametrize("zone", ["example.org", "Example.ORG."])
def test_the_records_of_a_zone_with_relative_names(zone):
    assert records_table(RECORDS, zone=zone) == (
        "grade     name              type  ttl   priority  value\n"
        "required  @                 MX    3600  10        mail.example.org.\n"
        "required  @                 MX    3600  100       b.example.net.\n"
        "optional  _submission._tcp  SRV   60    0         1 587 mail.example.org.\n"
        f"required  s1._domainkey     TXT   3600            {LONG}\n"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", '""'),
        ("a\nb", '"a\\010b"'),
        ('say "x" \\', 'say "x" \\'),
        ("\u00fc", "\u00fc"),
        ("\u202e", '"\\226\\128\\174"'),
    ],
)
def test_what_would_break_a_line_is_quoted(value, shown):
    assert records_table([record(values=[value])]).splitlines()[1].split("3600", 1)[1].lstrip() == shown


def test_nothing():
    assert records_table([]) == "grade  name  type  ttl  priority  value\n"


@pytest.mark.parametrize(
    ("records", "zone", "text"),
    [
        ({}, None, "its input is dict. Accepted: a list"),
        ([record("a..b")], None, "the record 'a..b' TXT"),
        ([record()], "example.net", "zone: no record has a name in 'example.net'. Accepted: "),
        ([record("badexample.org")], "example.org", "zone: no record has a name in 'example.org'"),
        ([record()], "a..b", "'a..b' is not a domain name"),
        ([record()], 7, "zone is 7. Accepted: text."),
    ],
)
def test_errors_are_readable(records, zone, text):
    with pytest.raises(AnsibleFilterError) as caught:
        records_table(records, zone)
    assert str(caught.value).startswith("records_table: ")
    assert text in str(caught.value)

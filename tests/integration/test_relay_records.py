# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters in playbooks: variables of other hosts are templated, --limit changes no record, errors are readable."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import dns.rdatatype
import dns.zonefile
import pytest

# Variables depend on one another, on the group, and on the name of the host, as in inventories that people have.
INVENTORY = """
all:
  vars:
    site: lab.test
relays:
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    network: 198.51.100
    relay_hostname: "{{ inventory_hostname }}.{{ site }}"
    relay_addresses: ["{{ network }}.{{ number }}", "2001:db8:51::{{ number }}"]
    relay_postmaster: "postmaster@{{ site }}"
    relay_services: [smtp, submission]
    relay_domains:
      - name: alpha.test
        spf:
          terms: ["include:_spf.{{ site }}"]
          all: fail
        dmarc:
          rua: [dmarc@beta.test]
        srv: true
      - name: beta.test
    relay_dns:
      caa: ['0 issue "ca.example.net"']
  hosts:
    relay1: {number: 12}
    relay2: {number: 13}
"""
PLAYBOOK = """
- hosts: relays
  gather_facts: false
  tasks:
    - name: What dkim_keys returns
      ansible.builtin.set_fact:
        dkim: {records: [{name: "{{ name }}", value: "v=DKIM1; k=rsa; p={{ ('x' * 294) | b64encode }}"}]}
      vars:
        name: "{{ inventory_hostname }}-lab-test._domainkey.alpha.test"
- hosts: localhost
  gather_facts: false
  vars:
    keys: "{{ groups['relays'] | map('extract', hostvars, ['dkim', 'records']) | flatten }}"
    records: "{{ groups['relays'] | mailops.relay.relay_records(hostvars, keys) }}"
  tasks:
    - ansible.builtin.copy:
        content: "{{ {'records': records, 'zone': records | mailops.relay.zone_file} | to_json }}"
        dest: "{{ output }}"
        mode: "0600"
"""
LIMITED = """
- hosts: relays
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        content: "{{ {'records': groups['relays'] | mailops.relay.relay_records(hostvars)} | to_json }}"
        dest: "{{ output }}"
        mode: "0600"
"""


class Play:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        (folder / "hosts.yml").write_text(INVENTORY)

    def run(self, playbook: str, *options: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "play.yml").write_text(playbook)
        command = [
            "ansible-playbook",
            "-i",
            "hosts.yml",
            "-e",
            f"output={self.folder}/output.json",
            *options,
            "play.yml",
        ]
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "false", "COLUMNS": "1000"},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )

    def output(self, playbook: str, *options: str) -> dict:
        played = self.run(playbook, *options)
        assert played.returncode == 0, played.stdout + played.stderr
        return json.loads((self.folder / "output.json").read_text())


@pytest.fixture(name="play")
def _play(tmp_path):
    return Play(tmp_path)


def values(output: dict) -> dict[tuple[str, str], list[str]]:
    return {(record["name"], record["type"]): record["values"] for record in output["records"]}


SPF = "v=spf1 ip4:198.51.100.12 ip4:198.51.100.13 ip6:2001:db8:51::12 ip6:2001:db8:51::13 include:_spf.lab.test -all"


def test_all_records_and_their_zone_file(play):
    output = play.output(PLAYBOOK)
    records = values(output)
    assert records["alpha.test", "TXT"] == [SPF]
    assert records["relay2.lab.test", "A"] == ["198.51.100.13"]
    assert records["13.100.51.198.in-addr.arpa", "PTR"] == ["relay2.lab.test."]
    assert records["_submission._tcp.alpha.test", "SRV"] == ["0 1 587 relay1.lab.test.", "0 1 587 relay2.lab.test."]
    assert records["alpha.test._report._dmarc.beta.test", "TXT"] == ["v=DMARC1"]
    assert {name for name, _type in records if "_domainkey" in name} == {
        "relay1-lab-test._domainkey.alpha.test",
        "relay2-lab-test._domainkey.alpha.test",
    }
    # A program of others reads the lines, and finds the same: long keys were split, and are whole.
    read = dns.zonefile.read_rrsets(output["zone"], origin=".", relativize=False, rdclass=None, default_ttl=None)
    found = {}
    for rrset in read:
        if rrset.rdtype == dns.rdatatype.TXT:
            assert all(len(string) <= 255 for rdata in rrset for string in rdata.strings)
            texts = [b"".join(rdata.strings).decode() for rdata in rrset]
        else:
            texts = [rdata.to_text() for rdata in rrset]
        found[rrset.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(rrset.rdtype)] = sorted(texts)
        assert rrset.ttl == 3600
    assert found == {key: sorted(texts) for key, texts in records.items()}


def test_keys_that_are_not_known_are_named(play):
    played = play.run(PLAYBOOK)
    assert "no public key is known for relay1-lab-test._domainkey.beta.test, " in played.stdout + played.stderr


def test_limit_drops_no_address(play):
    everywhere = play.output(LIMITED)
    limited = play.output(LIMITED, "--limit", "relay2")
    assert limited == everywhere
    assert values(limited)["alpha.test", "TXT"] == [SPF]


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("relay_addresses", "[198.51.100.300]", "- relay_addresses: '198.51.100.300' is not an IP address. Accepted: "),
        ("relay_hostnam", "x.lab.test", "- relay_hostnam: no such variable"),
        ("relay_hostname", "'{{ nowhere }}.lab.test'", "- relay_hostname: 'nowhere' is undefined. Accepted: "),
        (
            "relay_domains",
            "[{name: alpha.test, spf: {terms: [all]}}]",
            "- relay_domains: 'alpha.test': spf: 'all' would",
        ),
    ],
)
def test_errors_of_a_host_outside_of_the_limit(play, variable, value, text):
    hosts = INVENTORY.replace("{number: 13}", f"{{number: 13, {variable}: {value}}}")
    (play.folder / "hosts.yml").write_text(hosts)
    played = play.run(LIMITED, "--limit", "relay1")
    shown = played.stdout + played.stderr
    assert played.returncode == 2
    assert "relay_records: The description of relay2 has 1 problem" in shown
    assert text in shown
    assert "Traceback" not in shown

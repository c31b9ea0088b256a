# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mailops.relay.plugins.plugin_utils import _description
from ansible_collections.mailops.relay.plugins.plugin_utils._description import DescriptionError

# Nothing but what is required, and several items of each list.
LEAST = {
    "relay_hostname": "relay1.example.net",
    "relay_addresses": ["192.0.2.1"],
    "relay_postmaster": "mailops@example.org",
    "relay_domains": [{"name": f"d{number}.example"} for number in range(3)],
    "relay_next_hops": [{"host": f"smtp{number}.example"} for number in range(3)],
}


def read(**changes):
    given = {**copy.deepcopy(LEAST), **changes}
    return _description.read_values("host1", given, given.__getitem__)


def test_ansible_itself_takes_what_is_enough():
    """It validates the role's arguments by the same file before the first task, in its own way."""
    specification = yaml.safe_load(_description.SPECIFICATION.read_text(encoding="utf-8"))
    options = specification["argument_specs"]["main"]["options"]
    assert ArgumentSpecValidator(options).validate(copy.deepcopy(LEAST)).error_messages == []


def test_all_defaults_are_filled_in():
    values = read()
    assert set(values) == set(_description.read_options())
    assert values["relay_dkim"] == {
        "enabled": True,
        "signer": "opendkim",
        "selector": None,
        "bits": 2048,
        "rotation": {"interval": 180, "keep": 14, "revoked": 30},
    }
    assert values["relay_dns"] == {
        "ttl": 3600,
        "primaries": [],
        "wait": 300,
        "resolver": None,
        "block_lists": [],
        "tlsa": False,
        "caa": [],
    }
    for domain in values["relay_domains"]:
        assert domain["spf"] == {"terms": [], "all": "softfail"}
        assert domain["dmarc"] == {
            "policy": "none",
            "subdomain_policy": "same",
            "nonexistent_policy": "same",
            "adkim": "relaxed",
            "aspf": "relaxed",
            "rua": [],
            "ruf": [],
        }
        assert domain["mta_sts"] == {"mode": None, "max_age": 604800}


def test_what_is_given_to_one_domain_is_not_given_to_another():
    domains = [{"name": "a.example", "spf": {"all": "fail"}}, {"name": "b.example", "spf": {"terms": ["mx"]}}]
    first, second = read(relay_domains=domains)["relay_domains"]
    assert first["spf"] == {"terms": [], "all": "fail"}
    assert second["spf"] == {"terms": ["mx"], "all": "softfail"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"relay_hostnam": "x"}, "has 1 problem; nothing was changed.\n- relay_hostnam: no such variable"),
        (
            {"relay_addresses": ["x"], "relay_hostname": "y"},
            "has 2 problems; nothing was changed.\n- relay_hostname: 'y'",
        ),
        ({"relay_dns": {"ttl": "soon"}}, "has 1 problem; nothing was changed.\n- argument 'ttl' is of type"),
    ],
)
def test_problems_are_named_with_the_host(changes, text):
    with pytest.raises(DescriptionError) as caught:
        read(**changes)
    assert f"The description of host1 {text}" in str(caught.value)


def test_the_facts_of_the_services_are_those_of_the_role():
    options = _description.read_options()
    assert set(_description.read_services()) == set(options["relay_services"]["choices"])


def test_variables_of_single_roles_are_checked_with_the_description():
    given = {"postfix_extra": {"maincf": "x = y"}, "opendkim_extra": "", "nftables_extra": {}, "another_variable": 1}
    problems = _description.problems_of_roles(given, given.__getitem__)
    assert len(problems) == 1
    assert "postfix_extra.maincf" in problems[0]
    assert _description.problems_of_roles({}, {}.__getitem__) == []

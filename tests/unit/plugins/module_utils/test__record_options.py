# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that hold records: modules and filters read the same, and what is documented is what is read."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.mailops.relay.plugins.doc_fragments.records import ModuleDocFragment
from ansible_collections.mailops.relay.plugins.module_utils import _record_options

SUBOPTIONS = _record_options.RECORDS["options"]


@pytest.mark.parametrize(("fragment", "option"), [("DOCUMENTATION", "records"), ("FILTER", "_input")])
def test_the_documentation_says_what_is_read(fragment, option):
    documented = yaml.safe_load(getattr(ModuleDocFragment, fragment))["options"][option]["suboptions"]
    assert list(documented) == list(SUBOPTIONS)
    for name, spec in SUBOPTIONS.items():
        for key in ("type", "elements", "choices"):
            assert documented[name].get(key) == spec.get(key), name
        if fragment == "DOCUMENTATION" or name != "values":
            assert documented[name].get("default") == spec.get("default"), name
            assert documented[name].get("required", False) == spec.get("required", False), name


def test_a_module_and_a_filter_read_the_same():
    item = {"name": "Example.org.", "type": "MX", "values": ["10 mail.example.org"], "ttl": 60, "reason": "why"}
    assert _record_options.read([item]) == [_record_options.parse(item)]


@pytest.mark.parametrize("values", [[], None])
def test_a_module_names_a_record_without_values(values):
    with pytest.raises(ValueError, match=r"the record 'a\.test' A has 0 values; one value"):
        _record_options.parse({"name": "a.test", "type": "A", "values": values})


@pytest.mark.parametrize("value", [None, 1, ["x"]])
def test_text_is_text(value):
    with pytest.raises(ValueError, match=r"zone is .*\. Accepted: text\."):
        _record_options.text("zone", value)

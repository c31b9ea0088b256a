# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Options that hold records. Their specification is in ``module_utils/_record_options.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """The option ``records`` of modules, and the input of filters."""

    DOCUMENTATION = r"""
options:
  records:
    description:
      - The record sets, such as the result of the filter P(mailops.relay.relay_records#filter).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The full name, with or without a final dot. International names are written as A-labels (V(xn--...)).
        type: str
        required: true
      type:
        description:
          - The type.
        type: str
        choices: [A, AAAA, CAA, CNAME, MX, PTR, SRV, TLSA, TXT]
        required: true
      values:
        description:
          - All values, as in a zone file, one at least. Names in them are full names.
          - A TXT value is its text, not quoted and in one piece. It is split into strings of 255 octets.
        type: list
        elements: str
        default: []
      ttl:
        description:
          - Seconds.
        type: int
        default: 3600
      grade:
        description:
          - How much the record matters.
        type: str
        choices: [required, recommended, optional]
        default: required
      reason:
        description:
          - What the record is for.
        type: str
        default: ""
"""

    FILTER = r"""
options:
  _input:
    description:
      - The records, such as the result of P(mailops.relay.relay_records#filter).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The full name, with or without a final dot.
        type: str
        required: true
      type:
        description:
          - The type.
        type: str
        choices: [A, AAAA, CAA, CNAME, MX, PTR, SRV, TLSA, TXT]
        required: true
      values:
        description:
          - All values, as in a zone file. TXT is its text, not quoted and in one piece. Names in values are full names.
        type: list
        elements: str
        required: true
      ttl:
        description:
          - Seconds.
        type: int
        default: 3600
      grade:
        description:
          - How much the record matters.
        type: str
        choices: [required, recommended, optional]
        default: required
      reason:
        description:
          - What the record is for.
        type: str
        default: ""
"""

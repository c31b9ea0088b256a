# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Options about what lies beyond the records. Their specification is in ``module_utils/_dns_beyond.py``."""

from __future__ import annotations


class ModuleDocFragment:
    """What senders and receivers find where records lead them."""

    DOCUMENTATION = r"""
options:
  block_lists:
    description:
      - Block lists in DNS (RFC 5782), such as V(zen.example.org), that each address of O(senders) is looked for in.
      - Answers that refuse the question, or that are none of a list, are no listings. Test addresses show whether a
        list is alive.
      - Lists have terms of use, and many do not answer public resolvers. A key that is part of a name is shown in what
        is returned.
    type: list
    elements: str
    default: []
  policies:
    description:
      - The MTA-STS policies that should be served, such as the result of the filter
        P(mailops.relay.mta_sts_policies#filter).
      - Each is fetched from every address of its host as senders do (RFC 8461), and compared with what should be
        served, with the record that names it, and with the domain's MX.
    type: list
    elements: dict
    default: []
    suboptions:
      domain:
        description: The domain that the policy is for.
        type: str
        required: true
      url:
        description: Where senders look for it. Nothing else is accepted than what follows from the domain.
        type: str
      content:
        description: The text of the policy.
        type: str
        required: true
  ca_file:
    description:
      - A file with certificates of authorities, in PEM format, to trust instead of those of the system for
        O(policies).
    type: path
  connect:
    description:
      - Whether to connect to servers, to fetch O(policies), and to compare TLSA records in O(records) with the
        certificates that are shown. Those of ports 25 and 587 are asked for by STARTTLS, those of ports 443 and 465
        by TLS. Nothing is sent but greetings.
      - A connection has to come about within O(timeout), what follows has 30 seconds, and a whole policy 60.
      - Many networks let nobody out to port 25.
    type: bool
    default: true
requirements:
  - cryptography (on the host that asks, to compare TLSA records)
"""

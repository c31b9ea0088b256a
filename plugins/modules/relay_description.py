#!/usr/bin/python
# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: relay_description
short_description: Check and complete the description of a mail relay
version_added: 0.1.0
description:
  - Reads the C(relay_*) variables of the host, which the role P(mailops.relay.relay#role) documents, refuses what is
    unknown, wrong or unsafe, and returns the description with all defaults filled in and what follows from it.
  - All problems are reported at once, each with the variable, its value, and what would be accepted.
  - It runs on the controller and does not connect to the host.
author:
  - Mailops contributors (@mailops)
attributes:
  action:
    support: full
    description: The work is done by an action plugin on the controller.
  check_mode:
    support: full
    description: It changes nothing.
  diff_mode:
    support: none
    description: It changes nothing, so there is nothing to show.
options:
  services:
    type: dict
    required: true
    description:
      - Facts of each service, by the names that O(mailops.relay.relay#role:main:relay_services) accepts.
      - Each fact is returned with the service in RV(services).
"""

EXAMPLES = r"""
- name: Check the description
  mailops.relay.relay_description:
    services:
      smtp:
        port: 25
        tls: may
  register: relay
"""

RETURN = r"""
hostname:
  description: Fully qualified domain name of the relay.
  returned: success
  type: str
  sample: relay1.example.com
networks:
  description: All networks that may relay, normalised.
  returned: success
  type: list
  elements: str
  sample: ["10.20.0.0/16", "2001:db8:20::/64"]
families:
  description: IP versions of the relay's addresses.
  returned: success
  type: list
  elements: int
  sample: [4, 6]
services:
  description: The chosen services with their facts.
  returned: success
  type: list
  elements: dict
  sample: [{"name": "smtp", "port": 25, "tls": "may"}]
next_hops:
  description: The next hops with all their options.
  returned: success
  type: list
  elements: dict
dkim:
  description: How mail is signed.
  returned: success
  type: dict
  contains:
    enabled:
      description: Whether mail is signed on this host.
      type: bool
    selector:
      description: Selector of this relay's keys.
      type: str
      sample: relay1-example-com
    bits:
      description: Size of new keys in bits.
      type: int
    domains:
      description: Domains that need a key, in lower case.
      type: list
      elements: str
limits:
  description: All limits.
  returned: success
  type: dict
firewall:
  description: All options of the firewall.
  returned: success
  type: dict
tls:
  description: Certificate and key of the relay; null where none is given.
  returned: success
  type: dict
"""

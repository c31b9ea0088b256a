#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_info
short_description: Look at mail relays from outside
version_added: 0.1.0
description:
  - Connects to the listeners of mail relays as a stranger does, all at once, and returns what is seen and what is wrong
    about it. That concerns greeting, keywords, TLS, certificate, AUTH, manners, and whether the relay is closed.
  - Offers each listener foreign recipients by every public trick. Nothing is sent, as it never comes to a message,
    unless O(follow) is set.
  - It makes about a dozen connections to each listener, a few at a time, and makes few errors on each, so as to stay
    below the limits that are usual for strangers. A second run within a minute may have to wait for that minute to end.
  - Whoever looks from an address that the relay trusts sees nothing of how it treats strangers. That is noticed, and
    never passes for a closed relay.
author:
  - Mailops contributors (@mailops)
attributes:
  platform:
    support: full
    platforms: posix
    description: Any host with Python 3, the controller included.
extends_documentation_fragment:
  - mailops.relay.info
options:
  targets:
    description: The relays to look at. Each service at each address is one listener.
    type: list
    elements: dict
    required: true
    suboptions:
      relay:
        description: Its host name, as greeting and certificate have to show it.
        type: str
        required: true
      addresses:
        description: Its addresses, IPv4 or IPv6.
        type: list
        elements: str
        required: true
      services:
        description: The services that it has to offer.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: What it is called in findings, such as V(submission).
            type: str
            required: true
          port:
            description: The port.
            type: int
            required: true
          tls:
            description:
              - V(may) for TLS that is offered, V(encrypt) for TLS that has to be begun by STARTTLS before mail is
                taken, V(wrapper) for TLS from the first byte.
            type: str
            choices: [may, encrypt, wrapper]
            required: true
      trusted:
        description: The networks that may relay without a login.
        type: list
        elements: str
        default: []
  helo:
    description: The name to say in EHLO.
    type: str
    default: stranger.example.org
  sender:
    description: The sender of most tricks.
    type: str
    default: stranger@example.org
  recipient:
    description:
      - The recipient that must not be reached. It has to be foreign to all targets.
    type: str
    default: recipient@example.net
  battery:
    description: Whether to offer foreign recipients. Without it, the check V(closed) is not made.
    type: bool
    default: true
  follow:
    description:
      - A mailbox of your own, to which messages may be sent from where the module runs, without a login.
      - With it, one message for each known way to end a message wrongly goes there, through the first listener of each
        target, eight in all. What follows the wrong end is a C(NOOP); a relay that answers it can be made to send
        forged messages. Without this, that is not tried, as messages have to be taken for it.
    type: str
  timeout:
    description: Seconds that connecting, each reply and the handshake of TLS may take, 1 to 300.
    type: float
    default: 15
  in_all:
    description: Seconds that each listener may take in all, 1 to 900.
    type: float
    default: 120
  in_flight:
    description: How many listeners are looked at at a time, 1 to 256.
    type: int
    default: 64
  ca_file:
    description: File with the authorities to trust. Without it, they are those of the system.
    type: path
  certificate_days:
    description: Days that certificates have to be valid for.
    type: int
    default: 14
notes:
  - Where AUTH is offered, one login that does not exist is tried at each listener, as the user V(probe). Programs that
    ban addresses after failed logins may count it.
  - A relay that refuses whatever comes from here, for an entry in a block list or for the name said in EHLO, shows
    nothing of whether it is closed. The check V(closed) is then V(not_checked). Set O(helo) to a name that exists.
  - That V(closed) is V(done) means that every trick was refused for good at each listener, or has findings.
requirements:
  - cryptography (where the module runs, for names and days of certificates; Debian has it as python3-cryptography)
seealso:
  - module: mailops.relay.relay_host_info
  - plugin: mailops.relay.report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look at a relay from here
  mailops.relay.smtp_info:
    targets:
      - relay: relay1.example.com
        addresses: [198.51.100.12, "2001:db8:51::12"]
        services:
          - {name: smtp, port: 25, tls: may}
          - {name: submission, port: 587, tls: encrypt}
          - {name: submissions, port: 465, tls: wrapper}
        trusted: [10.20.0.0/16]
  delegate_to: localhost
  run_once: true
  register: outside

- name: Fail if a stranger gets anything through it
  ansible.builtin.assert:
    that: outside.findings | selectattr('severity', 'eq', 'error') | length == 0
    fail_msg: "{{ outside.results | mailops.relay.report | mailops.relay.report_text }}"
  run_once: true
"""

RETURN = r"""
listeners:
  description: What was seen of each listener. What is null was not come to.
  returned: success
  type: list
  elements: dict
  contains:
    relay:
      description: The relay.
      type: str
    service:
      description: The service.
      type: str
    address:
      description: The address.
      type: str
    port:
      description: The port.
      type: int
    source:
      description: The address that we were seen from.
      type: str
    vantage_trusted:
      description: Whether that is one that may relay.
      type: bool
    trouble:
      description: Why the listener was not looked at in full, by C(kind) and C(detail).
      type: dict
    connect_time:
      description: Seconds until there was a connection.
      type: float
    greeting:
      description: C(code) and C(text) of the greeting.
      type: dict
      sample: {code: 220, text: relay1.example.com ESMTP}
    greeting_time:
      description: Seconds until there was a greeting.
      type: float
    keywords:
      description: The keywords of EHLO in the clear.
      type: list
      elements: str
    keywords_tls:
      description: The keywords of EHLO under TLS.
      type: list
      elements: str
    size:
      description: The largest message in octets, as it says.
      type: int
    smtputf8:
      description: Whether it takes addresses in UTF-8 (RFC 6531).
      type: bool
    auth:
      description: The mechanisms of AUTH in the clear.
      type: list
      elements: str
    auth_tls:
      description: The mechanisms of AUTH under TLS.
      type: list
      elements: str
    mail_in_clear:
      description: What it says to MAIL without TLS, where TLS is a must.
      type: dict
    vrfy:
      description: What it says to VRFY for postmaster, and for nobody.
      type: list
      elements: dict
    expn:
      description: What it says to EXPN for postmaster, and for nobody.
      type: list
      elements: dict
    early_talk:
      description: Whether it takes commands before it has greeted. V(accepted), V(refused) or V(not_checked).
      type: str
    pipelining:
      description: Whether it takes commands before it has answered EHLO. V(accepted), V(refused) or V(not_checked).
      type: str
    long_line:
      description: What it says to a line of 1205 octets, where 512 are allowed (RFC 5321, 4.5.3.1.4).
      type: dict
    tls:
      description:
        - C(starttls) (whether it is offered), C(protocol) and C(cipher) that a client gets that takes all, C(versions)
          of TLS with V(accepted), V(refused) or V(not_checked), and the C(error) of TLS that does not work.
      type: dict
    certificate:
      description:
        - C(names), C(not_after), C(days_left), C(covers_relay), C(key), C(self_signed), C(verified) and C(verify_error)
          of the certificate; C(error) where it could not be read.
      type: dict
    tricks:
      description: C(name), last C(command) and C(reply) of each trick, and whether it was C(relayed).
      type: list
      elements: dict
    tricks_not_tried:
      description: Why there are tricks that were not tried.
      type: str
    smuggling:
      description:
        - What came of each way to end a message, as C(endings); V(smuggled), V(one_message) or V(refused). C(note) says
          why they were not all tried.
      type: dict
findings:
  description: What is wrong, worst first. What is the same at several addresses of a relay is one finding.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What kind of finding it is.
      type: str
      sample: smtp_open_relay
    severity:
      description: V(error), V(warning) or V(notice).
      type: str
    subject:
      description: Relay and service.
      type: str
      sample: relay1.example.com smtp
    message:
      description: What was seen.
      type: str
    remedy:
      description: What to do.
      type: str
    reference:
      description: Where the rule is stated.
      type: str
results:
  description: What was checked, as items for P(mailops.relay.report#filter).
  returned: success
  type: list
  elements: dict
  contains:
    relay:
      description: The relay.
      type: str
    check:
      description: V(listeners), V(closed) or V(tls).
      type: str
    state:
      description: V(done), or V(not_checked) where part of it, or all, could not be seen.
      type: str
    note:
      description: Why it was not checked.
      type: str
    findings:
      description: The findings of this check.
      type: list
      elements: dict
"""

import asyncio
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import (
    _finding,
    _smtp_closed,
    _smtp_model,
    _smtp_options,
    _smtp_survey,
    _smtp_tls,
)
from ansible_collections.mailops.relay.plugins.module_utils._smtp_probe import Settings

_SERVICE = {
    "name": {"type": "str", "required": True},
    "port": {"type": "int", "required": True},
    "tls": {"type": "str", "choices": ["may", "encrypt", "wrapper"], "required": True},
}
_TARGET = {
    "relay": {"type": "str", "required": True},
    "addresses": {"type": "list", "elements": "str", "required": True},
    "services": {"type": "list", "elements": "dict", "required": True, "options": _SERVICE},
    "trusted": {"type": "list", "elements": "str", "default": []},
}


def look(params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Probe all listeners, and return what the module returns."""
    listeners = _smtp_options.listeners(params["targets"])
    _smtp_tls.trust_context(params["ca_file"])
    settings = Settings(params["helo"], params["sender"], params["recipient"], params["timeout"], params["ca_file"])
    battery, follow = params["battery"], params["follow"]
    probing = _smtp_survey.probe_all(
        listeners, settings, params["in_all"], params["in_flight"], battery=battery, follow=follow
    )
    seen = asyncio.run(probing)
    results = _smtp_closed.results(seen, params["certificate_days"], battery=battery)
    findings = [_finding.parse(finding) for result in results for finding in result["findings"]]
    return {
        "changed": False,
        "listeners": [_smtp_model.describe(each) for each in seen],
        "findings": [_finding.join(finding) for finding in _finding.ordered(findings)],
        "results": results,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "targets": {"type": "list", "elements": "dict", "required": True, "options": _TARGET},
            "helo": {"type": "str", "default": "stranger.example.org"},
            "sender": {"type": "str", "default": "stranger@example.org"},
            "recipient": {"type": "str", "default": "recipient@example.net"},
            "battery": {"type": "bool", "default": True},
            "follow": {"type": "str"},
            "timeout": {"type": "float", "default": 15},
            "in_all": {"type": "float", "default": 120},
            "in_flight": {"type": "int", "default": 64},
            "ca_file": {"type": "path"},
            "certificate_days": {"type": "int", "default": 14},
        },
        supports_check_mode=True,
    )
    try:
        _smtp_options.check(module.params)
        result = look(module.params)
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_canary
short_description: Send a message through each relay, and follow it to a mailbox
version_added: 0.1.0
description:
  - Sends one small message through each mail relay, all at once, from a host that may relay. Then waits for the
    messages where they arrive, and returns what happened to each and what is wrong about it. It may be refused, lost,
    slow, unsigned, or not believed by the receiver.
  - Sending and looking can be done on different hosts, one after the other.
  - What the receiver says of SPF, DKIM and DMARC is read from C(Authentication-Results) (RFC 8601), and only from those
    of the receiver itself.
author:
  - Mailops contributors (@mailops)
attributes:
  check_mode:
    support: partial
    description: Can run in check mode, and then sends nothing.
    details: Neither sends nor looks in check mode, and returns that nothing was checked.
  diff_mode:
    support: none
    description: There is nothing to compare.
  platform:
    description: Runs on hosts with Python.
    support: full
    platforms: posix
options:
  action:
    description:
      - V(send) sends only, and returns O(sent) for the host that looks. V(receive) looks for what was sent so. V(both)
        does both here.
    type: str
    choices: [both, send, receive]
    default: both
  relays:
    description: The relays to send through. Required with O(action=send) and O(action=both).
    type: list
    elements: dict
    default: []
    suboptions:
      relay:
        description: Its host name, also in its certificate.
        type: str
        required: true
      address:
        description: The address, or name, to connect to. Without it, that is the host name.
        type: str
      port:
        description: The port.
        type: int
        default: 25
      tls:
        description:
          - V(may) for TLS where it is offered, V(encrypt) for STARTTLS or nothing, V(wrapper) for TLS from the first
            byte.
        type: str
        choices: [may, encrypt, wrapper]
        default: may
      user:
        description: User to log in as. That needs V(encrypt) or V(wrapper).
        type: str
      password:
        description: Password of the user.
        type: str
      selectors:
        description: The selectors that the relay may sign with. Without them, each is accepted.
        type: list
        elements: str
        default: []
  sender:
    description: The sender, also in C(From). Required with O(action=send) and O(action=both).
    type: str
  recipient:
    description: The address of the mailbox. Required with O(action=send) and O(action=both).
    type: str
  helo:
    description: The name to say in EHLO. Without it, that is the name of the host.
    type: str
  dkim_domain:
    description: The domain that has to sign. Without it, that is the domain of the O(sender).
    type: str
  sent:
    description: What was sent, as returned with O(action=send). Required with O(action=receive).
    type: list
    elements: dict
  maildir:
    description: A Maildir on this host, in which the messages arrive.
    type: path
  imap:
    description: A mailbox on an IMAP server, in which the messages arrive.
    type: dict
    suboptions:
      host:
        description: The server, also in its certificate.
        type: str
        required: true
      port:
        description: The port.
        type: int
        default: 993
      tls:
        description:
          - V(wrapper) for TLS from the first byte, V(encrypt) for STARTTLS, V(none) for a server on this host.
        type: str
        choices: [wrapper, encrypt, none]
        default: wrapper
      user:
        description: User to log in as.
        type: str
        required: true
      password:
        description: Password of the user.
        type: str
        required: true
      folder:
        description: The folder.
        type: str
        default: INBOX
  authserv_id:
    description:
      - The name that the receiver gives itself in C(Authentication-Results). Without it, that is the name of the server
        that has taken the message last.
    type: str
  delete:
    description:
      - Whether to remove the messages from the mailbox once they are read. Without it, they are removed from a mailbox
        of O(imap), and stay in a O(maildir).
    type: bool
  validate_certs:
    description: Whether the certificates of relays and IMAP server are verified, where TLS is a must.
    type: bool
    default: true
  ca_file:
    description: File with the authorities to trust. Without it, they are those of the system.
    type: path
  timeout:
    description: Seconds that each relay may take for the conversation, and each answer of the IMAP server, 1 to 300.
    type: float
    default: 30
  patience:
    description: Seconds to wait for the messages, 1 to 3600.
    type: float
    default: 60
  slow:
    description:
      - Seconds that a message should take at most, 1 to 3600. The clock of the host that sends and that of the host
        that looks both count.
    type: float
    default: 30
seealso:
  - module: mailops.relay.smtp_info
  - module: mailops.relay.relay_host_info
  - plugin: mailops.relay.report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Send a message through each relay, and look for it in a mailbox
  mailops.relay.smtp_canary:
    relays:
      - relay: relay1.example.com
        selectors: [relay1-20261101]
      - relay: relay2.example.com
        port: 587
        tls: encrypt
        user: canary
        password: "{{ vault_canary_password }}"
    sender: canary@example.com
    recipient: canary@example.net
    imap:
      host: imap.example.net
      user: canary@example.net
      password: "{{ vault_mailbox_password }}"
  register: canary

- name: Fail if something is wrong
  ansible.builtin.assert:
    that: canary.findings | length == 0
    fail_msg: "{{ canary.results | mailops.relay.report | mailops.relay.report_text }}"

- name: Send from a host that may relay
  mailops.relay.smtp_canary:
    action: send
    relays: [{relay: relay1.example.com}]
    sender: canary@example.com
    recipient: canary@example.net
  delegate_to: client1.example.com
  register: canary_sent

- name: Look for it on the host that receives
  mailops.relay.smtp_canary:
    action: receive
    sent: "{{ canary_sent.sent }}"
    dkim_domain: example.com
    maildir: /var/mail/canary
    delete: true
  delegate_to: mx1.example.net
"""

RETURN = r"""
sent:
  description: What each relay said. Needed by O(action=receive).
  returned: success
  type: list
  elements: dict
  contains:
    relay:
      description: The relay.
      type: str
    subject:
      description: The relay and its port.
      type: str
    token:
      description: What the message is found by.
      type: str
    accepted:
      description: Whether the relay took the message.
      type: bool
    at:
      description: When it was sent, in seconds since 1970.
      type: float
    stage:
      description: How far it came where it was not taken.
      type: str
    reply:
      description: The last reply of the relay.
      type: str
      sample: "250 2.0.0 Ok: queued as 4X1bQz3YkJz1f"
    trouble:
      description: Why there is no reply.
      type: str
    selectors:
      description: The selectors that the relay may sign with.
      type: list
      elements: str
    queue_id:
      description: The queue ID in the reply, as far as it is known how this server writes it.
      type: str
canaries:
  description: What happened to each message. Empty with O(action=send).
  returned: success
  type: list
  elements: dict
  contains:
    relay:
      description: The relay.
      type: str
    token:
      description: What the message is found by.
      type: str
    delivered:
      description: Whether it has arrived.
      type: bool
    seconds:
      description: Seconds until it arrived.
      type: float
    received:
      description: The servers on its way, the last one first, each with C(from), C(by), C(with) and C(at).
      type: list
      elements: dict
    signatures:
      description: C(domain), C(selector) and C(algorithm) of each DKIM signature.
      type: list
      elements: dict
    authserv_id:
      description: The name of the receiver.
      type: str
    verdicts:
      description: C(method), C(result), C(reason) and C(properties) of each result of the receiver.
      type: list
      elements: dict
results:
  description: What was checked, as items for P(mailops.relay.report#filter). Empty with O(action=send).
  returned: success
  type: list
  elements: dict
  contains:
    relay:
      description: The relay.
      type: str
    check:
      description: V(canary) or V(signing).
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
findings:
  description: What is wrong, worst first. With O(action=send), that is what was not taken.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What kind of finding it is.
      type: str
      sample: canary_unsigned
    severity:
      description: V(error), V(warning) or V(notice).
      type: str
    subject:
      description: The relay and its port.
      type: str
    message:
      description: What was seen.
      type: str
    remedy:
      description: What to do.
      type: str
    reference:
      description: Where the rule is stated.
      type: str
"""

import typing as t
import uuid

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _canary_options, _canary_run

_RELAY = {
    "relay": {"type": "str", "required": True},
    "address": {"type": "str"},
    "port": {"type": "int", "default": 25},
    "tls": {"type": "str", "choices": ["may", "encrypt", "wrapper"], "default": "may"},
    "user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "selectors": {"type": "list", "elements": "str", "default": []},
}
_IMAP = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 993},
    "tls": {"type": "str", "choices": ["wrapper", "encrypt", "none"], "default": "wrapper"},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "required": True, "no_log": True},
    "folder": {"type": "str", "default": "INBOX"},
}
_OPTIONS: dict[str, t.Any] = {
    "action": {"type": "str", "choices": ["both", "send", "receive"], "default": "both"},
    "relays": {"type": "list", "elements": "dict", "default": [], "options": _RELAY},
    "sender": {"type": "str"},
    "recipient": {"type": "str"},
    "helo": {"type": "str"},
    "dkim_domain": {"type": "str"},
    "sent": {"type": "list", "elements": "dict"},
    "maildir": {"type": "path"},
    "imap": {"type": "dict", "options": _IMAP},
    "authserv_id": {"type": "str"},
    "delete": {"type": "bool"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_file": {"type": "path"},
    "timeout": {"type": "float", "default": 30},
    "patience": {"type": "float", "default": 60},
    "slow": {"type": "float", "default": 30},
}


def main() -> None:
    module = AnsibleModule(argument_spec=_OPTIONS, supports_check_mode=True)
    try:
        _canary_options.check(module.params)
        if module.check_mode:
            result = _canary_run.not_run(module.params)
        else:
            result = _canary_run.run(module.params, uuid.uuid4().hex[:12])
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

#!/usr/bin/python

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_info
short_description: See whether a certificate can be used, before it is
version_added: 0.1.0
description:
  - Reads a certificate with its chain and its private key on the host, and returns what is wrong about them. Files that
    cannot be read, a key that belongs to another certificate or has a pass phrase, a certificate that is not yet or no
    longer valid or is for another name, and a chain that is not in order are all named at once.
  - It needs nothing on the host but Python, so it can be asked before anything is installed.
  - Whether clients trust the authority is not judged.
author:
  - Mailops contributors (@mailops)
attributes:
  check_mode:
    support: full
    description: Changes nothing in any mode. In check mode a file that does not exist fails nothing, as another task
      may be about to make it.
  diff_mode:
    support: none
    description: Changes nothing.
  platform:
    platforms: posix
    support: full
    description: Needs Linux and the rights to read the key.
options:
  certificate:
    description: File with the certificate, followed by those of its authorities, in PEM format.
    type: path
    required: true
  key:
    description: File with the private key, in PEM format. Without it, the key is in O(certificate), before it.
    type: path
  hostname:
    description: The name that the certificate has to be for (RFC 9525). Without it, its names are not judged.
    type: str
  days:
    description: Days that should be left until it expires. Fewer are a warning.
    type: int
    default: 14
  must_be_usable:
    description:
      - Whether the task fails where the certificate cannot be used. Warnings, of a certificate that expires soon or a
        key that others on the host can read, are shown.
    type: bool
    default: false
seealso:
  - module: mailops.relay.relay_host_info
"""

EXAMPLES = r"""
- name: Stop before anything changes if the certificate cannot be used
  mailops.relay.certificate_info:
    certificate: /etc/ssl/relay/fullchain.pem
    key: /etc/ssl/relay/privkey.pem
    hostname: relay1.example.com
    must_be_usable: true
"""

RETURN = r"""
usable:
  description: Whether it can be used.
  returned: success
  type: bool
findings:
  description: What is wrong, worst first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What kind of finding it is.
      type: str
      sample: certificate_expired
    severity:
      description: V(error) or V(warning).
      type: str
    subject:
      description: The file.
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
seen:
  description: >-
    C(files), C(subject), C(names), C(not_after), C(days_left), C(covers_hostname), C(key), C(self_signed) and
    C(key_matches); null where it could not be seen.
  returned: success
  type: dict
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.relay.plugins.module_utils import _finding, _host_certificate, _host_files
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._host_certificate import Source

# What a certificate can be used with all the same.
HARMLESS = ("certificate_expires", "certificate_key_exposed")


def in_words(findings: t.Iterable[Finding]) -> str:
    """Return findings as lines for the user."""
    return "\n".join(f"- {finding.subject}: {finding.message}. {finding.remedy}." for finding in findings)


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Look and judge; return the result, or raise ValueError where the certificate has to be usable and is not."""
    certificate, key, hostname = (module.params[name] for name in ("certificate", "key", "hostname"))
    files = [certificate] if key in (None, certificate) else [key, certificate]
    if not 0 <= module.params["days"] <= 365:
        raise ValueError(f"days: {module.params['days']} is not accepted; 0 to 365 are")
    seen = _host_files.observe_certificates(Source(files, together=True), hostname or "", time.time())[0]
    findings = _finding.ordered(_host_certificate.judge(seen, hostname or "", module.params["days"]))
    problems = [finding for finding in findings if finding.id not in HARMLESS]
    if problems and module.params["must_be_usable"] and not (module.check_mode and _are_missing(files)):
        name = f" of {hostname}" if hostname else ""
        raise ValueError(f"The certificate{name} cannot be used; nothing was changed.\n{in_words(problems)}")
    if module.params["must_be_usable"] and findings:
        module.warn(in_words(findings))
    return {
        "changed": False,
        "usable": not problems,
        "findings": [_finding.join(finding) for finding in findings],
        "seen": _host_certificate.describe(seen),
    }


def _are_missing(files: t.Iterable[str]) -> bool:
    return not all(os.path.lexists(file) for file in files)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "certificate": {"type": "path", "required": True},
            "key": {"type": "path", "no_log": False},
            "hostname": {"type": "str"},
            "days": {"type": "int", "default": 14},
            "must_be_usable": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers with a mail server from Debian's packages. Each port of a Postfix is right or wrong in its own way."""

from __future__ import annotations

import os
import pathlib
import typing as t

from container_host import CAPABILITIES, Host
from networks import number

NUMBER = number("smtp")

INSTALL = (
    "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d\n"
    "DEBIAN_FRONTEND=noninteractive timeout 180 apt-get -qq install -y --no-install-recommends {} >/dev/null 2>&1\n"
)

MAIN = """
compatibility_level = 3.6
maillog_file = /var/log/postfix.log
myhostname = relay.test
smtpd_banner = $myhostname ESMTP
mydestination = $myhostname
mynetworks = 10.0.0.0/8
local_recipient_maps = inline:{ postmaster=x sink=x }
local_transport = discard
alias_maps =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_helo_required = yes
disable_vrfy_command = yes
smtpd_forbid_bare_newline = normalize
smtpd_forbid_bare_newline_exclusions =
smtpd_forbid_unauth_pipelining = yes
smtpd_tls_security_level = may
smtpd_tls_chain_files = /etc/postfix/relay.pem
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_auth_only = yes
"""

# As Debian sets it up for a host that takes mail for its own name.
EXIM = """
printf "dc_eximconfig_configtype='internet'\\ndc_other_hostnames='relay.test'\\ndc_local_interfaces=''\\n" \\
    >/etc/exim4/update-exim4.conf.conf
echo relay.test >/etc/mailname
printf 'MAIN_HARDCODE_PRIMARY_HOSTNAME = relay.test\\nMAIN_TLS_ENABLE = yes\\nMAIN_TLS_CERTKEY = /etc/relay.pem\\n' \\
    >/etc/exim4/exim4.conf.localmacros
chown root:Debian-exim /etc/relay.pem
chmod 640 /etc/relay.pem
update-exim4.conf
exim -bd
"""

OPENSMTPD = """
chmod 600 /etc/relay.pem
cat >/etc/smtpd.conf <<'EOF'
pki relay.test cert "/etc/relay.pem"
pki relay.test key "/etc/relay.pem"
table aliases { "postmaster" = "root" }
listen on eth0 hostname relay.test tls pki relay.test
action "local" mbox alias <aliases>
action "relay" relay
match from any for domain "relay.test" action "local"
match from local for any action "relay"
EOF
smtpd >/dev/null
"""


class SmtpHost:
    """A container with a network of its own; several that run at a time have different numbers, 0 to 2."""

    def __init__(self, name: str, number: int = 0, suite: str = "trixie") -> None:
        self.net4, self.net6 = f"198.19.{NUMBER + number}", f"2001:db8:e0{NUMBER + number:02x}"
        self.name = f"mailops-it-smtp-{name}-{os.getpid()}"
        self.suite = suite
        self.address4, self.address6 = f"{self.net4}.2", f"{self.net6}::2"

    def start(self, packages: str) -> None:
        ranges = [("--subnet", f"{self.net4}.0/24"), ("--gateway", f"{self.net4}.1")]
        ranges += [("--subnet", f"{self.net6}::/64"), ("--gateway", f"{self.net6}::1")]
        words = (word for pair in ranges for word in pair)
        Host.podman("network", "create", "--disable-dns", "--ipv6", *words, self.name)
        network = ["--network", f"{self.name}:ip={self.address4},ip6={self.address6}", "--cap-add", CAPABILITIES]
        image = f"localhost/mailops-test:{self.suite}"
        Host.podman("run", "--detach", "--name", self.name, *network, image, "sleep", "infinity")
        self.run(INSTALL.format(packages))

    def remove(self) -> None:
        Host.podman("rm", "--force", "--time", "0", "--ignore", self.name)
        Host.podman("network", "rm", "--force", "--time", "0", self.name)

    def run(self, script: str) -> str:
        return Host.podman("exec", "--interactive", self.name, "sh", "-es", text=script)

    def write(self, path: str, text: str) -> None:
        self.run(f"cat >{path} <<'EOF'\n{text}\nEOF\n")

    def postfix(self, pem: pathlib.Path, services: t.Mapping[int, t.Sequence[str]], main: str = "") -> None:
        """Start Postfix with ``services``: ports, each with options as in master.cf."""
        lines = [
            "\n".join([f"{port} inet n - n - - smtpd", *(f"  -o {{ {option} }}" for option in options)])
            for port, options in services.items()
        ]
        self.write("/etc/postfix/main.cf", MAIN + main)
        self.run("sed -i '/^smtp .*inet/d' /etc/postfix/master.cf")
        self.write("/tmp/services", "\n".join(lines))
        self.run("cat /tmp/services >>/etc/postfix/master.cf")
        self.write("/etc/postfix/relay.pem", pem.read_text())
        self.run("postfix check; postfix start >/dev/null 2>&1")

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The relays that are measured: ours, and what guides tell people to build from the same packages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mail_lab import DOMAIN, SELECTOR, SINK_PORT

if TYPE_CHECKING:
    from mail_lab import Machine, MailLab

# What everybody changes; the rest is as the package writes it.
STOCK_MAIN = """
postconf -e 'myhostname = relay.lab.test' 'mydestination =' 'mynetworks = {client}/32' \\
    'relayhost = [{client}]:{port}' 'smtp_tls_security_level =' \\
    'smtpd_milters = {milter}' 'non_smtpd_milters = $smtpd_milters' 'milter_default_action = accept'
rm -f /usr/sbin/policy-rc.d
systemctl enable --quiet {units}
systemctl restart {units}
"""

MAKE_KEY = """
mkdir -p /etc/dkimkeys
openssl genrsa -traditional -out /etc/dkimkeys/{selector}.private 2048 2>/dev/null
chown {user} /etc/dkimkeys/{selector}.private
chmod 600 /etc/dkimkeys/{selector}.private
"""

# Debian's file with what guides add. relaxed for the body as well, so that all variants do the same work.
OPENDKIM = """
Syslog              yes
SyslogSuccess       yes
Canonicalization    relaxed/relaxed
OversignHeaders     From
Mode                sv
UserID              opendkim
UMask               007
PidFile             /run/opendkim/opendkim.pid
Socket              inet:8891@localhost
KeyTable            refile:/etc/opendkim/key.table
SigningTable        refile:/etc/opendkim/signing.table
ExternalIgnoreList  /etc/opendkim/trusted.hosts
InternalHosts       /etc/opendkim/trusted.hosts
"""

RSPAMD_SIGNING = """
sign_local = true;
use_esld = false;
domain {{ {domain} {{ path = "/etc/dkimkeys/{selector}.private"; selector = "{selector}"; }} }}
"""
# One process per core, which scans by itself.
RSPAMD_PROXY = """
bind_socket = "/var/spool/postfix/rspamd/rspamd.sock mode=0666";
milter = yes;
timeout = 120s;
count = 2;
upstream "local" { default = yes; self_scan = yes; }
"""
RSPAMD_OPTIONS = """
local_addrs = ["{client}/32"];
filters = "dkim";
"""
RSPAMD_ONLY_SIGNS = """
cd /etc/rspamd
for worker in normal controller fuzzy; do echo 'enabled = false;' >local.d/worker-$worker.inc; done
cd modules.d
for module in *.conf; do
    test $module = dkim_signing.conf || echo 'enabled = false;' >>../local.d/$module
done
"""


def ours(lab: MailLab, machine: Machine) -> None:
    """Deploy our relay, as it is for everybody."""
    lab.deploy(machine)


def ours_rspamd(lab: MailLab, machine: Machine) -> None:
    """Deploy our relay with the other signer."""
    lab.deploy(machine, relay_dkim={"signer": "rspamd"})


def unsigned(lab: MailLab, machine: Machine) -> None:
    """Deploy our relay without a signer."""
    lab.deploy(machine, relay_dkim={"enabled": False})


def stock(lab: MailLab, machine: Machine) -> None:
    """Build Debian's Postfix and OpenDKIM, which talk over TCP."""
    machine.install("postfix opendkim opendkim-tools openssl")
    machine.run(MAKE_KEY.format(selector=SELECTOR, user="opendkim"))
    machine.write("/etc/opendkim.conf", OPENDKIM)
    name = f"{SELECTOR}._domainkey.{DOMAIN}"
    machine.write("/etc/opendkim/key.table", f"{name} {DOMAIN}:{SELECTOR}:/etc/dkimkeys/{SELECTOR}.private")
    machine.write("/etc/opendkim/signing.table", f"*@{DOMAIN} {name}")
    machine.write("/etc/opendkim/trusted.hosts", f"127.0.0.1\n::1\n{lab.world.address}")
    _start(lab, machine, "inet:localhost:8891", "opendkim postfix")


def rspamd(lab: MailLab, machine: Machine) -> None:
    """Build Debian's Postfix and rspamd over a unix socket, which signs and does nothing else."""
    machine.install("postfix rspamd openssl")
    machine.run(MAKE_KEY.format(selector=SELECTOR, user="_rspamd"))
    machine.run("mkdir -p /var/spool/postfix/rspamd; chown _rspamd /var/spool/postfix/rspamd")
    machine.write("/etc/rspamd/local.d/dkim_signing.conf", RSPAMD_SIGNING.format(domain=DOMAIN, selector=SELECTOR))
    machine.write("/etc/rspamd/local.d/worker-proxy.inc", RSPAMD_PROXY)
    machine.write("/etc/rspamd/local.d/options.inc", RSPAMD_OPTIONS.format(client=lab.world.address))
    machine.run(RSPAMD_ONLY_SIGNS)
    _start(lab, machine, "unix:rspamd/rspamd.sock", "rspamd postfix")


def _start(lab: MailLab, machine: Machine, milter: str, units: str) -> None:
    machine.run(STOCK_MAIN.format(client=lab.world.address, port=SINK_PORT, milter=milter, units=units))


UNSIGNED = "unsigned"
VARIANTS = {
    UNSIGNED: unsigned,
    "ours, rspamd": ours_rspamd,
    "ours, OpenDKIM": ours,
    "OpenDKIM inet": stock,
    "rspamd": rspamd,
}
"""What is measured by default; ratios are to the first one."""

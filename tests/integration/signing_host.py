# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Postfix that knows nothing but the milter of a signer, and a mailbox behind it."""

from __future__ import annotations

from container_host import Host

# Trusts the addresses that the description names; rcpt.test is a folder; refused.test makes a bounce.
POSTFIX = r"""
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postfix >/dev/null 2>&1
rm /usr/sbin/policy-rc.d
cat >/etc/postfix/main.cf <<EOF
compatibility_level = 3.6
myhostname = relay.lab.test
mynetworks = 127.0.0.0/8 10.9.0.0/16 198.18.0.0/16 [::1]/128 [2001:db8:51:0:c::]/80
mydestination =
virtual_mailbox_domains = rcpt.test
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = /var/mail/lab
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
transport_maps = inline:{refused.test=error:5.1.1:refused}
smtpd_milters = unix:@MILTER@
non_smtpd_milters = unix:@MILTER@
internal_mail_filter_classes = bounce
milter_default_action = tempfail
EOF
install -d -o nobody /var/mail/lab
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
systemctl enable --now postfix
ip address add 10.9.1.1/32 dev lo; ip address add 198.18.0.1/32 dev lo; ip address add 2001:db8:51:0:c::7/128 dev lo
"""

SEND = """
import smtplib
with smtplib.SMTP(%(to)r, 25, source_address=(%(source)r, 0), timeout=30) as client:
    try:
        client.sendmail(%(sender)r, %(recipients)r, %(text)r)
        print("250")
    except smtplib.SMTPResponseException as error:
        print(error.smtp_code)
"""


def with_postfix(milter: str) -> str:
    """Return the script that installs Postfix; ``milter`` is the socket, below Postfix's queue directory."""
    return POSTFIX.replace("@MILTER@", milter)


def send(host: Host, sender: str, source: str = "127.0.0.1", rcpt: str = "a@rcpt.test") -> str:
    text = f"From: <{sender}>\nSubject: a  test\nTo: {rcpt}\n\nOne line \nand another.\n\n"
    host.run("rm -f /var/mail/lab/inbox/new/*")
    values = {"to": source, "source": source, "sender": sender, "recipients": [rcpt], "text": text}
    return host.python(SEND % values)


def arrived(host: Host) -> bytes:
    """Wait for one message, and take it out of the inbox."""
    path = host.eventually("ls /var/mail/lab/inbox/new/* | head -n 1 | grep .")
    text = host.run(f"cat '{path}'; rm '{path}'")
    return text.encode() + b"\n"

#!/bin/sh
# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A relay of another kind: Debian's Exim with Debian's own configuration, and in it what an administrator would set.
# Its key and certificate, and the key that it signs with, are in /etc/exim4. Usage: exim.sh NAME SMARTHOST CLIENT...
set -eu
name=$1 smarthost=$2
shift 2
cd /etc/exim4
chown root:Debian-exim server.pem dkim.pem
chmod 640 server.pem dkim.pem
cat >update-exim4.conf.conf <<END
dc_eximconfig_configtype='smarthost'
dc_other_hostnames=''
dc_local_interfaces=''
dc_readhost=''
dc_relay_domains='rcpt.test'
dc_minimaldns='false'
dc_relay_nets='$(echo "$@" | sed 's/:/::/g; s/ / : /g')'
dc_smarthost='$smarthost'
CFILEMODE='644'
dc_use_split_config='true'
dc_hide_mailname='false'
dc_mailname_in_oh='true'
dc_localdelivery='mail_spool'
END
echo "$name" >/etc/mailname
cat >conf.d/main/00_local <<END
MAIN_HARDCODE_PRIMARY_HOSTNAME = $name
MAIN_TLS_ENABLE = yes
MAIN_TLS_CERTIFICATE = /etc/exim4/server.pem
MAIN_TLS_PRIVATEKEY = /etc/exim4/server.pem
MAIN_HOST_LOOKUP = :
smtp_banner = \$smtp_active_hostname ESMTP
tls_require_ciphers = NORMAL:-VERS-TLS1.0:-VERS-TLS1.1
END
# Debian has macros for signing, but not for what goes to a smarthost.
transport=conf.d/transport/30_exim4-config_remote_smtp_smarthost
if ! grep -q dkim_domain "$transport"; then
    cat >>"$transport" <<END
  dkim_domain = sender.test
  dkim_selector = s1
  dkim_private_key = /etc/exim4/dkim.pem
END
fi
update-exim4.conf
systemctl enable exim4
systemctl restart exim4

#!/bin/sh
# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the relays of postfix1 share: certificates, users, and a signer; and a second signer whose key nobody has published.
# Usage: shared.sh NAME..., the names that the good certificates are for
set -eu
install -d /etc/relays /etc/dkimkeys
cd /etc/relays

names=$(printf 'DNS:%s,' "$@")
names=${names%,}
req() { openssl req -new -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$2.key" -out "$2.csr" 2>/dev/null; }
sign() { # NAME SUBJECTALTNAME VALIDITY...
    name=$1
    printf 'subjectAltName=%s\n' "$2" >"$name.ext"
    shift 2
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -extfile "$name.ext" "$@" -out "$name.crt" 2>/dev/null
    (umask 077 && cat "$name.key" "$name.crt" ca.pem >"$name.pem")
}
openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj '/CN=Authority of the wrong relays' \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
    -keyout ca.key -out ca.pem 2>/dev/null
for each in good expired soon other; do req "$each.wrong.test" "$each"; done
sign good "$names" -days 90
sign expired "$names" -not_before 20200101000000Z -not_after 20210101000000Z
sign soon "$names" -days 3
sign other DNS:mail.other.test -days 90
openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=self.wrong.test -addext "subjectAltName=$names" \
    -keyout self.key -out self.crt 2>/dev/null
(umask 077 && cat self.key self.crt >self.pem)

printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n' >/etc/postfix/sasl/smtpd.conf
printf not-a-secret-in-the-lab | saslpasswd2 -p -c -u correct.wrong.test canary
chgrp postfix /etc/sasldb2
chmod 640 /etc/sasldb2

for each in published unpublished; do
    install -d "/etc/dkimkeys/$each" && cd "/etc/dkimkeys/$each"
    [ -e s1.private ] || opendkim-genkey -b 2048 -d sender.test -s s1
    case $each in published) port=8891 ;; *) port=8892 ;; esac
    cat >"/etc/dkimkeys/$each.conf" <<END
Syslog yes
UserID opendkim
Mode s
Socket inet:$port@127.0.0.1
PidFile /run/opendkim/$each.pid
Canonicalization relaxed/relaxed
OversignHeaders From
Domain sender.test
Selector s1
KeyFile /etc/dkimkeys/$each/s1.private
InternalHosts 0.0.0.0/0, ::/0
END
    cat >"/etc/systemd/system/signer-$each.service" <<END
[Service]
RuntimeDirectory=opendkim
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/opendkim -f -x /etc/dkimkeys/$each.conf
END
done
chown -R opendkim: /etc/dkimkeys
systemctl daemon-reload
systemctl restart signer-published signer-unpublished

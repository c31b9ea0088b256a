# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Around the logins of a relay: a Postfix that has them judged, a directory and a database with users, and clients.

All of it runs on one host without a network.
"""

from __future__ import annotations

import json
import subprocess
import typing as t

from container_host import Host

INSTALL = r"""
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends {packages} >/root/apt.log 2>&1
rm /usr/sbin/policy-rc.d
"""

# An authority, and a certificate for all servers of the host.
CERTIFICATES = r"""
mkdir -p /etc/ssl/lab; cd /etc/ssl/lab
openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj '/CN=Lab CA' -addext keyUsage=critical,keyCertSign \
  -keyout ca.key -out ca.pem 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj /CN=lab.test -keyout key.pem -out request.pem 2>/dev/null
echo 'subjectAltName=DNS:ds.lab.test,DNS:db.lab.test,DNS:relay.lab.test' >names
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -days 9 -extfile names -out cert.pem 2>/dev/null
cat key.pem cert.pem >both.pem; chmod 600 ca.key both.pem
echo '127.0.0.1 ds.lab.test db.lab.test' >>/etc/hosts
"""

# Delivers everything to a folder. Who may do what is as the role postfix has it.
POSTFIX = r"""
cat >/etc/postfix/main.cf <<EOF
compatibility_level = 3.6
maillog_file = /var/log/mail.log
myhostname = relay.lab.test
mynetworks = 198.18.0.0/24
mydestination =
virtual_mailbox_domains = rcpt.test
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = /var/mail/lab
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
smtpd_tls_chain_files = /etc/ssl/lab/both.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = reject
smtpd_sasl_auth_enable = no
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_security_options = noanonymous
smtpd_sasl_mechanism_filter = plain, login, scram-sha-256
local_login_sender_maps = regexp:/etc/postfix/login_senders
after_login = reject_authenticated_sender_login_mismatch, check_sasl_access static:sender_after_login
smtpd_restriction_classes = sender_after_login
sender_after_login = check_sender_access inline:{ { <> = 553 5.7.1 A login needs a sender of its own } }
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C PGSSLMODE=verify-full
  PGSSLROOTCERT=/etc/ssl/lab/ca.pem PGCONNECT_TIMEOUT=3
EOF
install -d -o nobody /var/mail/lab
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
cat >>/etc/postfix/master.cf <<EOF
587 inet n - y - - smtpd
    -o smtpd_tls_security_level=encrypt
    -o smtpd_sasl_auth_enable=yes
    -o smtpd_sender_restrictions=\$after_login
    -o smtpd_relay_restrictions=permit_mynetworks,permit_sasl_authenticated,reject
EOF
systemctl enable --now postfix
"""

SLAPD = r"""
mkdir -p /root/slapd/db; cd /root/slapd
cat >slapd.conf <<EOF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile /root/slapd/pid
TLSCACertificateFile /etc/ssl/lab/ca.pem
TLSCertificateFile /etc/ssl/lab/cert.pem
TLSCertificateKeyFile /etc/ssl/lab/key.pem
security simple_bind=128
database mdb
directory /root/slapd/db
suffix dc=lab,dc=test
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=relay,dc=lab,dc=test" read by * none
EOF
cat >entries <<'EOF'
dn: dc=lab,dc=test
objectClass: dcObject
objectClass: organization
dc: lab
o: lab

dn: cn=relay,dc=lab,dc=test
objectClass: applicationProcess
objectClass: simpleSecurityObject
cn: relay
userPassword: SECRET

dn: uid=dora,dc=lab,dc=test
objectClass: inetOrgPerson
uid: dora
cn: Dora
sn: Dora
mail: dora@ldap.test
mail: @dora.test
userPassword: dora-has-a-secret

dn: uid=robot,dc=lab,dc=test
objectClass: account
objectClass: simpleSecurityObject
uid: robot
userPassword: robot-has-a-secret
EOF
slapadd -q -f slapd.conf -l entries
cat >/etc/systemd/system/lab-slapd.service <<EOF
[Service]
ExecStart=/usr/sbin/slapd -d 0 -f /root/slapd/slapd.conf -h 'ldap://127.0.0.1 ldaps://127.0.0.1'
EOF
systemctl daemon-reload; systemctl start lab-slapd
"""

POSTGRESQL = r"""
cd /etc/postgresql/*/main
cp /etc/ssl/lab/key.pem /etc/ssl/lab/cert.pem .; chown postgres key.pem cert.pem; chmod 600 key.pem
{ echo "ssl = on"; echo "ssl_key_file = '$PWD/key.pem'"; echo "ssl_cert_file = '$PWD/cert.pem'"; } >>postgresql.conf
printf 'local all postgres peer\nhostssl mail relay 127.0.0.1/32 scram-sha-256\n' >pg_hba.conf
systemctl restart postgresql
until su postgres -c 'psql -c "select 1"' >/dev/null 2>&1; do sleep 0.2; done
su postgres -c 'psql -q' <<'EOF'
CREATE ROLE relay LOGIN PASSWORD $secret$SECRET$secret$;
CREATE DATABASE mail;
EOF
su postgres -c 'psql -q mail' <<EOF
CREATE TABLE users (name text, hash text);
CREATE TABLE senders (name text, address text);
INSERT INTO users VALUES ('sonia', '$(doveadm pw -s SHA512-CRYPT -p sonia-has-a-secret)');
INSERT INTO senders VALUES ('sonia', 'sonia@sql.test'), ('sonia', '@sonia.test');
GRANT SELECT ON users, senders TO relay;
EOF
"""

# Speaks SMTP as told on its standard input: lines of JSON, each answered by a line.
CLIENT = r"""
import base64, hashlib, hmac, json, os, smtplib, ssl, sys

class Scram:
    def __init__(self, name, password):
        self.first = f"n={name},r={os.urandom(9).hex()}"
        self.password = password
        self.steps = [self.begin, self.prove, self.verify]
    def __call__(self, challenge=None):
        return self.steps.pop(0)(challenge.decode() if challenge else "")
    def begin(self, _challenge):
        return "n,," + self.first
    def prove(self, challenge):
        nonce, salt, rounds = (field[2:] for field in challenge.split(",")[:3])
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(salt), int(rounds))
        last = "c=biws,r=" + nonce
        said = f"{self.first},{challenge},{last}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), said, "sha256")
        self.server = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), said, "sha256")
        return last + ",p=" + base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
    def verify(self, challenge):
        assert challenge == "v=" + base64.b64encode(self.server).decode(), challenge
        return ""

context = ssl.create_default_context(cafile="/etc/ssl/lab/ca.pem")
context.check_hostname = False
client = None

def connect(port, tls):
    global client
    client = smtplib.SMTP("127.0.0.1", port, timeout=60)
    client.ehlo()
    if tls:
        client.starttls(context=context)
        client.ehlo()
    return 220, client.esmtp_features.get("auth", "")

def login(mechanism, name, password):
    client.user, client.password = name, password
    ways = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login, "SCRAM-SHA-256": Scram(name, password)}
    return client.auth(mechanism, ways[mechanism], initial_response_ok=mechanism != "LOGIN")

def send(sender):
    client.rset()
    code, text = client.docmd("MAIL FROM:<%s>" % sender)
    if code == 250:
        code, text = client.rcpt("a@rcpt.test")
    if code == 250:
        code, text = client.data("From: <%s>\r\nSubject: x\r\n\r\nx\r\n" % sender)
    return code, text

for line in sys.stdin:
    name, *values = json.loads(line)
    try:
        code, text = {"connect": connect, "login": login, "send": send}[name](*values)
    except smtplib.SMTPResponseException as error:
        code, text = error.smtp_code, error.smtp_error
    print(json.dumps([code, text if isinstance(text, str) else text.decode()]), flush=True)
"""


def start(host: Host, secret: str) -> None:
    """Have all servers run; ``secret`` is the password of the relay itself for the directory and the database."""
    for script in (CERTIFICATES, POSTFIX, SLAPD, POSTGRESQL):
        host.run(script.replace("SECRET", secret))


def restart(host: Host, service: str) -> None:
    """Start a server that was stopped, and wait until it answers."""
    host.run(f"systemctl start {service}")
    host.eventually("ss -Hltn | grep -c -e :389 -e :5432 | grep 2")


class Answer(t.NamedTuple):
    """The server's code, and the rest of its reply."""

    code: int
    text: str


class Client:
    """A session with the submission service of ``host``, or with another port."""

    def __init__(self, host: Host, port: int = 587, tls: bool = True) -> None:
        command = ["podman", "exec", "--interactive", host.name, "python3", "-c", CLIENT]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.mechanisms = self._do("connect", port, tls).text.split()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.process.communicate(timeout=60)

    def _do(self, *step: t.Any) -> Answer:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(step) + "\n")
        self.process.stdin.flush()
        return Answer(*json.loads(self.process.stdout.readline()))

    def login(self, name: str, password: str, mechanism: str = "PLAIN") -> Answer:
        return self._do("login", mechanism, name, password)

    def send(self, sender: str) -> Answer:
        """Hand in a message; return the answer to its last step."""
        return self._do("send", sender)

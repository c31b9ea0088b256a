# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role rspamd refuses, seen through a Postfix that knows nothing but the milter: replies, forged headers as
Postfix hands them on, sendmail(1) and bounces.

Who has logged in comes by XCLIENT, so that no authentication server is needed.
"""

from __future__ import annotations

import email
import json
import typing as t

import pytest
from container_host import Host
from test_rspamd_role import HELD, REDIS, forget, redis

# The scenario submission shows the same on both releases at each change.
pytestmark = pytest.mark.thorough

POSTFIX = r"""
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postfix >/dev/null 2>&1
rm /usr/sbin/policy-rc.d
cat >/etc/postfix/main.cf <<EOF
compatibility_level = 3.6
myhostname = relay.lab.test
myorigin = relay.lab.test
mynetworks = 127.0.0.0/8 10.9.0.0/16 198.18.0.0/16
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
local_header_rewrite_clients = permit_mynetworks
mydestination =
virtual_mailbox_domains = rcpt.test
virtual_mailbox_maps = static:inbox/
virtual_mailbox_base = /var/mail/lab
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
transport_maps = inline:{refused.test=error:5.1.1:refused}
smtpd_milters = unix:rspamd/rspamd.sock
non_smtpd_milters = unix:rspamd/rspamd.sock
internal_mail_filter_classes = bounce
milter_default_action = tempfail
EOF
install -d -o nobody /var/mail/lab
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
systemctl enable --now postfix
"""

# Each message is the raw text behind DATA. The answer is that to the whole message.
SEND = """
import json, smtplib
def send(message):
    with smtplib.SMTP("127.0.0.1", 25, timeout=60) as client:
        client.ehlo("client")
        login = " LOGIN=" + message["user"] if message["user"] else ""
        client.docmd("XCLIENT ADDR=" + message["client"] + login)
        client.ehlo("client")
        client.mail(message["sender"])
        for number in range(message["recipients"]):
            client.rcpt("r%d@rcpt.test" % number)
        client.putcmd("data")
        client.getreply()
        client.send(message["text"].encode("latin-1") + b".\\r\\n")
        code, text = client.getreply()
        return "%d %s" % (code, text.decode())
print(json.dumps([send(message) for message in json.loads(MESSAGES)]))
"""


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("rspamd", request.param, tmp_path_factory.mktemp("rspamd"), suffix="-postfix", **HELD)
    try:
        host.start()
        host.run(REDIS)
        played = host.play()
        assert played.ok, played.output
        host.run(POSTFIX)
        host.eventually("ss -Hltn | grep -F :25", 60)
        yield host
    finally:
        host.remove()


def send(host: Host, *texts: str, **what: t.Any) -> list[str]:
    default = {"user": "free", "client": "198.18.0.9", "sender": "shop@alpha.test", "recipients": 1}
    messages = [{**default, **what, "text": text} for text in texts]
    answers: list[str] = json.loads(host.python(f"MESSAGES = {json.dumps(messages)!r}\n{SEND}"))
    return answers


def arrived(host: Host) -> str:
    """Wait for one message, and take it out of the inbox."""
    path = host.eventually("ls /var/mail/lab/inbox/new/* | head -n 1 | grep .", 60)
    return host.run(f"cat '{path}'; rm '{path}'")


def text(header: str) -> str:
    return f"{header}\r\nSubject: x\r\nTo: r0@rcpt.test\r\n\r\nhello\r\n"


def test_a_quota_is_a_clear_answer(host: Host) -> None:
    forget(host)
    answers = send(host, *[text("From: shop@alpha.test")] * 8, user="shop")
    assert [answer[:3] for answer in answers] == ["250"] * 5 + ["451"] * 3
    assert answers[5] == "451 4.7.1 user shop: 5 messages per hour reached, try again later"
    # Whoever knocks on and on has no less of the next hour.
    assert redis(host, "HVALS", "mailops.relay:quota:user shop") == "5"
    (answer,) = send(host, text("From: l@alpha.test"), user="list", sender="l@alpha.test", recipients=11)
    assert answer.startswith("554 5.7.1 ")
    host.eventually("journalctl -o cat | grep -F 'milter-reject: END-OF-MESSAGE' | grep -F 'user shop: 5 messages'")


SESSION = """
import smtplib
with smtplib.SMTP("127.0.0.1", 25, timeout=60) as client:
    client.ehlo("client")
    client.docmd("XCLIENT ADDR=198.18.0.9 LOGIN=list")
    client.ehlo("client")
    for recipients in (4, 4, 4, 2):
        client.mail("shop@alpha.test")
        for number in range(recipients):
            client.rcpt("r%d@rcpt.test" % number)
        print(client.data("From: l@alpha.test\\r\\n\\r\\nhello\\r\\n")[0])
        client.rset()
"""


def test_several_messages_in_one_session(host: Host) -> None:
    forget(host)
    assert host.python(SESSION).split() == ["250", "250", "451", "250"]


# Patterns that make rspamd's own rules stand aside.
@pytest.mark.parametrize("letter", "XYZA")
def test_a_test_pattern_is_no_way_around(host: Host, letter: str) -> None:
    pattern = f"{letter}JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    (answer,) = send(host, f"From: ceo@bank.test\r\nSubject: x\r\n\r\n{pattern}\r\n")
    assert answer.startswith("554 5.7.1 ")


FORGED = [
    "From: ceo@bank.test",
    "FROM:ceo@bank.test",
    "X-Any: x\r\nFrom : ceo@bank.test",
    "From\t: ceo@bank.test",
    "From:\r\n ceo@bank.test",
    "From: shop@alpha.test\r\nFrom: ceo@bank.test",
    "From: shop@alpha.test\r\nFrom : ceo@bank.test",
    "From : shop@alpha.test\r\nFrom: ceo@bank.test",
    "From: shop@alpha.test,\r\n ceo@bank.test",
    "From: shop@alpha.test\r\nSender: ceo@bank.test",
    "From: shop@alpha.test\rFrom: ceo@bank.test",
    "From: Team: shop@alpha.test, ceo@bank.test;",
    'From: "shop@alpha.test" <ceo@bank.test>',
    "From: =?utf-8?q?=22shop=40alpha.test=22?= <ceo@bank.test>",
    "From: (shop@alpha.test) ceo@bank.test",
    "From: <shop@alpha.test>, <ceo@bank.test>",
    "From: ceo",
]
# Postfix makes of these what is no From header of another's: a mailbox line, a text, a value that ends.
HARMLESS = [
    "From : ceo@bank.test",
    "Not a header\r\nFrom: ceo@bank.test",
    "From: shop@alpha.test\0, ceo@bank.test",
]
HONEST = [
    "From: shop@alpha.test",
    "From: Shop <SHOP@alpha.test>",
    "From: =?utf-8?q?Gesch=C3=A4ft?=\r\n\t<anybody@beta.test>",
    "X-From: ceo@bank.test\r\nFrom: shop@alpha.test",
    "From: shop@alpha.test\r\nReply-To: ceo@bank.test",
    "X-Without: From",
]


def test_forged_headers_do_not_pass(host: Host) -> None:
    answers = send(host, *map(text, FORGED))
    assert [(header, answer) for header, answer in zip(FORGED, answers) if not answer.startswith("554 5.7.1 ")] == []


def test_honest_headers_pass(host: Host) -> None:
    answers = send(host, *map(text, HONEST))
    assert [(header, answer) for header, answer in zip(HONEST, answers) if not answer.startswith("250")] == []


@pytest.mark.parametrize("header", HARMLESS)
def test_what_looks_forged_and_is_not(host: Host, header: str) -> None:
    host.eventually("postqueue -p | grep -F 'Mail queue is empty'", 60)
    host.run("rm -f /var/mail/lab/inbox/new/*")
    assert send(host, text(header))[0].startswith("250")
    assert email.message_from_string(arrived(host)).get_all("From") == ["shop@alpha.test"]


def test_clients_are_free(host: Host) -> None:
    assert send(host, text("From: ceo@bank.test"), user="", client="10.9.1.1")[0].startswith("250")


def test_sendmail_and_bounces(host: Host) -> None:
    host.eventually("postqueue -p | grep -F 'Mail queue is empty'", 60)
    host.run("rm -f /var/mail/lab/inbox/new/*")
    host.run("printf 'From: Cron <root>\\nSubject: own\\n\\nhello\\n' | sendmail -f root r0@rcpt.test")
    assert "From: Cron <root@relay.lab.test>" in arrived(host)
    host.run("printf 'Subject: without\\n\\nhello\\n' | sendmail -f shop@alpha.test r0@rcpt.test")
    assert "<shop@alpha.test>" in arrived(host)
    host.run("printf 'From: r0@rcpt.test\\nSubject: x\\n\\nhello\\n' | sendmail -f r0@rcpt.test b@refused.test")
    assert "Undelivered Mail Returned to Sender" in arrived(host)
    host.run("printf 'From: ceo@bank.test\\nSubject: forged\\n\\nhello\\n' | sendmail -f r0@rcpt.test r1@rcpt.test")
    notice = arrived(host)
    assert "ceo@bank.test is not yours to use in From" in notice
    assert "To: r0@rcpt.test" in notice

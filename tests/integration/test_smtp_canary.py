# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The canary through Debian's Postfix, into a Maildir that is read as such and by Debian's Dovecot; and bad servers.

dovecot-imapd is not in the image: it comes from Debian while the test runs.
"""

from __future__ import annotations

import asyncio
import pathlib
import re
import time
import typing as t

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _canary, _canary_mailbox, _canary_run, _canary_send
from ansible_collections.mailops.relay.plugins.module_utils._canary import Sent, Through
from ansible_collections.mailops.relay.plugins.module_utils._canary_mailbox import Account, Imap, MailboxError, Maildir
from container_host import Host
from loopback_servers import Authority, Handler, server_context, silent, tcp_server

SET_UP = r"""
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    postfix libsasl2-modules sasl2-bin openssl dovecot-core dovecot-imapd >/dev/null 2>&1
rm /usr/sbin/policy-rc.d
echo '127.0.0.1 relay.lab.test other.lab.test' >>/etc/hosts
mkdir /etc/tls; cd /etc/tls
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=relay.lab.test \
    -addext subjectAltName=DNS:relay.lab.test 2>/dev/null

cat >/etc/postfix/main.cf <<EOF
compatibility_level = 3.6
myhostname = relay.lab.test
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = rcpt.test
virtual_mailbox_base = /srv/mail
virtual_mailbox_maps = static:canary/
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
transport_maps = inline:{ gone@rcpt.test=discard: }
smtpd_tls_security_level = may
smtpd_tls_chain_files = /etc/tls/key.pem /etc/tls/cert.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
cyrus_sasl_config_path = /etc/postfix/sasl
EOF
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
postconf -F '*/*/chroot=n'
postconf -M 'submissions/inet=submissions inet n - n - - smtpd -o smtpd_tls_wrappermode=yes'
mkdir -p /etc/postfix/sasl
printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n' >/etc/postfix/sasl/smtpd.conf
printf correct-horse | saslpasswd2 -p -c -u relay.lab.test canary; chgrp postfix /etc/sasldb2; chmod 640 /etc/sasldb2

groupadd -g 5000 mail5000; useradd -u 5000 -g 5000 -d /srv/mail mail5000; install -d -o 5000 -g 5000 /srv/mail
grep -E '^dovecot_(config|storage)_version' /etc/dovecot/dovecot.conf >/tmp/versions
cat /tmp/versions - >/etc/dovecot/dovecot.conf <<EOF
protocols = imap
ssl = required
ssl_server_cert_file = /etc/tls/cert.pem
ssl_server_key_file = /etc/tls/key.pem
mail_driver = maildir
mail_path = /srv/mail/canary
mail_uid = 5000
mail_gid = 5000
first_valid_uid = 5000
passdb static {
  password = battery-staple
}
userdb static {
  fields {
    uid = 5000
    gid = 5000
    home = /srv/mail
  }
}
EOF
systemctl restart postfix dovecot
"""
RELAY = {"relay": "relay.lab.test", "address": "127.0.0.1"}
IMAP = {"host": "relay.lab.test", "user": "canary", "password": "battery-staple"}
COMMON = {"sender": "canary@alpha.test", "recipient": "canary@rcpt.test", "ca_file": "/etc/tls/cert.pem"}
MAILDIR = {"maildir": "/srv/mail/canary"}
FOUND = ["canary_not_verified", "canary_unsigned"]
"""Nothing signs or verifies here: the scenario open_relay shows that."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("canary", "trixie", tmp_path_factory.mktemp("canary"), network="podman")
    try:
        host.start()
        host.run(SET_UP)
        host.eventually("test -S /var/spool/postfix/public/pickup; doveadm auth test canary battery-staple >/dev/null")
        # A Maildir is made by the first message.
        host.run("printf 'Subject: first\\n\\nfirst\\n' | sendmail someone@rcpt.test")
        host.eventually("ls /srv/mail/canary/new/* | grep -q .")
        yield host
    finally:
        host.remove()


def ids(result: dict[str, t.Any]) -> list[str]:
    assert not result["failed"], result
    return sorted(finding["id"] for finding in result["findings"])


def messages(host: Host) -> int:
    return int(host.run("grep -rlE '^X-Mailops-Canary' /srv/mail/canary/new /srv/mail/canary/cur | wc -l"))


def test_maildir(host: Host) -> None:
    result = host.module("smtp_canary", relays=[RELAY], **COMMON, **MAILDIR)
    assert ids(result) == FOUND
    (canary,) = result["canaries"]
    assert canary["delivered"]
    assert [hop["by"] for hop in canary["received"]] == ["relay.lab.test"]
    assert result["sent"][0]["queue_id"]
    before = messages(host)
    assert before
    assert ids(host.module("smtp_canary", relays=[RELAY], delete=True, **COMMON, **MAILDIR)) == FOUND
    assert messages(host) == before


@pytest.mark.parametrize("kind", [{}, {"port": 143, "tls": "encrypt"}], ids=["wrapper", "starttls"])
def test_imap(host: Host, kind: dict[str, t.Any]) -> None:
    """Read by Dovecot, and removed; what else is in the mailbox stays, and stays unread."""
    before = messages(host)
    both = [RELAY, {**RELAY, "port": 465, "tls": "wrapper"}]
    result = host.module("smtp_canary", relays=both, imap={**IMAP, **kind}, **COMMON)
    assert ids(result) == sorted(FOUND * 2)
    assert [canary["delivered"] for canary in result["canaries"]] == [True, True]
    assert messages(host) == before
    assert host.run("ls /srv/mail/canary/new /srv/mail/canary/cur | grep -c ':2,.*S' || true") == "0"
    assert "battery-staple" not in str(result)


def test_imap_without_deleting(host: Host) -> None:
    before = messages(host)
    assert ids(host.module("smtp_canary", relays=[RELAY], imap=IMAP, delete=False, **COMMON)) == FOUND
    assert messages(host) == before + 1


def test_sent_here_and_looked_for_there(host: Host) -> None:
    sent = host.module("smtp_canary", action="send", relays=[RELAY], **COMMON)
    assert ids(sent) == []
    assert sent["results"] == sent["canaries"] == []
    looked = host.module("smtp_canary", action="receive", sent=sent["sent"], dkim_domain="alpha.test", **MAILDIR)
    assert ids(looked) == FOUND
    assert looked["canaries"][0]["token"] == sent["sent"][0]["token"]


@pytest.mark.parametrize("relay", [{"tls": "encrypt"}, {"tls": "wrapper", "port": 465}], ids=["starttls", "wrapper"])
def test_login(host: Host, relay: dict[str, t.Any]) -> None:
    login = {**RELAY, **relay, "user": "canary@relay.lab.test", "password": "correct-horse"}
    result = host.module("smtp_canary", relays=[login], **COMMON, **MAILDIR)
    assert ids(result) == FOUND
    wrong = host.module("smtp_canary", relays=[{**login, "password": "wrong-horse"}], **COMMON, **MAILDIR)
    assert ids(wrong) == ["canary_refused"]
    assert "AUTH was answered with 535" in wrong["findings"][0]["message"]
    assert "correct-horse" not in str(result)


@pytest.mark.parametrize(
    ("changed", "finding", "words"),
    [
        ({"recipient": "someone@example.net"}, "canary_refused", "RCPT was answered with 554 5.7.1"),
        ({"recipient": "gone@rcpt.test", "patience": 2}, "canary_lost", "as [0-9A-F]+, and it has not arrived after 2"),
        ({"relays": [{**RELAY, "port": 9}]}, "canary_not_sent", "connection.: Connection refused"),
        ({"relays": [{**RELAY, "relay": "other.lab.test", "tls": "encrypt"}]}, "canary_not_sent", "is not accepted"),
        ({"relays": [{**RELAY, "tls": "encrypt"}], "ca_file": None}, "canary_not_sent", "self-signed certificate"),
    ],
    ids=["refused", "lost", "not there", "another name", "unknown authority"],
)
def test_faults(host: Host, changed: dict[str, t.Any], finding: str, words: str) -> None:
    result = host.module("smtp_canary", **{"relays": [RELAY], **COMMON, **MAILDIR, **changed})
    assert ids(result) == [finding]
    assert re.search(words, result["findings"][0]["message"]), result["findings"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"imap": {**IMAP, "password": "wrong-staple"}}, "AUTHENTICATIONFAILED"),
        ({"imap": {**IMAP, "folder": "Nowhere"}}, "Nowhere"),
        ({"imap": {**IMAP, "port": 9}}, "Connection refused"),
        ({"imap": {**IMAP, "host": "other.lab.test"}}, "certificate is not accepted"),
        ({"maildir": "/srv"}, "is no Maildir"),
    ],
    ids=["password", "folder", "not there", "another name", "no maildir"],
)
def test_a_mailbox_that_cannot_be_read_is_not_checked(host: Host, changed: dict[str, t.Any], words: str) -> None:
    result = host.module("smtp_canary", relays=[RELAY], **COMMON, **changed)
    assert ids(result) == []
    assert {item["state"] for item in result["results"]} == {"not_checked"}
    assert words in result["results"][0]["note"]


def test_nonsense_is_told(host: Host) -> None:
    result = host.module("smtp_canary", relays=[], sender="x", recipient="y", **MAILDIR)
    assert result["failed"]
    assert len(result["msg"].splitlines()) == 3


# --- servers that are no good, on loopback ---

SETTINGS = _canary_send.Settings("a@a.test", "b@b.test", "h.test", timeout=3)
RUN = "canary-0123456789ab"


def saying(*replies: bytes, every: float = 0, close: bool = False) -> Handler:
    """Say one reply, and one more after each line that is heard; with ``every``, an octet at a time."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, reply in enumerate(replies):
            if number:
                await reader.readuntil(b"\r\n")
            for octet in reply if every else ():
                writer.write(bytes([octet]))
                await writer.drain()
                await asyncio.sleep(every)
            if not every:
                writer.write(reply)
                await writer.drain()
        if not close:
            await asyncio.sleep(60)

    return handle


async def lines_for_ever(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"220-still here\r\n" * 1000)
        await writer.drain()


def sent_to(handler: Handler) -> tuple[Sent, float]:
    async def run() -> Sent:
        async with tcp_server(handler) as port:
            relays = [Through("r.test", "127.0.0.1", port)]
            (sent,) = await asyncio.to_thread(_canary_send.send, relays, [f"{RUN}.0"], SETTINGS)
            return sent

    began = time.monotonic()
    return asyncio.run(run()), time.monotonic() - began


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (silent, "no answer in time"),
        (saying(b"x" * 3_000_000), ""),
        (lines_for_ever, "it says too much"),
        (saying(b"220 x\r\n", b"250 x\r\n" * 10, every=0.2), "no answer in time"),
        (saying(b"220 x\r\n", close=True), ""),
        (saying(b"\xff\xfe\r\n"), ""),
        (
            saying(b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n", b"\xff\xff\xff\xff\xff\xff", close=True),
            "",
        ),
    ],
    ids=["silent", "a long line", "lines for ever", "drip", "closes", "garbage", "no TLS"],
)
def test_no_relay_can_keep_us(handler: Handler, words: str) -> None:
    sent, seconds = sent_to(handler)
    assert not sent.accepted
    assert sent.stage
    assert sent.trouble or sent.reply
    assert words in sent.trouble
    assert seconds < 30


@pytest.mark.parametrize(
    ("replies", "stage"),
    [
        ([b"554 go away\r\n"], "the connection"),
        ([b"220 x\r\n", b"500 no\r\n"], "EHLO"),
        ([b"220 x\r\n", b"250 x\r\n", b"451 later\r\n"], "MAIL"),
        ([b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"550-no\r\n550 \x1b[31mno\r\n"], "RCPT"),
        ([b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"554 no\r\n"], "DATA"),
    ],
)
def test_a_refusal_is_told_with_its_stage(replies: list[bytes], stage: str) -> None:
    sent, _seconds = sent_to(saying(*replies))
    assert (sent.accepted, sent.stage, sent.trouble) == (False, stage, "")
    assert sent.reply.startswith(replies[-1][:3].decode())
    assert "\x1b" not in sent.reply


def looked_at(handler: Handler, folder: pathlib.Path) -> str:
    """Look into a mailbox of a server; return why nothing could be seen."""

    async def run() -> str:
        context = server_context(Authority().issue("i.test").write(folder / "server.pem"))
        async with tcp_server(handler, context) as port:
            account = Account("127.0.0.1", port, "wrapper", "u", "p")

            def opened() -> _canary_mailbox.Mailbox:
                return Imap(account, _canary_run.unverified_context(), "", timeout=2, delete=True)

            with pytest.raises(MailboxError) as caught:
                await asyncio.to_thread(_canary_mailbox.wait, opened, RUN, 1, 1, 0.2, delete=True)
            return str(caught.value)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        (silent, "timed out"),
        (saying(b"x" * 3_000_000), "got more than"),
        (saying(b"\xff\xfe\r\n"), ""),
        (saying(b"* BYE not today\r\n"), ""),
        (saying(b"* OK x\r\n", b"* X {9999999999}\r\n"), "9999999999 octets"),
        (saying(b"* OK x\r\n", close=True), ""),
    ],
    ids=["silent", "a long line", "garbage", "bye", "a large literal", "closes"],
)
def test_no_mailbox_can_keep_us(
    handler: Handler, words: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_canary_mailbox, "GRACE", 5.0)
    assert words in looked_at(handler, tmp_path)


def test_a_large_maildir_is_read_once(tmp_path: pathlib.Path) -> None:
    (tmp_path / "new").mkdir()
    for number in range(5000):
        (tmp_path / "new" / f"{number}.x.host").write_bytes(b"Subject: x\r\n\r\n" + b"x" * 1000)
    (tmp_path / "new" / "big.x.host").write_bytes(b"Subject: x\r\n\r\n" + b"x" * 50_000_000)
    mailbox = Maildir(str(tmp_path), "")
    assert mailbox.look(RUN) == {}
    (tmp_path / "new" / "last.x.host").write_bytes(_canary.message(f"{RUN}.3", "r.test", "a@a.test", "b@b.test", 1.0))
    assert list(mailbox.look(RUN)) == [f"{RUN}.3"]
    assert len(mailbox.seen) == 5002

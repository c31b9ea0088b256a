# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole relay changes its signer, and back, while mail comes in: none leaves unsigned, and the keys stay."""

from __future__ import annotations

import base64
import json
import pathlib
import typing as t

import pytest
from container_host import Host
from dkim_verifier import verify

SELECTOR = "relay-lab-test"
PLAYBOOK = "- import_playbook: mailops.relay.deploy\n"
NEXT_HOP = 2525

# A next hop that keeps what it gets, and a client that hands in a message ten times a second, each until it is taken.
NEIGHBOURS = """
ip address add 10.9.1.1/32 dev lo
cat >/root/sink.py <<'EOF'
import asyncio, pathlib

async def serve(reader, writer):
    writer.write(b"220 sink.test ESMTP\\r\\n")
    while line := await reader.readline():
        if line[:4] == b"DATA":
            writer.write(b"354 go on\\r\\n")
            message = (await reader.readuntil(b"\\r\\n.\\r\\n"))[:-3].replace(b"\\r\\n..", b"\\r\\n.")
            pathlib.Path("/root/got", str(len(list(pathlib.Path("/root/got").iterdir())))).write_bytes(message)
        writer.write(b"250 ok\\r\\n")

async def main():
    pathlib.Path("/root/got").mkdir()
    await (await asyncio.start_server(serve, "127.0.0.1", 2525)).serve_forever()

asyncio.run(main())
EOF
cat >/root/client.py <<'EOF'
import smtplib, sys, time, pathlib
codes, number = [], 0
while not pathlib.Path("/root/enough").exists():
    text = f"From: a@alpha.test\\nTo: b@rcpt.test\\nSubject: {number}\\n\\nhello\\n"
    try:
        with smtplib.SMTP("127.0.0.1", 25, source_address=("10.9.1.1", 0), timeout=30) as client:
            client.sendmail("a@alpha.test", ["b@rcpt.test"], text)
        number += 1
    except (OSError, smtplib.SMTPException) as error:
        codes.append(getattr(error, "smtp_code", 0))
    time.sleep(0.1)
pathlib.Path("/root/sent").write_text(f"{number} {codes}")
EOF
systemd-run --quiet --unit=sink python3 /root/sink.py
"""
READ = "cd /root/got; for file in $(ls | sort -n); do base64 --wrap 0 $file; echo; done"


@pytest.fixture(params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> t.Iterator[Host]:
    hops = [{"host": "127.0.0.1", "port": NEXT_HOP, "tls": "none"}]
    host = Host("postfix", request.param, tmp_path, relay_next_hops=hops)
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    try:
        host.start()
        host.run(NEIGHBOURS)
        yield host
    finally:
        host.remove()


def deploy(host: Host, signer: str) -> None:
    """Deploy with a signer; see that it and no other one is in use, and that a second run changes nothing."""
    other = {"opendkim": "rspamd", "rspamd": "opendkim"}[signer]
    played = host.play(relay_dkim={"signer": signer})
    assert played.ok, played.output
    assert host.run(f"systemctl is-active {signer}; systemctl is-active {other} || true").split()[0] == "active"
    assert host.run(f"systemctl is-active {other} || true") in ("inactive", "unknown")
    assert host.run("postconf -h smtpd_milters") == f"unix:{signer}/{signer}.sock"
    assert host.play(relay_dkim={"signer": signer}).changed == 0


@pytest.mark.any_release
def test_a_relay_changes_its_signer_under_mail(host: Host) -> None:
    deploy(host, "opendkim")
    keys = "sha256sum /etc/dkimkeys/*/*.private"
    before = host.run(keys)
    host.run("systemd-run --quiet --unit=client python3 /root/client.py")
    for signer in ("rspamd", "opendkim", "rspamd"):
        deploy(host, signer)
        assert host.run(keys) == before
    host.run("touch /root/enough")
    sent, _space, refused = host.eventually("cat /root/sent").partition(" ")
    host.eventually(f"postqueue -f; test $(ls /root/got | wc -l) -ge {sent}", 60)
    records = host.module("dkim_keys", domains=["alpha.test", "beta.test", "relay.lab.test"], selector=SELECTOR)
    texts = {record["name"]: record["value"] for record in records["records"]}
    messages = [base64.b64decode(line) for line in host.run(READ).splitlines()]
    assert len(messages) == int(sent) > 100
    # Twice signed, where both are in use for a moment, is no harm.
    assert {tuple({tags["d"] for tags in verify(message, texts)}) for message in messages} == {("alpha.test",)}
    assert set(json.loads(refused)) <= {451}

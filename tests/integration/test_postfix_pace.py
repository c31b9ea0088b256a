# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Destinations that take their time, beside one that does not, with the role postfix and a real Postfix."""

from __future__ import annotations

import pytest
from container_host import Host

SLOW = 6
EACH = 20
"""How many deliveries Postfix makes to one destination at a time."""

# All are on the host itself. A slow one takes a message and says no more; a file tells of each message.
SERVERS = """
cat >/root/servers.py <<'EOF'
import asyncio, pathlib, sys

async def serve(reader, writer):
    slow = writer.get_extra_info("sockname")[0] != "127.0.2.1"
    writer.write(b"220 sink.test ESMTP\\r\\n")
    while line := await reader.readline():
        if line[:4] == b"DATA":
            writer.write(b"354 go on\\r\\n")
            await reader.readuntil(b"\\r\\n.\\r\\n")
            pathlib.Path("/tmp/slow" if slow else "/tmp/fast", str(id(writer))).touch()
            if slow:
                await asyncio.sleep(3600)
        writer.write(b"250 ok\\r\\n")

async def main():
    for folder in ("/tmp/slow", "/tmp/fast"):
        pathlib.Path(folder).mkdir()
    servers = [await asyncio.start_server(serve, address, 2525) for address in sys.argv[1:]]
    pathlib.Path("/tmp/ready").touch()
    await asyncio.gather(*(server.serve_forever() for server in servers))

asyncio.run(main())
EOF
systemd-run --quiet --unit=servers python3 /root/servers.py {addresses}
for _ in $(seq 100); do [ -e /tmp/ready ] && exit; sleep 0.1; done
exit 1
"""
SEND = "printf 'Subject: x\\n\\nx\\n' | sendmail -i recipient@{domain}\n"


@pytest.fixture(params=["bookworm", "trixie"])
def host(request, tmp_path):
    addresses = {f"slow{number}.test": f"127.0.1.{number}" for number in range(SLOW)} | {"fast.test": "127.0.2.1"}
    routes = " ".join(f"{{ {domain} = smtp:[{address}]:2525 }}" for domain, address in addresses.items())
    # Otherwise Postfix begins with fewer, and has 20 after some deliveries.
    lines = [f"transport_maps = inline:{{ {routes} }}", f"initial_destination_concurrency = {EACH}"]
    extra = {"main_cf": "\n".join([*lines, "smtp_tls_security_level = none"])}
    host = Host("postfix", request.param, tmp_path, relay_dkim={"enabled": False}, postfix_extra=extra)
    try:
        host.start()
        played = host.play()
        assert played.ok, played.output
        host.run(SERVERS.replace("{addresses}", " ".join(addresses.values())))
        yield host
    finally:
        host.remove()


@pytest.mark.any_release
def test_slow_destinations_do_not_stop_the_mail_to_others(host):
    for number in range(SLOW):
        host.run(SEND.format(domain=f"slow{number}.test") * EACH)
    held = f"ls /tmp/slow | wc -l | grep -x {SLOW * EACH}"
    host.eventually(held, 60)
    host.run(SEND.format(domain="fast.test"))
    host.eventually("ls /tmp/fast | wc -l | grep -x 1", 60)
    host.run(held)

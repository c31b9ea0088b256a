# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pebble, the test server for ACME (RFC 8555), on a host of the tests."""

from __future__ import annotations

import json

from container_host import Host

DIRECTORY = "https://acme.test:14000/dir"
AUTHORITY = "/etc/pebble/ca.pem"
"""Certificate of Pebble's own web server."""

DAYS = 90
"""For which its certificates are valid, unless another number is named."""

INSTALL = """
mkdir -p /etc/pebble
cd /etc/pebble
export DEBIAN_FRONTEND=noninteractive
timeout 180 apt-get -qq install -y --no-install-recommends pebble curl openssl >/dev/null 2>&1
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=acme.test -addext subjectAltName=DNS:acme.test \
    -keyout key.pem -out ca.pem 2>/dev/null
echo '127.0.0.1 acme.test {names}' >>/etc/hosts
"""
START = """
cat >/etc/pebble/config.json <<'END'
{config}
END
systemd-run --quiet --unit=pebble --setenv=PEBBLE_VA_NOSLEEP=1 --setenv=PEBBLE_AUTHZREUSE=0 \
    --setenv=PEBBLE_WFE_NONCEREJECT=0 {settings} pebble -config /etc/pebble/config.json {options}
"""


class Pebble:
    """Pebble on ``host``, which resolves ``names`` to itself."""

    def __init__(self, host: Host, *names: str) -> None:
        self.host = host
        host.run(INSTALL.format(names=" ".join(names)))

    def start(self, *options: str, days: float = DAYS, **environment: str) -> None:
        """Start it. It forgets accounts and orders when it is stopped."""
        config = {
            "listenAddress": "0.0.0.0:14000",
            "managementListenAddress": "127.0.0.1:15000",
            "certificate": "/etc/pebble/ca.pem",
            "privateKey": "/etc/pebble/key.pem",
            "httpPort": 80,
            "tlsPort": 443,
            "certificateValidityPeriod": int(days * 86400),
        }
        settings = " ".join(f"--setenv={name}={value}" for name, value in environment.items())
        text = json.dumps({"pebble": config})
        self.host.run(START.format(config=text, settings=settings, options=" ".join(options)))
        self.host.eventually(f"curl --silent --cacert {AUTHORITY} {DIRECTORY} >/dev/null", seconds=60)

    def stop(self) -> None:
        self.host.run("systemctl stop pebble 2>/dev/null || true")

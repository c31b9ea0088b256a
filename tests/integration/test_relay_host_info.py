# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""relay_host_info on hosts with Debian's own Postfix, OpenDKIM and nftables, which are damaged in one way at a time.

The tests of a release share one host. Each damages it, sees exactly the findings of that, and mends it again.
"""

from __future__ import annotations

import functools
import json
import pathlib
import time
import typing as t

import pytest
import yaml
from ansible_collections.mailops.relay.plugins.modules import relay_host_info
from container_host import PLAYBOOK, Host

UTILS = pathlib.Path(__file__).parents[2] / "plugins" / "module_utils"
DEFAULTS = {
    name: option.get("default") for name, option in yaml.safe_load(relay_host_info.DOCUMENTATION)["options"].items()
}

# Nothing leaves this host: there is no network, so its one next hop cannot be reached.
SET_UP = r"""
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d
echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
    postfix opendkim opendkim-tools nftables python3-cryptography openssl >/dev/null 2>&1
rm /usr/sbin/policy-rc.d

mkdir /etc/tls; chmod 711 /etc/tls; cd /etc/tls
make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.pem" \
        -subj "/CN=$2" -addext "subjectAltName=DNS:$2" -days "$3" 2>/dev/null
}
make_certificate good relay.lab.test 90
make_certificate short relay.lab.test 3
make_certificate other other.lab.test 90
# openssl of Debian 12 makes no certificate that has expired; its small CA does.
mkdir ca; touch ca/index; echo 01 >ca/serial
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=ca/index\nserial=ca/serial\nnew_certs_dir=ca\ndefault_md=sha256\n' >ca/conf
printf 'policy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:relay.lab.test\n' >>ca/conf
openssl req -new -key good.key -subj /CN=relay.lab.test -out ca/request
openssl ca -batch -config ca/conf -selfsign -keyfile good.key -in ca/request -out expired.pem -notext \
    -startdate 20200101000000Z -enddate 20210101000000Z 2>/dev/null
cat other.key other.pem good.key good.pem >both.pem
chmod 600 *.key both.pem

cat >/etc/postfix/main.cf <<EOF
compatibility_level = 3.6
myhostname = relay.lab.test
mydestination =
relayhost = [198.18.9.9]
mynetworks = 10.9.0.0/16
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/tls/good.pem
smtpd_tls_key_file = /etc/tls/good.key
smtpd_milters = unix:opendkim/opendkim.sock
non_smtpd_milters = \$smtpd_milters
milter_default_action = tempfail
EOF
cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf

mkdir -p /etc/dkimkeys/example.com
opendkim-genkey -b 2048 -d example.com -s s1 -D /etc/dkimkeys/example.com
chown -R opendkim:opendkim /etc/dkimkeys; chmod 700 /etc/dkimkeys
chmod 600 /etc/dkimkeys/example.com/s1.private
echo 'example.com example.com:s1:/etc/dkimkeys/example.com/s1.private' >/etc/dkimkeys/KeyTable
echo '*@example.com example.com' >/etc/dkimkeys/SigningTable
cat >/etc/opendkim.conf <<EOF
Syslog yes
UserID opendkim
UMask 007
Mode s
Socket local:/var/spool/postfix/opendkim/opendkim.sock
PidFile /run/opendkim/opendkim.pid
KeyTable file:/etc/dkimkeys/KeyTable
SigningTable refile:/etc/dkimkeys/SigningTable
OversignHeaders From
EOF
install -d -o opendkim -g postfix -m 2750 /var/spool/postfix/opendkim

printf 'flush ruleset\ntable inet mailops_relay {\n chain input {\n type filter hook input priority 0\n }\n}\n' \
    >/etc/nftables.conf
systemctl enable --now nftables opendkim postfix 2>/dev/null
"""
COPY = "/root/collections/ansible_collections/mailops/relay/plugins/module_utils"
GLANCE = """
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, "/root/collections")
from ansible_collections.mailops.relay.plugins.module_utils._host_look import Look
from ansible_collections.mailops.relay.plugins.module_utils._host_programs import Programs

options = {!r}
results = [part.result() for part in Look(options, Programs(options["timeout"])).parts()]
print(json.dumps({{"results": results, "findings": [each for item in results for each in item["findings"]]}}))
"""
MAIN_CF = "cp /etc/postfix/main.cf /root/main.cf; postconf -e {}"
MAIN_CF_BACK = "cp /root/main.cf /etc/postfix/main.cf"
CERTIFICATE = MAIN_CF.format("smtpd_tls_cert_file=/etc/tls/{}.pem smtpd_tls_key_file=/etc/tls/{}.key")
KEY = "/etc/dkimkeys/example.com/s1.private"
SHORT_KEY = f"cp -p {KEY} /root; openssl genrsa 1024 2>/dev/null >{KEY}"

# A message that waits, and how to have it wait since yesterday: the queue file has the time of arrival in it.
SEND = "printf 'Subject: x\\n\\nx\\n' | sendmail -f a@example.com jo.doe@example.net"
WAIT = "for _ in $(seq 100); do postqueue -j | grep delay_reason && break; sleep 0.2; done | grep -q ."
BACK_DATE = r"""
import pathlib, re
(path,) = [path for path in pathlib.Path("/var/spool/postfix/deferred").rglob("*") if path.is_file()]
content = path.read_bytes()
old = re.search(rb"T.(\d{10}) ", content)
path.write_bytes(content.replace(old[0], old[0].replace(old[1], b"%d" % (int(old[1]) - 86400)), 1))
"""
EMPTY = "postsuper -d ALL 2>/dev/null"


class Damage(t.NamedTuple):
    """What is done to the host, what is found then, and how it is mended."""

    script: str
    findings: list[str]
    mend: str = ""
    options: t.Mapping[str, t.Any] = {}


DAMAGES = {
    "none": Damage("", []),
    "postfix stopped": Damage("systemctl stop postfix", ["service_not_running"], "systemctl start postfix"),
    "opendkim stopped": Damage("systemctl stop opendkim", ["service_not_running"], "systemctl start opendkim"),
    "opendkim disabled": Damage(
        "systemctl disable opendkim 2>&1", ["service_not_enabled"], "systemctl enable opendkim 2>&1"
    ),
    "opendkim away from its socket": Damage(
        "mv /var/spool/postfix/opendkim/opendkim.sock /root",
        ["service_milter_silent"],
        "mv /root/opendkim.sock /var/spool/postfix/opendkim",
    ),
    "socket that is not for Postfix": Damage(
        "chmod 700 /var/spool/postfix/opendkim", ["service_milter_silent"], "chmod 2750 /var/spool/postfix/opendkim"
    ),
    "no milter": Damage(MAIN_CF.format("smtpd_milters="), ["service_milter_unused"], MAIN_CF_BACK),
    "unsigned mail passes": Damage(
        MAIN_CF.format("milter_default_action=accept"), ["service_milter_accept"], MAIN_CF_BACK
    ),
    "unknown parameter": Damage(
        MAIN_CF.format("smtpd_relay_restriction=reject"), ["service_configuration_warning"], MAIN_CF_BACK
    ),
    "key for everybody": Damage(f"chmod 644 {KEY}", ["key_unsafe"], f"chmod 600 {KEY}"),
    "key of root": Damage(f"chown root {KEY}", ["key_unsafe"], f"chown opendkim {KEY}"),
    "key stricter": Damage(f"chmod 400 {KEY}", [], f"chmod 600 {KEY}"),
    "key gone": Damage(f"mv {KEY} /root", ["key_missing"], f"mv /root/s1.private {KEY}"),
    "key short": Damage(SHORT_KEY, ["key_refused", "key_refused"], f"mv /root/s1.private {KEY}"),
    "key broken": Damage(f"cp -p {KEY} /root; echo x >{KEY}", ["key_refused"], f"mv /root/s1.private {KEY}"),
    "signing table": Damage(
        "echo '*@example.org example.org' >>/etc/dkimkeys/SigningTable",
        ["key_table_dangling"],
        "sed -i '$d' /etc/dkimkeys/SigningTable",
    ),
    "key table": Damage(
        "echo x >>/etc/dkimkeys/KeyTable", ["key_table_unusable"], "sed -i '$d' /etc/dkimkeys/KeyTable"
    ),
    "certificate expired": Damage(CERTIFICATE.format("expired", "good"), ["certificate_expired"], MAIN_CF_BACK),
    "certificate expires": Damage(CERTIFICATE.format("short", "short"), ["certificate_expires"], MAIN_CF_BACK),
    "certificate of another": Damage(CERTIFICATE.format("other", "other"), ["certificate_name"], MAIN_CF_BACK),
    "certificate asked for by a name": Damage("", ["certificate_name"], "", {"hostname": "relay2.lab.test"}),
    "certificate with another key": Damage(
        CERTIFICATE.format("good", "other"), ["certificate_key_mismatch"], MAIN_CF_BACK
    ),
    "certificate gone": Damage(CERTIFICATE.format("gone", "good"), ["certificate_unusable"], MAIN_CF_BACK),
    "no certificate": Damage(
        MAIN_CF.format("smtpd_tls_cert_file= smtpd_tls_key_file="), ["certificate_none"], MAIN_CF_BACK
    ),
    "two chains, one of another": Damage(
        MAIN_CF.format("smtpd_tls_chain_files=/etc/tls/both.pem"), ["certificate_name"], MAIN_CF_BACK
    ),
    "key of the certificate for everybody": Damage(
        "chmod 644 /etc/tls/good.key", ["certificate_key_exposed"], "chmod 600 /etc/tls/good.key"
    ),
    "one message": Damage(f"{SEND}; {WAIT}", [], EMPTY),
    "too many messages": Damage(f"{SEND}; {WAIT}", ["queue_deferred"], EMPTY, {"queue_deferred": 0}),
    "old message": Damage(f"{SEND}; {WAIT}; python3 -c '{BACK_DATE}'", ["queue_old"], EMPTY),
    "held message": Damage(f"{SEND}; {WAIT}; postsuper -h ALL 2>&1", ["queue_held"], EMPTY),
    "damaged message": Damage(
        "touch /var/spool/postfix/corrupt/X", ["queue_corrupt"], "rm /var/spool/postfix/corrupt/X"
    ),
    "no space for a message": Damage(
        MAIN_CF.format("message_size_limit=900000000000000"), ["queue_disk_full"], MAIN_CF_BACK
    ),
    "the queue cannot be listed in time": Damage(
        "printf '#!/bin/sh\\nsleep 600\\n' >/usr/local/sbin/postqueue; chmod +x /usr/local/sbin/postqueue",
        ["queue_not_checked"],
        "rm /usr/local/sbin/postqueue",
        {"timeout": 15},
    ),
    "no firewall": Damage("nft delete table inet mailops_relay", ["firewall_missing"], "systemctl restart nftables"),
    "no firewall at boot": Damage(
        "systemctl disable nftables 2>&1", ["firewall_not_at_boot"], "systemctl enable nftables 2>&1"
    ),
    "another firewall": Damage("", ["firewall_missing"], "", {"table": "inet other"}),
    "reboot": Damage("touch /run/reboot-required", ["host_reboot_required"], "rm /run/reboot-required"),
    "old package lists": Damage(
        "touch -d '9 days ago' /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp",
        ["host_package_lists_old"],
        "touch /var/lib/apt/lists /var/lib/apt/periodic/update-success-stamp",
    ),
    "another unit failed": Damage(
        "systemd-run --unit=broken --wait false 2>&1 || true", ["host_unit_failed"], "systemctl reset-failed"
    ),
}


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Host]:
    host = Host("host-info", request.param, tmp_path_factory.mktemp("host"))
    try:
        host.start()
        host.run(SET_UP)
        host.run(f"mkdir -p {COPY}")
        host.podman("cp", f"{UTILS}/.", f"{host.name}:{COPY}")
        host.eventually("test -S /var/spool/postfix/opendkim/opendkim.sock; postqueue -p")
        yield host
    finally:
        host.remove()


def glance(host: Host, **options: t.Any) -> dict[str, t.Any]:
    """Look without Ansible, which takes several times as long. What is printed is what the module returns."""
    return json.loads(host.python(GLANCE.format({**DEFAULTS, **options})))


def look(host: Host, **options: t.Any) -> dict[str, t.Any]:
    # ansible takes no empty arguments.
    result = host.module("relay_host_info", **{"restarts": 3, **options})
    assert not result["failed"], result
    assert not result["changed"]
    assert all(finding["message"] and finding["remedy"] for finding in result["findings"])
    return result


@functools.cache
def usual(host: Host) -> list[str]:
    """The clock of a container is that of the machine; nothing may synchronise it."""
    synchronised = host.run("timedatectl show --property=NTPSynchronized --value")
    return [] if synchronised == "yes" else ["clock_not_synchronised"]


def suite_of(host: Host) -> str:
    return host.image.rpartition(":")[2]


def ids(result: dict[str, t.Any]) -> list[str]:
    return sorted(finding["id"] for finding in result["findings"])


def checks(result: dict[str, t.Any]) -> dict[str, str]:
    return {item["check"]: item["state"] for item in result["results"]}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage(host: Host, name: str) -> None:
    damage = DAMAGES[name]
    host.run(damage.script)
    try:
        result = glance(host, **damage.options)
    finally:
        host.run(damage.mend)
    assert ids(result) == sorted([*damage.findings, *usual(host)]), result["findings"]
    unchecked = {item["check"] for item in result["results"] if item["state"] == "not_checked"}
    assert bool(unchecked) == any(name.endswith("_not_checked") for name in damage.findings)


def test_what_is_seen(host: Host) -> None:
    host.run(f"{SEND}; {WAIT}")
    result = look(host)
    host.run(EMPTY)
    seen = result["seen"]
    assert [(each["name"], each["state"], each["enabled"]) for each in seen["services"]] == [
        ("postfix", "active", True),
        ("opendkim", "active", True),
        ("nftables", "active", True),
    ]
    assert seen["postfix_version"] in host.run("dpkg-query --show postfix")
    assert [package["name"] for package in seen["packages"]] == ["postfix", "opendkim", "nftables"]
    assert seen["firewall_tables"] == ["inet mailops_relay"]
    assert seen["queue"]["messages"]["deferred"] == 1
    assert seen["queue"]["destinations"] == [{"domain": "example.net", "messages": 1}]
    assert "jo.doe" not in str(result)
    (certificate,) = seen["certificates"]
    assert 89 < certificate.pop("days_left") <= 90
    assert certificate["names"] == ["relay.lab.test"]
    assert (certificate["covers_hostname"], certificate["key_matches"], certificate["self_signed"]) == (True,) * 3
    assert seen["keys"] == [{"path": KEY, "domain": "example.com", "selector": "s1", "exists": True, "bits": 2048}]
    assert checks(result) == dict.fromkeys(["host", "clock", "queue", "certificate", "signing", "keys"], "done")


@pytest.mark.parametrize(("seconds", "expected"), [(0, []), (-5000, ["clock_offset"]), (5000, ["clock_offset"])])
def test_clock(host: Host, seconds: int, expected: list[str]) -> None:
    result = look(host, now=time.time() + seconds, clock_offset=1800)
    assert ids(result) == sorted([*expected, *usual(host)])


def test_update(host: Host) -> None:
    older = "/^Package: postfix$/,/^$/s/^Version: .*/Version: 3.1/"
    host.run(f"cp -p /var/lib/dpkg/status /root; sed -i '{older}' /var/lib/dpkg/status")
    result = look(host)
    host.run("mv /root/status /var/lib/dpkg/status")
    security = "-security" in host.run("apt-cache policy postfix | grep -A3 '^ \\*\\*\\*'")
    kind = "host_update_security" if security else "host_update"
    assert ids(result) == sorted([kind, *usual(host)])


def test_it_changes_nothing(host: Host) -> None:
    host.run("rm -f /root/stamp; sleep 0.1; touch /root/stamp; sleep 0.1")
    look(host)
    places = "/etc /usr /var /home /srv /opt"
    changed = host.run(
        f"find {places} -xdev -newercm /root/stamp -not -path '/var/log*' -not -path '*/spool/postfix/p*'"
    )
    assert changed == ""


def test_nobody(host: Host, tmp_path: pathlib.Path) -> None:
    """Without rights everything is a readable finding: nothing is taken for wrong, and nothing for right."""
    nobody = Host("host-info", suite_of(host), tmp_path, ansible_become=True, ansible_become_user="nobody")
    assert nobody.name == host.name
    result = look(nobody)
    assert {name for name in ids(result) if not name.endswith("_not_checked")} == set(usual(host))
    (certificate,) = result["seen"]["certificates"]
    assert (certificate["names"], certificate["key_matches"]) == (["relay.lab.test"], None)
    assert checks(result) == {
        "host": "not_checked",
        "clock": "done",
        "queue": "not_checked",
        "certificate": "not_checked",
        "signing": "not_checked",
        "keys": "not_checked",
    }


@pytest.mark.thorough
@pytest.mark.parametrize("host", ["trixie"], indirect=True)
def test_very_long_queue(host: Host) -> None:
    """The result stays small, and so does what the module needs for it."""
    host.run(f"{SEND}; {WAIT}")
    host.python(
        "import os, pathlib\n"
        "(path,) = [path for path in pathlib.Path('/var/spool/postfix/deferred').rglob('*') if path.is_file()]\n"
        "content, status = path.read_bytes(), path.stat()\n"
        "for number in range(100_000 - 1):\n"
        "    copy = pathlib.Path(f'/var/spool/postfix/deferred/{number % 16:X}/{number % 16:X}{number:08X}')\n"
        "    copy.parent.mkdir(exist_ok=True, mode=0o700)\n"
        "    copy.write_bytes(content)\n"
        "    os.chown(copy, status.st_uid, status.st_gid); os.chmod(copy, status.st_mode)\n"
        "    os.utime(copy, (2**31, 2**31))\n"
        "for folder in path.parent.parent.iterdir():\n"
        "    os.chown(folder, status.st_uid, status.st_gid)\n"
    )
    result = look(host, timeout=120)
    host.run("systemctl stop postfix; rm -rf /var/spool/postfix/deferred/*; systemctl start postfix")
    assert ids(result) == sorted(["queue_deferred", *usual(host)])
    assert result["seen"]["queue"]["messages"]["deferred"] == 100_000
    assert len(str(result)) < 20_000


def test_plain_debian(host: Host, tmp_path: pathlib.Path) -> None:
    plain = Host("host-info", suite_of(host), tmp_path, suffix="-plain")
    try:
        plain.start()
        result = look(plain)
        assert ids(result) == sorted(["service_not_installed"] * 3 + usual(plain))
        assert checks(result) == {
            "host": "done",
            "clock": "done",
            "queue": "not_checked",
            "certificate": "not_checked",
            "signing": "done",
            "keys": "not_checked",
        }
    finally:
        plain.remove()


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_relay_that_is_deployed(suite: str, tmp_path: pathlib.Path) -> None:
    """What our roles leave behind is as it should be; the clock is not theirs."""
    relay = Host("host-info", suite, tmp_path, suffix="-relay", network="none")
    roles = ", mailops.relay.".join(["opendkim", "postfix", "nftables"])
    (tmp_path / "play.yml").write_text(PLAYBOOK.format(role=roles))
    try:
        relay.start()
        played = relay.play()
        assert played.ok, played.output
        result = look(relay, hostname="relay.lab.test")
        assert ids(result) == usual(relay), result["findings"]
        assert set(checks(result).values()) == {"done"}
        assert [key["domain"] for key in result["seen"]["keys"]] == ["alpha.test", "beta.test", "relay.lab.test"]
    finally:
        relay.remove()

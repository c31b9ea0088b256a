# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS of outgoing mail: DANE, MTA-STS and levels of single destinations, with real servers and signed zones."""

from __future__ import annotations

import typing as t

import pytest
from container_host import Host
from signed_zones import KNOT, NET4, UNBOUND
from tls_receivers import Receivers

pytestmark = pytest.mark.any_release

ROLES = "[mailops.relay.resolver, mailops.relay.mta_sts, mailops.relay.postfix]"
PLAY = f"- hosts: relays\n  gather_facts: false\n  roles: {ROLES}\n"
ADDRESS = f"{NET4}.20"
ROOT_CA = "/usr/local/share/ca-certificates/tests.crt"
FILES = "cd /etc/unbound/mailops-resolver && md5sum [a-z]* && readlink -f /etc/systemd/system/*.d/mailops-*"
# What Postfix's unit puts in place of etc in the chroot.
SEEN = "cat /var/lib/mailops-relay/postfix-etc/resolv.conf"


def policy(receivers: Receivers, **changes: t.Any) -> dict[str, t.Any]:
    resolver = {"forwarders": [KNOT], "trust_anchors": [receivers.anchor], "signed_name": "test."}
    given = {
        "level": "dane",
        "resolver": {**resolver, **changes.pop("resolver", {})},
        "mta_sts": True,
        "destinations": [{"domain": "forced.test", "level": "encrypt"}],
    }
    return {"relay_tls_policy": {**given, **changes}}


@pytest.fixture(scope="module")
def receivers() -> t.Iterator[Receivers]:
    receivers = Receivers()
    try:
        receivers.start()
        yield receivers
    finally:
        receivers.remove()


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def host(request, tmp_path_factory, receivers):
    folder = tmp_path_factory.mktemp("tls_policy")
    network = f"{receivers.network}:ip={ADDRESS}"
    variables = {"relay_dkim": {"enabled": False}, "relay_addresses": [ADDRESS], **policy(receivers)}
    host = Host("tls-policy", request.param, folder, network=network, **variables)
    (folder / "play.yml").write_text(PLAY)
    host.start()
    try:
        # The host's own resolver validates nothing that a client could rely on: it is not on the host.
        host.run(f"echo 'nameserver {UNBOUND}' >/etc/resolv.conf")
        host.podman("exec", "--interactive", host.name, "tee", ROOT_CA, text=receivers.authority.pem)
        host.run(f"sed -i '/PRIVATE/,/PRIVATE/d' {ROOT_CA}; update-ca-certificates 2>&1")
        played = host.play()
        assert played.ok, played.output
        yield host
    finally:
        host.remove()


def outcome(host: Host, domain: str) -> str:
    """Send a message to a domain and return what the log says of it, up to what became of it."""
    cursor = host.run("journalctl --lines=0 --show-cursor | sed -n 's/^-- cursor: //p'")
    host.run(f"printf 'Subject: test\\n\\ntest\\n' | sendmail -f root@relay.lab.test user@{domain}")
    log = f"journalctl --output=cat --facility=mail --after-cursor='{cursor}'"
    host.eventually(f"{log} | grep -q 'to=<user@{domain}>.* status='", 120)
    host.run("postsuper -d ALL deferred 2>&1")
    return host.run(log)


def test_a_second_run_changes_nothing(host):
    played = host.play()
    assert (played.ok, played.changed) == (True, 0), played.output


def test_only_the_loopback_offers_names(host):
    places = set(host.run("ss -Hlun 'sport = :53' | awk '{print $4}'").split())
    assert places == {"127.0.0.1:53"}
    assert host.run("grep -v '^#' /etc/resolv.conf") == f"nameserver {UNBOUND}"
    assert "nameserver 127.0.0.1" in host.run(SEEN)


@pytest.mark.parametrize(
    ("domain", "status", "text"),
    [
        ("dane.test", "sent", "Verified TLS connection established to mx.dane.test"),
        ("misfit.test", "deferred", "no matching DANE TLSA records"),
        ("bogus.test", "deferred", "Name service error for name=bogus.test type=MX: Host not found, try again"),
        ("sts.test", "sent", "Verified TLS connection established to mx.sts.test"),
        ("forged.test", "deferred", "Server certificate not verified"),
        ("both.test", "sent", "Verified TLS connection established to mx.both.test"),
        ("override.test", "deferred", "no matching DANE TLSA records"),
        ("clear.test", "sent", "status=sent"),
        ("forced.test", "deferred", "TLS is required, but was not offered"),
    ],
)
def test_what_becomes_of_mail(host, domain, status, text):
    seen = outcome(host, domain)
    assert f"status={status}" in seen
    assert text in seen


def test_mail_waits_while_policies_cannot_be_known(host):
    """None is sent in clear, also to a domain without a policy."""
    daemon = "postfix-mta-sts-resolver mailops-tls-policy.service"
    host.run("systemctl mask --runtime --now postfix-mta-sts-resolver 2>&1")
    try:
        assert "status=deferred" in outcome(host, "clear.test")
        host.run(f"systemctl stop mailops-tls-policy.socket {daemon} 2>&1")
        assert "status=deferred" in outcome(host, "clear.test")
    finally:
        host.run(
            f"systemctl unmask --runtime postfix-mta-sts-resolver; systemctl start mailops-tls-policy.socket {daemon}"
        )
    host.eventually("postqueue -f; ! postqueue -j | grep -q clear.test")
    assert "status=sent" in outcome(host, "clear.test")


def test_what_postfix_sees_outlives_reload_and_restart(host):
    host.run("echo 'nameserver 192.0.2.1' >/etc/resolv.conf; postfix reload 2>&1; sleep 0.5; systemctl reload postfix")
    try:
        assert "Verified TLS connection" in outcome(host, "dane.test")
        host.run("systemctl restart postfix; postfix check 2>&1 || true")
        assert "Verified TLS connection" in outcome(host, "dane.test")
    finally:
        host.run(f"echo 'nameserver {UNBOUND}' >/etc/resolv.conf; systemctl restart postfix")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("resolver", "extra", "texts"),
    [
        ({}, "server:\n  nonsense: 1\n", ["Nothing was changed", "unbound refuses the configuration", "nonsense"]),
        ({}, "server:\n  val-permissive-mode: yes\n", ["hands on what is bogus", "The previous set of files is back"]),
        ({}, "server:\n  interface: 192.0.2.1\n", ["could not open ports", "The previous set of files is back"]),
        ({"signed_name": "clear.test."}, "", ["does not validate: its answer for the name clear.test.", "without AD"]),
        ({"forwarders": [f"{NET4}.99"]}, "", ["The resolver at 127.0.0.1", "The previous set of files is back"]),
    ],
    ids=[
        "nonsense",
        "validation off",
        "an address of somebody else",
        "a name that is not signed",
        "a forwarder that is not there",
    ],
)
def test_a_resolver_that_does_not_validate_is_not_put_to_use(host, receivers, resolver, extra, texts):
    before = host.run(FILES)
    played = host.play(**policy(receivers, resolver=resolver), resolver_extra=extra)
    assert not played.ok
    for text in texts:
        assert text in played.output
    assert host.run(FILES) == before
    assert "Verified TLS connection" in outcome(host, "dane.test")


@pytest.mark.thorough
@pytest.mark.any_release
def test_a_resolver_of_somebody_else(host, receivers):
    """It stands in for one on the host; ours is taken out of use, and comes back."""
    other = policy(receivers, resolver={"manage": False, "address": UNBOUND})
    played = host.play(**other)
    assert played.ok, played.output
    assert host.run("systemctl is-active unbound || true") == "inactive"
    assert f"nameserver {UNBOUND}" in host.run(SEEN)
    assert "Verified TLS connection established to mx.both.test" in outcome(host, "both.test")
    assert host.play(**other).changed == 0
    assert host.play().ok
    assert host.run("systemctl is-active unbound") == "active"


@pytest.mark.thorough
def test_what_is_not_wanted_any_more_is_taken_back(host, receivers):
    """The last one: afterwards the host is as without these roles, and then as before."""
    played = host.play(**policy(receivers, level="may", mta_sts=False))
    assert played.ok, played.output
    units = "unbound postfix-mta-sts-resolver mailops-tls-policy.socket mailops-tls-policy.service"
    assert host.run(f"systemctl is-active {units} || true").split() == ["inactive"] * 4
    assert host.run(f"systemctl is-enabled {units} 2>&1 || true").count("enabled") == 0
    assert host.run("ls /etc/systemd/system/*.d /etc/systemd/system | grep mailops || true") == ""
    assert "status=sent" in outcome(host, "misfit.test")
    assert host.play(**policy(receivers, level="may", mta_sts=False)).changed == 0
    assert host.play().ok
    assert "Verified TLS connection" in outcome(host, "dane.test")

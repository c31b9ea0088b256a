# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publishing where the world is not as one wishes: others' records, a lagging and a dead server, zones elsewhere."""

from __future__ import annotations

import threading

import pytest
from lab import CLIENT, RELAYS, arrived, mail, new_token
from plays import PRIMARY, SECONDARY, described, paused, play, stopped, succeed, texts, update, zone_text

# Records that others have put into the zone, and that have to stay.
FOREIGN = {"alpha.test": "site-verification=abc", "_acme-challenge.alpha.test": "xyz"}


ZONES = ["lab.test", "alpha.test", "beta.test"]


def zones() -> list[str]:
    return [zone_text(zone) for zone in ZONES]


def test_mail_passes_by_the_records_that_were_published() -> None:
    """No record of the relays was put into the lab's zones by hand."""
    token = new_token()
    senders = ["anna@alpha.test", "bert@beta.test"]
    mails = [mail(r, s, [f"{token}-{r.name}-{s[0]}@rcpt.test"], token) for r in RELAYS for s in senders]
    assert {result["code"] for result in CLIENT.send(mails)} == {250}
    found = arrived(token, len(mails))
    assert len(found) == len(mails)
    assert all(message.passes for message in found), [m.header("Authentication-Results") for m in found]


def test_a_second_run_changes_nothing_and_one_relay_alone_neither() -> None:
    before = zones()
    assert succeed("publish").changed == 0
    limited = succeed("publish", "--limit", "relay13")
    assert limited.changed == 0
    assert "no public key is known for relay12-lab-test._domainkey" in limited.output
    assert zones() == before


def test_a_relay_that_is_down_stays_in_spf() -> None:
    """It cannot be asked for its keys; what is published of it stays."""
    before = zones()
    with paused(RELAYS[0]):
        played = play("publish")
    assert "relay12" in played.output
    assert zones() == before
    assert "198.51.100.12" in texts("alpha.test")[0]


def test_the_signed_zone_is_signed() -> None:
    """What was published by updates has signatures that a validating resolver takes."""
    ask = ("kdig", "+dnssec", "+noall", "+header", "+answer", f"@{SECONDARY.ipv4}", "-p", "5353")
    for zone, secure in (("beta.test", True), ("alpha.test", False)):
        answer = SECONDARY.run(*ask, zone, "TXT")
        assert "v=spf1" in answer
        flags = answer.partition("Flags:")[2].partition(";")[0].split()
        assert ("ad" in flags) is secure, answer
        assert ("RRSIG" in answer) is secure


def test_records_of_others_stay() -> None:
    update("alpha.test", *[("add", name, 60, "TXT", f'"{text}"') for name, text in FOREIGN.items()])
    update("alpha.test", ("delete", "_dmarc.alpha.test"))
    assert succeed("publish").changed == 1
    assert FOREIGN["alpha.test"] in texts("alpha.test")
    assert texts("_acme-challenge.alpha.test") == [FOREIGN["_acme-challenge.alpha.test"]]
    assert texts("_dmarc.alpha.test") == ["v=DMARC1; p=reject; rua=mailto:dmarc@beta.test"]
    update("alpha.test", *[("delete", name, "TXT", f'"{text}"') for name, text in FOREIGN.items()])


CONFLICTS = {
    "another sender in SPF": (
        [("replace", "alpha.test", 60, "TXT", '"v=spf1 include:_spf.beta.test ip4:198.51.100.12 -all"')],
        ["alpha.test TXT", "include:_spf.beta.test", "spf.terms"],
    ),
    "an alias in place of a key": (
        [
            ("delete", "relay12-lab-test._domainkey.alpha.test"),
            ("add", "relay12-lab-test._domainkey.alpha.test", 60, "CNAME", "elsewhere.test."),
        ],
        ["relay12-lab-test._domainkey.alpha.test", "CNAME"],
    ),
    "another mail server": (
        [("replace", "alpha.test", 60, "MX", "5 mail.somebody-else.test.")],
        ["alpha.test MX", "mail.somebody-else.test"],
    ),
    "a stricter policy for subdomains": (
        [("replace", "_dmarc.beta.test", 60, "TXT", '"v=DMARC1; p=reject; sp=reject; rua=mailto:boss@beta.test"')],
        ["_dmarc.beta.test TXT", "boss@beta.test"],
    ),
}


@pytest.mark.parametrize("conflict", CONFLICTS)
def test_what_others_rely_on_is_not_replaced(conflict: str) -> None:
    """One readable failure that names the record, and no zone is changed: not even those without a conflict."""
    steps, words = CONFLICTS[conflict]
    zone = "beta.test" if "beta" in steps[0][1] else "alpha.test"
    name, rdtype = steps[0][1], "TXT" if steps[0][0] == "delete" else steps[0][3]
    kept = texts(name, rdtype=rdtype)
    update(zone, *steps)
    update("lab.test", ("delete", "relay13.lab.test", "TXT"))
    before = zones()
    try:
        played = play("publish")
        assert played.status != 0
        for word in words:
            assert word in played.output
        assert "Nothing was changed." in played.output
        assert zones() == before
    finally:
        update(zone, ("delete", name, "CNAME"), ("delete", name, rdtype), *_adds(name, rdtype, kept))
    assert succeed("publish").changed == 1


def _adds(name: str, rdtype: str, values: list[str]) -> list[tuple]:
    parts = [[value[i : i + 255] for i in range(0, len(value), 255)] for value in values]
    data = [" ".join(f'"{part}"' for part in each) for each in parts] if rdtype == "TXT" else values
    return [("add", name, 60, rdtype, each) for each in data]


def test_a_secondary_that_lags_is_waited_for() -> None:
    """ns2 comes back while the play waits."""
    update("alpha.test", ("delete", "_smtp._tls.alpha.test"))
    SECONDARY.run("systemctl", "stop", "knot")
    later = threading.Timer(15, lambda: SECONDARY.run("systemctl", "start", "knot"))
    later.start()
    try:
        assert succeed("publish").changed == 1
    finally:
        later.join()
    assert texts("_smtp._tls.alpha.test", SECONDARY) == ["v=TLSRPTv1; rua=mailto:tls@alpha.test"]


def test_a_secondary_that_is_dead_is_named() -> None:
    update("alpha.test", ("delete", "_smtp._tls.alpha.test"))
    with stopped(SECONDARY):
        played = play("publish", **described(wait=3))
    assert played.status != 0
    assert "Not every server serves the records after 3 s" in played.output
    assert "ns2.lab.test" in played.output
    assert texts("_smtp._tls.alpha.test") == ["v=TLSRPTv1; rua=mailto:tls@alpha.test"]
    assert succeed("publish").changed == 0


def test_a_primary_that_is_dead_is_named() -> None:
    with stopped(PRIMARY):
        played = play("publish")
    assert played.status != 0
    assert "198.51.100.53: no connection over TCP" in played.output
    assert "Nothing was changed." in played.output


def test_zones_that_are_somewhere_else_are_shown_to_be_pasted() -> None:
    """Nothing to paste where all is right; the missing record, and only that one, where it is not."""
    nowhere = described(primaries=[])
    quiet = succeed("publish", **nowhere)
    assert quiet.changed == 0
    assert "_dmarc.beta.test" not in quiet.output
    update("beta.test", ("delete", "_dmarc.beta.test"))
    told = succeed("publish", **nowhere)
    assert '_dmarc.beta.test. 60 IN TXT \\"v=DMARC1; p=reject\\"' in told.output
    assert "_dmarc.alpha.test" not in told.output
    assert texts("_dmarc.beta.test") == []
    assert succeed("publish").changed == 1

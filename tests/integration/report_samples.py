# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of checks as they are in good times and in bad ones, made into reports."""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.filter.report import report
from ansible_collections.mailops.relay.plugins.module_utils._report_input import CHECKS

Item = dict[str, t.Any]

WHEN = "2026-11-25 20:31 UTC"
RELAYS = ["relay1.example.com", "relay2.example.com", "relay3.example.com"]

KEY = f"v=DKIM1; k=rsa; p={'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A' * 12}"
RECORDS = [
    {
        "name": "example.com",
        "type": "TXT",
        "values": ["v=spf1 ip4:198.51.100.12 ip4:198.51.100.13 -all"],
        "reason": "Receivers look here which addresses may send for the domain (RFC 7208, 3).",
    },
    {
        "name": "r2026._domainkey.example.com",
        "type": "TXT",
        "values": [KEY],
        "reason": "Receivers verify signatures with this key (RFC 6376, 3.6).",
    },
    {"name": "relay1.example.com", "type": "A", "values": ["198.51.100.12"]},
]

# What a server may say that wants to be seen as something else.
HOSTILE = (
    "<script>document.title='owned'</script><img src=http://evil.example/x onerror=document.title='owned'>"
    "</style><style>*{display:none}</style>\x1b[31m \u202egnp.exe \x00\x07\"'&amp; {{ 7 * 7 }} \udc80 \u6f22\u5b57 "
)
LONG_NAME = ".".join([*("abc"[number] * 63 for number in range(3)), "example"])


def finding(finding_id: str, severity: str, subject: str, message: str, *advice: str) -> Item:
    """Return a finding; ``advice`` is its remedy, and its reference."""
    texts = {"subject": subject, "message": message, **dict(zip(("remedy", "reference"), advice))}
    return {"id": finding_id, "severity": severity, **texts}


def result(relay: str, check: str, *findings: Item) -> Item:
    return {"relay": relay, "check": check, "state": "done", "findings": list(findings)}


def gap(relay: str, check: str, note: str) -> Item:
    return {"relay": relay, "check": check, "state": "not_checked", "note": note}


def fine() -> Item:
    """All is well; nobody has named a mailbox for the canary."""
    checks = [check for check in CHECKS if check not in ("dns", "canary")]
    results = [result(relay, check) for relay in RELAYS for check in checks]
    canaries = [gap(relay, "canary", "no mailbox is named") for relay in RELAYS]
    return report([result("", "dns"), *results, *canaries], generated=WHEN)


def _few_in_dns() -> Item:
    return result(
        "",
        "dns",
        finding(
            "dns_record_different",
            "error",
            "example.com TXT",
            "it is 'v=spf1 ip4:198.51.100.12 -all', and should be 'v=spf1 ip4:198.51.100.12 ip4:198.51.100.13 -all'",
            "Replace it. Publish: that",
        ),
        finding(
            "dns_record_missing", "error", "r2026._domainkey.example.com TXT", "the name does not exist", "Publish: it"
        ),
        finding(
            "dns_record_cached",
            "notice",
            "relay1.example.com A",
            "the servers are right, and 198.51.100.53 still has in its cache '198.51.100.9' for 812 s more",
            "Wait.",
            "RFC 1035, 3.2.1; RFC 2308, 5",
        ),
    )


def _few_on(relay: str, check: str) -> list[Item]:
    if check == "tls":
        remedy = "Set smtpd_tls_protocols to >=TLSv1.2 on every listener."
        ports = [f"{relay} port {port}" for port in (25, 587)]
        return [
            finding("smtp_tls_old", "warning", port, "TLS 1.0 is accepted", remedy, "RFC 8996, 2") for port in ports
        ]
    if check == "certificate" and relay == RELAYS[0]:
        remedy = "Renew it, and see why that did not happen by itself."
        return [finding("certificate_expires", "warning", relay, "it expires in 9 days, on 2026-12-04", remedy)]
    if check == "clock":
        return [finding("clock_not_synchronised", "warning", relay, "no time server is used", "Install chrony.")]
    return []


def few() -> Item:
    """One relay is down, two have their faults, and DNS is behind."""
    results = [_few_in_dns()]
    checks = [check for check in CHECKS if check not in ("dns", "canary", "host")]
    for relay in RELAYS[:2]:
        results += [result(relay, check, *_few_on(relay, check)) for check in checks]
        results.append(result(relay, "host"))
    results += [gap(relay, "canary", "no mailbox is named") for relay in RELAYS]
    down = RELAYS[2]
    message = f"ssh: connect to host {down} port 22: Connection timed out"
    remedy = "Start it, and look at the route and the firewall between."
    results += [gap(down, check, "the host does not answer") for check in checks]
    results.append(result(down, "host", finding("host_unreachable", "error", down, message, remedy)))
    silence = [
        {"id": "clock_not_synchronised", "reason": "The hypervisor sets the clock."},
        {"id": "smtp_starttls_mising", "reason": "An old scanner, gone by March."},
    ]
    return report(results, silence=silence, records=RECORDS, generated=WHEN)


def many() -> Item:
    """40 relays, 12 checks, 300 findings; names as clouds give them."""
    zones = ("frankfurt.mail.example.net", "eu-west-1.compute.internal.mail.example.net")
    relays = [f"relay{number:02}.{zones[number % 2]}" for number in range(1, 41)]
    cells: dict[tuple[str, str], list[Item]] = {(relay, check): [] for relay in relays for check in CHECKS}
    for number in range(300):
        relay, check = relays[number * 7 % 40], CHECKS[number * 5 % 11]
        severity = ("error", "warning", "notice", "warning")[number % 4]
        message = f"observation {number}: it answered '554 5.7.1 <user@example.org>: Relay access denied'"
        remedy = f"Do what the guide says in its part {number % 23}, then deploy again."
        subject = f"{relay} port {(25, 465, 587)[number % 3]}"
        cells[relay, check].append(finding(f"{check}_{severity}_kind", severity, subject, message, remedy))
    results = [result(relay, check, *findings) for (relay, check), findings in cells.items() if check != "host"]
    results += [gap(relay, "host", "there is no way to log in") for relay in relays[:5]]
    return report([*results, *(result(relay, "host") for relay in relays[5:])], generated=WHEN)


def hostile() -> Item:
    """All texts are from somebody who means ill, or does not know better."""
    findings = [
        finding("smtp_garbage", "error", f"{LONG_NAME}:25", HOSTILE * 2, HOSTILE, HOSTILE),
        finding("smtp_marks", "warning", f"Z{chr(0x301) * 60}", "x" * 5000, "y" * 300),
        finding("dns_record_missing", "error", "r2026._domainkey.example.com TXT", HOSTILE, "Publish: it"),
        finding("smtp_known", "error", HOSTILE, HOSTILE, HOSTILE),
    ]
    results = [result(LONG_NAME, "tls", *findings), result(HOSTILE, "tls"), gap(HOSTILE, "host", HOSTILE * 3)]
    silence = [{"id": "smtp_known", "reason": HOSTILE}]
    return report(results, silence=silence, records=RECORDS, generated=HOSTILE)


SAMPLES: dict[str, t.Callable[[], Item]] = {"fine": fine, "few": few, "many": many, "hostile": hostile}

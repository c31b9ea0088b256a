# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What is wrong about a listener, as far as it was seen from outside."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import (
    ACCEPTED,
    Observation,
    Reply,
    parameters,
)

Findings = t.Iterator[Finding]

_VERSION = re.compile(r"(?<![\w.\-\[:])v?\d+\.\d+(?:\.\d+)?(?:[a-z~+\-]\w*)?(?![\w.])", re.IGNORECASE)

# Exim says so where it takes commands that were sent before its answers, its greeting included.
_EARLY = ("PIPECONNECT", "PIPE_CONNECT", "X_PIPE_CONNECT")

_LOOK = "Look at the service, its log and the firewall; ask again"
_LIMITS = "Probe from an address that the relay's limits and block lists let in, or later"
_ROUTE = "Probe from a host that has addresses of both families, IPv4 and IPv6"
_TIME = "Allow more time (in_all of smtp_info), or have it delay strangers less"
_BROKEN = "See what listens on this port; it has to be the mail server"

# kind of trouble: severity, what is said before the detail, remedy, reference
TROUBLES: dict[str, tuple[str, str, str, str]] = {
    "unreachable": ("error", "It cannot be reached", _LOOK, "RFC 5321, 4.5.4.2"),
    "no_route": ("warning", "There is no way to it from here", _ROUTE, "RFC 5321, 5.2"),
    "no_banner": ("error", "It does not greet", _LOOK, "RFC 5321, 3.1"),
    "refused": ("error", "It does not want to speak to us", _LIMITS, "RFC 5321, 3.1"),
    "busy": ("warning", "It is too busy for us, so that it was not looked at in full", _LIMITS, "RFC 5321, 3.8"),
    "silent": ("error", "It does not answer", _LOOK, "RFC 5321, 4.5.3.2"),
    "unfinished": ("warning", "It was not looked at in full", _TIME, "RFC 5321, 4.5.3.2"),
    "too_slow": ("error", "It is too slow", _LOOK, "RFC 5321, 4.5.3.2"),
    "too_much": ("error", "It says too much", _BROKEN, "RFC 5321, 4.5.3.1.5"),
    "garbage": ("error", "It does not speak SMTP", _BROKEN, "RFC 5321, 4.2"),
    "dropped": ("error", "It ends the conversation", _LOOK, "RFC 5321, 3.8"),
    "tls": ("error", "TLS does not work", "Look at certificate, key and TLS settings in the log", "RFC 3207, 4"),
    "tls_dropped": (
        "error",
        "TLS does not work",
        "Look at certificate, key and TLS settings in the log",
        "RFC 3207, 4",
    ),
}


def judge_listener(seen: Observation) -> Findings:
    """Judge whether it answers as it should, and what it tells strangers."""
    if seen.trouble:
        severity, what, remedy, reference = TROUBLES[seen.trouble.kind]
        name = {"tls": "tls_broken", "tls_dropped": "tls_broken"}.get(seen.trouble.kind, seen.trouble.kind)
        yield Finding(
            f"smtp_{name}", severity, seen.listener.subject, f"{what}: {seen.trouble.detail}", remedy, reference
        )
    if seen.greeting and seen.greeting.code == 220:
        yield from _greeting(seen, seen.greeting)
    yield from _auth(seen)
    yield from _mailboxes(seen, "vrfy", seen.vrfy)
    yield from _mailboxes(seen, "expn", seen.expn)
    may = any(parameters(seen.in_clear or seen.under_tls, keyword) is not None for keyword in _EARLY)
    if seen.pipelining == ACCEPTED and not may:
        yield Finding(
            "smtp_pipelining_unauthorised",
            "notice",
            seen.listener.subject,
            "It takes commands that were sent before its answer to EHLO",
            "Make it refuse what comes too early (Postfix: smtpd_forbid_unauth_pipelining = yes)",
            "RFC 2920, 3.1",
        )


def _greeting(seen: Observation, greeting: Reply) -> Findings:
    relay, subject = seen.listener.relay.rstrip(".").lower(), seen.listener.subject
    name, _blank, rest = greeting.text.partition(" ")
    if name.rstrip(".").lower() != relay:
        message = f"It greets as {name[:80] or 'nobody'}"
        remedy = "Make the name in the greeting that of the relay (Postfix: myhostname)"
        yield Finding("smtp_hostname", "notice", subject, message, remedy, "RFC 5321, 4.3.1")
    if _VERSION.search(rest):
        message = f"The greeting tells the version of the software: {greeting.text[:120]}"
        remedy = "Leave it out of the greeting (Postfix: smtpd_banner)"
        yield Finding("smtp_banner_version", "notice", subject, message, remedy, "RFC 5321, 7.6")


def _auth(seen: Observation) -> Findings:
    subject = seen.listener.subject
    clear, under_tls = (parameters(found, "AUTH") for found in (seen.in_clear, seen.under_tls))
    if clear is not None:
        message = f"It offers AUTH without TLS ({' '.join(clear)[:120]}): passwords can be read on the way"
        remedy = "Offer AUTH under TLS only (Postfix: smtpd_tls_auth_only = yes)"
        yield Finding("smtp_auth_without_tls", "error", subject, message, remedy, "RFC 4954, 4; RFC 8314, 3")
    if seen.listener.port == 25 and under_tls is not None and clear is None:
        message = f"It offers AUTH ({' '.join(under_tls)[:120]}) to other mail servers: a place to guess passwords at"
        remedy = "Offer AUTH on the ports for submission only"
        yield Finding("smtp_auth_on_25", "notice", subject, message, remedy, "RFC 6409, 3.3")


def _mailboxes(seen: Observation, verb: str, replies: tuple[Reply, Reply] | None) -> Findings:
    """252 says that nothing is said (RFC 5321, 3.5.3). Different answers tell which mailboxes there are."""
    if replies is None:
        return
    known, unknown = replies
    if 252 not in (known.code, unknown.code) and not (known.accepts or unknown.accepts):
        return
    tells = any(reply.code in (250, 251) for reply in replies) or known.accepts != unknown.accepts
    if tells:
        message = f"{verb.upper()} tells strangers who has a mailbox: {known} for one, {unknown} for another"
        remedy = f"Turn {verb.upper()} off (Postfix: disable_vrfy_command = yes)" if verb == "vrfy" else "Turn EXPN off"
        yield Finding(f"smtp_{verb}", "warning", seen.listener.subject, message, remedy, "RFC 5321, 7.3")


def judge_all_tls(seen: Observation, least_days: int) -> Findings:
    """Judge TLS, and the certificate; fewer than ``least_days`` days left are too few."""
    yield from judge_tls(seen)
    yield from _certificate(seen, least_days)


def judge_tls(seen: Observation) -> Findings:
    """Judge whether there is TLS, whether it is a must, and how old it is."""
    listener, subject = seen.listener, seen.listener.subject
    if listener.tls != "wrapper" and seen.ehlo and parameters(seen.in_clear, "STARTTLS") is None:
        message = "It offers no STARTTLS: mail and passwords can be read on the way"
        remedy = "Give it a certificate, and turn TLS on (Postfix: smtpd_tls_security_level)"
        severity = "error" if listener.tls == "encrypt" else "warning"
        yield Finding("smtp_starttls_missing", severity, subject, message, remedy, "RFC 3207; RFC 8314, 3.3")
    elif seen.tls_error and not (seen.trouble and seen.trouble.kind == "tls"):
        remedy = TROUBLES["tls"][2]
        yield Finding(
            "smtp_tls_broken", "error", subject, f"TLS does not work: {seen.tls_error}", remedy, "RFC 3207, 4"
        )
    if seen.mail_in_clear and seen.mail_in_clear.accepts:
        message = f"It takes mail without TLS (MAIL: {seen.mail_in_clear})"
        remedy = "Demand TLS for submission (Postfix: smtpd_tls_security_level = encrypt)"
        yield Finding("smtp_starttls_optional", "warning", subject, message, remedy, "RFC 8314, 4.1")
    old = [version for version in ("TLSv1", "TLSv1.1") if seen.versions.get(version) == ACCEPTED]
    if old:
        message = f"It accepts {' and '.join(old)}"
        remedy = "Accept TLS 1.2 and later only (Postfix: smtpd_tls_protocols = >=TLSv1.2)"
        yield Finding("smtp_tls_old", "warning", subject, message, remedy, "RFC 8996")
    if seen.versions.get("TLSv1.3") == "refused":
        message = "It does not accept TLS 1.3"
        remedy = (
            "Do not list versions one by one: that leaves out later ones (Postfix: smtpd_tls_protocols = >=TLSv1.2)"
        )
        yield Finding("smtp_tls_13_missing", "notice", subject, message, remedy, "RFC 9325, 3.1.1")


def _certificate(seen: Observation, least_days: int) -> Findings:
    shown, subject = seen.certificate, seen.listener.subject
    if shown is None:
        return
    if shown.error:
        remedy = "Install python3-cryptography where the module runs"
        yield Finding("certificate_not_checked", "notice", subject, f"The certificate: {shown.error}", remedy)
        return
    remedy = "Renew it, and reload the mail server; see why that did not happen by itself"
    if shown.days_left < 0:
        message = f"The certificate has expired {-shown.days_left:.0f} days ago, on {shown.not_after}"
        yield Finding("certificate_expired", "error", subject, message, remedy, "RFC 5280, 4.1.2.5")
    elif shown.days_left < least_days:
        message = (
            f"The certificate expires in {shown.days_left:.0f} days, on {shown.not_after}; {least_days} are wanted"
        )
        yield Finding("certificate_expires", "warning", subject, message, remedy, "RFC 5280, 4.1.2.5")
    if not shown.covers:
        message = (
            f"The certificate is for {', '.join(shown.names[:10]) or 'no name'}, and not for {seen.listener.relay}"
        )
        remedy = "Have one issued that has the name of the relay among its names"
        yield Finding("certificate_name", "warning", subject, message, remedy, "RFC 9525, 6")
    # An expired one is not trusted either; that is said above.
    if seen.verified is False and shown.days_left >= 0:
        message = f"The certificate leads to no authority that is trusted here: {seen.verify_error}"
        severity = "notice" if seen.listener.port == 25 else "warning"
        remedy = "Have one issued by an authority that the clients trust, and name the authority in ca_file"
        yield Finding("certificate_untrusted", severity, subject, message, remedy, "RFC 8314, 5.1; RFC 7672, 3.1.3")

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Sends canaries and looks for them, as the options of the module say."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import (
    _canary,
    _canary_judgement,
    _canary_mailbox,
    _canary_options,
    _canary_send,
    _finding,
)
from ansible_collections.mailops.relay.plugins.module_utils._canary import Arrived, Sent
from ansible_collections.mailops.relay.plugins.module_utils._canary_judgement import Expected

Params = t.Mapping[str, t.Any]
Result = t.Dict[str, t.Any]

_INTERVAL = {"maildir": 0.3, "imap": 2.0}
"""Seconds between two looks."""


def _send(params: Params, run: str) -> list[Sent]:
    relays = _canary_options.through(params)
    settings = _canary_send.Settings(
        params["sender"],
        params["recipient"],
        params["helo"] or socket.getfqdn(),
        params["timeout"],
        params["ca_file"],
        params["validate_certs"],
    )
    return _canary_send.send(relays, _canary.tokens(run, len(relays)), settings)


def unverified_context() -> ssl.SSLContext:
    """Take every certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _imap_context(params: Params) -> ssl.SSLContext:
    if not params["validate_certs"]:
        return unverified_context()
    return ssl.create_default_context(cafile=params["ca_file"])


def _mailbox(params: Params, *, delete: bool) -> _canary_mailbox.Mailbox:
    own = params["authserv_id"] or ""
    if params["maildir"]:
        return _canary_mailbox.Maildir(params["maildir"], own)
    account = _canary_mailbox.Account(**params["imap"])
    return _canary_mailbox.Imap(account, _imap_context(params), own, params["timeout"], delete=delete)


def _look(params: Params, sent: t.Sequence[Sent]) -> dict[str, Arrived]:
    """Wait for what the relays have taken."""
    count = sum(each.accepted for each in sent)
    if not count:
        return {}
    delete = bool(params["imap"]) if params["delete"] is None else params["delete"]
    return _canary_mailbox.wait(
        lambda: _mailbox(params, delete=delete),
        _canary.run_of(sent[0].token),
        count,
        params["patience"],
        _INTERVAL["imap" if params["imap"] else "maildir"],
        delete=delete,
    )


def describe_sent(sent: Sent) -> Result:
    """Return what was sent as the module returns it, and takes it again."""
    return {**dataclasses.asdict(sent), "selectors": list(sent.selectors), "queue_id": sent.queue_id}


def describe(sent: Sent, arrived: Arrived | None) -> Result:
    """Return what happened to a canary as the module returns it."""
    hops = arrived.hops if arrived else ()
    return {
        "relay": sent.relay,
        "token": sent.token,
        "delivered": arrived is not None,
        "seconds": round(max(0.0, arrived.at - sent.at), 3) if arrived else None,
        "received": [{"from": hop.from_, "by": hop.by, "with": hop.with_, "at": hop.at} for hop in hops],
        "signatures": [dataclasses.asdict(each) for each in arrived.signatures] if arrived else [],
        "authserv_id": arrived.authserv_id if arrived else None,
        "verdicts": [dataclasses.asdict(each) for each in arrived.verdicts] if arrived else [],
    }


def run(params: Params, run_id: str) -> Result:
    """Do what the module is asked for, and return what it returns."""
    sent = _canary_options.sent(params["sent"]) if params["action"] == "receive" else _send(params, run_id)
    result: Result = {"changed": False, "sent": [describe_sent(each) for each in sent], "canaries": [], "results": []}
    if params["action"] == "send":
        findings = [finding for each in sent for finding in _canary_judgement.judge_sent(each)]
        return {**result, "findings": [_finding.join(finding) for finding in _finding.ordered(findings)]}
    arrived: dict[str, Arrived] = {}
    untold = ""
    try:
        arrived = _look(params, sent)
    except _canary_mailbox.MailboxError as error:
        untold = str(error)
    expected = Expected(_canary_options.domain(params), params["patience"], params["slow"])
    results = _canary_judgement.results(sent, arrived, expected, untold)
    findings = [_finding.parse(finding) for item in results for finding in item["findings"]]
    return {
        **result,
        "canaries": [describe(each, arrived.get(each.token)) for each in sent],
        "results": results,
        "findings": [_finding.join(finding) for finding in _finding.ordered(findings)],
    }


def not_run(params: Params) -> Result:
    """Return that nothing was checked, since nothing is sent in check mode."""
    relays = [relay["relay"] for relay in params["relays"]] or [each["relay"] for each in params["sent"] or []]
    note = "nothing is sent in check mode"
    items = [
        {"relay": relay, "check": check, "state": "not_checked", "note": note, "findings": []}
        for relay in dict.fromkeys(relays)
        for check in ("canary", "signing")
    ]
    wanted = [] if params["action"] == "send" else items
    return {"changed": False, "sent": [], "canaries": [], "results": wanted, "findings": []}

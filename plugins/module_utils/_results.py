# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What the tasks of the playbook ``verify`` came to, as results of checks for a report.

A task has a *result* as Ansible registers it; None is one that was not played. Whatever was not seen is a check that
was not made, with the reason, and never one that passed.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _finding
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding

Result = t.Optional[t.Mapping[str, t.Any]]
Item = t.Dict[str, t.Any]

ON_THE_HOST = ("host", "clock", "queue", "certificate", "signing", "keys")
"""Checks of ``relay_host_info``."""


def why_not(result: Result) -> str:
    """Return why a task has no result, empty where it has one."""
    if result is None:
        return "it was not looked at, since an earlier task had failed"
    if result.get("unreachable") or result.get("failed"):
        lines = str(result.get("msg") or "no reason was given").strip().splitlines()
        return " ".join(line.strip() for line in lines[:3])
    if result.get("skipped"):
        return "it was not looked at"
    return ""


def item(relay: str, check: str, findings: t.Iterable[t.Any] = (), note: str = "") -> Item:
    """Return a result of a check; with a note it was not made, or not all of it."""
    found = [_finding.join(each) if isinstance(each, Finding) else dict(each) for each in findings]
    return {
        "relay": relay,
        "check": check,
        "state": "not_checked" if note else "done",
        "note": note,
        "findings": found,
    }


def of_host(relay: str, reached: Result, looked: Result, problem: str) -> list[Item]:
    """Return what was seen on a host; ``problem`` is what kept its keys, or all of it, from being seen."""
    away = why_not(reached)
    if away:
        gone = Finding(
            "host_unreachable",
            "error",
            relay,
            f"the controller cannot log in: {away}",
            "Start the host, look at the route to it, at the login, and at Python on the host.",
        )
        checks = [item(relay, check, note="the host was not reached") for check in ON_THE_HOST if check != "host"]
        return [item(relay, "host", [gone], note="the host was not reached"), *checks]
    note = why_not(looked)
    if note or looked is None:
        return [item(relay, check, note=problem or note) for check in ON_THE_HOST]
    unread = [item(relay, "keys", note=problem)] if problem else []
    return [*({**each, "relay": relay} for each in looked["results"]), *unread]


def _differences(result: t.Mapping[str, t.Any]) -> str:
    """Return the names of the files that differ, or how many lines."""
    files = result.get("changed_files") or []
    diffs = result.get("diff") or []
    diffs = [diffs] if isinstance(diffs, t.Mapping) else diffs
    names = [*files, *(str(d.get("after_header") or d.get("before_header") or "") for d in diffs if not files)]
    return ", ".join(dict.fromkeys(name for name in names if name))


_DRIFT = {
    "postfix": ("Postfix has another configuration than the description asks for", "postfix_extra"),
    "opendkim": ("OpenDKIM has another configuration than the description asks for", "opendkim_extra"),
    "rspamd": ("rspamd has another configuration than the description asks for", ""),
    "nftables": ("the firewall has other rules than the description asks for", "nftables_extra"),
    "keys": ("there are DKIM keys to make or to mend", ""),
}


def of_drift(relay: str, reached: Result, played: t.Mapping[str, Result], problem: str) -> Item:
    """Return what ``deploy`` would change. ``played`` has the result in check mode of each part."""
    if why_not(reached):
        return item(relay, "drift", note="the host was not reached")
    findings = []
    notes = [problem] if problem else []
    for part, result in played.items():
        note = why_not(result)
        if note and not problem and not (result or {}).get("skipped"):
            notes.append(f"{part}: {note}")
        if note or not (result or {}).get("changed"):
            continue
        what, hatch = _DRIFT[part]
        where = _differences(result or {})
        remedy = "Run mailops.relay.deploy with --check --diff, and without it when that is what you want"
        remedy += f"; what is meant to stay goes into the description, or {hatch}." if hatch else "."
        message = f"{what}{f': {where}' if where else ''}"
        findings.append(Finding(f"drift_{part}", "warning", relay, message, remedy))
    return item(relay, "drift", findings, "; ".join(notes))


def of_probe(relays: t.Iterable[str], checks: t.Iterable[str], result: Result, problem: str = "") -> list[Item]:
    """Return what a module has seen of the relays from outside, whose ``results`` are items of a report."""
    note = problem or why_not(result)
    if note:
        return [item(relay, check, note=note) for relay in relays for check in checks]
    return [dict(each) for each in (result or {})["results"]]


def of_fleet(check: str, result: Result, problem: str = "") -> list[Item]:
    """Return what was found about all relays at once."""
    note = problem or why_not(result)
    return [item("", check, [] if note else (result or {})["findings"], note)]

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Options of the canary: what makes sense, and the values that they mean."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _canary, _shape, _syntax
from ansible_collections.mailops.relay.plugins.module_utils._canary import Sent, Through

Params = t.Mapping[str, t.Any]

MOST_RELAYS = 1000

_RANGES = {"timeout": (1, 300), "patience": (1, 3600), "slow": (1, 3600)}
_MAILBOX = re.compile(r"[A-Za-z0-9!#$&'*+/=?^_`{|}~.-]{1,64}")


def _is_name(text: str) -> bool:
    try:
        _syntax.host_name(text, labels=1)
    except ValueError:
        return False
    return True


def _address_problems(params: Params) -> t.Iterator[str]:
    for option in ("sender", "recipient"):
        local, _at, domain = (params[option] or "").rpartition("@")
        if not _MAILBOX.fullmatch(local) or not _is_name(domain):
            yield f"{option}: {params[option]!r} is no plain address such as canary@example.com"


def _relay_problems(relay: Params, place: str) -> t.Iterator[str]:
    if not _is_name(relay["relay"]):
        yield f"{place}.relay: {relay['relay']!r} is no host name"
    if not 1 <= relay["port"] <= 65535:
        yield f"{place}.port: {relay['port']} is not accepted; 1 to 65535 are"
    if bool(relay["user"]) != bool(relay["password"]):
        yield f"{place}: user and password go together"
    if relay["user"] and relay["tls"] == "may":
        yield f"{place}.tls: a password is sent with encrypt or wrapper only"


def _send_problems(params: Params) -> t.Iterator[str]:
    if not 1 <= len(params["relays"]) <= MOST_RELAYS:
        yield f"relays: there are {len(params['relays'])}; 1 to {MOST_RELAYS} are accepted"
    yield from _address_problems(params)
    for number, relay in enumerate(params["relays"][:MOST_RELAYS]):
        yield from _relay_problems(relay, f"relays[{number}]")
    if params["helo"] and not _is_name(params["helo"]):
        yield f"helo: {params['helo']!r} is no host name"


def _receive_problems(params: Params) -> t.Iterator[str]:
    if bool(params["maildir"]) == bool(params["imap"]):
        yield "maildir, imap: one of them is needed, and not both"
    imap = params["imap"]
    if imap and not 1 <= imap["port"] <= 65535:
        yield f"imap.port: {imap['port']} is not accepted; 1 to 65535 are"
    if imap and any(ord(sign) < 32 or ord(sign) > 126 for sign in imap["folder"]):
        yield f"imap.folder: {imap['folder']!r} has other signs than those of ASCII; write it in modified UTF-7"
    if not (params["dkim_domain"] or params["sender"]):
        yield "dkim_domain: it is needed where there is no sender"
    if params["dkim_domain"] and not _is_name(params["dkim_domain"]):
        yield f"dkim_domain: {params['dkim_domain']!r} is no domain"


def check(params: Params) -> None:
    """Raise ValueError with all values that make no sense."""
    problems = [
        f"{name}: {params[name]:g} is not accepted; {least} to {most} are"
        for name, (least, most) in _RANGES.items()
        if not least <= params[name] <= most
    ]
    if params["action"] != "receive":
        problems += _send_problems(params)
    if params["action"] != "send":
        problems += _receive_problems(params)
    if params["action"] == "receive":
        try:
            sent(params["sent"] or [])
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))


def through(params: Params) -> list[Through]:
    """Return the relays to send through."""
    return [
        Through(
            relay["relay"],
            relay["address"] or relay["relay"],
            relay["port"],
            relay["tls"],
            relay["user"] or "",
            relay["password"] or "",
            tuple(selector.lower() for selector in relay["selectors"] or ()),
        )
        for relay in params["relays"]
    ]


def _one_sent(item: t.Mapping[str, t.Any]) -> Sent:
    texts = {name: _shape.visible(str(item[name]), 400) for name in ("relay", "subject", "stage", "reply", "trouble")}
    _canary.run_of(str(item["token"]))
    return Sent(
        **texts,
        token=item["token"],
        accepted=item["accepted"] in (True, "True", "true"),
        at=float(item["at"]),
        selectors=tuple(map(str, item["selectors"])),
    )


def sent(items: t.Sequence[t.Mapping[str, t.Any]]) -> list[Sent]:
    """Return what another host has sent, or raise ValueError."""
    if not items:
        raise ValueError("sent: there is nothing to look for")
    found = []
    for number, item in enumerate(items):
        try:
            found.append(_one_sent(item))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"sent[{number}]: {error}; accepted is what the action send has returned") from None
    if len({_canary.run_of(one.token) for one in found}) > 1:
        raise ValueError("sent: the messages are of several runs; look for each run by itself")
    return found


def domain(params: Params) -> str:
    """Return the domain that has to sign."""
    name = params["dkim_domain"] or params["sender"].rpartition("@")[2]
    return _syntax.domain_name(name)

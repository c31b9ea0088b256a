# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probe against servers on loopback, and what it comes to."""

from __future__ import annotations

import asyncio
import contextlib
import re
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils import _smtp_closed, _smtp_survey
from ansible_collections.mailops.relay.plugins.module_utils._smtp_model import Listener, Observation
from ansible_collections.mailops.relay.plugins.module_utils._smtp_probe import Settings
from loopback_servers import Handler, tcp_server
from smtp_servers import closed_relay, serving

SETTINGS = Settings("s.test", "a@example.org", "b@example.net", seconds=0.8, back_off=(0.1, 0.1))


class Case(t.NamedTuple):
    """A server, the finding that it comes to, and what that says."""

    name: str
    handler: Handler
    finding: str
    text: str
    tls: str = "may"


@contextlib.asynccontextmanager
async def listening(cases: t.Sequence[Case]) -> t.AsyncIterator[list[Listener]]:
    async with contextlib.AsyncExitStack() as stack:
        yield [
            Listener(
                "relay.test",
                case.name,
                "127.0.0.1",
                await stack.enter_async_context(tcp_server(case.handler)),
                case.tls,
            )
            for case in cases
        ]


def tried(handler: Handler, tls: str = "may", trusted: t.Sequence[str] = (), **options: t.Any) -> Observation:
    async def run() -> Observation:
        async with tcp_server(handler) as port:
            listener = Listener("relay.test", "smtp", "127.0.0.1", port, tls, trusted)
            return await _smtp_survey.probe(
                listener, SETTINGS, options.pop("in_all", 20), **{"battery": True, **options}
            )

    return asyncio.run(run())


def ids(seen: Observation) -> set[str]:
    return {finding.id for finding in _smtp_closed.judge_closed(seen)}


def relayed(seen: Observation) -> set[str]:
    return {answer.trick for answer in seen.answers if answer.relayed}


def state(seen: Observation) -> tuple[str, str]:
    closed = next(each for each in _smtp_closed.results([seen], 14, battery=True) if each["check"] == "closed")
    return closed["state"], closed["note"]


def accepting(pattern: str, otherwise: str = "554 no relaying") -> Handler:
    """Accept recipients that match, and no other."""

    def answers(line: str) -> str:
        if line[:4] == "RCPT":
            return "250 ok" if re.search(pattern, line) else otherwise
        return closed_relay(line)

    return serving(answers)

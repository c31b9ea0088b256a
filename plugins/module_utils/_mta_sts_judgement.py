# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""MTA-STS policies as senders find them: whether they can be had, are those that should be, and fit the records."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.mailops.relay.plugins.module_utils import _mta_sts
from ansible_collections.mailops.relay.plugins.module_utils._dns_answer import Answer
from ansible_collections.mailops.relay.plugins.module_utils._finding import Finding
from ansible_collections.mailops.relay.plugins.module_utils._mta_sts import Policy

Findings = t.Iterator[Finding]

# What came of fetching a policy.
FETCHED = "fetched"
"""There is an answer of HTTP, which may still be none that senders take."""
UNREACHABLE = "unreachable"
TIMED_OUT = "timed_out"
CERTIFICATE = "certificate"
"""The certificate does not prove that the server is the policy host (RFC 8461, 3.3)."""
MALFORMED = "malformed"
"""What came is not HTTP, or too much (RFC 8461, 3.3)."""

_OUR_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Wanted:
    """The policy that should be served for a Policy Domain."""

    domain: str
    policy: Policy


@dataclass(frozen=True)
class Fetched:
    """What one address of the policy host answers; ``detail`` says where a redirect leads, or what went wrong."""

    address: str
    state: str
    status: int = 0
    content_type: str = ""
    body: bytes = b""
    detail: str = ""


@dataclass(frozen=True)
class Observation:
    """What was seen of a policy. ``hosts`` are the addresses of the policy host, ``fetched`` what each of them says.

    ``record`` is the TXT record as DNS has it now. ``due`` is the same, and ``mx`` are the mail servers, as they are to
    be where somebody has said so: whether DNS has them is judged elsewhere.
    """

    wanted: Wanted
    hosts: tuple[Answer, ...]
    fetched: tuple[Fetched, ...]
    record: Answer
    due: Answer
    mx: Answer

    @property
    def host(self) -> str:
        return _mta_sts.policy_host(self.wanted.domain)


def parse(item: t.Mapping[str, t.Any]) -> Wanted:
    """Return the policy that an item of the option ``policies`` describes, or raise ValueError."""
    domain = _mta_sts.policy_host(item["domain"]).removeprefix("mta-sts.")
    url = item.get("url") or _mta_sts.policy_url(domain)
    if url != _mta_sts.policy_url(domain):
        raise ValueError(
            f"{url!r} is not where senders look; {_mta_sts.policy_url(domain)} is accepted (RFC 8461, 3.2)"
        )
    return Wanted(domain, _mta_sts.parse_policy(item["content"]))


def _show(policy: Policy) -> str:
    return f"mode {policy.mode}, mx {', '.join(policy.mx) or 'none'}, max_age {policy.max_age}"


def _key(policy: Policy) -> tuple[str, int, frozenset[str]]:
    """What of a policy matters: not the order of mx."""
    return policy.mode, policy.max_age, frozenset(policy.mx)


def served(fetched: Fetched) -> Policy | None:
    """Return the policy that senders take from an answer, None where they take none (RFC 8461, 3.2 and 3.3)."""
    if fetched.state != FETCHED or fetched.status != 200:
        return None
    try:
        return _mta_sts.parse_policy(fetched.body.decode("utf-8"))
    except ValueError:
        return None


def _failure(fetched: Fetched, host: str) -> tuple[str, str, str]:
    """Return id, message and remedy for an answer that holds no policy."""
    detail = f": {fetched.detail}" if fetched.detail else ""
    if fetched.state == CERTIFICATE:
        remedy = f"Have a certificate for {host} served there, by an authority that everybody trusts, with its chain."
        return "certificate_invalid", f"the certificate is not accepted{detail}", remedy
    if fetched.state in (UNREACHABLE, TIMED_OUT):
        remedy = f"Start the web server, and let port 443 of {host} through to it from everywhere."
        return "unreachable", f"it is {fetched.state}{detail}", remedy
    if fetched.state == MALFORMED:
        return "invalid", f"what comes is no policy{detail}", "See what listens there."
    if 300 <= fetched.status <= 399:
        remedy = f"Serve the policy at {host} itself; senders follow no redirect."
        return "redirected", f"it redirects ({fetched.status}) to {fetched.detail or 'elsewhere'}", remedy
    if fetched.status != 200:
        return "missing", f"it answers {fetched.status} instead of 200", "Serve the policy there."
    try:
        _mta_sts.parse_policy(fetched.body.decode("utf-8"))
        why = ""
    except UnicodeDecodeError:
        why = "it is no text"
    except ValueError as error:
        why = str(error)
    return "invalid", f"what is served is no policy: {why}", "Serve the policy as mta_sts_policies returns it."


def _judge_fetching(seen: Observation) -> Findings:
    """Judge what stands between senders and the policy; one finding for all addresses with the same trouble."""
    url = _mta_sts.policy_url(seen.wanted.domain)
    reference = "RFC 8461, 3.3"
    if not seen.fetched:
        silent = next((answer for answer in seen.hosts if not answer.is_answered), None)
        why = f"{silent.rdtype} is {silent.state} {silent.detail}".rstrip() if silent else "it has no address"
        remedy = f"Publish A or AAAA records of {seen.host}, where the policy is served."
        yield Finding("mta_sts_policy_unreachable", "warning", url, f"{seen.host}: {why}", remedy, reference)
    troubles: dict[tuple[str, str, str], list[str]] = {}
    for fetched in seen.fetched:
        if served(fetched) is None:
            troubles.setdefault(_failure(fetched, seen.host), []).append(fetched.address)
        elif fetched.content_type != "text/plain":
            message = f"its type is {fetched.content_type or 'not given'}, and should be text/plain"
            trouble = ("type_wrong", message, "Have it served as text/plain; some senders take nothing else.")
            troubles.setdefault(trouble, []).append(fetched.address)
    found = any(served(fetched) for fetched in seen.fetched)
    for (kind, message, remedy), addresses in troubles.items():
        text = f"{' and '.join(addresses)}: {message}"
        # Senders try the next address; and it may be only from here that this one cannot be reached, as without IPv6.
        severity = "notice" if found and kind == "unreachable" else "warning"
        yield Finding(f"mta_sts_policy_{kind}", severity, url, text, remedy, reference)


def _judge_content(seen: Observation, policy: Policy, addresses: str) -> Findings:
    wanted = seen.wanted.policy
    if _key(policy) == _key(wanted):
        return
    url = _mta_sts.policy_url(seen.wanted.domain)
    message = f"{addresses}: it is {_show(policy)}, and should be {_show(wanted)}"
    record = published(seen.record)
    if record and record.id == _mta_sts.policy_id(wanted):
        # Senders ask for a policy again when the id changes, and it has (RFC 8461, 3.3 and 5.1).
        message += f". The id of the new one is published, so senders keep what they get now, for {policy.max_age} s"
    remedy = "Serve the policy as mta_sts_policies returns it, before its record is published."
    yield Finding("mta_sts_policy_different", "warning", url, message, remedy, "RFC 8461, 3.2, 5.1")


def published(record: Answer) -> _mta_sts.Record | None:
    """Return the record that senders see, None where there is none that counts."""
    try:
        return _mta_sts.only_record(record.values)
    except ValueError:
        return None


def _judge_id(seen: Observation, policies: t.Sequence[Policy]) -> Findings:
    """Judge whether the id has changed with the policy.

    An id says so only where it is derived from a policy, as those of this collection are: it stands for one policy, and
    it is known when that is another one. Of foreign ids one look cannot tell, so nothing is said.
    """
    record = published(seen.due)
    if not record or not _OUR_ID.fullmatch(record.id) or record.id == _mta_sts.policy_id(seen.wanted.policy):
        return
    if not policies or record.id in map(_mta_sts.policy_id, policies):
        return
    subject = f"{_mta_sts.record_name(seen.wanted.domain)} TXT"
    message = f"its id {record.id} is that of another policy: senders keep the one they have until it expires"
    line = _mta_sts.join(_mta_sts.Record(_mta_sts.policy_id(seen.wanted.policy)))
    remedy = f'Publish, when the right policy is served: {subject.partition(" ")[0]}. IN TXT "{line}"'
    yield Finding("mta_sts_id_not_changed", "warning", subject, message, remedy, "RFC 8461, 3.1, 5.1")


def mail_hosts(domain: str, mx: Answer) -> list[str]:
    """Return the mail servers of a domain; without MX it is its own (RFC 5321, 5.1), with a null MX there is none."""
    if not mx.values:
        return [domain] if mx.is_answered else []
    hosts = (value.split()[-1].rstrip(".") for value in mx.values)
    return [host for host in hosts if host]


def _is_covered(policy: Policy, host: str) -> bool:
    try:
        return _mta_sts.matches(policy, host)
    except ValueError:
        return False


def _judge_mx(seen: Observation, policy: Policy) -> Findings:
    """Judge whether senders may still deliver: to hosts that the policy names (RFC 8461, 4.1)."""
    subject = f"{seen.wanted.domain} MX"
    if policy.mode == "none":
        return
    if not seen.mx.is_answered:
        why = f"{seen.mx.state}{f' ({seen.mx.detail})' if seen.mx.detail else ''}"
        message = f"whether the MTA-STS policy covers the mail servers is not known: MX is {why}, says {seen.mx.server}"
        yield Finding("mta_sts_mx_unknown", "warning", subject, message, "Try again; look at that server.")
    missing = [host for host in mail_hosts(seen.wanted.domain, seen.mx) if not _is_covered(policy, host)]
    if missing:
        enforced = policy.mode == "enforce"
        effect = "senders do not deliver there" if enforced else "senders would not deliver there in mode enforce"
        message = f"the policy that is served does not name {', '.join(missing)}: {effect}"
        remedy = f"Put {', '.join(missing)} into the policy, and change its id; or take it out of MX."
        severity = "error" if enforced else "warning"
        yield Finding("mta_sts_mx_not_covered", severity, subject, message, remedy, "RFC 8461, 4.1, 5")


def judge(seen: Observation) -> Findings:
    """Judge a policy as it is served: where addresses serve different ones, each of them."""
    yield from _judge_fetching(seen)
    by_policy: dict[Policy, list[str]] = {}
    for fetched in seen.fetched:
        policy = served(fetched)
        if policy:
            by_policy.setdefault(policy, []).append(fetched.address)
    yield from _judge_id(seen, list(by_policy))
    for policy, addresses in by_policy.items():
        yield from _judge_content(seen, policy, " and ".join(addresses))
        yield from _judge_mx(seen, policy)


def describe(seen: Observation) -> list[dict[str, t.Any]]:
    """Return what each address serves as the module returns it."""
    record = published(seen.record)
    result = []
    for fetched in seen.fetched:
        policy = served(fetched)
        result.append(
            {
                "domain": seen.wanted.domain,
                "address": fetched.address,
                "state": fetched.state,
                "status": fetched.status,
                "content_type": fetched.content_type,
                "content": _mta_sts.join_policy(policy) if policy else "",
                "id": record.id if record else "",
                "detail": fetched.detail,
            }
        )
    return result

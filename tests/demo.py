# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy two relays in the lab, publish their records, send mail, try to abuse them, and show it all on one page.

Called by `make demo`, which has set the environment up. What the tools print goes to .ansible/demo.log.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab" / "python"))

from lab import CLIENT, LISTENERS, RELAYS, STRANGER, Arrived, Host, arrived, conversation, mail, new_token  # noqa: E402

LOG = ROOT / ".ansible" / "demo.log"
# Named in molecule/inventory/group_vars/relays.yml.
REPORT = ROOT / ".ansible" / "relay-report"
WIDTH = 100
START = time.monotonic()
# The subdomain is signed for with the key of its domain, and has no SPF record: nothing of SPF is inherited.
SENDERS = {"anna@alpha.test": "pass", "bert@beta.test": "pass", "news@news.alpha.test": "none"}
SERVICES = {25: "smtp", 587: "submission", 465: "submissions"}
VERDICTS = ("spf", "dkim", "dmarc")
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


def good(text: str) -> str:
    return paint(text, "32")


def bad(text: str) -> str:
    return paint(text, "1;31")


def judged(text: str, right: bool) -> str:
    return good(text) if right else bad(text)


def heading(text: str) -> None:
    print(f"\n{paint(text, '1')}\n{'-' * len(text)}")


@dataclass(frozen=True)
class Run:
    """What a command did: the seconds it took, and the recap of each relay; with --diff the lines that were
    added, and what the last debug task showed."""

    seconds: float
    recap: list[dict[str, int]]
    added: list[str]
    shown: list[str]

    @property
    def changed(self) -> int:
        return sum(numbers["changed"] for numbers in self.recap)

    @property
    def tasks(self) -> int:
        return max(numbers["ok"] for numbers in self.recap)


def step(title: str, *command: str) -> Run:
    """Run a long step with one line of progress; its output goes to the log, and to the terminal where it fails."""
    start = time.monotonic()
    print(f"[{start - START:4.0f} s] {title} ...", flush=True)
    environment = {**os.environ, "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1", "ANSIBLE_PIPELINING": "true"}
    output, plays = [], []
    with (
        LOG.open("a") as log,
        subprocess.Popen(
            command, env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process,
    ):
        log.write(f"$ {' '.join(command)}\n")
        for line in process.stdout or []:
            log.write(line)
            output.append(line)
            if line.startswith("PLAY "):
                plays.append(time.monotonic() - start)
    if process.returncode:
        print("".join(output[-40:]))
        sys.exit(f"demo: {title}: failed. Everything that was printed is in {LOG}")
    recap = [
        {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}
        for line in output
        if re.match(r"relay\d+ .*: ok=", line)
    ]
    added = [line[1:].rstrip() for line in output if line.startswith("+") and not line.startswith("+++")]
    messages = re.findall(r'^    "msg": (\[.*?^    \])', "".join(output), re.MULTILINE | re.DOTALL)
    shown = json.loads(messages[-1]) if messages else []
    # The last "PLAY" line is that of the recap.
    return Run(plays[-1] if plays else time.monotonic() - start, recap, added, shown)


def bring_up() -> tuple[Run, Run, Run, Run]:
    """The lab from nothing, a first deploy, the records it asks for, a second deploy, and the look at it all."""
    play = ("ansible-playbook", "--inventory", "molecule/inventory/")
    deploy = (*play, "mailops.relay.deploy")
    step("removing what is left of an earlier lab", "molecule", "destroy", "--scenario-name", "default")
    step("starting seven hosts, name servers, a receiving side", "molecule", "create", "--scenario-name", "default")
    first = step("deploying relay12 and relay13", *deploy)
    published = step("publishing their records", *play, "--diff", "mailops.relay.publish")
    second = step("deploying again", *deploy)
    verified = step("verifying: DNS, from outside, on the hosts", *play, "mailops.relay.verify")
    return first, published, second, verified


def show_deploy(first: Run) -> None:
    heading("1. Deployed")
    for relay in RELAYS:
        release = relay.run("sh", "-c", '. /etc/os-release; echo "$PRETTY_NAME"').strip().replace("GNU/Linux ", "")
        query = ("dpkg-query", "-W", "-f", "${Package} ${Version}\n", "postfix", relay.signer, "nftables")
        versions = [re.sub(r"[~+-].*", "", line) for line in relay.run(*query).splitlines()]
        print(f"  {relay.name}.lab.test   {release:<21} {', '.join(versions)}")
    print(f"\n  Both from an empty Debian, in one run: {first.seconds:.0f} s, {first.tasks} tasks on each.")
    print("  Described in molecule/inventory/: group_vars/relays.yml, host_vars/relay12.yml and relay13.yml.")


def show_published(published: Run) -> None:
    heading("2. Published")
    print("  What the world has to find in DNS, from the same description and the keys on the relays:\n")
    for line in published.added:
        print("    " + re.sub(r"(p=[\w+/]{16})[\w+/=\" ]*", r'\1..."', line)[: WIDTH - 4])
    print(f"\n  By signed updates to ns1, and seen on ns1 and ns2: {published.seconds:.0f} s.")


@dataclass(frozen=True)
class Route:
    """The way of one message: who sent it, through which relay, over which address family on both legs."""

    relay: Host
    sender: str
    family: int

    @property
    def recipient(self) -> str:
        """Tells the routes apart; the domain has an MX of that family only."""
        return f"{self.sender.partition('@')[0]}s-friend-by-{self.relay.name}@v{self.family}.rcpt.test"


def send_mail() -> dict[Route, Arrived | None]:
    """A message for each relay, sender and address family; None did not arrive."""
    token = new_token()
    routes = [Route(relay, sender, family) for relay in RELAYS for sender in SENDERS for family in (4, 6)]
    CLIENT.send([mail(way.relay, way.sender, [way.recipient], token, family=way.family) for way in routes], patience=20)
    found = {message.recipient: message for message in arrived(token, len(routes), seconds=30)}
    return {way: found.get(way.recipient) for way in routes}


def show_mail(routes: dict[Route, Arrived | None]) -> bool:
    heading("3. Mail from client1, which is in relay_networks, arrives signed")
    print("  from                  by relay  over    spf    dkim   dmarc   (what mx1 found)")
    fine = True
    for way, message in routes.items():
        results = ["/".join(message.results(method)) or "none" for method in VERDICTS] if message else ["lost"] * 3
        wanted = [SENDERS[way.sender], "pass", "pass"]
        fine = fine and results == wanted
        verdicts = "   ".join(judged(result, result == want) for result, want in zip(results, wanted))
        print(f"  {way.sender:<20}  {way.relay.name:<8}  IPv{way.family}    {verdicts}")
    for relay, family in zip(RELAYS, (4, 6)):
        show_message(relay, routes[Route(relay, next(iter(SENDERS)), family)])
    return fine


def show_message(relay: Host, message: Arrived | None) -> None:
    """The headers as they are, but for the long base64 of the signature."""
    if message is None:
        return
    print(f"\n  A message that came through {relay.name}, as it lies in mx1's mailbox:\n")
    for name, value in message.headers:
        if name in ("Return-Path", "X-Original-To", "Delivered-To", "Message-ID", "Date"):
            continue
        text = value
        if name == "DKIM-Signature":
            text = re.sub(r"\b(bh?)=([\w+/]{16})[\w+/=\s]*", r"\1=\2...", text)
        print("    " + f"{name}: {text}".replace("\r", "").replace("\t", " ").replace("\n", "\n    "))


def show_stranger() -> bool:
    heading("4. stranger1, which is not, is turned away")
    hello = "EHLO stranger1.lab.test"
    victim = "RCPT TO:<victim@rcpt.test>"
    attempts = [
        ("send to somebody else's domain", [hello, "MAIL FROM:<anna@alpha.test>", victim]),
        ("the same, dressed as a bounce", [hello, "MAIL FROM:<>", victim]),
        ("ask whether a name is known", [hello, "VRFY postmaster"]),
    ]
    rows = [(relay, port, *attempt) for relay in RELAYS for port in LISTENERS for attempt in attempts]
    talks = STRANGER.talk(
        [
            conversation(relay, family, port, [f"{line}\r\n" for line in lines])
            for relay, port, _title, lines in rows
            for family in (4, 6)
        ]
    )
    fine = True
    # Two conversations for each row: IPv4 and IPv6.
    for (relay, port, title, _lines), *both in zip(rows, talks[::2], talks[1::2]):
        answers = [re.sub(r"<\S+>: ", "", " ".join(replies[-1].splitlines())) for replies in both]
        right = all(answer.startswith("5") for answer in answers)
        fine = fine and right
        answer = answers[0] if len(set(answers)) == 1 else f"IPv4: {answers[0]}; IPv6: {answers[1]}"
        print(f"  {relay.name}  {port:>3} {SERVICES[port]:<11}  {title:<30}  {judged(answer, right)}")
    print("\n  The answers are the same over IPv4 and over IPv6, where no other is shown.")
    return fine


def show_second(second: Run) -> bool:
    heading("5. Deployed again")
    changed = judged(f"changed={second.changed}", second.changed == 0)
    print(f"  {changed}, {second.tasks} tasks on each relay, {second.seconds:.1f} s for both.")
    return second.changed == 0


def show_verified(verified: Run) -> None:
    heading("6. Verified")
    print("  What the playbook mailops.relay.verify says, as it would in a cron job:\n")
    for line in verified.shown:
        print(f"    {line}".rstrip())
    print(f"\n  {verified.seconds:.0f} s. As a page: {REPORT}.html; for monitoring: {REPORT}.json")


def show_more() -> None:
    podman = "podman" if os.geteuid() == 0 else "sudo podman"
    heading("7. Look around, and leave")
    rows = [
        (f"{podman} exec -it mailops-relay12 bash", "a shell on a relay (also: relay13, mx1, ns1, client1, stranger1)"),
        (f"{podman} exec mailops-relay13 postconf -nf", "its configuration"),
        (f"{podman} exec mailops-relay13 nft list ruleset", "its firewall"),
        (f"{podman} exec mailops-mx1 sh -c 'cat /var/spool/inbox/all/new/*'", "everything that arrived"),
        ("make lab-verify", "every check of the lab, against these hosts"),
        ("make lab-down", "remove the lab"),
    ]
    for command, meaning in rows:
        print(f"  {command}\n      {meaning}")


def main() -> int:
    LOG.unlink(missing_ok=True)
    first, published, second, verified = bring_up()
    print(f"[{time.monotonic() - START:4.0f} s] sending mail as a client and as a stranger ...", flush=True)
    routes = send_mail()
    print(f"\n{'=' * WIDTH}\nmailops.relay: two mail relays, deployed and looked at from outside\n{'=' * WIDTH}")
    show_deploy(first)
    show_published(published)
    fine = [show_mail(routes), show_stranger(), show_second(second)]
    show_verified(verified)
    show_more()
    if not all(fine):
        print(bad("\nNot everything was as it should be: see above."))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

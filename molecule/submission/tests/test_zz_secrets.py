# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""After everything else: passwords are in no log, no diff, no process list, no fact cache and no report."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from pathlib import Path

import pytest
from lab import RELAYS, STRANGER, Host, conversation
from plays import ENVIRONMENT, command
from users import HERE, LOGINS, PASSWORDS, message, submit

INVENTORIES = ("--inventory", str(HERE.parents[1] / "inventory"), "--inventory", str(HERE))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


# A password as it is, as JSON shows it, and as AUTH LOGIN and AUTH PLAIN send it.
FORMS = {
    form for password in PASSWORDS.values() for form in (password, json.dumps(password)[1:-1], encoded(password))
} | {encoded(f"\0{name}\0{password}") for name, password in LOGINS.values()}

# Every command line that is seen while it runs; a short-lived one may be missed once, but not in whole plays.
WATCH = """
import glob, sys, time
seen, end = set(), time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    for path in glob.glob("/proc/[0-9]*/cmdline") + glob.glob("/proc/[0-9]*/environ"):
        try:
            seen.add(open(path, "rb").read().replace(b"\\0", b" ").decode(errors="replace"))
        except OSError:
            pass
    time.sleep(0.02)
print("\\n".join(seen))
"""


def told(text: str) -> list[str]:
    """The passwords in a text."""
    return sorted(form for form in FORMS if form in text)


def test_the_search_finds_what_is_there() -> None:
    assert told(f"x{PASSWORDS['shop']}y") == [PASSWORDS["shop"]]


@pytest.fixture(scope="module", name="whole_run")
def _whole_run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """All that the playbooks say and leave behind, most talkative, with changes to files that hold secrets."""
    folder = tmp_path_factory.mktemp("run")
    environment = {
        **ENVIRONMENT,
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
    }
    for relay in RELAYS:
        relay.run("sh", "-c", "echo >>/etc/postfix/sql_senders; echo >>/etc/postfix/sasl_passwd")
    watched: dict[str, str] = {}

    def watch(relay: Host) -> None:
        watched[relay.name] = relay.run("python3", "-c", WATCH, "90", timeout=300)

    watchers = [threading.Thread(target=watch, args=(relay,)) for relay in RELAYS]
    for watcher in watchers:
        watcher.start()
    said = ""
    # The playbooks need no facts; users may have a cache of them all the same.
    runs = [["ansible", "relays", *INVENTORIES, "--module-name", "ansible.builtin.setup"]]
    runs += [[*command(playbook, *INVENTORIES), "-vvvv", "--diff"] for playbook in ("deploy", "publish", "verify")]
    for arguments in runs:
        done = subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=900,
            stdin=subprocess.DEVNULL,
        )
        said += done.stdout + done.stderr
        assert done.returncode == 0, said[-8000:]
    for watcher in watchers:
        watcher.join()
    report = Path(ENVIRONMENT["ANSIBLE_HOME"]).parent / "relay-report"
    left = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    return {
        "said": said,
        "fact cache and log": left,
        "report": "".join(report.with_suffix(end).read_text() for end in (".json", ".html")),
        **{f"processes of {name}": text for name, text in watched.items()},
    }


def test_a_whole_run_tells_no_password(whole_run: dict[str, str]) -> None:
    """deploy, publish and verify with -vvvv and --diff, and what the hosts' process lists showed meanwhile."""
    assert "postfix_config" in whole_run["said"]
    assert "ansible_distribution" in whole_run["fact cache and log"]
    for relay in RELAYS:
        assert "master" in whole_run[f"processes of {relay.name}"]
    assert {place: told(text) for place, text in whole_run.items() if told(text)} == {}


@pytest.mark.usefixtures("whole_run")
@pytest.mark.parametrize("relay", RELAYS, ids=lambda relay: relay.name)
def test_the_journal_tells_no_password(relay: Host) -> None:
    """Also not after logins that were right, wrong, in two steps, and cut short. (What stands in place of a mechanism's
    name Postfix does log, so a client that sends its password there is lost.)
    """
    good = message(relay, "shop", "shop@alpha.test")
    submit(good, {**good, "login": ("nobody", PASSWORDS["shop"])})
    plain = base64.b64encode(f"\0shop\0{PASSWORDS['agency']}".encode()).decode()
    STRANGER.talk([conversation(relay, 4, 587, ["EHLO x.test\r\n", f"AUTH PLAIN {plain}\r\n"])])
    STRANGER.talk([conversation(relay, 4, 587, ["EHLO x.test\r\n", "AUTH PLAIN\r\n", f"{plain}\r\n"])])
    STRANGER.talk([conversation(relay, 4, 587, ["EHLO x.test\r\n", f"AUTH PLAIN {plain[:-5]}\r\n"])])
    journal = relay.run("journalctl", "--no-pager", "--output=export")
    assert "sasl_username" in journal
    assert told(journal) == []


@pytest.mark.parametrize("relay", RELAYS, ids=lambda relay: relay.name)
def test_files_with_passwords_are_not_for_everybody(relay: Host) -> None:
    """As an account without rights, every file that it can read below /etc, /var and /run."""
    search = r"""
import os, sys
forms = sys.stdin.read().split("\n")
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for top in ("/etc", "/var", "/run"):
    for folder, _folders, files in os.walk(top):
        for name in files:
            path = os.path.join(folder, name)
            try:
                if os.path.isfile(path) and os.path.getsize(path) < 5_000_000:
                    text = open(path, "rb").read().decode(errors="replace")
                    if any(form in text for form in forms):
                        print(path)
            except OSError:
                pass
"""
    assert relay.run("python3", "-c", search, stdin="\n".join(sorted(FORMS))) == ""

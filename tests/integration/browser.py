# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's chromium without a window, driven over a pair of pipes with its DevTools protocol: nothing else is needed.

It has no way to the network: every name is unknown to it, and what it asks for all the same is in ``requests``.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
PATIENCE = 60
"""Seconds for one answer: the machine may be busy."""

# The program reads commands from descriptor 3, and answers on 4.
_LAUNCH = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'


class BrowserError(Exception):
    """The browser is not there, has gone, or does not understand."""


class Browser:
    """One browser with one page."""

    def __init__(self, profile: Path) -> None:
        if not shutil.which("chromium"):
            raise BrowserError("chromium is missing: install Debian's package chromium, or run make setup")
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        self._log = (profile / "chromium.log").open("w+")
        command = ["chromium", *FLAGS, f"--user-data-dir={profile / 'profile'}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", _LAUNCH, "browser", str(commands), str(answers), *command],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        os.close(commands)
        os.close(answers)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self._events: list[dict[str, t.Any]] = []

    def open_page(self) -> None:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def close(self) -> None:
        """End the browser with all its processes, which have a group of their own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._commands)
        os.close(self._answers)
        self._log.close()

    def _receive(self, until: float) -> dict[str, t.Any]:
        while b"\0" not in self._buffer:
            ready = select.select([self._answers], [], [], max(0, until - time.monotonic()))[0]
            piece = os.read(self._answers, 1 << 20) if ready else b""
            if not piece:
                self._log.seek(0)
                what = "has ended" if ready else f"did not answer within {PATIENCE} s"
                raise BrowserError(f"chromium {what}:\n{self._log.read()[-2000:]}")
            self._buffer += piece
        message, _nul, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, t.Any] = json.loads(message)
        return found

    def call(self, method: str, **parameters: t.Any) -> dict[str, t.Any]:
        """Return the answer to one command; events that come before are kept."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._number, "method": method, "params": parameters, **session}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._receive(until)
            if answer.get("id") != self._number:
                self._events.append(answer)
            elif "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            else:
                result: dict[str, t.Any] = answer["result"]
                return result

    def _wait_until_loaded(self, loader: str) -> None:
        """Wait until the page that is loaded by this loader has all it asks for: the one before may end later."""
        until = time.monotonic() + PATIENCE
        while not any(
            event.get("method") == "Page.lifecycleEvent"
            and (event["params"]["loaderId"], event["params"]["name"]) == (loader, "load")
            for event in self._events
        ):
            self._events.append(self._receive(until))

    def show(self, url: str, width: int = 1200, scheme: str = "light", media: str = "screen") -> None:
        """Load a page, and wait until all that it loads is there."""
        self._events.clear()
        self.call(
            "Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}]
        )
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        answer = self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise BrowserError(f"{url}: {answer['errorText']}")
        self._wait_until_loaded(answer["loaderId"])

    def requests(self) -> list[str]:
        """Return the addresses that the page has asked for since it is shown."""
        return [
            event["params"]["request"]["url"]
            for event in self._events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def errors(self) -> list[str]:
        """Return what the page has thrown."""
        return [str(event["params"]) for event in self._events if event.get("method") == "Runtime.exceptionThrown"]

    def value(self, expression: str) -> t.Any:
        """Return the value of an expression of JavaScript; the page's policy does not hold for it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression[:80]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of an element."""
        element = f"document.querySelector({json.dumps(selector)})"
        box = self.value(f"{element}.scrollIntoView({{block: 'center'}}), {element}.getBoundingClientRect().toJSON()")
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def screenshot(self) -> bytes:
        """Return the whole page as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed."""
        self.call("Emulation.setEmulatedMedia", media="")
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def tree(self) -> list[tuple[str, str]]:
        """Return role and name of all that assistive programs are told of."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")
        ]


@contextlib.contextmanager
def browser() -> t.Iterator[Browser]:
    """A browser with an empty profile, which ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        running = Browser(Path(profile))
        try:
            running.open_page()
            yield running
        finally:
            running.close()

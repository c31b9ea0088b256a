# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the processes of a container need of the processor and of memory, read from /proc of this machine: proc(5)."""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Sampler:
    """Watches all processes of one container from ``start`` to ``stop``.

    A process that ends between two looks counts as far as the last one saw it: little, with four looks a second.

    :ivar seconds: seconds of the processor, user and system, by the process's name
    :ivar peak: the most bytes that the processes with one name had at a time and did not share, by name
    """

    def __init__(self, init: int, interval: float = 0.25) -> None:
        self._namespace = os.readlink(f"/proc/{init}/ns/pid")
        self._interval = interval
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._first: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], tuple[str, int]] = {}
        self.seconds: Counter[str] = Counter()
        self.peak: dict[str, int] = {}

    def start(self) -> None:
        self._look()
        self._first = {process: ticks for process, (_name, ticks) in self._last.items()}
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()
        self._look()
        for process, (name, ticks) in self._last.items():
            self.seconds[name] += (ticks - self._first.get(process, 0)) / TICKS

    def _watch(self) -> None:
        while not self._done.wait(self._interval):
            self._look()

    def _look(self) -> None:
        memory: dict[str, int] = defaultdict(int)
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                if os.readlink(folder / "ns" / "pid") != self._namespace:
                    continue
                stat = (folder / "stat").read_text()
                pages = (folder / "statm").read_text().split()
            except OSError:  # It has ended.
                continue
            name, fields = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2 :].split()
            # utime and stime; with the time of its start, since numbers of processes come again.
            self._last[folder.name, fields[19]] = (name, int(fields[11]) + int(fields[12]))
            memory[name] += (int(pages[1]) - int(pages[2])) * PAGE
        for name, size in memory.items():
            self.peak[name] = max(self.peak.get(name, 0), size)

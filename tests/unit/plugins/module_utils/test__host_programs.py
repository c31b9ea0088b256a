# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import time

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _host_programs
from ansible_collections.mailops.relay.plugins.module_utils._host_programs import Programs, Splitter


def python(program, timeout=30.0):
    return Programs(timeout).run(sys.executable, "-c", program)


def test_output_and_errors():
    outcome = python("import sys; print('ü'); print('odd', file=sys.stderr); print('end', end='')")
    assert outcome == (0, "ü\nend\n", "odd\n", "")
    assert outcome.why_not == ""


@pytest.mark.parametrize(
    ("program", "why_not"),
    [
        ("raise SystemExit(3)", "it ended with status 3"),
        ("import sys; sys.exit('first\\nlast')", "last"),
        ("import os; os.kill(os.getpid(), 9)", "it ended with status -9"),
    ],
)
def test_failure(program, why_not):
    assert python(program).why_not == why_not


def test_it_speaks_english_and_asks_nobody():
    program = "import os, sys; print(os.environ['LC_ALL'], repr(sys.stdin.read()), '/usr/sbin' in os.environ['PATH'])"
    assert python(program).output == "C '' True\n"


def test_one_that_is_not_there():
    assert Programs(1).run("no-such-program", "-x").why_not == "no-such-program is not installed"


def test_one_that_may_not_run(tmp_path):
    path = tmp_path / "program"
    path.write_text("")
    assert Programs(1).run(str(path)).why_not.startswith(f"{path} cannot be started: ")


@pytest.mark.parametrize(
    "program",
    [
        "import time; print('begun', flush=True); time.sleep(600)",
        # A child keeps the pipe open.
        "import subprocess; print('begun', flush=True); subprocess.Popen(['sleep', '600'])",
        # The pipes are closed, and it goes on.
        "import os, time; print('begun', flush=True); os.close(1); os.close(2); time.sleep(600)",
        # It never stops to talk.
        "print('begun')\nwhile True: print('.', flush=True)",
    ],
)
def test_a_time_limit_ends_it_and_what_has_come_is_kept(program):
    begun = time.monotonic()
    outcome = python(program, timeout=1.5)
    assert time.monotonic() - begun < 300
    assert outcome.problem == f"{sys.executable} did not end within 1.5 s"
    assert outcome.output.startswith("begun\n")


def test_its_children_end_with_it(tmp_path):
    mark = tmp_path / "pid"
    child = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(600)"
    assert python(program, timeout=3).problem
    pid = mark.read_text()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as stream:
                if stream.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return
        time.sleep(0.1)
    pytest.fail(f"the child {pid} still runs")


def test_much_output_is_cut_and_a_long_line_too():
    outcome = python("for _ in range(400): print('x' * 10**5)")
    assert outcome.problem == ""
    assert len(outcome.output) <= _host_programs.MOST + _host_programs.LONGEST_LINE + 1
    assert {len(line) for line in outcome.output.splitlines()} == {_host_programs.LONGEST_LINE}


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a", b"b\n", b"c"], [b"ab", b"c"]),
        ([b"\n\na"], [b"", b"", b"a"]),
        ([b"\n".join([b"x" * (1 << 17), b"y"])], [b"x" * (1 << 16), b"y"]),
        ([], []),
    ],
)
def test_lines(parts, lines):
    seen = []
    splitter = Splitter(seen.append)
    for part in parts:
        splitter.feed(part)
    splitter.end()
    assert seen == lines

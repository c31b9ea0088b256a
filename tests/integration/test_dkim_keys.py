# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making keys is killed at any moment; the next run completes it."""

from __future__ import annotations

import os
import pathlib
import random
import subprocess
import sys
import time
import typing as t

COLLECTIONS = pathlib.Path(__file__).parents[2] / ".ansible" / "collections"
DOMAINS = [f"d{number}.example" for number in range(12)]
MAKE = """
import sys
from ansible_collections.mailops.relay.plugins.module_utils import _dkim_key_plan
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyStore
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner

store = KeyStore(sys.argv[1], Owner(None, None))
print("begun", flush=True)
with store.locked():
    _dkim_key_plan.run({"domains": sys.argv[2:], "selector": "s1", "bits": 2048, "shortest": 2048}, store, False, 0)
"""
JUDGE = """
import sys
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyStore, judge
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner

keys = [KeyStore(sys.argv[1], Owner(None, None)).observe(domain, "s1") for domain in sys.argv[2:]]
print(judge(keys, 2048), [key.path for key in keys if key.exists and (key.unsafe or not key.recorded)])
"""


def begin(program: str, folder: pathlib.Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(folder), *DOMAINS]
    environment = {**os.environ, "PYTHONPATH": str(COLLECTIONS)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def finish(program: str, folder: pathlib.Path) -> str:
    with begin(program, folder) as run:
        output = run.communicate(timeout=60)[0]
    assert run.returncode == 0
    return output.strip()


def keys_in(folder: pathlib.Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*.private")}


def kill_soon(run: subprocess.Popen[str]) -> None:
    t.cast(t.IO[str], run.stdout).readline()
    time.sleep(random.uniform(0, 0.25))
    run.kill()


def test_kill(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "keys"
    seen: dict[str, bytes] = {}
    for _round in range(12):
        with begin(MAKE, folder) as run:
            kill_soon(run)
        assert finish(JUDGE, folder) == "[] []"
        keys = keys_in(folder)
        assert seen.items() <= keys.items(), "a key that was there has changed"
        seen = keys
    finish(MAKE, folder)
    assert seen.items() <= keys_in(folder).items()
    assert len(keys_in(folder)) == len(DOMAINS)
    assert not list(folder.rglob(".*"))

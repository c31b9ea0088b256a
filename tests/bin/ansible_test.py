# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test on this collection, wherever it is checked out.

    python tests/bin/ansible_test.py sanity|units [options]

ansible-test insists on a real folder .../ansible_collections/NAMESPACE/NAME: it resolves a symbolic link, and inside
a git repository it tests only what that repository tracks. So it gets a copy, outside, of the files git knows.

All 24 sanity tests for collections run, with no ignore file. What they cannot cover here: `compile` and `import` run on
the one Python of .venv, as other versions would come from images of the Ansible project; `pslint` finds nothing to do
(no PowerShell in this collection, and no pwsh on the machine). Their requirements come from the Python package index.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# ansible-test fetches get-pip.py from a server of the Ansible project, unless its cache holds one. Where that server
# is out of reach, this one does the same with the pip that comes with Python.
GET_PIP = """\
import subprocess, sys
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL)
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", *options])
"""


def provide_get_pip() -> None:
    """Put the stand-in where ansible-test looks first; the file name holds the version of pip that it wants."""
    source = "import ansible_test, pathlib; print(pathlib.Path(ansible_test.__file__).parent)"
    package = Path(subprocess.check_output(["python", "-c", source], text=True).strip())
    text = (package / "_internal" / "python_requirements.py").read_text()
    version = re.search(r"pip=.([0-9.]+)", text)
    if version is None:
        return
    cache = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version.group(1).replace('.', '_')}.py"
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_text(GET_PIP)


def copy_collection(tree: Path) -> None:
    """Copy what git tracks, and what it would track, with the modes."""
    listing = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, text=True
    )
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).exists():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)


def main() -> int:
    provide_get_pip()
    with tempfile.TemporaryDirectory(prefix="mailops-ansible-test-") as work:
        tree = Path(work) / "ansible_collections" / "mailops" / "relay"
        tree.mkdir(parents=True)
        copy_collection(tree)
        command = ["ansible-test", *sys.argv[1:]]
        status = subprocess.run(command, cwd=tree, stdin=subprocess.DEVNULL, check=False).returncode
        # The results; the rest of its output are environments and caches.
        for results in ("junit", "bot"):
            if (tree / "tests" / "output" / results).is_dir():
                shutil.copytree(
                    tree / "tests" / "output" / results, ROOT / "tests" / "output" / results, dirs_exist_ok=True
                )
    return status


if __name__ == "__main__":
    sys.exit(main())

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""What carries out a task: an ``AnsibleModule``, or a look at what a module would have to do."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


class Task(t.Protocol):
    """What the code behind a module asks of Ansible. An ``AnsibleModule`` is one."""

    params: dict[str, t.Any]
    check_mode: bool
    tmpdir: str

    def run_command(self, args: t.Any, **options: t.Any) -> tuple[int, str, str]: ...

    def get_bin_path(self, arg: str, required: bool = ..., opt_dirs: t.Any = ...) -> str | None: ...

    def warn(self, warning: str) -> None: ...


@dataclass
class Look:
    """A task in check mode with options of its own, carried out by another; its warnings are kept.

    It tells whether anything is to be done. Whether that can be done is for the module itself to find out.
    """

    by: Task
    params: dict[str, t.Any]
    check_mode: bool = True
    warnings: list[str] = field(default_factory=list)

    @property
    def tmpdir(self) -> str:
        return self.by.tmpdir

    def run_command(self, args: t.Any, **options: t.Any) -> tuple[int, str, str]:
        return self.by.run_command(args, **options)

    def get_bin_path(self, arg: str, required: bool = False, opt_dirs: t.Any = None) -> str | None:
        return self.by.get_bin_path(arg, required, opt_dirs)

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)


def judges(task: Task) -> bool:
    """Whether what the task would put to use is to be judged in check mode."""
    return not isinstance(task, Look)

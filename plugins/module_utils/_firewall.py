# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.

"""Rules on probation: loaded now, taken back by themselves unless confirmed, and on disk only then.

While rules wait for their confirmation, ``/run/SERVICE`` holds

* ``undo.nft``, which brings back the rules before them;
* ``candidate.nft``, the file that was loaded, and ``listing``, how the table was listed then;
* ``token``, which names the timer of systemd that will load ``undo.nft``. Whoever removes this file has decided: the
  timer's own service after the undo, or the confirmation before. A timer whose token is not in it does nothing.

Beside them, ``tried`` has the name of the rules that were tried last and how the table was listed then: what is loaded
as it was tried needs no second trial. All of it is gone after a reboot, which brings the rules of the persistent file.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import typing as t

from ansible_collections.mailops.relay.plugins.module_utils._files import (
    ManagedFile,
    read_file,
    sync_folder,
    write_file,
)
from ansible_collections.mailops.relay.plugins.module_utils._nftables import Nft, NftError, Run, write

_UNDO = """\
cd "$1" && [ "$(cat token 2>/dev/null)" = "$2" ] || exit 0
nft -f undo.nft && mv token undone
"""

# No ExecStop: to stop this service neither opens nor closes anything.
_UNIT = """\
# Written by Ansible (mailops.relay.nftables_ruleset).
[Unit]
Description=Firewall of the mail relay (nftables, table {table})
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
After=nftables.service

[Service]
Type=oneshot
RemainAfterExit=yes
StandardInput=null
ExecStart=/usr/sbin/nft -f {path}
ProtectSystem=strict
ProtectHome=true

[Install]
WantedBy=sysinit.target
"""

_DROP_IN = """\
# Written by Ansible (mailops.relay.nftables_ruleset).
# Debian's /etc/nftables.conf begins with "flush ruleset", which takes table {table} away. It comes back at once.
[Service]
ExecStartPost=-/usr/sbin/nft -f {path}
ExecReload=-/usr/sbin/nft -f {path}
"""


def identify(text: str) -> str:
    """Return a short name for the rules of a file."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(path: str) -> str | None:
    file = read_file(path)
    return None if file is None else file.content.decode("utf-8", "backslashreplace")


class Persistent:
    """The file ``path`` that ``service`` loads at boot."""

    def __init__(self, run: Run, nft: Nft, path: str, service: str, units: str = "/etc/systemd/system") -> None:
        self.run = run
        self.path = path
        self.service = f"{service}.service"
        self.units = [
            ManagedFile(os.path.join(units, name), text.format(table=nft.table, path=path).encode())
            for name, text in ((self.service, _UNIT), (f"nftables.service.d/{service}.conf", _DROP_IN))
        ]

    @property
    def text(self) -> str:
        return _text(self.path) or ""

    def _state(self) -> str:
        properties = ["UnitFileState", "ActiveState", "NeedDaemonReload"]
        options = [f"--property={name}" for name in properties]
        _code, output, _errors = self.run(["systemctl", "show", *options, self.service])
        return ",".join(sorted(output.split()))

    def is_due(self, text: str) -> bool:
        """Whether the file or its service is not as it should be."""
        wanted = "ActiveState=active,NeedDaemonReload=no,UnitFileState=enabled"
        units = [read_file(unit.path) for unit in self.units]
        return self.text != text or units != self.units or self._state() != wanted

    def keep(self, text: str) -> None:
        """Have ``text`` loaded at each boot. The service starts with it, which changes nothing in what is loaded."""
        os.makedirs(os.path.dirname(self.path), mode=0o755, exist_ok=True)
        write(self.path, text)
        sync_folder(os.path.dirname(self.path))
        for unit in self.units:
            os.makedirs(os.path.dirname(unit.path), mode=0o755, exist_ok=True)
            write_file(unit.path, unit)
            sync_folder(os.path.dirname(unit.path))
        steps = (["daemon-reload"], ["--quiet", "reenable", self.service], ["start", self.service])
        for step in steps:
            code, _output, errors = self.run(["systemctl", *step])
            if code:
                raise NftError(f"systemctl {' '.join(step)} failed: {' '.join(errors.split())}")


class Probation:
    """The rules that wait for their confirmation, in ``folder``."""

    def __init__(self, run: Run, nft: Nft, service: str, runtime: str = "/run") -> None:
        self.run = run
        self.nft = nft
        self.service = service
        self.folder = os.path.join(runtime, service)

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """Keep the undo and other runs out; the undo waits, another run fails."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        with open(self._path("lock"), "w", encoding="ascii") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NftError("Another run is changing the firewall of this host, or an undo is: try again.") from None
            yield

    def _unit(self, token: str) -> str:
        return f"{self.service}-undo-{token}"

    def is_armed(self) -> bool:
        """Whether rules wait for their confirmation, and a timer to take them back."""
        token = _text(self._path("token"))
        if token is None:
            return False
        unit = self._unit(token)
        code, _output, _errors = self.run(["systemctl", "is-active", "--quiet", f"{unit}.timer", f"{unit}.service"])
        return code == 0

    def _arm(self, seconds: int) -> None:
        token = os.urandom(4).hex()
        command = ["flock", self._path("lock"), "sh", "-c", _UNDO, "sh", self.folder, token]
        timer = [f"--on-active={seconds}", "--timer-property=AccuracySec=100ms", f"--unit={self._unit(token)}"]
        about = "--description=Take back rules of the firewall that nobody has confirmed"
        code, _output, errors = self.run(["systemd-run", "--quiet", "--collect", about, *timer, "--", *command])
        if code:
            raise NftError(f"The undo could not be armed, so nothing was changed: {' '.join(errors.split())}")
        previous = _text(self._path("token"))
        write(self._path("token"), token)
        self._stop_timer(previous)

    def _stop_timer(self, token: str | None) -> None:
        if token is not None:
            self.run(["systemctl", "stop", f"{self._unit(token)}.timer"])

    def load(self, text: str, listing: str, loaded: str, seconds: int) -> None:
        """Load ``text``, to be taken back after ``seconds``.

        ``listing`` is how the table is listed with it, ``loaded`` how it is now. Rules that wait already never become
        what an undo goes back to.
        """
        if not self.is_armed():
            write(self._path("undo.nft"), self.nft.way_back(loaded))
        self._arm(seconds)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path("undone"))
        write(self._path("listing"), listing)
        write(self._path("candidate.nft"), text)
        try:
            self.nft.load(self._path("candidate.nft"))
        except NftError:
            self._disarm()
            raise

    def tried(self, text: str) -> str | None:
        """Return how the table was listed when these rules were tried; None where others were, or none since boot."""
        name, _newline, listing = (_text(self._path("tried")) or "").partition("\n")
        return listing if name == identify(text) else None

    def note_trial(self, text: str, listing: str) -> None:
        """Note how the table was listed when the rules were tried."""
        write(self._path("tried"), f"{identify(text)}\n{listing}")

    def _disarm(self) -> None:
        token = _text(self._path("token"))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path("token"))
        self._stop_timer(token)

    def confirm(self, name: str) -> str:
        """End the probation of the rules that :func:`identify` calls ``name``, and return the text of their file."""
        text = _text(self._path("candidate.nft"))
        if os.path.exists(self._path("undone")):
            raise NftError("The rules were taken back, as no confirmation came in time. Those before them are loaded.")
        if text is None or identify(text) != name:
            raise NftError(f"No rules {name!r} wait for their confirmation: others do, or the host was restarted.")
        if self.nft.loaded() != _text(self._path("listing")):
            raise NftError(f"Something else has changed table {self.nft.table} since the rules were loaded.")
        self._disarm()
        return text

# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import threading

import pytest
from ansible_collections.mailops.relay.plugins.module_utils import _canary, _canary_mailbox
from ansible_collections.mailops.relay.plugins.module_utils._canary_mailbox import MailboxError, Maildir

RUN = "canary-0123456789ab"


def write(folder, name, token=f"{RUN}.0", at=500.0, into="new"):
    (folder / into).mkdir(parents=True, exist_ok=True)
    path = folder / into / name
    path.write_bytes(_canary.message(token, "r.test", "a@a.test", "b@b.test", 1.0))
    os.utime(path, (at, at))
    return path


def test_each_canary_is_found_once(tmp_path):
    write(tmp_path, "1.x.host")
    write(tmp_path, "2.x.host:2,S", f"{RUN}.1", into="cur")
    write(tmp_path, "3.x.host", "canary-ffffffffffff.0")
    (tmp_path / "new" / "4.x.host").write_bytes(b"Subject: something else\r\n\r\n" + RUN.encode())
    mailbox = Maildir(str(tmp_path), "")
    found = mailbox.look(RUN)
    assert {token: arrived.at for token, arrived in found.items()} == {f"{RUN}.0": 500.0, f"{RUN}.1": 500.0}
    assert mailbox.look(RUN) == {}
    write(tmp_path, "5.x.host", f"{RUN}.2")
    assert list(mailbox.look(RUN)) == [f"{RUN}.2"]


def test_only_what_was_found_is_removed(tmp_path):
    moved = write(tmp_path, "1.x.host")
    write(tmp_path, "2.x.host", "canary-ffffffffffff.0")
    mailbox = Maildir(str(tmp_path), "")
    mailbox.look(RUN)
    (tmp_path / "cur").mkdir()
    moved.rename(tmp_path / "cur" / "1.x.host:2,S")
    mailbox.remove()
    assert [path.name for path in tmp_path.rglob("*.host*")] == ["2.x.host"]
    mailbox.remove()


def test_what_is_no_maildir(tmp_path):
    with pytest.raises(MailboxError, match="neither new nor cur"):
        Maildir(str(tmp_path), "")


def test_waiting_ends_when_all_have_come(tmp_path):
    write(tmp_path, "1.x.host")
    found = _canary_mailbox.wait(lambda: Maildir(str(tmp_path), ""), RUN, 1, 3600, 0.01, delete=True)
    assert list(found) == [f"{RUN}.0"]
    assert not list((tmp_path / "new").iterdir())


def test_waiting_ends_when_nothing_comes(tmp_path):
    (tmp_path / "new").mkdir()
    assert _canary_mailbox.wait(lambda: Maildir(str(tmp_path), ""), RUN, 1, 0.05, 0.01, delete=True) == {}


def test_a_mailbox_that_hangs_is_left(tmp_path, monkeypatch):
    released = threading.Event()

    class Hanging(Maildir):
        def look(self, run):
            released.wait(30)
            return {}

    monkeypatch.setattr(_canary_mailbox, "GRACE", 0.1)
    (tmp_path / "new").mkdir()
    with pytest.raises(MailboxError, match="does not answer"):
        _canary_mailbox.wait(lambda: Hanging(str(tmp_path), ""), RUN, 1, 0.05, 0.01, delete=False)
    released.set()


def test_a_mailbox_that_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(MailboxError, match="neither"):
        _canary_mailbox.wait(lambda: Maildir(str(tmp_path), ""), RUN, 1, 1, 0.01, delete=False)

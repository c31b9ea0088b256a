# Copyright: (c) 2026, Mailops contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of a folder, made and judged as the module does, on real files."""

from __future__ import annotations

import os
import pathlib
import stat
import typing as t

import pytest

pytest.importorskip("cryptography")

from ansible_collections.mailops.relay.plugins.module_utils import _dkim, _dkim_key_plan, _dkim_keys
from ansible_collections.mailops.relay.plugins.module_utils._dkim_keys import KeyStore
from ansible_collections.mailops.relay.plugins.module_utils._key_files import Owner

Run = t.Callable[..., dict[str, t.Any]]
NOW = 1764057600


@pytest.fixture
def store(tmp_path: pathlib.Path) -> KeyStore:
    return KeyStore(str(tmp_path / "keys"), Owner(os.geteuid(), os.getegid()))


@pytest.fixture
def run(store: KeyStore) -> Run:
    def call(*domains: str, check_mode: bool = False, shortest: int = 2048) -> dict[str, t.Any]:
        params = {"domains": list(domains), "selector": "s1", "bits": 2048, "shortest": shortest}
        if check_mode:
            return _dkim_key_plan.run(params, store, check_mode=True, now=NOW)
        with store.locked():
            return _dkim_key_plan.run(params, store, check_mode=False, now=NOW)

    return call


def file_of(store: KeyStore, domain: str, suffix: str = "private") -> pathlib.Path:
    return pathlib.Path(store.directory, domain, f"s1.{suffix}")


def contents(store: KeyStore) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in pathlib.Path(store.directory).rglob("*") if path.is_file()}


def test_missing_keys_are_made_and_existing_ones_left(store: KeyStore, run: Run) -> None:
    first = run("a.example")
    before = contents(store)
    second = run("a.example", "b.example")
    third = run("a.example", "b.example")
    assert [first["changed"], second["changed"], third["changed"]] == [True, True, False]
    assert [record["created"] for record in second["records"]] == [False, True]
    assert second["records"][0]["value"] == first["records"][0]["value"]
    assert before.items() <= contents(store).items()
    assert "diff" not in third


def test_a_record_is_what_dns_needs(store: KeyStore, run: Run) -> None:
    (record,) = run("a.example")["records"]
    public = _dkim.parse(record["value"])
    assert (record["name"], record["type"], record["bits"]) == ("s1._domainkey.a.example", "TXT", 2048)
    assert record["key_file"] == str(file_of(store, "a.example"))
    line = file_of(store, "a.example", "txt").read_text()
    assert line.startswith("s1._domainkey.a.example. IN TXT ( ")
    assert _dkim_keys.read_zone_line(line) == (record["name"], public.p)
    assert all(len(text) <= 255 for text in line.split('"')[1::2])


def test_owner_only(store: KeyStore, run: Run) -> None:
    run("a.example")
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (pathlib.Path(store.directory), file_of(store, "a.example").parent, file_of(store, "a.example"))
    ]
    assert modes == [0o700, 0o700, 0o600]


def test_the_private_half_stays(store: KeyStore, run: Run) -> None:
    result = repr(run("a.example"))
    assert "PRIVATE" not in result
    assert file_of(store, "a.example").read_text().splitlines()[5] not in result


def test_check_mode_makes_nothing(store: KeyStore, run: Run) -> None:
    result = run("a.example", check_mode=True)
    assert result["changed"]
    assert (result["records"][0]["created"], result["records"][0]["value"]) == (True, None)
    assert "a.example/s1.private" in result["diff"]["after"]
    assert not os.path.exists(store.directory)


def test_wide_open_files_are_mended(store: KeyStore, run: Run) -> None:
    run("a.example")
    key = file_of(store, "a.example")
    text = key.read_bytes()
    key.chmod(0o644)
    assert run("a.example", check_mode=True)["changed"]
    assert stat.S_IMODE(key.stat().st_mode) == 0o644
    result = run("a.example")
    assert result["changed"]
    assert "mode 0644 instead of 0600" in result["diff"]["before"]
    assert (stat.S_IMODE(key.stat().st_mode), key.read_bytes()) == (0o600, text)
    assert not run("a.example")["changed"]


def test_a_key_that_a_user_brought_gets_its_record(store: KeyStore, run: Run) -> None:
    value = run("a.example")["records"][0]["value"]
    file_of(store, "a.example", "txt").unlink()
    assert run("a.example")["changed"]
    assert _dkim_keys.read_zone_line(file_of(store, "a.example", "txt").read_text()).p == _dkim.parse(value).p
    assert not run("a.example")["changed"]


def test_records_of_opendkim_genkey_are_understood() -> None:
    text = 's1._domainkey\tIN\tTXT\t( "v=DKIM1; h=sha256; k=rsa; "\n\t  "p=cHVi"\n\t  "bGlj" )  ; ----- DKIM key s1'
    assert _dkim_keys.read_zone_line(text) == ("s1._domainkey", b"public")


def spoil_text(store: KeyStore) -> None:
    file_of(store, "a.example").write_text("hello")


def spoil_kind(store: KeyStore) -> None:
    file_of(store, "a.example").unlink()
    file_of(store, "a.example").mkdir()


def spoil_link(store: KeyStore) -> None:
    file_of(store, "a.example").rename(f"{store.directory}/elsewhere")
    file_of(store, "a.example").symlink_to(f"{store.directory}/elsewhere")


def spoil_folder(store: KeyStore) -> None:
    file_of(store, "a.example").parent.rename(f"{store.directory}/elsewhere")
    file_of(store, "a.example").parent.symlink_to(f"{store.directory}/elsewhere")


def spoil_length(store: KeyStore) -> None:
    file_of(store, "a.example").write_bytes(_dkim_keys.make_key(1024)[0])
    file_of(store, "a.example", "txt").unlink()


def spoil_record(store: KeyStore) -> None:
    file_of(store, "a.example").write_bytes(_dkim_keys.make_key(2048)[0])


def spoil_place(store: KeyStore) -> None:
    for suffix in ("private", "txt"):
        file_of(store, "b.example", suffix).replace(file_of(store, "a.example", suffix))


def spoil_record_text(store: KeyStore) -> None:
    file_of(store, "a.example", "txt").write_text("nothing")


def spoil_sharing(store: KeyStore) -> None:
    for suffix in ("private", "txt"):
        file_of(store, "a.example", suffix).write_bytes(file_of(store, "b.example", suffix).read_bytes())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (spoil_text, "not a private key in PEM form; accepted: an RSA private key"),
        (spoil_kind, "not a regular file"),
        (spoil_link, "symbolic links"),
        (spoil_folder, "Not a directory"),
        (spoil_length, "has 1024 bits; accepted: 2048 to 4096"),
        (spoil_record, "not the key of s1._domainkey.a.example that the file s1.txt"),
        (spoil_record_text, "s1.txt beside it holds no public half"),
        (spoil_place, r"was written for \(s1._domainkey.b.example\)"),
        (spoil_sharing, "the same key as"),
    ],
)
def test_bad_keys_are_refused_before_anything_changes(
    store: KeyStore, run: Run, spoil: t.Callable[[KeyStore], None], message: str
) -> None:
    run("a.example", "b.example")
    spoil(store)
    before = contents(store)
    with pytest.raises(_dkim_key_plan.KeysError, match=message) as refusal:
        run("a.example", "b.example", "new.example")
    assert "a.example" in str(refusal.value)
    assert contents(store) == before


def test_all_problems_are_named_at_once(store: KeyStore, run: Run) -> None:
    run("a.example", "b.example")
    spoil_text(store)
    file_of(store, "b.example").write_text("")
    with pytest.raises(_dkim_key_plan.KeysError) as refusal:
        run("a.example", "b.example")
    assert str(refusal.value).count("not a private key") == 2


def test_short_keys_can_be_allowed(store: KeyStore, run: Run) -> None:
    run("a.example")
    spoil_length(store)
    assert run("a.example", shortest=1024)["records"][0]["bits"] == 1024


def test_what_a_kill_leaves_is_cleared(store: KeyStore, run: Run) -> None:
    """A kill between the record and the key leaves a record without key, and files under a temporary name."""
    old = run("a.example")["records"][0]["value"]
    file_of(store, "a.example").unlink()
    pathlib.Path(store.directory, "a.example", ".s1.private.new").write_text("-----BEGIN PRI")
    assert run("a.example")["records"][0]["value"] != old
    assert {path.name for path in pathlib.Path(store.directory, "a.example").iterdir()} == {"s1.private", "s1.txt"}
    assert not run("a.example")["changed"]


def test_one_run_at_a_time(store: KeyStore) -> None:
    with store.locked(), pytest.raises(OSError, match="another run"), store.locked():
        pass


@pytest.mark.parametrize(
    ("domains", "selector", "messages"),
    [
        (["a_b.example"], "s1", ["'a_b.example' is not a domain"]),
        (["a.example", "A.example"], "s1", ["'A.example' is listed twice"]),
        (["../x", "b..example"], "s1", ["'../x' is not a domain", "'b..example' is not a domain"]),
        (["a.example"], "s_1", ["selector: 's_1' is not a selector"]),
        (["a.example"], "../s1", ["selector: '../s1' is not a selector"]),
        (["a.example"], "", ["selector: '' is not a selector"]),
    ],
)
def test_names_are_checked(domains: list[str], selector: str, messages: list[str]) -> None:
    with pytest.raises(_dkim_key_plan.KeysError) as refusal:
        _dkim_key_plan.names({"domains": domains, "selector": selector})
    assert all(message in str(refusal.value) for message in messages)


def test_unknown_owner() -> None:
    params = {"owner": "no-such-user", "group": "no-such-group"}
    assert _dkim_key_plan.owner_of(params, check_mode=True) == Owner(None, None)
    with pytest.raises(_dkim_key_plan.KeysError, match="owner: 'no-such-user' is not known on this host"):
        _dkim_key_plan.owner_of(params, check_mode=False)

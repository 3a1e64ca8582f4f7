"""The server's secrets."""

import base64
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossbar.identity.secrets import Secrets, SecretsError, load_or_create

OLD = "o" * 32
NEW = "n" * 32

old = Secrets([OLD])
new = Secrets([NEW])
both = Secrets([NEW, OLD])


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_macs_come_from_the_newest_secret_first() -> None:
    assert both.mac("p", b"m") == new.mac("p", b"m")
    assert both.macs("p", b"m") == [new.mac("p", b"m"), old.mac("p", b"m")]
    assert len(both.mac("p", b"m")) == 32


def test_each_purpose_has_keys_of_its_own() -> None:
    assert both.mac("p", b"m") != both.mac("q", b"m")
    assert both.mac("p", b"m") != both.mac("p", b"n")
    assert not set(both.keys("p")) & set(both.keys("q"))
    assert both.open("q", both.seal("p", "text")) is None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_sealed_text_opens_after_a_rotation(text: str) -> None:
    sealed = old.seal("p", text)
    assert sealed.isascii()
    assert sealed != old.seal("p", text)
    assert both.open("p", sealed) == text
    assert new.open("p", sealed) is None
    assert old.open("p", both.seal("p", text)) is None


def test_a_sealed_text_does_not_tell_when() -> None:
    assert base64.urlsafe_b64decode(both.seal("p", "text"))[1:9] == bytes(8)


@pytest.mark.parametrize("text", ["", "x", "gAAAA", "é", "\ud800", "gAAAAA" + "A" * 90])
def test_what_was_not_sealed_does_not_open(text: str) -> None:
    assert both.open("p", text) is None


def test_an_altered_sealed_text_does_not_open() -> None:
    raw = bytearray(base64.urlsafe_b64decode(both.seal("p", "text")))
    for position in range(len(raw)):
        raw[position] ^= 1
        assert both.open("p", base64.urlsafe_b64encode(raw).decode()) is None
        raw[position] ^= 1
    assert both.open("p", base64.urlsafe_b64encode(raw).decode()) == "text"


def test_a_process_knows_what_it_can_read() -> None:
    assert both.identity() == f"{new.identity()} {old.identity()}"
    assert both.ids() == (new.identity(), old.identity())
    assert len(new.identity()) == 12
    assert both.knows(old.identity())
    assert new.knows(both.identity())
    assert not old.knows(both.identity()), "the newest secret of then is missing"
    assert not old.knows(new.identity())
    assert not old.knows("")


def test_secrets_are_not_shown() -> None:
    assert repr(both) == f"Secrets({both.identity()})"
    assert NEW not in repr(both)


def test_a_short_secret_is_refused_without_being_shown() -> None:
    with pytest.raises(SecretsError, match=r"number 2 has 5 characters.*openssl") as caught:
        Secrets([NEW, "hello"])
    assert "hello" not in str(caught.value)
    with pytest.raises(SecretsError, match="at least one"):
        Secrets([])


def test_the_file_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "var" / "crossbar.secrets"
    made = load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create(path).identity() == made.identity()
    assert names(path.parent) == ["crossbar.secrets"]
    secret = path.read_text().splitlines()[-1]
    assert len(bytes.fromhex(secret)) == 32
    assert Secrets([secret]).identity() == made.identity()


def test_the_file_is_made_private_whatever_the_umask_is(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    before = os.umask(0)
    try:
        load_or_create(folder / "secrets")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "secrets").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    garbled, below = tmp_path / "garbled", tmp_path / "garbled/secrets"
    garbled.write_bytes(b"\xff" * 40)
    garbled.chmod(0o600)
    tmp_path.joinpath("folder").mkdir()
    for path, reason in (
        (garbled, "not text"),
        (tmp_path / "folder", "Is a directory"),
        (below, "Not a directory|File exists"),
    ):
        with pytest.raises(SecretsError, match=f"^{path} cannot be read: .*({reason})"):
            load_or_create(path)


def test_processes_that_start_together_end_with_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets"
    together = threading.Barrier(6, timeout=5)
    exists = Path.exists

    def wait_for_the_others(self: Path) -> bool:
        answer = exists(self)
        if self == path:
            together.wait()
        return answer

    monkeypatch.setattr(Path, "exists", wait_for_the_others)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(load_or_create(path).identity()))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    assert names(tmp_path) == ["secrets"]


def test_a_file_that_appears_meanwhile_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets"
    theirs: list[Secrets] = []

    def another_process_is_faster(_: int) -> None:
        monkeypatch.undo()
        assert not path.exists(), "nothing is to be seen before it is complete"
        theirs.append(load_or_create(path))

    monkeypatch.setattr(os, "fsync", another_process_is_faster)
    assert load_or_create(path).identity() == theirs[0].identity()
    assert load_or_create(path).identity() == theirs[0].identity()
    assert names(tmp_path) == ["secrets"]


def test_a_draft_that_cannot_be_written_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SecretsError, match="no space"):
        load_or_create(tmp_path / "secrets")
    assert names(tmp_path) == []


def test_the_file_may_have_comments_and_several_secrets(tmp_path: Path) -> None:
    path = tmp_path / "secrets"
    path.write_text(f"# today's\n\n  {NEW}  \n# last year's\n{OLD}\n")
    path.chmod(0o600)
    assert load_or_create(path).identity() == both.identity()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secrets"
    path.write_text(NEW)
    path.chmod(mode)
    with pytest.raises(SecretsError, match=f"mode {mode:o}.*chmod 600"):
        load_or_create(path)


@pytest.mark.parametrize("content", ["", "# nothing\n", "short\n"])
def test_a_file_without_a_usable_secret_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secrets"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SecretsError, match="secrets: "):
        load_or_create(path)

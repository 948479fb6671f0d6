"""Files on disk: found, read as Python reads them, written whole or not at all."""

import os
import stat
from pathlib import Path
from typing import List, Tuple

import pytest

from prefect1_rsync.bridge import files
from prefect1_rsync.bridge.files import Unreadable, python_files, read, write


@pytest.mark.parametrize(
    "data, encoding",
    [
        (b"", "utf-8"),
        (b"x = 1\r\ny = 2\r\n", "utf-8"),
        (b"x = 1\r\ny = 2\n", "utf-8"),
        (b"\xef\xbb\xbfx = 1\n", "utf-8-sig"),
        ("# coding: latin-1\nx = 'jörg'\n".encode("latin-1"), "iso-8859-1"),
        ("x = 'jörg'  # no line end".encode(), "utf-8"),
        (b"x = 1\n\x0cy = 2\n", "utf-8"),
    ],
)
def test_what_is_read_is_written_as_it_was(data: bytes, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_bytes(data)
    document = read(str(path))
    assert document.encoding == encoding
    write(str(path), document, document.text)
    assert path.read_bytes() == data


@pytest.mark.parametrize(
    "data", [b"x = '\xff'\n", b"# coding: nonsense\n", b"\xef\xbb\xbf# coding: latin-1\n"]
)
def test_what_is_not_in_its_encoding_is_not_read(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_bytes(data)
    with pytest.raises(Unreadable, match="not in the encoding"):
        read(str(path))


def test_what_is_not_there_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        read(str(tmp_path / "flow.py"))


def test_the_mode_stays_and_links_stay_links(tmp_path: Path) -> None:
    path, link = tmp_path / "flow.py", tmp_path / "link.py"
    path.write_text("x = 1\n")
    path.chmod(0o750)
    link.symlink_to(path)
    write(str(link), read(str(link)), "x = 2\n")
    assert link.is_symlink() and path.read_text() == "x = 2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o750
    assert sorted(os.listdir(tmp_path)) == ["flow.py", "link.py"]


@pytest.mark.skipif(not hasattr(os, "chown"), reason="files have no owner here")
@pytest.mark.parametrize("allowed", [True, False])
def test_the_owner_stays_where_that_is_allowed(
    allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "flow.py"
    path.write_text("x = 1\n")
    before = path.stat()
    asked: List[Tuple[int, int]] = []

    def chown(name: str, user: int, group: int) -> None:
        assert name != str(path), "before it is replaced"
        asked.append((user, group))
        if not allowed:
            raise PermissionError(1, "Operation not permitted", name)

    monkeypatch.setattr(files.os, "chown", chown)
    write(str(path), read(str(path)), "x = 2\n")
    assert path.read_text() == "x = 2\n"
    assert sorted(asked) == sorted([(-1, before.st_gid), (before.st_uid, -1)])


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root may give away")
def test_root_leaves_a_file_to_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_text("x = 1\n")
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    write(str(path), read(str(path)), "x = 2\n")
    after = path.stat()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (12345, 54321, 0o640)


def test_a_file_that_was_changed_meanwhile_is_left(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_text("x = 1\n")
    document = read(str(path))
    path.write_text("x = 2\n")
    with pytest.raises(Unreadable, match="changed meanwhile"):
        write(str(path), document, "x = 3\n")
    assert path.read_text() == "x = 2\n"
    assert os.listdir(tmp_path) == ["flow.py"]


def test_nothing_is_left_behind_by_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "flow.py"
    path.write_text("x = 1\n")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(Unreadable, match="No space left"):
        write(str(path), read(str(path)), "x = 2\n")
    assert path.read_text() == "x = 1\n"
    assert os.listdir(tmp_path) == ["flow.py"]


def test_what_the_encoding_lacks_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_bytes(b"# coding: ascii\n")
    with pytest.raises(Unreadable, match="does not fit into ascii"):
        write(str(path), read(str(path)), "# coding: ascii\n# jörg\n")


def test_a_file_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flow.py"
    path.write_text("x = 1\n")
    monkeypatch.setattr(files.os, "access", lambda path, mode: False)
    with pytest.raises(Unreadable, match="may not be written"):
        write(str(path), read(str(path)), "x = 2\n")
    assert path.read_text() == "x = 1\n"


def test_folders_are_looked_through(tmp_path: Path) -> None:
    for name in [
        "b.py",
        "a/c.py",
        "a/d.txt",
        ".git/e.py",
        "venv/f.py",
        "venv/pyvenv.cfg",
        "a/__pycache__/g.py",
    ]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    errors: List[Tuple[str, str]] = []
    found = python_files(str(tmp_path), lambda *error: errors.append(error))
    assert [os.path.relpath(path, tmp_path) for path in found] == ["b.py", "a/c.py"]
    assert list(python_files("d.txt", lambda *error: errors.append(error))) == ["d.txt"]
    assert errors == []


def test_a_folder_that_can_not_be_looked_through_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(files.os, "scandir", refused)
    errors: List[Tuple[str, str]] = []
    assert list(python_files(str(tmp_path), lambda *error: errors.append(error))) == []
    assert errors == [(str(tmp_path), "Permission denied")]

"""Files that are either complete or absent, also by the rules of Windows, which are simulated here."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resnet_lib import _files
from resnet_lib._files import path_named, remove_unfinished, replacing, write_json, write_text


@pytest.fixture
def fsync_of_windows(monkeypatch):
    """Windows refuses to flush a file that is open for reading only. The list says which files were flushed."""
    flushed = []

    def fsync(descriptor):
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flushed.append(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="Bad file descriptor"), open(__file__, "rb") as file:
        os.fsync(file.fileno())
    return flushed


def test_a_file_is_flushed_as_windows_wants_it(tmp_path, fsync_of_windows):
    write_text(tmp_path / "text", "é × ≥\nsecond line\n")
    assert (tmp_path / "text").read_bytes() == "é × ≥\nsecond line\n".encode()
    assert len(fsync_of_windows) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_lines_end_alike_on_every_system(tmp_path, monkeypatch):
    opened = []
    write = Path.write_text
    monkeypatch.setattr(Path, "write_text", lambda *args, **options: opened.append(options) or write(*args, **options))
    write_json(tmp_path / "record.json", {"rows": [{"a": 1}, {"a": 2}], "what": "×"})
    assert opened == [{"encoding": "utf-8", "newline": "\n"}]


@pytest.mark.parametrize("refusals", [1, 4, 5])
def test_a_virus_scanner_that_has_the_file_open_for_a_moment(tmp_path, monkeypatch, refusals):
    """Windows does not replace a file that is open elsewhere."""
    replace, answers, waits = Path.replace, [True] * refusals, []

    def refusing(self, target):
        if answers:
            answers.pop()
            raise PermissionError(errno.EACCES, "Access is denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refusing)
    monkeypatch.setattr(_files.time, "sleep", waits.append)
    (tmp_path / "file").write_text("before", encoding="utf-8")
    if refusals > 4:
        with pytest.raises(PermissionError, match="file cannot be written: Access is denied"):
            write_text(tmp_path / "file", "after")
        assert (tmp_path / "file").read_text("utf-8") == "before"
    else:
        write_text(tmp_path / "file", "after")
        assert (tmp_path / "file").read_text("utf-8") == "after"
    assert waits == [0.1, 0.2, 0.4, 0.8][:refusals]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        (tmp_path / "theirs").touch()
        write_text(tmp_path / "ours", "text")
    finally:
        os.umask(before)
    ours, theirs = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ours", "theirs"))
    assert ours == theirs == 0o666 & ~umask


def test_the_umask_of_other_threads_stays(tmp_path, monkeypatch):
    """os.umask can only be asked by changing it, for all threads."""
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask was changed"))
    write_text(tmp_path / "file", "text")


def test_many_writers_of_one_file_leave_one_of_their_texts(tmp_path):
    texts = [str(n) * 10_000 for n in range(8)]
    threads = [threading.Thread(target=write_text, args=(tmp_path / "file", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_text("utf-8") in texts
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@given(
    st.binary(), st.sampled_from([OSError(errno.ENOSPC, "No space left on device"), OSError("no number"), ValueError])
)
def test_whatever_goes_wrong_leaves_the_old_file(tmp_path_factory, content, trouble):
    folder = tmp_path_factory.mktemp("folder")
    (folder / "file").write_bytes(b"before")
    expected = ValueError if trouble is ValueError else OSError
    with pytest.raises(expected) as caught, replacing(folder / "file") as temporary:
        temporary.write_bytes(content)
        raise trouble
    if expected is OSError:
        assert f"{folder / 'file'} cannot be written: " in str(caught.value) and "None" not in str(caught.value)
    assert (folder / "file").read_bytes() == b"before"
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere/file cannot be written: No such file or directory"):
        write_text(tmp_path / "nowhere" / "file", "text")


def test_what_a_killed_process_left_goes_and_nothing_else(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.csv") as temporary:
        left = temporary.name
        raise KeyboardInterrupt
    for name in (left, ".b.csv.1234.part", "a.csv", "film.part"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path, "a.csv")
    assert {path.name for path in tmp_path.iterdir()} == {".b.csv.1234.part", "a.csv", "film.part"}


@pytest.mark.parametrize("value", ["", 3, None, b"folder", ["folder"]])
def test_what_is_not_a_path(value):
    with pytest.raises(ValueError if value == "" else TypeError, match=r"^out must .*: "):
        path_named("out", value)


@pytest.mark.parametrize("value", [".", "a/b", Path("a"), Path("")])
def test_what_is_a_path(value):
    assert path_named("out", value) == Path(value)

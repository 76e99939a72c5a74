"""Writing whole or not at all."""

import os
import stat
import sys

import pytest

from odeviz.storage import WriteError, atomic_write, check_writable


def names(folder):
    return [path.name for path in folder.iterdir()]


def write_half(path, error):
    with atomic_write(path) as temporary:
        temporary.write_text("half")
        raise error


def write_bytes(path, data):
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def test_the_file_appears_with_what_was_written(tmp_path):
    with atomic_write(tmp_path / "a.txt") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".txt"
        assert not (tmp_path / "a.txt").exists()
        temporary.write_text("new")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path, error):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(error):
        write_half(tmp_path / "a.txt", error)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files by a POSIX call")
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path):
    import resource

    (tmp_path / "a.bin").write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(WriteError) as caught:
            write_bytes(tmp_path / "a.bin", bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(caught.value) == f"cannot write {tmp_path / 'a.bin'}: file too large"
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders are made read-only by POSIX modes")
def test_a_read_only_folder_is_one_sentence(tmp_path, monkeypatch):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    if os.geteuid() == 0:
        # Modes do not bind root: refuse as the system would.
        def refuse(path, *_):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(WriteError, match=r"^cannot write .*a\.txt: permission denied$"):
        check_writable(folder / "a.txt")
    with pytest.raises(WriteError, match=r"^cannot write .*a\.txt: permission denied$"):
        write_bytes(folder / "a.txt", b"new")
    monkeypatch.undo()
    assert names(folder) == []


def test_a_missing_folder_and_a_folder_in_place_of_the_file_are_named(tmp_path):
    with pytest.raises(WriteError, match=f"the folder {tmp_path / 'no'} does not exist"):
        check_writable(tmp_path / "no" / "a.txt")
    with pytest.raises(WriteError, match=f"cannot write {tmp_path}: it is a folder"):
        check_writable(tmp_path)


def test_checking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a.txt")
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX device file")
def test_a_device_is_never_replaced():
    with pytest.raises(WriteError, match="cannot write /dev/null: it is not a regular file"):
        check_writable("/dev/null")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and links")
def test_a_replaced_file_keeps_its_mode_and_its_link(tmp_path):
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with atomic_write(tmp_path / "a.txt"):
        pass
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_name_as_long_as_the_file_system_allows_can_be_written(tmp_path):
    name = "n" * 250 + ".txt"
    with atomic_write(tmp_path / name) as temporary:
        temporary.write_text("new")
    assert names(tmp_path) == [name]

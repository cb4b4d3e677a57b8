from __future__ import annotations

import errno
import os
import shutil
from types import SimpleNamespace

import pytest

from tonegap.errors import MachineError
from tonegap.files.atomic import replacing, require_free_space, write_bytes


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    """A file is either replaced as a whole or left unchanged."""
    path = tmp_path / "table.csv"
    write_bytes(path, b"old")

    def write_half_and_fail():
        with replacing(path) as temporary:
            temporary.write_bytes(b"half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half_and_fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_hard_link_keeps_its_content(tmp_path):
    """Replacing a file never writes through a link into DVC's cache."""
    cache, workspace = tmp_path / "cache", tmp_path / "out.bin"
    cache.write_bytes(b"old")
    workspace.hardlink_to(cache)
    write_bytes(workspace, b"new")
    assert (cache.read_bytes(), workspace.read_bytes()) == (b"old", b"new")


def test_folders_are_made(tmp_path):
    """The parent folder of an output need not exist."""
    write_bytes(tmp_path / "a" / "b" / "c.bin", b"x")
    assert (tmp_path / "a" / "b" / "c.bin").read_bytes() == b"x"


def test_a_full_disk_is_met_before_the_write(tmp_path, monkeypatch):
    """The message says what needs how much, what is free and what to do, on one line."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))
    require_free_space(tmp_path / "not" / "yet", 5_000_000, "packing")
    with pytest.raises(MachineError, match=r"packing needs 6 MB .* 5 MB free.*TONEGAP_CACHE") as e:
        require_free_space(tmp_path / "not" / "yet", 6_000_000, "packing")
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_refusing_disk_is_one_line(tmp_path, code):
    """What the user can mend names the file and the way out; the old file stays."""
    path = tmp_path / "table.csv"
    write_bytes(path, b"old")

    def write_half():
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(code, os.strerror(code))

    with pytest.raises(MachineError, match=rf"table\.csv.*{os.strerror(code)}.*run it again") as e:
        write_half()
    assert "\n" not in str(e.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_one_line(tmp_path):
    """Where no folder can be made, the file that could not be written is named."""
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(MachineError, match=r"c\.bin cannot be written"):
        write_bytes(tmp_path / "a" / "c.bin", b"x")


def test_a_bug_keeps_its_traceback(tmp_path):
    """A file that the code forgot to write is no fault of the disk."""

    def write_nothing():
        with replacing(tmp_path / "c.bin"):
            pass

    with pytest.raises(FileNotFoundError):
        write_nothing()

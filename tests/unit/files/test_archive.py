from __future__ import annotations

import zipfile

import pytest

from tonegap.errors import DataError
from tonegap.files.archive import open_archive, write_archive

ENTRIES = [("a.jpg", b"first"), ("b.jpg", b"second")]


def test_equal_images_give_equal_bytes(tmp_path):
    """Two archives of the same entries are the same file, whenever they are written."""
    for name in ("one.zip", "two.zip"):
        assert write_archive(tmp_path / name, ENTRIES) == 2
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_entries_are_stored_and_read_back(tmp_path):
    """Nothing is compressed, and what went in comes out."""
    write_archive(tmp_path / "a.zip", ENTRIES)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    with open_archive(tmp_path / "a.zip") as archive:
        assert archive.names() == ["a.jpg", "b.jpg"]
        assert [archive.read(name) for name in archive.names()] == [b"first", b"second"]


def test_unsorted_entries_are_refused_and_leave_nothing(tmp_path):
    """An order that could vary would make the archive vary."""
    with pytest.raises(ValueError, match="ascend"):
        write_archive(tmp_path / "a.zip", reversed(ENTRIES))
    assert list(tmp_path.iterdir()) == []


def test_damage_is_named(tmp_path):
    """A flipped byte, a missing entry, a non-zip and no file are each one clear error."""
    path = tmp_path / "a.zip"
    with pytest.raises(DataError, match="is not at"), open_archive(path):
        pass
    write_archive(path, ENTRIES)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"second", b"sEcond"))
    with open_archive(path) as archive:
        with pytest.raises(DataError, match=r"b\.jpg is damaged"):
            archive.read("b.jpg")
        with pytest.raises(DataError, match=r"no entry c\.jpg"):
            archive.read("c.jpg")
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(DataError, match="not a readable zip"), open_archive(path):
        pass

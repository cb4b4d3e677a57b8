"""Folders of generated images."""

from __future__ import annotations

import pytest
from pictures import encode, picture

from tonegap.errors import DataError
from tonegap.files.samples import list_samples

__all__ = ["encode", "picture"]

LIMIT = 1_000_000


@pytest.fixture
def folder(tmp_path, encode, picture):
    """Fill a folder with two images, one of them deeper, and two other files."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.png").write_bytes(encode(picture(1), "PNG"))
    (tmp_path / "deep" / "a.jpg").write_bytes(encode(picture(2), "JPEG"))
    (tmp_path / "notes.txt").write_text("prompt")
    (tmp_path / "large.png").write_bytes(b"x" * (LIMIT + 1))
    return tmp_path


def test_every_image_below_the_folder_counts_and_nothing_is_lost(folder):
    """Files that are passed over are named with the reason."""
    found = list_samples(folder, LIMIT)
    assert {image.name for image in found.images} == {"b.png", "deep/a.jpg"}
    assert {skip.name for skip in found.skipped} == {"notes.txt", "large.png"}


def test_the_hash_is_of_names_and_contents(folder, encode, picture):
    """A renamed or an edited image makes another folder; a note beside them does not."""
    before = list_samples(folder, LIMIT).sha256
    (folder / "more.txt").write_text("")
    assert list_samples(folder, LIMIT).sha256 == before
    (folder / "b.png").rename(folder / "c.png")
    renamed = list_samples(folder, LIMIT).sha256
    (folder / "c.png").write_bytes(encode(picture(3), "PNG"))
    assert len({before, renamed, list_samples(folder, LIMIT).sha256}) == 3


def test_a_folder_without_images_is_refused(tmp_path):
    """The message says how many files were passed over."""
    with pytest.raises(DataError, match="there is no folder"):
        list_samples(tmp_path / "absent", LIMIT)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match=r"holds no image \(1 files were passed over\)"):
        list_samples(tmp_path, LIMIT)

"""images.txt: what it lists, what it keeps, and what it rejects."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest

from tonegap.errors import DataError
from tonegap.files.manifest import read_manifest, with_images_at_hand, write_manifest
from tonegap.files.store import ImageStore, md5_of

GOOD, SMALL, LARGE = b"an original", b"a copy", b"a larger copy"
ROW, OTHER, PHANTOM = md5_of(GOOD), "0" * 32, "f" * 32
TABLE = pd.DataFrame(
    {"md5hash": [ROW, OTHER, PHANTOM], "url": ["https://e.org/a.jpg", None, "phantom:x"]}
)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "store")


def test_what_is_written_is_read(tmp_path):
    """Images and copies come back, from a sorted file with one line each."""
    images = {ROW: None, OTHER: _sha(SMALL)}
    path = tmp_path / "images.txt"
    write_manifest(images, path)
    assert read_manifest(path) == images
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert lines == sorted([ROW, f"{OTHER} {_sha(SMALL)}"])


def test_line_ends_of_another_system_change_nothing(tmp_path):
    """A checkout with CRLF lists the same images."""
    path = tmp_path / "images.txt"
    write_manifest({ROW: None, OTHER: _sha(SMALL)}, path)
    before = read_manifest(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_manifest(path) == before


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("<<<<<<< HEAD", "line 2 is not an md5"),
        (ROW.upper(), "line 2 is not an md5"),
        (f"{ROW} {ROW}", "line 2 is not an md5"),
        (f"{OTHER}\n{OTHER}", "line 3 repeats an image"),
        ("\x00", "line 2 is not an md5"),
    ],
)
def test_a_damaged_list_is_named_by_line(tmp_path, line, words):
    """Conflict markers, other hashes and repetitions are one-line errors that name a remedy."""
    path = tmp_path / "images.txt"
    path.write_text(f"# head\n{line}\n")
    with pytest.raises(DataError, match=words) as caught:
        read_manifest(path)
    assert "git checkout images.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_no_list_is_an_error(tmp_path, content):
    """A list that is missing or is not text stops the run: it never means all images."""
    path = tmp_path / "images.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"images\.txt"):
        read_manifest(path)


def test_images_of_the_store_are_listed(store):
    """A verified image is listed plainly, a copy by its hash, phantoms and strangers not."""
    store.put(ROW, GOOD, "given")
    store.put(OTHER, SMALL, "given")
    store.put(md5_of(b"stranger"), b"stranger", "given")
    assert with_images_at_hand({}, TABLE, store) == {ROW: None, OTHER: _sha(SMALL)}


def test_the_original_comes_before_copies_and_the_largest_copy_first(store):
    """Of two copies the larger is listed; an original that arrives later replaces it."""
    store.put(ROW, SMALL, "given")
    store.put(ROW, LARGE, "url")
    first = with_images_at_hand({}, TABLE, store)
    assert first == {ROW: _sha(LARGE)}
    store.put(ROW, GOOD, "given")
    assert with_images_at_hand(first, TABLE, store) == {ROW: None}


def test_a_listed_image_stays_listed_where_the_store_lacks_it(store):
    """An emptier store, or one with another copy, never changes what a commit holds."""
    listed = {ROW: None, OTHER: _sha(LARGE)}
    store.put(OTHER, SMALL, "given")
    assert with_images_at_hand(listed, TABLE, store) == listed


def test_lines_of_another_table_go(store):
    """What no row of the new table names is dropped."""
    assert with_images_at_hand({"a" * 32: None, ROW: None}, TABLE, store) == {ROW: None}


def test_a_damaged_image_is_not_listed(store):
    """An image whose bytes have rotted is not at hand."""
    store.put(ROW, GOOD, "given")
    next(store.root.rglob(f"{ROW}.jpg")).write_bytes(b"rotten")
    assert with_images_at_hand({}, TABLE, store) == {}

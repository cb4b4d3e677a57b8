"""The image store: content-addressed, checked on the way in and out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tonegap.errors import MachineError
from tonegap.files.store import ImageStore, md5_of

CONTENT = b"an image"
MD5 = "d" * 32


def test_md5_is_the_known_one():
    """The name is RFC 1321's md5 ("abc" from its test suite)."""
    assert md5_of(b"abc") == "900150983cd24fb0d6963f7d28e17f72"


def test_what_goes_in_comes_out(tmp_path):
    """An image with the row's md5 is verified and read back unchanged."""
    store = ImageStore(tmp_path)
    assert store.put(md5_of(CONTENT), CONTENT, "given") == "verified"
    assert store.get(md5_of(CONTENT)) == CONTENT
    assert store.unverified(md5_of(CONTENT)) is None


def test_another_md5_is_kept_apart(tmp_path):
    """A copy with another md5 never passes for the original."""
    store = ImageStore(tmp_path)
    assert store.put(MD5, CONTENT, "given") == "unverified"
    assert store.get(MD5) is None
    assert store.get(md5_of(CONTENT)) is None
    assert store.unverified(MD5) == CONTENT
    assert not store.downloaded_copy(MD5)
    store.put(MD5, CONTENT, "url")
    assert store.downloaded_copy(MD5)


@pytest.mark.parametrize("order", [1, -1])
def test_the_largest_copy_counts_whatever_the_order(tmp_path, order):
    """The choice among several copies depends on the copies, not on history."""
    store = ImageStore(tmp_path)
    copies = [b"small", b"larger copy A", b"larger copy B"]
    for content in copies[::order]:
        store.put(MD5, content, "given")
    expected = min(copies[1:], key=lambda content: hashlib.sha256(content).hexdigest())
    assert store.unverified(MD5) == expected


def test_a_damaged_file_is_removed_and_reported(tmp_path):
    """Bytes that changed on disk are never handed out."""
    store = ImageStore(tmp_path)
    md5 = md5_of(CONTENT)
    store.put(md5, CONTENT, "given")
    store.put(MD5, CONTENT, "url")
    for path in tmp_path.rglob("*.jpg"):
        path.write_bytes(b"rotten")
    assert store.get(md5) is None
    assert store.unverified(MD5) is None
    assert len(store.damaged) == 2
    assert not list(tmp_path.rglob("*.jpg"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "", MD5.upper(), MD5 + "\n", "d" * 31])
def test_only_a_hash_becomes_a_path(tmp_path, name):
    """Text other than an md5 cannot name a file."""
    with pytest.raises(ValueError, match="not an md5"):
        ImageStore(tmp_path).get(name)


def test_only_old_leftovers_are_tidied(tmp_path):
    """Files of a writer that died a day ago go, those of a living one stay."""
    store = ImageStore(tmp_path)
    folder = tmp_path / "incoming"
    folder.mkdir()
    old, new = folder / "old", folder / "new"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    store.tidy()
    assert not old.exists()
    assert new.exists()


def test_a_refusing_disk_is_one_line(tmp_path):
    """Where the store cannot be made, the message names the place and the way out."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MachineError, match=r"file.*TONEGAP_CACHE") as caught:
        ImageStore(tmp_path / "file").put(MD5, CONTENT, "given")
    assert "\n" not in str(caught.value)


_WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tonegap.files.store import ImageStore, md5_of
store = ImageStore(Path(sys.argv[2]))
for n in range(200):
    content = f"image {n}".encode() * 100
    store.put(md5_of(content), content, "given")
    assert store.get(md5_of(content)) == content
assert store.damaged == []
"""


def test_processes_may_write_at_once(tmp_path, repository):
    """Three processes that write and read the same images never see half a file."""
    command = [sys.executable, "-c", _WRITER, repository / "src", tmp_path]
    writers = [subprocess.Popen(command) for _ in range(3)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    assert len(list((tmp_path / "verified").rglob("*.jpg"))) == 200
    assert not list((tmp_path / "incoming").iterdir())


def test_a_store_that_cannot_be_cleaned_is_used(tmp_path, monkeypatch):
    """In a store that others own, a damaged file is skipped even if it cannot be removed."""
    store = ImageStore(tmp_path)
    md5 = md5_of(CONTENT)
    store.put(md5, CONTENT, "given")
    next(tmp_path.rglob("*.jpg")).write_bytes(b"rotten")

    def refuse(*_args, **_options):
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refuse)
    assert store.get(md5) is None
    assert store.damaged == [f"{md5}.jpg"]


def test_strange_files_are_no_copies(tmp_path):
    """Editors' leftovers and folders within the store are passed over."""
    store = ImageStore(tmp_path)
    store.put(MD5, CONTENT, "given")
    shard = tmp_path / "unverified" / MD5[:2]
    for name in (f"{MD5}.jpg", f"{MD5}.", f"{MD5}.given", f"{MD5}.a.b.jpg", f"{MD5}.jpg.swp"):
        (shard / name).write_bytes(b"?")
    (shard / f"{MD5}.url").mkdir()
    assert store.unverified(MD5) == CONTENT
    assert not store.downloaded_copy(MD5)
    assert store.damaged == []


def test_a_damaged_download_is_none(tmp_path):
    """What the url gave must be given again once the disk has spoilt it."""
    store = ImageStore(tmp_path)
    store.put(MD5, CONTENT, "url")
    assert store.downloaded_copy(MD5)
    next(tmp_path.rglob("*.url.*.jpg")).write_bytes(b"rotten")
    assert not store.downloaded_copy(MD5)
    assert len(store.damaged) == 1


def test_sizes_are_of_verified_images(tmp_path):
    """The size of what a row has, 0 where it has nothing."""
    store = ImageStore(tmp_path)
    store.put(md5_of(CONTENT), CONTENT, "given")
    assert (store.size(md5_of(CONTENT)), store.size(MD5)) == (len(CONTENT), 0)

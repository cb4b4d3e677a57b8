"""The fingerprint of one image, and the stage that takes all of them."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from tonegap.errors import MachineError
from tonegap.files.archive import write_archive
from tonegap.files.tables import read_csv
from tonegap.fingerprint.measures import COLUMNS, fingerprint
from tonegap.fingerprint.table import fingerprint_table
from tonegap.stages import hash as stage

BITS = 4 * 16


def bits_apart(one, other):
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_hashes_are_those_of_bytes_and_pixels(picture, encode):
    """md5 and sha256 are hashlib's; the pixel hash covers the size and the RGB bytes."""
    content = encode(picture())
    measured = fingerprint("0" * 32, content)
    assert measured.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert measured.sha256 == hashlib.sha256(content).hexdigest()
    pixels = b"96x64:" + np.asarray(picture()).tobytes()
    assert measured.pixel_sha256 == hashlib.sha256(pixels).hexdigest()
    assert not measured.md5_matches
    assert fingerprint(measured.md5, content).md5_matches


def test_the_pixel_hash_knows_pixels_not_files(picture, encode):
    """Equal pictures in two formats share it; a reshaped one does not."""
    one, other = (fingerprint("a", encode(picture(), form)) for form in ("PNG", "BMP"))
    assert one.pixel_sha256 == other.pixel_sha256
    turned = Image.frombytes("RGB", (64, 96), picture().tobytes())
    assert fingerprint("a", encode(turned)).pixel_sha256 != one.pixel_sha256


def test_size_and_bytes_per_pixel_are_those_of_the_file(picture, encode):
    """Upright pixels, and bytes over pixels."""
    content = encode(picture(), "JPEG")
    measured = fingerprint("a", content)
    assert (measured.width, measured.height) == (96, 64)
    assert measured.bytes_per_pixel == pytest.approx(len(content) / (96 * 64))


def test_the_flipped_hash_is_the_hash_of_the_flipped_picture(picture, encode):
    """Mirrored copies are found by it."""
    flipped = picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    ours, theirs = fingerprint("a", encode(picture())), fingerprint("a", encode(flipped))
    assert bits_apart(ours.phash_flip, theirs.phash) <= 2


@pytest.mark.parametrize("factor", [0.5, 0.75, 2.0])
def test_resizing_moves_few_bits(picture, encode, factor):
    """Half to double the size is within the default distance of 6."""
    sized = picture(size=(int(300 * factor), int(200 * factor)))
    original = fingerprint("a", encode(picture(size=(300, 200))))
    assert bits_apart(fingerprint("a", encode(sized)).phash, original.phash) <= 6


def test_a_plain_picture_has_no_perceptual_hash(encode):
    """A hash of noise would join every plain picture with every other."""
    measured = fingerprint("a", encode(Image.new("RGB", (50, 50), (200, 150, 120))))
    assert measured.readable
    assert measured.phash is None
    assert measured.phash_flip is None
    assert measured.pixel_sha256 is not None


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (127, 128), (3000, 20)])
def test_every_shape_is_measured(picture, encode, size):
    """Shapes from one pixel to a strip have finite measures."""
    measured = fingerprint("a", encode(picture(size=size)))
    assert measured.readable
    assert np.isfinite([measured.ita, measured.sharpness, measured.entropy]).all()


def test_a_row_fits_three_kilobytes(picture, encode):
    """The table stays of a size to open: 16,577 rows in less than 50 MB, most of it thumbnails."""
    table = fingerprint_table([fingerprint("0" * 32, encode(picture()))])
    assert len(table.to_csv(header=False, index=False)) < 3000


def test_the_thumbnail_is_the_reduced_grey_picture(picture, encode):
    """Pillow's area means of the grey picture of 128 x 128, within rounding."""
    image = picture(size=(256, 256))
    measured = fingerprint("a", encode(image))
    grey = image.resize((128, 128), Image.Resampling.BOX).convert("L")
    expected = np.asarray(grey.resize((32, 32), Image.Resampling.BOX), int).reshape(-1)
    levels = np.frombuffer(bytes.fromhex(measured.thumbnail), np.uint8).astype(int)
    assert np.abs(levels - expected).max() <= 1


def test_a_caption_at_the_edge_leaves_the_inner_hash(picture, encode):
    """Letters printed within 15 % of an edge are not in the inner part."""
    plain, captioned = picture(size=(200, 200)), picture(size=(200, 200))
    captioned.paste((255, 255, 255), (40, 175, 160, 190))
    one, other = fingerprint("a", encode(plain)), fingerprint("a", encode(captioned))
    assert one.phash_inner == other.phash_inner
    assert one.phash != other.phash


def write_raw(folder, encode, picture, count):
    entries = [(f"{n:032x}.jpg", encode(picture(n), "JPEG")) for n in range(count)]
    entries[3] = (entries[3][0], b"<html>no image</html>")
    write_archive(folder / "raw.zip", entries)
    return folder / "raw.zip"


def test_the_stage_writes_a_row_per_image(tmp_path, picture, encode):
    """Rows come in the archive's order; what is unreadable says so and stays."""
    raw = write_raw(tmp_path, encode, picture, 6)
    stage.run(raw=raw, index=tmp_path / "index.csv", processes=1)
    table = read_csv(tmp_path / "index.csv", COLUMNS, "the index")
    assert list(table.columns) == list(COLUMNS)
    assert list(table["readable"]) == [True, True, True, False, True, True]
    assert "no image in a known format" in table["problem"][3]


@pytest.mark.slow
def test_processes_do_not_change_the_table(tmp_path, picture, encode):
    """One process and three write the same bytes."""
    raw = write_raw(tmp_path, encode, picture, 100)
    stage.run(raw=raw, index=tmp_path / "one.csv", processes=1)
    stage.run(raw=raw, index=tmp_path / "three.csv", processes=3)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "three.csv").read_bytes()


def test_a_killed_worker_is_told_in_one_line(tmp_path, picture, encode, monkeypatch):
    """A broken pool becomes an error that says what to do."""

    class Broken:
        def __init__(self, *args, **kwargs):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *args):
            return False

        def submit(self, *args):
            raise stage.BrokenProcessPool

    monkeypatch.setattr(stage, "ProcessPoolExecutor", Broken)
    raw = write_raw(tmp_path, encode, picture, 5)
    with pytest.raises(MachineError, match="worker of the hash stage was killed"):
        stage.run(raw=raw, index=tmp_path / "index.csv", processes=2)
    assert not (tmp_path / "index.csv").exists()


def test_an_empty_archive_gives_an_empty_table(tmp_path):
    """No images, no rows, all columns."""
    write_archive(tmp_path / "raw.zip", [])
    stage.run(raw=tmp_path / "raw.zip", index=tmp_path / "index.csv")
    assert len(read_csv(tmp_path / "index.csv", COLUMNS, "the index")) == 0

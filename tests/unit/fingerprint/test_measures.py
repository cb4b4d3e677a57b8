"""The fingerprint of one image."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image

from tonegap.fingerprint.measures import fingerprint
from tonegap.fingerprint.table import fingerprint_table

BITS = 4 * 16


def bits_apart(one, other):
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_hashes_are_those_of_bytes_and_pixels(picture, encode):
    """sha256 is hashlib's; the pixel hash covers the size and the RGB bytes."""
    content = encode(picture())
    measured = fingerprint("0" * 32, content)
    assert measured.sha256 == hashlib.sha256(content).hexdigest()
    pixels = b"96x64:" + np.asarray(picture()).tobytes()
    assert measured.pixel_sha256 == hashlib.sha256(pixels).hexdigest()


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

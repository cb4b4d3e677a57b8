"""Perceptual hashes, against imagehash and scipy."""

from __future__ import annotations

import imagehash
import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn

from tonegap.fingerprint import phash

RNG = np.random.default_rng(4)
GREY = RNG.integers(0, 256, (32, 32), dtype=np.uint8)
WHOLE = phash.views(32, [(0.0, 0.0, 32.0, 32.0)])


def cosines(picture):
    return phash.cosines(picture.astype(float), WHOLE)


def hexadecimal(picture):
    return phash.phash(cosines(picture))[0]


@pytest.mark.parametrize(
    ("count", "side", "box"), [(32, 128, (0, 128)), (9, 128, (0, 128)), (8, 50, (3.5, 46.25))]
)
def test_area_means_are_those_of_a_fine_grid(count, side, box):
    """Each part's mean is that of the pixels under 1,000 points spread evenly over it."""
    line = RNG.random(side)
    step = (box[1] - box[0]) / count
    points = box[0] + step * (np.arange(count)[:, None] + (np.arange(1000) + 0.5) / 1000)
    expected = line[points.astype(int)].mean(axis=1)
    ours = phash.area_means(count, side, float(box[0]), float(box[1])) @ line
    np.testing.assert_allclose(ours, expected, atol=2e-3)


def test_a_view_is_the_transform_of_the_reduced_box():
    """One product gives what cropping, Pillow's area reduction and scipy's transform give."""
    grey = RNG.random((128, 128)).astype(np.float32)
    box = (4.0, 8.0, 100.0, 104.0)  # parts of 3 whole pixels: Pillow weighs no part of one
    small = Image.fromarray(grey).resize((32, 32), Image.Resampling.BOX, box=box)
    expected = dctn(np.asarray(small, np.float64), norm="ortho")[:8, :8]
    ours = phash.cosines(grey.astype(float), phash.views(128, [box]))[0]
    np.testing.assert_allclose(ours, expected, atol=1e-4)


def test_cosines_are_those_of_scipy():
    """The kept block is the corner of the orthonormal two-dimensional DCT-II."""
    expected = dctn(GREY.astype(float), norm="ortho")[:8, :8]
    np.testing.assert_allclose(cosines(GREY)[0], expected)


def test_phash_is_that_of_imagehash():
    """On a 32 x 32 picture, where nothing is resized, the two agree in at most rounding."""
    expected = imagehash.phash(Image.fromarray(GREY)).hash
    ours = imagehash.hex_to_hash(hexadecimal(GREY)).hash
    # imagehash scales cosines otherwise (not orthonormally), which weighs the first row
    # and column: compare the bits that no scaling moves across the median.
    assert (expected[1:, 1:] == ours[1:, 1:]).mean() > 0.95


def test_mirrored_cosines_are_those_of_the_mirrored_picture():
    """The flip costs no second transform."""
    flipped = cosines(GREY[:, ::-1])
    ours = phash.mirrored(cosines(GREY))
    np.testing.assert_allclose(ours, flipped, atol=1e-9)


def test_brightness_and_contrast_change_no_bit():
    """The hash depends on the order of cosines, not on their size."""
    changed = 3.0 * GREY.astype(float)
    assert hexadecimal(changed) == hexadecimal(GREY)

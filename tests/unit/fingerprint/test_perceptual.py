"""Perceptual hashes, against imagehash and scipy."""

from __future__ import annotations

import imagehash
import numpy as np
from PIL import Image
from scipy.fft import dctn

from tonegap.fingerprint import perceptual

RNG = np.random.default_rng(4)
GREY = RNG.integers(0, 256, (32, 32), dtype=np.uint8)


def hexadecimal(picture):
    return perceptual.phash(perceptual.cosines(picture[None].astype(float)))[0]


def test_cosines_are_those_of_scipy():
    """The kept block is the corner of the orthonormal two-dimensional DCT-II."""
    expected = dctn(GREY.astype(float), norm="ortho")[:8, :8]
    np.testing.assert_allclose(perceptual.cosines(GREY[None].astype(float))[0], expected)


def test_phash_is_that_of_imagehash():
    """On a 32 x 32 picture, where nothing is resized, the two agree in at most rounding."""
    expected = imagehash.phash(Image.fromarray(GREY)).hash
    ours = imagehash.hex_to_hash(hexadecimal(GREY)).hash
    # imagehash scales cosines otherwise (not orthonormally), which weighs the first row
    # and column: compare the bits that no scaling moves across the median.
    assert (expected[1:, 1:] == ours[1:, 1:]).mean() > 0.95


def test_dhash_is_that_of_imagehash():
    """On a 9 x 8 picture the gradient hash is imagehash's."""
    grey = RNG.integers(0, 256, (8, 9), dtype=np.uint8)
    assert perceptual.dhash(grey.astype(float)) == str(imagehash.dhash(Image.fromarray(grey)))


def test_mirrored_cosines_are_those_of_the_mirrored_picture():
    """The flip costs no second transform."""
    flipped = perceptual.cosines(GREY[None, :, ::-1].astype(float))
    ours = perceptual.mirrored(perceptual.cosines(GREY[None].astype(float)))
    np.testing.assert_allclose(ours, flipped, atol=1e-9)


def test_brightness_and_contrast_change_no_bit():
    """The hash depends on the order of cosines, not on their size."""
    changed = 3.0 * GREY.astype(float)
    assert perceptual.phash(perceptual.cosines(changed[None]))[0] == hexadecimal(GREY)

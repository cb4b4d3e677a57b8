"""Alignment of thumbnails, against crops and enlargements that Pillow made."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tonegap.duplicates.alignment import align, halved, place

RNG = np.random.default_rng(5)


def smooth(seed, side=256):
    """Draw a picture of waves a few cells long."""
    rng = np.random.default_rng(seed)
    small = rng.uniform(40, 215, (12, 12)).astype(np.float32)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def thumbnail(picture):
    return np.asarray(picture.resize((32, 32), Image.Resampling.BOX), np.float32)[None]


@pytest.mark.parametrize(
    ("cut", "x", "y"),
    [(0.05, 0.5, 0.5), (0.05, 0.0, 1.0), (0.03, 1.0, 0.2), (0.1, 0.5, 0.5), (0.09, 0.3, 0.8)],
)
def test_the_place_of_a_crop_is_found(cut, x, y):
    """Shift and scale are those of the box that was cut out, within a tenth of a cell."""
    whole = smooth(1)
    left, top = 256 * cut * x, 256 * cut * y
    box = (left, top, left + 256 * (1 - cut), top + 256 * (1 - cut))
    part = whole.resize((256, 256), Image.Resampling.BICUBIC, box=box)
    found = align(thumbnail(whole), thumbnail(part))[0]
    shift = np.array([x - 0.5, y - 0.5]) * cut * 32
    np.testing.assert_allclose(found[:2], shift, atol=0.1)
    np.testing.assert_allclose(found[2:], 1.0 - cut, atol=0.01)


def test_equal_pictures_are_not_moved():
    """A picture lies in itself unmoved; so does a plain one, which gives no hint."""
    pictures = np.concatenate([thumbnail(smooth(2)), np.full((1, 32, 32), 90.0, np.float32)])
    np.testing.assert_allclose(align(pictures, pictures), [[0, 0, 1, 1]] * 2, atol=1e-6)


def test_unrelated_pictures_stay_within_the_bounds():
    """No fit moves a picture further than a crop of 5 % at each side may have."""
    one, other = RNG.uniform(0, 255, (2, 40, 32, 32)).astype(np.float32)
    found = align(one, other)
    assert np.isfinite(found).all()
    assert (np.abs(found[:, :2]) <= 0.04 * 32).all()
    assert ((found[:, 2:] >= 0.89) & (found[:, 2:] <= 1.12)).all()


def test_placing_reads_between_cells():
    """As Pillow's bicubic enlargement of the same box does, away from the edges."""
    levels = thumbnail(smooth(3))
    box = (0.5, 1.0, 30.5, 31.0)  # a scale of 30/32 whose centre lies half a cell to the left
    placed = place(levels, np.array([[-0.5, 0.0, 30 / 32, 30 / 32]]))
    enlarged = Image.fromarray(levels[0]).resize((32, 32), Image.Resampling.BICUBIC, box=box)
    inner = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(placed.levels[0][inner], np.asarray(enlarged)[inner], atol=0.01)


def test_cells_outside_the_picture_are_not_covered():
    """Shifted by one cell to the right, the last column has left the picture."""
    covered = place(np.zeros((1, 32, 32), np.float32), np.array([[1.0, 0.0, 1.0, 1.0]])).covered[0]
    assert covered[:, :-1].all()
    assert not covered[:, -1].any()


def test_halving_takes_means_of_four():
    """Against Pillow's reduction."""
    levels = thumbnail(smooth(4))
    expected = np.asarray(Image.fromarray(levels[0]).reduce(2))
    np.testing.assert_allclose(halved(levels)[0], expected, rtol=1e-5)

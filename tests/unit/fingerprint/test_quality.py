"""Quality measures, against closed forms, scipy and scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import laplace
from skimage.measure import shannon_entropy

from tonegap.fingerprint import quality

RNG = np.random.default_rng(7)


def test_sharpness_is_the_variance_of_scipys_laplacian():
    """Inside the picture the two agree."""
    grey = RNG.uniform(0, 255, (20, 30))
    assert quality.sharpness(grey) == pytest.approx(laplace(grey)[1:-1, 1:-1].var())


def test_a_slope_has_no_sharpness():
    """Zero for a plane of any slope."""
    y, x = np.mgrid[:12, :15]
    assert quality.sharpness(2.0 * y - 3.0 * x) == pytest.approx(0.0, abs=1e-18)


def test_entropy_is_that_of_scikit_image():
    """Bits of the histogram of grey levels."""
    grey = RNG.integers(0, 90, (20, 30), dtype=np.uint8)
    assert quality.entropy_bits(grey) == pytest.approx(shannon_entropy(grey))


def test_entropy_at_its_ends():
    """Zero for one level, eight bits for all levels equally."""
    assert quality.entropy_bits(np.zeros((4, 4), np.uint8)) == 0.0
    assert quality.entropy_bits(np.arange(256, dtype=np.uint8).reshape(16, 16)) == 8.0


@pytest.mark.parametrize(
    ("rows", "columns", "share"),
    [((0, 0), (0, 0), 0.0), ((4, 6), (0, 0), 0.25), ((4, 6), (5, 5), 0.4375)],
)
def test_border_share_counts_the_bars(rows, columns, share):
    """Black bars of known width make a known share of the area."""
    picture = RNG.integers(60, 256, (40, 40, 3), dtype=np.uint8)
    picture[: rows[0]] = 0
    picture[40 - rows[1] :] = 0
    picture[:, : columns[0]] = 0
    picture[:, 40 - columns[1] :] = 0
    assert quality.border_share(picture) == pytest.approx(share)


def test_a_plain_picture_is_all_border():
    """One for a picture of one colour."""
    assert quality.border_share(np.full((9, 7, 3), 200, np.uint8)) == 1.0

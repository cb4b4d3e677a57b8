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

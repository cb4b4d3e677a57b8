"""Agreement of thumbnails, against definitions computed one pair at a time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from tonegap.duplicates.agreement import (
    MIN_AGREEMENT,
    aligned_agreement,
    alike,
    concordance,
    detail_agreement,
    resemblance,
)
from tonegap.duplicates.alignment import Placed

RNG = np.random.default_rng(6)


def noise(count, level=120.0, spread=30.0):
    return RNG.normal(level, spread, (count, 32, 32)).astype(np.float32)


def whole(levels):
    return Placed(levels, np.ones(levels.shape, bool))


def test_concordance_is_lins_coefficient():
    """Against the definition computed one pair at a time."""
    one, other = RNG.uniform(0, 255, (2, 6, 256))
    expected = [
        2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        for x, y in zip(one, other, strict=True)
    ]
    np.testing.assert_allclose(concordance(one, other), expected)
    np.testing.assert_allclose(concordance(one, one), 1.0)


def test_resemblance_passes_over_the_quarter_that_differs_most():
    """A caption on a fifth of the cells changes nothing, one on two fifths does."""
    one = noise(1)
    for rows, same in ((6, True), (13, False)):
        other = one.copy()
        other[:, :rows] = 255.0
        assert (resemblance(one, other)[0] > 0.999) == same


def test_detail_agreement_is_its_definition():
    """Inner blocks, whose detail reaches no edge, against scipy's moving mean."""
    one, other = noise(1), noise(1)
    other += one
    a, b = (x[0] - uniform_filter(x[0], 5, mode="constant") for x in (one, other))
    counts = uniform_filter(np.ones((32, 32), np.float32), 5, mode="constant")
    a, b = (x[0] - uniform_filter(x[0], 5, mode="constant") / counts for x in (one, other))
    ratios = [
        (2 * (x * y).sum() + 32) / ((x * x).sum() + (y * y).sum() + 32)
        for r in range(0, 32, 8)
        for c in range(0, 32, 8)
        for x, y in [(a[r : r + 8, c : c + 8], b[r : r + 8, c : c + 8])]
    ]
    assert detail_agreement(whole(one), other)[0] == pytest.approx(np.mean(ratios), rel=1e-4)


def test_slow_changes_and_brightness_are_no_detail():
    """A plane of light laid over a picture leaves its detail as it was."""
    one = noise(1)
    plane = np.linspace(0, 80, 32, dtype=np.float32)[None, :, None]
    assert detail_agreement(whole(one), one + plane)[0] > 0.97


def test_blocks_without_detail_agree_only_with_each_other():
    """Plain against plain is 1; plain against detail is near 0, whatever the rest shows."""
    plain, detailed = np.full((1, 32, 32), 120.0, np.float32), noise(1)
    assert detail_agreement(whole(plain), plain)[0] == pytest.approx(1.0)
    assert detail_agreement(whole(plain), detailed)[0] < 0.01
    half = detailed.copy()
    half[:, :, 16:] = 120.0
    assert detail_agreement(whole(half), detailed)[0] == pytest.approx(0.5, abs=0.05)


def test_uncovered_blocks_have_no_say():
    """Where the picture is not covered, nothing is compared."""
    one, other = noise(1), noise(1)
    other[:, :, :16] = one[:, :, :16]
    covered = np.ones((1, 32, 32), bool)
    covered[:, :, 16:] = False
    assert detail_agreement(Placed(one, covered), other)[0] == pytest.approx(1.0)
    covered[:] = False
    assert detail_agreement(Placed(one, covered), other)[0] == 0.0


def test_alignment_takes_either_way():
    """Which picture comes first does not matter."""
    one, other = noise(20), noise(20)
    other[:10] = 0.9 * one[:10] + 0.1 * other[:10]
    forward, back = aligned_agreement(one, other), aligned_agreement(other, one)
    np.testing.assert_allclose(forward, back)
    assert (forward[:10] > MIN_AGREEMENT).all()
    assert (forward[10:] < 0.3).all()


def test_alike_asks_for_resemblance_and_for_detail():
    """A darker picture of the same detail fails; so does the same light on other detail."""
    one = np.clip(noise(3, spread=20.0), 0, 255)
    one[:, 8:24, 8:24] /= 3.0
    other = one.copy()
    other[1] /= 3.0
    other[2] = np.clip(noise(1, spread=20.0)[0], 0, 255)
    other[2, 8:24, 8:24] /= 3.0
    verdicts = alike(one.astype(np.uint8), other.astype(np.uint8))
    assert verdicts.tolist() == [True, False, False]


def test_no_pairs_no_verdicts():
    """Empty stacks are allowed."""
    assert alike(np.empty((0, 32, 32), np.uint8), np.empty((0, 32, 32), np.uint8)).shape == (0,)

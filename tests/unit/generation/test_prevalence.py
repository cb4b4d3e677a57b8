"""The share of a group among unlabelled images is recovered from a tone that errs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tonegap.generation.prevalence import (
    MIN_IMAGES,
    Tones,
    adjusted_share,
    best_threshold,
)
from tonegap.generation.tones import tone_difference


def alone(tone) -> Tones:
    return Tones(np.asarray(tone, dtype=float), np.arange(len(tone)))


def draw(rng, n, share):
    """Tones of a mixture: dark images at -5 +- 25 degrees, light ones at 40 +- 14."""
    dark = rng.random(n) < share
    return np.where(dark, rng.normal(-5, 25, n), rng.normal(40, 14, n)), dark


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_the_interval_holds_the_truth_as_often_as_promised(share):
    """Over 150 draws of labelled and unlabelled images; the plain count would not."""
    held, plain = 0, []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        tone, dark = draw(rng, 240, 0.4)
        found = adjusted_share(alone(tone), dark, alone(draw(rng, 120, share)[0]))
        held += found.low <= share <= found.high
        plain.append(found.called)
    assert held / 150 >= 0.90
    if share in {0.0, 0.2}:
        assert np.mean(plain) > share + 0.02


def test_with_perfect_tones_it_is_the_plain_count():
    """No image is called wrongly, so that nothing is adjusted."""
    tone = np.r_[np.full(50, -30.0), np.full(50, 50.0)]
    found = adjusted_share(
        alone(tone), tone < 0, alone(np.r_[np.full(30, -30.0), np.full(70, 50.0)])
    )
    assert found.value == found.called == pytest.approx(0.3)
    assert (found.true_rate, found.false_rate) == (1.0, 0.0)
    assert 0.2 < found.low < 0.3 < found.high < 0.4


def test_copies_count_once():
    """A generator that repeats each image five times has not drawn five times as many."""
    rng = np.random.default_rng(0)
    tone, dark = draw(rng, 300, 0.5)
    few = draw(rng, 40, 0.5)[0]
    repeated = Tones(np.repeat(few, 5), np.repeat(np.arange(40), 5))
    widths = [
        found.high - found.low
        for found in (
            adjusted_share(alone(tone), dark, unlabelled)
            for unlabelled in (alone(few), repeated, alone(np.repeat(few, 5)))
        )
    ]
    assert widths[1] == pytest.approx(widths[0], rel=0.1)
    assert widths[2] < 0.6 * widths[0]


def test_groups_that_tone_does_not_tell_apart_have_no_share():
    """As groups of sex would be; the reason is given, not a number."""
    rng = np.random.default_rng(0)
    tone = rng.normal(30, 10, 200)
    found = adjusted_share(alone(tone), rng.random(200) < 0.5, alone(rng.normal(30, 10, 50)))
    assert math.isnan(found.value)
    assert "does not tell the data's groups apart" in found.reason


def test_too_few_images_have_no_share():
    """A group that the data lacks cannot be counted among others."""
    tone = np.full(MIN_IMAGES, 40.0)
    found = adjusted_share(alone(tone), np.zeros(MIN_IMAGES, dtype=bool), alone(tone))
    assert math.isnan(found.low)
    assert f"needs {MIN_IMAGES} images of each group" in found.reason


@given(st.lists(st.tuples(st.integers(-9, 9), st.booleans()), min_size=2, max_size=25))
@settings(max_examples=80, deadline=None)
def test_the_threshold_is_the_best_by_brute_force(pairs):
    """No threshold between two tones parts the groups better, in either direction."""
    tone = np.array([float(value) for value, _ in pairs])
    compared = np.array([flag for _, flag in pairs])

    def parted(threshold):
        below = tone < threshold
        of_compared = below[compared].mean() if compared.any() else 0.0
        return abs(of_compared - (below[~compared].mean() if (~compared).any() else 0.0))

    threshold, _ = best_threshold(tone, compared)
    best = max(parted(value) for value in np.arange(-9.5, 10.5))
    if compared.any() and (~compared).any():
        assert parted(threshold) == pytest.approx(best) or best == 0.0


def test_the_distance_is_scipys_and_its_p_value_uniform_without_a_difference():
    """Equal distributions are told apart in about 5 % of draws; shifted ones always."""
    p = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        first, second = rng.normal(30, 20, 40), rng.normal(30, 20, 25)
        found = tone_difference(first, second, seed)
        assert found.wasserstein == pytest.approx(stats.wasserstein_distance(first, second))
        p.append(found.p)
    assert np.mean(np.array(p) <= 0.05) <= 0.15
    assert 0.3 < np.mean(p) < 0.7
    shifted = tone_difference(first, first - 40.0)
    assert shifted.p == pytest.approx(0.001)
    assert shifted.low < shifted.difference == pytest.approx(-40.0)

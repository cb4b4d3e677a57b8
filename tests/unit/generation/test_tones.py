"""Tones of samples: Wasserstein's distance, and what chance makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tonegap.generation.tones import itas_of, tone_distance
from tonegap.tone import mean_ita


def test_the_distance_is_that_of_sorted_values_and_of_scipy() -> None:
    """Of equally many values, the mean difference of the sorted ones."""
    rng = np.random.default_rng(0)
    samples, train = rng.normal(10, 20, 50), rng.normal(30, 10, 50)
    found = tone_distance(samples, train, 0)
    assert found.distance == pytest.approx(np.abs(np.sort(samples) - np.sort(train)).mean())
    assert found.distance == pytest.approx(stats.wasserstein_distance(samples, train))
    assert (found.mean, found.mean_train) == pytest.approx((samples.mean(), train.mean()))


def test_draws_of_the_training_tones_lie_at_the_null() -> None:
    """A faithful sampler's distance is, on average, the null; it falls with more samples."""
    rng = np.random.default_rng(1)
    train = np.concatenate([rng.normal(50, 8, 100), rng.normal(-20, 12, 60)])
    distances = [tone_distance(rng.choice(train, 40), train, 0).distance for _ in range(40)]
    few, many = (tone_distance(rng.choice(train, n), train, 0).null for n in (40, 400))
    assert np.mean(distances) == pytest.approx(few, rel=0.25)
    assert many < few / 2.0


def test_a_shift_of_all_tones_is_its_size() -> None:
    """Ten degrees lighter throughout is a distance of ten degrees."""
    train = np.random.default_rng(2).normal(0, 30, 80)
    assert tone_distance(train + 10.0, train, 0).distance == pytest.approx(10.0)
    assert tone_distance(train, train, 0).distance == 0.0


def test_tones_are_those_of_the_hash_stage(world) -> None:
    """One angle per picture, in degrees; none for no pictures."""
    found = itas_of(world.light[:4])
    np.testing.assert_allclose(found, [mean_ita(p) for p in world.light[:4]], atol=1e-3)
    assert itas_of(world.light[:0]).shape == (0,)

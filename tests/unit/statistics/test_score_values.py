"""Pseudo-values have the quantity as their mean and its sampling scatter as theirs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.statistics.design import design_of
from tonegap.statistics.score_values import (
    interaction_values,
    partial_pseudovalues,
    tail_pseudovalues,
)

N = 400


@pytest.fixture
def rng():
    return np.random.default_rng(4)


def one_block(n=N):
    return np.zeros(n, dtype=np.int64)


def correlated(rng, n=N):
    """Give a score, an error and two measures of complexity."""
    hard, other = rng.normal(size=(2, n))
    error = np.exp(hard + 0.5 * rng.normal(size=n))
    score = 0.6 * hard + 0.5 * np.log(error) + rng.normal(size=n)
    return score, error, [hard + 0.7 * rng.normal(size=n), other + 0.5 * hard]


def test_partial_pseudovalues_scatter_as_samples_do(rng) -> None:
    """Their standard error is the scatter of the quantity over samples, to 15 %."""
    found, errors = [], []
    for _ in range(150):
        score, error, given = correlated(rng, 150)
        values = partial_pseudovalues(score, error, given, one_block(150))
        found.append(values.mean())
        errors.append(values.std() / np.sqrt(150))
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.15)


def test_partial_pseudovalues_are_the_influence_of_an_image(rng) -> None:
    """Leaving an image out moves the quantity by what its value says."""
    score, error, given = correlated(rng)
    values = partial_pseudovalues(score, error, given, one_block())
    whole = values.mean()
    moved = []
    for gone in range(0, N, 20):
        kept = np.arange(N) != gone
        parts = [x[kept] for x in given]
        left = partial_pseudovalues(score[kept], error[kept], parts, one_block(N - 1)).mean()
        moved.append((N - 1) * (whole - left))
    assert np.corrcoef(moved, values[::20])[0, 1] > 0.98


def test_blocks_are_apart(rng) -> None:
    """Another block, and one with a missing value, change nothing here."""
    score, error, given = correlated(rng)
    alone = partial_pseudovalues(score, error, given, one_block())
    block = np.repeat([0, 1, 2], N)
    spoilt = np.where(np.arange(3 * N) == 2 * N + 5, np.nan, np.tile(score, 3))
    both = partial_pseudovalues(spoilt, np.tile(error, 3), [np.tile(x, 3) for x in given], block)
    np.testing.assert_allclose(both[:N], alone)
    np.testing.assert_allclose(both[N : 2 * N], alone)
    assert np.isnan(both[2 * N :]).all()


def test_nothing_is_left_of_what_is_held_equal(rng) -> None:
    """The score is a given variable: no correlation, not an arbitrary one."""
    score, error, given = correlated(rng)
    values = partial_pseudovalues(given[0], error, given, one_block())
    assert np.isnan(values).all()
    same = partial_pseudovalues(score, error, [given[0], given[0]], one_block())
    once = partial_pseudovalues(score, error, [given[0]], one_block())
    np.testing.assert_allclose(same.mean(), once.mean(), atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0])
def test_tails_scatter_as_samples_do(rng, weight) -> None:
    """Their standard error is that of the share found, to 20 %, from chance to close."""
    found, errors = [], []
    for _ in range(200):
        hard = rng.normal(size=(4, 100))
        error, score = hard + 0.0, weight * hard + rng.normal(size=(4, 100))
        block = np.repeat(np.arange(4), 100)
        values = tail_pseudovalues(score.ravel(), error.ravel(), block, one_block(400))
        found.append(values.mean())
        errors.append(values.std() / 20.0)
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.2)
    if weight == 0.0:
        assert np.mean(found) == pytest.approx(0.1, abs=0.01)


def test_ties_at_the_border_belong_in_part() -> None:
    """A score of whole numbers: the mean over every way to break the tie."""
    error = np.arange(20.0)
    score = np.where(np.arange(20) >= 16, 1.0, 0.0)  # four at the top, two places
    values = tail_pseudovalues(score, error, one_block(20), one_block(20))
    assert values.mean() == pytest.approx(0.5)


def test_interaction_counts_the_sampling_of_its_unit(rng) -> None:
    """The change over its standard deviation scatters more than the change alone."""
    found, errors = [], []
    for _ in range(300):
        images = rng.normal(size=60)
        table = pd.DataFrame(
            {
                "run": np.repeat(["a", "b"], 60),
                "share": np.repeat([0.0, 1.0], 60),
                "seed": 0,
                "md5hash": np.tile(np.arange(60), 2),
                "group": "dark",
                "cluster": np.tile(np.arange(60), 2),
            }
        )
        score = np.concatenate([images + 4.0, images]) + 0.05 * rng.normal(size=120)
        values = interaction_values(score, design_of(table), np.ones(120, dtype=bool))
        found.append(values[:60].mean() - values[60:].mean())
        moved = values[:60] - values[60:]
        errors.append(moved.std() / np.sqrt(60))
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.12)
    of_change_alone = 0.05 * np.sqrt(2.0 / 60.0)
    assert np.mean(errors) > 5.0 * of_change_alone


def test_a_group_without_variation_has_no_unit(rng) -> None:
    """NaN, not a division by zero."""
    table = pd.DataFrame({"run": ["a"] * 4 + ["b"] * 4, "share": [0.0] * 4 + [1.0] * 4, "seed": 0,
                          "md5hash": [0, 1, 2, 3] * 2, "group": "dark",
                          "cluster": [0, 1, 2, 3] * 2})  # fmt: skip
    values = interaction_values(np.ones(8), design_of(table), np.ones(8, dtype=bool))
    assert np.isnan(values).all()

"""What another pool of training images would change, against simulations whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tonegap.statistics.design import Arm, design_of
from tonegap.statistics.draws import COLUMNS, knows_draws, shared_to_own, with_draws
from tonegap.statistics.training_pool import training_variance, variance_of
from tonegap.statistics.variance import contrast_influence, two_way_variance

POOL, TRAINED, TESTED, SEEDS = 80, 50, 30, 10
ONE = np.ones(1)


def study(
    rng: np.random.Generator, *, taught: float = 1.0, own: float = 1.0, noise: float = 0.3
) -> pd.DataFrame:
    """One group, one mix: each training image moves all errors by an effect of its own.

    A training of n images moves them by the mean of n effects of standard deviation ``taught``.
    """
    effect, difficulty = rng.normal(0, taught, POOL), rng.normal(0, own, POOL)
    rows = []
    for seed in range(SEEDS):
        order = rng.permutation(POOL)
        test, train = order[:TESTED], order[TESTED:][:TRAINED]
        error = difficulty[test] + effect[train].mean() + rng.normal(0, noise, TESTED)
        rows.append(pd.DataFrame({"seed": seed, "md5hash": test.astype(str), "error": error}))
    table = pd.concat(rows, ignore_index=True)
    table["run"] = table["seed"]
    drawn = dict(zip(COLUMNS, (TRAINED, float(TRAINED), float(POOL)), strict=True))
    return table.assign(share=1.0, group="dark", cluster=table["md5hash"], **drawn)


def analysed(table: pd.DataFrame, *, with_pool: bool = True):
    design = design_of(table)
    design = with_draws(design, table) if with_pool else design
    influence = contrast_influence(design, table["error"].to_numpy(), ONE)
    return design, influence


def test_distinct_draws_share_what_the_sampling_fraction_says():
    """N distinct of N: between pools s^2 / N, between draws s^2 (1 / n - 1 / N)."""
    design, _ = analysed(study(np.random.default_rng(0)))
    between_pools, between_draws = 1 / POOL, 1 / TRAINED - 1 / POOL
    assert shared_to_own(design, ONE) == pytest.approx(between_pools / between_draws)


def test_overlaps_are_those_of_real_draws():
    """Pool and draw overlap as simulated draws with replacement do."""
    rng = np.random.default_rng(1)
    counts = rng.multinomial(TRAINED, np.full(POOL, 1 / POOL), size=4000) / TRAINED
    itself, other = (counts**2).sum(axis=1).mean(), (counts[1:] * counts[:-1]).sum(axis=1).mean()
    table = study(rng).assign(n_effective_train=1 / itself)
    found = shared_to_own(with_draws(design_of(table), table), ONE)
    assert found == pytest.approx(other / (itself - other), rel=0.03)


def test_weights_that_cancel_share_nothing():
    """Two mixes that draw alike, one minus the other: another pool moves both alike."""
    table = study(np.random.default_rng(2)).assign(n_effective_train=TRAINED / 2)
    both = pd.concat([table, table.assign(share=0.5, run=table["run"] + SEEDS)])
    design = with_draws(design_of(both), both)
    halves = replace(design.draws, share=np.ones(2))
    assert shared_to_own(replace(design, draws=halves), np.array([1.0, -1.0])) == 0.0


def test_the_variance_of_trainings_is_found():
    """Mean over 150 studies, with images whose difficulty is far larger than the effect."""
    rng = np.random.default_rng(3)
    found = [training_variance(*analysed(study(rng, own=3.0)), ONE).common for _ in range(150)]
    error = np.std(found) / np.sqrt(len(found))
    assert np.mean(found) == pytest.approx(1 / TRAINED - 1 / POOL, abs=3 * error)
    assert error < 0.15 / TRAINED


def test_intervals_cover_other_pools():
    """The share of studies whose interval holds the mean over pools, with and without the pool."""
    rng = np.random.default_rng(4)
    covered = {True: 0, False: 0}
    studies = 200
    for _ in range(studies):
        table = study(rng, taught=3.0, own=0.3)
        mean = table["error"].mean()
        for with_pool in covered:
            design, influence = analysed(table, with_pool=with_pool)
            variance = variance_of(design, influence, ONE)
            covered[with_pool] += abs(mean) < 2.2 * np.sqrt(variance.total)
    assert 0.93 <= covered[True] / studies <= 0.99
    assert covered[False] / studies < 0.85


def test_trainings_without_effect_add_little():
    """Then the pool adds at most half of the images' part in the median, and never takes away."""
    rng = np.random.default_rng(5)
    added = []
    for _ in range(60):
        design, influence = analysed(study(rng, taught=0.0))
        variance = variance_of(design, influence, ONE)
        plain = two_way_variance(design, influence, ONE)
        assert variance.total >= plain.total
        assert 0.0 <= variance.pool_share <= 1.0
        added.append(variance.total / plain.total)
    assert np.median(added) < 1.2


def test_without_columns_nothing_is_added():
    """Tables of earlier versions give the intervals that they gave."""
    table = study(np.random.default_rng(6)).drop(columns=list(COLUMNS))
    design, influence = analysed(table)
    assert not knows_draws(table)
    assert variance_of(design, influence, ONE) == two_way_variance(design, influence, ONE)
    assert np.isnan(variance_of(design, influence, ONE).pool_share)


def test_a_seed_alone_shows_no_variance():
    """One complete seed has nothing to be compared with."""
    table = study(np.random.default_rng(7))
    design, influence = analysed(table)
    one = replace(design, seed=np.zeros_like(design.seed))
    assert training_variance(one, influence, ONE) is None


def test_arms_are_named_in_the_design():
    """The single arm of these studies."""
    assert analysed(study(np.random.default_rng(8)))[0].arms == (Arm(1.0, "dark"),)

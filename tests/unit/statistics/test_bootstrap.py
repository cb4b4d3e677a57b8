"""The two-way bootstrap against explicit loops, scipy and closed forms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tonegap.statistics.bootstrap import draw_seed_weights, resample
from tonegap.statistics.design import Arm, Design, design_of
from tonegap.statistics.simulation import Scenario, draw_study
from tonegap.statistics.variance import contrast_influence, two_way_variance

SMALL = Scenario(
    n_seeds=4, n_test=12, pool_light=40, pool_dark=30, run_sd=0.2, run_group_sd=0.2, cell_sd=0.5
)


def small_study(seed: int = 0) -> tuple[pd.DataFrame, Design]:
    """Draw a small simulated study in which all parts of the variance count."""
    table = draw_study(SMALL, np.random.default_rng(seed))
    return table, design_of(table)


def unit_weights(design: Design, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the weights that ``resample`` draws first from a generator of this seed (one block)."""
    rng = np.random.default_rng(seed)
    seeds = draw_seed_weights(design.n_seeds, resamples, rng)
    return rng.standard_exponential((design.n_units, resamples)).T, seeds


@pytest.mark.parametrize(("f", "g"), [(1.0, 1.0), (0.3, 1.0), (0.0, 0.6)])
def test_means_equal_explicit_loops_over_rows(f, g) -> None:
    """Each arm mean is sum(weight * value) / sum(weight) over its rows, weights multiplied."""
    table, design = small_study()
    y = table["mse"].to_numpy()
    found = resample(design, y[:, None], 5, np.random.default_rng(8)).arm_means(0, f, g)
    units, seeds = unit_weights(design, 5, 8)
    for b in range(5):
        for a in range(len(design.arms)):
            top = bottom = 0.0
            for row in np.flatnonzero(design.arm == a):
                weight = 1.0 + g * (units[b, design.unit[row]] - 1.0)
                weight *= 1.0 + f * (seeds[b, design.seed[row]] - 1.0)
                top += weight * y[row]
                bottom += weight
            assert found[b, a] == pytest.approx(top / bottom, rel=1e-12)


def test_repeating_rows_is_weighting_them() -> None:
    """With seeds resampled, an arm mean is the mean of a table whose rows are repeated."""
    table, design = small_study()
    y = table["mse"].to_numpy()
    found = resample(design, y[:, None], 6, np.random.default_rng(1)).arm_means(0, 1.0, 0.0)
    _, seeds = unit_weights(design, 6, 1)
    for b in range(6):
        # Counts of S - 1 = 3 draws: undo the factor 4 / 3 to get whole repetitions.
        times = np.rint(seeds[b] * 0.75).astype(int)
        assert times.sum() == 3
        again = table.loc[np.repeat(np.arange(len(table)), times[design.seed])]
        means = again.groupby(["dark_share", "group"])["mse"].mean()
        np.testing.assert_allclose(found[b], means.to_numpy(), rtol=1e-12)


def test_all_columns_share_their_resamples() -> None:
    """A column twice as large has means twice as large, resample by resample."""
    table, design = small_study()
    y = table["mse"].to_numpy()
    drawn = resample(design, np.column_stack([y, 2.0 * y]), 300, np.random.default_rng(2))
    np.testing.assert_allclose(drawn.arm_means(1), 2.0 * drawn.arm_means(0), rtol=1e-12)


def test_the_same_generator_gives_the_same_resamples() -> None:
    """Seeds decide everything; another seed gives other weights."""
    table, design = small_study()
    y = table["mse"].to_numpy()[:, None]
    first, second, other = (
        resample(design, y, 200, np.random.default_rng(k)).arm_means(0) for k in (5, 5, 6)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first, other)


def test_images_alone_agree_with_scipy_on_a_one_way_design() -> None:
    """With one run the spread is that of scipy.stats.bootstrap over its images.

    Both estimate sd / sqrt(n); 4,000 resamples each leave about 1.6 % of noise in a ratio.
    """
    rng = np.random.default_rng(3)
    y = rng.lognormal(size=150)
    rows = np.arange(150)
    zeros = np.zeros(150, int)
    design = Design((Arm(0.5, "dark"),), zeros, rows, zeros, rows, zeros)
    ours = resample(design, y[:, None], 4000, np.random.default_rng(0)).arm_means(0)[:, 0]
    theirs = stats.bootstrap(
        (y,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    )
    assert ours.std() == pytest.approx(theirs.standard_error, rel=0.06)


def test_seeds_alone_agree_with_scipy_up_to_the_small_sample_factor() -> None:
    """Resampling 5 seeds spreads sqrt(5 / 4) wider than the plain bootstrap of 5 means."""
    rng = np.random.default_rng(4)
    y, seed = rng.normal(size=200), np.repeat(np.arange(5), 40)
    y += 0.5 * seed
    rows = np.arange(200)
    design = Design((Arm(0.5, "dark"),), np.zeros(200, int), rows, seed, rows, seed)
    drawn = resample(design, y[:, None], 4000, np.random.default_rng(0))
    ours = drawn.arm_means(0, 1.0, 0.0)[:, 0].std()
    means = y.reshape(5, 40).mean(axis=1)
    theirs = stats.bootstrap(
        (means,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    )
    assert ours == pytest.approx(theirs.standard_error * np.sqrt(5 / 4), rel=0.06)
    assert ours == pytest.approx(stats.sem(means), rel=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_shrunken_weights_have_the_closed_form_variance(seed) -> None:
    """The spread of a contrast is the two-way variance; plain product weights exceed it."""
    scenario = Scenario(n_seeds=6, n_test=80, pool_light=400, pool_dark=300, run_group_sd=0.08)
    table = draw_study(scenario, np.random.default_rng(seed))
    design = design_of(table)
    y = table["mse"].to_numpy()
    c = design.coefficients_of({Arm(0.5, "dark"): 1.0, Arm(0.5, "light"): -1.0})
    v = two_way_variance(design, contrast_influence(design, y, c), c)
    drawn = resample(design, y[:, None], 4000, np.random.default_rng(seed))
    shrunken = drawn.arm_means(0, v.seed_shrinkage, v.image_shrinkage) @ c
    plain = drawn.arm_means(0) @ c
    assert shrunken.std() == pytest.approx(np.sqrt(v.total), rel=0.06)
    product = np.sqrt(v.image + v.between_seeds + v.noise)
    assert plain.std() == pytest.approx(product, rel=0.06)
    assert product > np.sqrt(v.total)


def test_seed_weights_have_mean_and_variance_one() -> None:
    """Rao-Wu weights are unbiased for the variance of few seeds; one seed keeps weight 1."""
    weights = draw_seed_weights(4, 40_000, np.random.default_rng(0))
    np.testing.assert_allclose(weights.sum(axis=1), 4.0)
    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=0.02)
    np.testing.assert_allclose(weights.var(axis=0), 1.0, atol=0.04)
    assert (draw_seed_weights(1, 3, np.random.default_rng(0)) == 1.0).all()


def test_an_arm_whose_only_seed_is_not_drawn_gives_nan_and_no_warning() -> None:
    """An incomplete study has resamples without an arm; they are marked, not invented."""
    table, _ = small_study()
    lacking = table[(table["dark_share"] != 1.0) | (table["seed"] == 0)]
    design = design_of(lacking)
    y = lacking["mse"].to_numpy()[:, None]
    means = resample(design, y, 300, np.random.default_rng(0)).arm_means(0)
    complete = [arm.dark_share != 1.0 for arm in design.arms]
    assert np.isfinite(means[:, complete]).all()
    missing = np.isnan(means[:, ~np.array(complete)]).any(axis=1).mean()
    assert missing == pytest.approx((3 / 4) ** 3, abs=0.1)

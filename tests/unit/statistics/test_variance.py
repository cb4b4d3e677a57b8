"""The two-way variance against closed forms, loops and brute force."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from tonegap.statistics.design import Arm, Design
from tonegap.statistics.variance import (
    TwoWayVariance,
    arm_means,
    contrast_influence,
    two_way_variance,
)


def one_arm(unit: np.ndarray, seed: np.ndarray) -> Design:
    """Make a design with a single arm, each row its own image and run."""
    rows = np.arange(unit.size)
    return Design((Arm(0.5, "dark"),), np.zeros(unit.size, int), unit, seed, rows, rows)


def crossed(n_units: int, n_seeds: int) -> Design:
    """Every unit in every seed."""
    unit, seed = np.divmod(np.arange(n_units * n_seeds), n_seeds)
    return one_arm(unit, seed)


def of(design: Design, values: np.ndarray) -> TwoWayVariance:
    """Variance of the single arm's mean."""
    one = np.ones(1)
    return two_way_variance(design, contrast_influence(design, values, one), one)


def test_influence_sums_to_zero_and_is_the_derivative_of_the_contrast() -> None:
    """Moving one row's weight moves the contrast by its influence."""
    rng = np.random.default_rng(0)
    arm = rng.permutation(np.repeat([0, 1], [7, 5]))
    rows = np.arange(12)
    arms = (Arm(0.5, "dark"), Arm(0.5, "light"))
    design = Design(arms, arm, rows, rows % 2, rows, rows)
    values, coefficients = rng.normal(size=12), np.array([1.0, -1.0])
    influence = contrast_influence(design, values, coefficients)
    assert influence.sum() == pytest.approx(0.0, abs=1e-12)
    step = 1e-6
    weights = np.ones(12)
    weights[4] += step
    moved = [np.average(values[arm == a], weights=weights[arm == a]) for a in (0, 1)]
    plain, _ = arm_means(design, values)
    derivative = (coefficients @ moved - coefficients @ plain) / step
    assert influence[4] == pytest.approx(derivative, rel=1e-4)


def test_parts_equal_their_definition_in_loops() -> None:
    """Image, seed and noise parts are the sums that the module's docstring states."""
    rng = np.random.default_rng(1)
    unit, seed = rng.integers(0, 9, 40), rng.integers(0, 4, 40)
    design, values = one_arm(unit, seed), rng.normal(size=40)
    e = (values - values.mean()) / values.size
    units, seeds = np.unique(unit), np.unique(seed)
    image = sum(e[unit == i].sum() ** 2 for i in units)
    scatter = sum(e[seed == s].sum() ** 2 for s in seeds)
    cells = sum(e[(unit == i) & (seed == s)].sum() ** 2 for i in units for s in seeds)
    found = of(design, values)
    assert found.image == pytest.approx(image * units.size / (units.size - 1))
    assert found.between_seeds == pytest.approx(scatter * 4 / 3)
    assert found.noise == pytest.approx(4 / 3 * (cells - image / 4))


def test_a_balanced_crossing_gives_the_analysis_of_variance() -> None:
    """In a full crossing the parts are the mean squares of two-way random effects.

    Searle, Casella, McCulloch (1992), section 4.4: Var(mean) = (MSA + MSB - MSE) / (a b).
    """
    rng = np.random.default_rng(2)
    a, b = 12, 5
    y = rng.normal(size=(a, b)) + rng.normal(size=(a, 1)) + rng.normal(size=(1, b))
    ms_unit = b * y.mean(axis=1).var(ddof=1)
    ms_seed = a * y.mean(axis=0).var(ddof=1)
    residual = y - y.mean(1, keepdims=True) - y.mean(0, keepdims=True) + y.mean()
    ms_error = (residual**2).sum() / ((a - 1) * (b - 1))
    found = of(crossed(a, b), y.ravel())
    assert found.image == pytest.approx(ms_unit / (a * b))
    assert found.between_seeds == pytest.approx(ms_seed / (a * b))
    # `noise` holds the seeds' own scatter once per image: of the order 1 / a.
    expected = ((a - 1) * ms_error + ms_seed) / (a * b * a)
    assert found.noise == pytest.approx(expected)


def test_the_variance_is_unbiased_for_two_way_random_effects() -> None:
    """Averaged over 4,000 small studies it is the true variance of the mean.

    Var(mean) = image^2 / a + seed^2 / b + cell^2 / (a b) in a full crossing.
    """
    rng = np.random.default_rng(3)
    a, b, sd = 30, 4, (1.0, 0.4, 0.5)
    design = crossed(a, b)
    totals = []
    for _ in range(4000):
        y = (
            sd[0] * rng.normal(size=(a, 1))
            + sd[1] * rng.normal(size=(1, b))
            + sd[2] * rng.normal(size=(a, b))
        )
        found = of(design, y.ravel())
        totals.append(found.total)
    truth = sd[0] ** 2 / a + sd[1] ** 2 / b + sd[2] ** 2 / (a * b)
    # `noise` takes away the 1 / a of the seeds' variance (see the test above).
    assert np.mean(totals) == pytest.approx(truth - sd[1] ** 2 / (a * b), rel=0.03)


def test_with_images_seen_once_only_seeds_and_cells_remain() -> None:
    """Where no image comes back the variance is that of a mean of seed means.

    This is the Cameron-Gelbach-Miller form too: image and cell parts cancel.
    """
    rng = np.random.default_rng(4)
    seed = np.repeat(np.arange(6), 20)
    values = rng.normal(size=120) + seed
    found = of(one_arm(np.arange(120), seed), values)
    by_seed = values.reshape(6, 20).mean(axis=1)
    assert found.between_seeds == pytest.approx(stats.sem(by_seed) ** 2)
    assert found.total == pytest.approx(found.between_seeds, rel=1e-3)
    assert found.df == pytest.approx(5, rel=0.05)


def parts(image: float, between: float, noise: float, seeds: int = 4) -> TwoWayVariance:
    """Make the variance of a complete study of 500 units from its parts."""
    return TwoWayVariance(image, between, noise, n_units=500, n_seeds=seeds)


def test_df_lie_between_seeds_and_units() -> None:
    """Seeds that decide leave S - 1 degrees of freedom, never fewer; else there are many."""
    assert parts(1.0, 1e-6, 0.0).df == pytest.approx(499, rel=1e-3)
    assert parts(1e-6, 1.0, 0.0).df == pytest.approx(3, rel=1e-3)
    assert parts(1.0, 0.5, 1.1).df == pytest.approx(3)


def test_with_three_seeds_the_quantile_is_near_cochran_and_cox() -> None:
    """Their weighted mean of two quantiles is nearly the quantile at this mean of 1 / df."""
    for between in (0.1, 0.5, 2.0):
        share = between / (1.0 + between)
        found = parts(1.0, between, 0.0, seeds=3)
        assert 1.0 / found.df == pytest.approx(share / 2.0 + (1.0 - share) / 499, rel=1e-2)


def test_with_many_seeds_df_are_satterthwaites() -> None:
    """Scatter that is well known needs no caution."""
    for between in (0.1, 0.5, 2.0):
        found = parts(1.0, between, 0.0, seeds=200)
        satterthwaite = found.total**2 / (1.0 / 499 + between**2 / 199)
        assert found.df == pytest.approx(satterthwaite, rel=0.03)


@pytest.mark.parametrize(("seeds", "low", "high"), [(3, 3.6, 5.9), (4, 4.3, 5.6), (10, 4.9, 5.1)])
def test_df_hold_the_level_whatever_seeds_and_images_contribute(
    seeds: int, low: float, high: float
) -> None:
    """The exact rate of rejection where the variance of images is known, by a sum over chi2."""
    nu = seeds - 1
    scatter = stats.chi2.ppf((np.arange(400) + 0.5) / 400, nu) / nu
    for share in (0.05, 0.25, 0.5, 0.75, 0.95, 1.0):
        found = [parts(1.0 - share, share * each, 0.0, seeds) for each in scatter]
        reach = [stats.t.ppf(0.975, each.df) * each.total**0.5 for each in found]
        assert low < 200.0 * stats.norm.sf(reach).mean() < high


def test_two_arms_of_their_own_seeds_are_two_independent_means() -> None:
    """Where no seed and no image is shared the variance of a gap is Welch's, arm by arm.

    One factor for all eleven seeds would understate the arm that has three.
    """
    rng = np.random.default_rng(6)
    seed = np.concatenate([np.repeat(np.arange(3), 20), 3 + np.repeat(np.arange(8), 20)])
    rows = np.arange(seed.size)
    arm = (seed >= 3).astype(int)
    values = rng.normal(size=seed.size) + rng.normal(size=11)[seed]
    arms = (Arm(0.5, "dark"), Arm(0.5, "light"))
    gap = np.array([1.0, -1.0])
    design = Design(arms, arm, rows, seed, rows, seed)
    found = two_way_variance(design, contrast_influence(design, values, gap), gap)
    means = values.reshape(11, 20).mean(axis=1)
    welch = stats.sem(means[:3]) ** 2 + stats.sem(means[3:]) ** 2
    assert found.between_seeds == pytest.approx(welch)
    assert found.total == pytest.approx(welch, rel=1e-3)
    assert found.n_seeds == 3


def test_it_is_statsmodels_two_way_clustered_covariance_where_images_come_once() -> None:
    """OLS on the arms with standard errors clustered by image and by seed, no correction.

    There the images' part and the intersection cancel, in ours as in Cameron, Gelbach and
    Miller's; ours then has S / (S - 1) for the few seeds.
    """
    rng = np.random.default_rng(7)
    rows, seeds = np.arange(160), np.repeat(np.arange(8), 20)
    arm = rows % 2
    values = rng.normal(size=160) + rng.normal(size=(8, 2))[seeds, arm]
    fit = sm.OLS(values, np.column_stack([arm == 0, arm == 1]).astype(float)).fit(
        cov_type="cluster",
        cov_kwds={"groups": np.column_stack([rows, seeds]), "use_correction": False},
    )
    gap = np.array([1.0, -1.0])
    arms = (Arm(0.5, "dark"), Arm(0.5, "light"))
    design = Design(arms, arm, rows, seeds, rows, seeds)
    found = two_way_variance(design, contrast_influence(design, values, gap), gap)
    assert found.total == pytest.approx(float(gap @ fit.cov_params() @ gap) * 8 / 7, rel=5e-3)


def test_its_parts_are_statsmodels_one_way_clustered_covariances() -> None:
    """On any crossing: by image, by seed and by cell, each times its factor."""
    rng = np.random.default_rng(8)
    unit, seed = rng.integers(0, 25, 200), rng.integers(0, 5, 200)
    arm = np.arange(200) % 2
    values = rng.normal(size=200) + rng.normal(size=25)[unit] + rng.normal(size=5)[seed]
    gap = np.array([1.0, -1.0])
    design = Design((Arm(0.5, "dark"), Arm(0.5, "light")), arm, unit, seed, unit, seed)
    found = two_way_variance(design, contrast_influence(design, values, gap), gap)
    ols = sm.OLS(values, np.column_stack([arm == 0, arm == 1]).astype(float))

    def clustered(groups: np.ndarray) -> float:
        kwds = {"groups": groups, "use_correction": False}
        return float(gap @ ols.fit(cov_type="cluster", cov_kwds=kwds).cov_params() @ gap)

    by_unit, by_seed, by_cell = (clustered(g) for g in (unit, seed, unit * 5 + seed))
    assert found.image == pytest.approx(by_unit * 25 / 24)
    assert found.between_seeds == pytest.approx(by_seed * 5 / 4)
    assert found.noise == pytest.approx(5 / 4 * (by_cell - by_unit / 5))


@pytest.mark.parametrize(("unit", "seed"), [([0, 0, 0], [0, 1, 2]), ([0, 1, 2], [0, 0, 0])])
def test_one_unit_or_one_seed_has_no_variance(unit, seed) -> None:
    """Scatter between one thing cannot be seen, and is refused."""
    with pytest.raises(ValueError, match="needs two units and two seeds"):
        of(one_arm(np.array(unit), np.array(seed)), np.array([1.0, 2.0, 4.0]))

"""The two-way bootstrap against explicit loops, scipy and closed forms."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tonegap.statistics.bootstrap import draw_seed_weights, resample
from tonegap.statistics.contrasts import declared_contrasts
from tonegap.statistics.design import Arm, Design, design_of
from tonegap.statistics.inference import estimate
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


Row = tuple[str, str, float, str]


def rows_of(kind: str) -> list[Row]:
    """Rows (image cluster, seed, value, group) of a small study, by the shape of its crossing.

    ``clustered``: two rows of a cluster in one seed, clusters across groups; ``unbalanced``:
    unlike numbers of rows; ``missing``: light lacks two of six seeds.
    """
    rng = random.Random(kind)  # noqa: S311 - no secret, another generator than the package uses
    image, seed = ([rng.gauss(0.0, 1.0) for _ in range(40)] for _ in range(2))
    rows = []
    for s in range(6):
        for group, first in (("dark", 0), ("light", 14)):
            if kind == "missing" and group == "light" and s in (1, 4):
                continue
            pool = range(first, first + 20) if kind == "clustered" else range(first, first + 14)
            size = rng.randint(3, 12) if kind == "unbalanced" else 9
            for i in rng.sample(pool, size):
                cluster = f"c{i // 2 if kind == 'clustered' else i}"
                value = image[i] + 0.4 * seed[s] + rng.gauss(0.0, 0.5) + (group == "dark")
                rows.append((cluster, f"s{s}", value, group))
    return rows


def gap_by_loops(rows: list[Row], weight_of: dict[str, float]) -> float | None:
    """Weighted mean of dark minus that of light rows; None where a group has no weight."""
    means = []
    for group in ("dark", "light"):
        top = sum(weight_of[c] * weight_of[s] * value for c, s, value, g in rows if g == group)
        bottom = sum(weight_of[c] * weight_of[s] for c, s, _, g in rows if g == group)
        if bottom == 0.0:
            return None
        means.append(top / bottom)
    return means[0] - means[1]


def brute_force_gaps(rows: list[Row], resamples: int) -> list[float]:
    """Resample both ways as one would write it down: loops, Python's own generator.

    Clusters get exponential weights; of S seeds, S - 1 are drawn with replacement.
    """
    rng = random.Random(5)  # noqa: S311 - as above
    clusters = sorted({row[0] for row in rows})
    seeds = sorted({row[1] for row in rows})
    gaps = []
    for _ in range(resamples):
        weight_of = {cluster: rng.expovariate(1.0) for cluster in clusters}
        weight_of |= dict.fromkeys(seeds, 0.0)
        for drawn in rng.choices(seeds, k=len(seeds) - 1):
            weight_of[drawn] += len(seeds) / (len(seeds) - 1)
        gap = gap_by_loops(rows, weight_of)
        if gap is not None:
            gaps.append(gap)
    return gaps


def as_design(rows: list[Row]) -> tuple[Design, np.ndarray]:
    """Give the same rows as this package sees them."""
    table = pd.DataFrame(rows, columns=["cluster", "seed", "mse", "group"])
    table["md5hash"] = [f"i{k}" for k in range(len(table))]
    table = table.assign(share=0.5, run=table["seed"])
    return design_of(table), table["mse"].to_numpy()


@pytest.mark.parametrize("kind", ["balanced", "unbalanced", "clustered", "missing"])
def test_an_independent_brute_force_bootstrap_has_the_same_distribution(kind) -> None:
    """Spread, mean and quantiles of a gap agree with loops over rows, on unlike designs.

    3,000 resamples on either side leave 1.3 % noise in each standard deviation and about
    4 % of it in a mean or a quartile.
    """
    rows = rows_of(kind)
    design, values = as_design(rows)
    theirs = np.array(brute_force_gaps(rows, 3000))
    drawn = resample(design, values[:, None], 3000, np.random.default_rng(0)).arm_means(0)
    ours = drawn @ design.coefficients_of({Arm(0.5, "dark"): 1.0, Arm(0.5, "light"): -1.0})
    ours = ours[np.isfinite(ours)]
    spread = theirs.std()
    assert ours.std() == pytest.approx(spread, rel=0.08)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.12 * spread)
    for q in (0.1, 0.25, 0.75, 0.9):
        assert np.quantile(ours, q) == pytest.approx(np.quantile(theirs, q), abs=0.18 * spread)


@pytest.mark.parametrize("kind", ["balanced", "unbalanced", "clustered", "missing"])
def test_the_reported_standard_error_is_the_closed_form_on_every_design(kind) -> None:
    """Weights are drawn towards 1, and scaled where an arm lacks seeds, so that both agree."""
    design, values = as_design(rows_of(kind))
    contrast = next(
        c for c in declared_contrasts((0.5,)) if (c.measure, c.name) == ("mse", "gap_mixed")
    )
    drawn = resample(design, values[:, None], 6000, np.random.default_rng(1))
    closed = estimate(contrast, design, values)
    assert estimate(contrast, design, values, drawn).se == pytest.approx(closed.se, rel=0.12)


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
        means = again.groupby(["share", "group"])["mse"].mean()
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
    lacking = table[(table["share"] != 1.0) | (table["seed"] == 0)]
    design = design_of(lacking)
    y = lacking["mse"].to_numpy()[:, None]
    means = resample(design, y, 300, np.random.default_rng(0)).arm_means(0)
    complete = [arm.share != 1.0 for arm in design.arms]
    assert np.isfinite(means[:, complete]).all()
    missing = np.isnan(means[:, ~np.array(complete)]).any(axis=1).mean()
    assert missing == pytest.approx((3 / 4) ** 3, abs=0.1)

"""False positive rates of run-mean tests are those of simulated studies of the same design."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.design import design_of
from tonegap.statistics.false_positives import false_positive_rates, null_means, scatter_of
from tonegap.statistics.pairwise import run_means_test

CONTRASTS = [c for c in declared_contrasts((0.0, 0.5, 1.0)) if c.measure == "mse"]
SMALL_POOL = Scenario(n_test=60, pool_light=100, pool_dark=80, run_sd=0.004, run_group_sd=0.003)


def rates(scenario: Scenario, seed: int) -> dict[str, tuple[float, float]]:
    """Compute the rates from one study."""
    table = draw_study(scenario, np.random.default_rng(seed))
    return false_positive_rates(
        CONTRASTS, design_of(table), table["mse"].to_numpy(), np.random.default_rng(0)
    )


def test_rates_are_those_of_studies_drawn_anew() -> None:
    """Trainings alike and a small pool: tests reject half of the nulls; both ways agree.

    300 studies and 400 simulated ones leave 3 points each, the estimated scatter as much.
    """
    found = [rates(SMALL_POOL, seed)["gap_worst"] for seed in range(4)]
    rejected = []
    for seed in range(300):
        table = draw_study(SMALL_POOL, np.random.default_rng(100 + seed))
        contrast = next(c for c in CONTRASTS if c.name == "gap_worst")
        test = run_means_test(contrast, design_of(table, trusted=True), table["mse"].to_numpy())
        assert test is not None
        rejected.append((test.p_paired <= 0.05, test.p_welch <= 0.05))
    np.testing.assert_allclose(np.mean(found, axis=0), np.mean(rejected, axis=0), atol=0.09)
    assert np.mean(rejected, axis=0).min() > 0.3


def test_images_that_never_come_back_make_the_tests_honest() -> None:
    """With pools as large as can be, tests on run means reject about 5 %."""
    scenario = Scenario(n_test=40, pool_light=40_000, pool_dark=40_000, cluster_share=0.0)
    for name, (paired, welch) in rates(scenario, 0).items():
        assert 0.01 < paired < 0.1, name
        assert welch < 0.1, name


def test_scatter_is_that_of_a_balanced_random_effects_model() -> None:
    """Images, images within a mix and rows get their own variances back, to 10 %."""
    n_images, n_seeds, shares = 3000, 6, (0.0, 1.0)
    rng = np.random.default_rng(1)
    table = draw_study(
        Scenario(shares=shares, n_seeds=n_seeds, n_test=n_images, pool_light=n_images,
                 pool_dark=n_images, cluster_share=0.0),
        rng,
    )  # fmt: skip
    design = design_of(table)
    image = rng.normal(0.0, 2.0, design.n_units)
    in_mix = rng.normal(0.0, 1.0, (len(design.arms), design.n_units))
    values = image[design.unit] + in_mix[design.arm, design.unit]
    values += rng.normal(0.0, 1.5, values.size) + rng.normal(size=n_seeds * 2)[design.run]
    light = np.flatnonzero(np.array([a.group == "light" for a in design.arms])[design.arm])
    found = scatter_of(design, values, light)
    assert (found.image, found.image_in_mix, found.row) == pytest.approx((4.0, 1.0, 2.25), rel=0.1)


def test_null_means_scatter_as_the_studys_own() -> None:
    """Variance over seeds and covariance of the groups of a run are those of the study."""
    scenario = Scenario(n_seeds=60, n_test=50, pool_light=2000, pool_dark=2000, run_sd=0.3)
    table = draw_study(scenario, np.random.default_rng(3))
    design, values = design_of(table), table["mse"].to_numpy()
    means = null_means(design, values, np.random.default_rng(0), 200)
    observed = table.groupby(["seed", "share", "group"])["mse"].mean().unstack([1, 2])
    expected = observed.var().mean()
    assert means.var(axis=1, ddof=1).mean() == pytest.approx(expected, rel=0.15)
    together = np.mean([observed[s]["light"].cov(observed[s]["dark"]) for s in scenario.shares])
    found = np.mean([np.cov(one[:, 0], one[:, 1])[0, 1] for one in means])
    assert found == pytest.approx(together, rel=0.25)


def test_incomplete_and_partly_missing_studies_have_rates_all_the_same() -> None:
    """Arms that no test uses are left out; without a test there is no rate and no warning."""
    table = draw_study(SMALL_POOL, np.random.default_rng(5))
    table = table[(table["share"] != 0.0) | (table["seed"] == 1)]
    values = table["mse"].where(table["share"] != 1.0).to_numpy()
    mixed = [c for c in CONTRASTS if c.name == "gap_mixed"]
    found = false_positive_rates(mixed, design_of(table), values, np.random.default_rng(0))
    assert 0.0 <= found["gap_mixed"][0] <= 1.0
    assert false_positive_rates([], design_of(table), values, np.random.default_rng(0)) == {}


def test_a_contrast_of_four_arms_has_no_welch_test() -> None:
    """Its rate is NaN, that of the paired test is not."""
    table = draw_study(SMALL_POOL, np.random.default_rng(6))
    curvature = [c for c in declared_contrasts((0.0, 0.5, 1.0)) if c.name == "sensitivity"]
    found = false_positive_rates(
        curvature, design_of(table), np.log(table["mse"].to_numpy()), np.random.default_rng(0)
    )
    paired, welch = found["sensitivity"]
    assert paired > 0.0
    assert math.isnan(welch)

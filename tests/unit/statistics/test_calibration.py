"""Simulated truth is the truth, and rates are counted right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tonegap.statistics.calibration import (
    binomial_band,
    calibrate,
    calibrated_contrasts,
    family_error_rate,
    scenarios,
    study_outcomes,
    true_value,
)
from tonegap.statistics.contrasts import AUC_MARGIN
from tonegap.statistics.design import design_of
from tonegap.statistics.inference import estimate
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.simulation import Scenario, draw_study

TINY = Scenario(name="tiny", n_seeds=3, n_test=20, pool_light=60, pool_dark=50)


def test_closed_form_truths_are_what_a_huge_study_estimates() -> None:
    """Every contrast of a study with 40,000 test images comes near its stated truth."""
    scenario = Scenario(
        n_seeds=2,
        n_test=10_000,
        pool_light=30_000,
        pool_dark=30_000,
        run_sd=0.0,
        run_group_sd=0.0,
        log_gap=0.2,
        log_slope=-0.3,
        sigma_shift=0.4,
    )
    table = draw_study(scenario, np.random.default_rng(0))
    design = design_of(table)
    measures = measure_columns(table, design)
    for contrast in calibrated_contrasts(scenario):
        found = estimate(contrast, design, measures[contrast.measure].to_numpy())
        truth = true_value(contrast, scenario)
        assert found.value == pytest.approx(truth, abs=6 * found.se), contrast.name
        assert found.se < 0.03


def test_effects_of_runs_keep_the_mean() -> None:
    """Factors of runs have mean 1: over 600 seeds the mean error is the stated one."""
    scenario = Scenario(
        n_seeds=600, n_test=5, pool_light=4000, pool_dark=4000, run_sd=0.5, run_group_sd=0.3
    )
    table = draw_study(scenario, np.random.default_rng(1))
    means = table.groupby(["dark_share", "group"])["mse"].mean()
    for arm, truth in scenario.mean_mse.items():
        assert means[arm] == pytest.approx(truth, rel=0.12)


def test_the_simulated_design_is_the_protocols() -> None:
    """Each seed's mixes share their test images, which are distinct; pools do not overlap."""
    table = draw_study(TINY, np.random.default_rng(2))
    for _, rows in table.groupby(["seed", "group"]):
        sets = [frozenset(part["md5hash"]) for _, part in rows.groupby("dark_share")]
        assert len(set(sets)) == 1
        assert len(sets[0]) == TINY.n_test
    groups = table.groupby("md5hash")["group"].nunique()
    assert (groups == 1).all()
    assert table["run"].nunique() == 9


def test_sigma_at_the_margin_is_a_true_null_of_the_equivalence_test() -> None:
    """The `small` scenario shifts sigma by exactly the margin."""
    planted = {s.name: s for s in scenarios(TINY)}
    assert planted["tiny/small"].sigma_auc - 0.5 == pytest.approx(AUC_MARGIN)
    outcomes = pd.DataFrame(study_outcomes(planted["tiny/small"], np.random.default_rng(0)))
    by_mix = outcomes[outcomes["contrast"].str.match(r"sigma_auc_\d+$")]
    assert by_mix["null_is_true"].all()
    assert len(by_mix) == 3


def test_the_band_is_scipys_binomial() -> None:
    """At 500 studies error rates between about 3.2 % and 7 % are unremarkable."""
    low, high = binomial_band(500)
    assert (low, high) == (0.032, 0.07)
    inside = stats.binom.cdf(high * 500, 500, 0.05) - stats.binom.cdf(low * 500 - 1, 500, 0.05)
    assert 0.95 <= inside < 0.97


def test_calibration_is_deterministic_and_says_simulated() -> None:
    """Rates follow from the seed; every row is marked as simulated; progress is reported."""
    ticks: list[int] = []
    chosen = scenarios(TINY)[:1]
    first = calibrate(chosen, 4, seed=1, on_study=lambda: ticks.append(1))
    pd.testing.assert_frame_equal(first, calibrate(chosen, 4, seed=1))
    assert len(ticks) == 4
    assert set(first["data"]) == {"simulated"}
    assert first["rejected"].between(0, 1).all()


def test_the_family_error_is_holms() -> None:
    """It counts studies in which the least p is at most alpha over the number of nulls."""
    outcomes = pd.DataFrame(
        {
            "measure": "mse",
            "contrast": ["a", "b"] * 3,
            "null_is_true": True,
            "p": [0.02, 0.9, 0.03, 0.03, 0.9, 0.001],
        }
    )
    assert family_error_rate(outcomes) == pytest.approx(2 / 3)


@pytest.mark.slow
@pytest.mark.parametrize("resamples", [0, 100])
def test_null_studies_are_rejected_about_as_often_as_promised(resamples) -> None:
    """120 null studies of the phantom's size: our test within the band, run means above it.

    The band here is the central 99.9 % of a binomial, so that an unlucky draw does not fail.
    """
    design = Scenario(name="p", n_seeds=4, n_test=60, pool_light=240, pool_dark=160)
    table = calibrate(scenarios(design)[:1], 120, seed=3, resamples=resamples)
    gaps = table[(table["measure"] == "mse") & table["contrast"].str.startswith("gap")]
    assert (gaps["rejected"] * 120 <= stats.binom.ppf(0.9995, 120, 0.05)).all()
    assert gaps["rejected_paired"].mean() > gaps["rejected"].mean()
    assert gaps["covered"].mean() > 0.9

"""Simulated truth is the truth, and rates are counted right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tonegap.calibration.simulated import (
    DESIGNS,
    RECIPES,
    binomial_band,
    calibrate,
    calibrated_contrasts,
    draw_outcome,
    judged,
    null_is_true,
    planted,
    summarise,
    true_value,
)
from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.statistics.contrasts import AUC_MARGIN
from tonegap.statistics.design import design_of
from tonegap.statistics.inference import estimate
from tonegap.statistics.measures import measure_columns

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
        log_difficulty=0.3,
        image_mix_sd=0.3,
        sigma_shift=0.4,
    )
    table = draw_study(scenario, np.random.default_rng(0))
    design = design_of(table)
    measures = measure_columns(table, design)
    for contrast, truth in calibrated_contrasts(scenario):
        assert truth == true_value(contrast, scenario)
        found = estimate(contrast, design, measures[contrast.measure].to_numpy())
        assert found.value == pytest.approx(truth, abs=6 * found.se), contrast.name
        assert found.se < 0.03


def test_effects_of_runs_keep_the_mean() -> None:
    """Factors of runs have mean 1: over 600 seeds the mean error is the stated one."""
    scenario = Scenario(
        n_seeds=600, n_test=5, pool_light=4000, pool_dark=4000, run_sd=0.5, run_group_sd=0.3
    )
    table = draw_study(scenario, np.random.default_rng(1))
    means = table.groupby(["share", "group"])["mse"].mean()
    for arm, truth in scenario.mean_mse.items():
        assert means[arm] == pytest.approx(truth, rel=0.12)


def test_the_simulated_design_is_the_protocols() -> None:
    """Each seed's mixes share their test images, which are distinct; pools do not overlap."""
    table = draw_study(TINY, np.random.default_rng(2))
    for _, rows in table.groupby(["seed", "group"]):
        sets = [frozenset(part["md5hash"]) for _, part in rows.groupby("share")]
        assert len(set(sets)) == 1
        assert len(sets[0]) == TINY.n_test
    groups = table.groupby("md5hash")["group"].nunique()
    assert (groups == 1).all()
    assert table["run"].nunique() == 9


def test_effects_of_trainings_on_sigma_are_in_its_truth() -> None:
    """Over 300 seeds whose trainings move sigma a lot the mean AUC is the stated one."""
    scenario = Scenario(
        n_seeds=300,
        n_test=30,
        pool_light=400,
        pool_dark=300,
        sigma_run_group_sd=1.0,
        sigma_shift=0.5,
    )
    table = draw_study(scenario, np.random.default_rng(4))
    values = measure_columns(table, design_of(table))["sigma_auc"].to_numpy()
    contrast = next(c for c, _ in calibrated_contrasts(scenario) if c.name == "sigma_auc_50")
    found = estimate(contrast, design_of(table), values)
    assert found.se < 0.03
    assert found.value == pytest.approx(true_value(contrast, scenario), abs=4 * found.se)


def test_pure_difficulty_leaves_little_of_the_gap() -> None:
    """Difficulty that model and baseline share: a tenth of the raw gap is left, no more."""
    scenario = planted(TINY, "condition_only", 0.3)
    gaps = {
        contrast.measure: truth
        for contrast, truth in calibrated_contrasts(scenario)
        if contrast.name == "gap_mixed"
    }
    assert gaps["mse"] == pytest.approx(0.03 * 0.3)
    assert 0.0 < gaps["mse_given_pca"] < 0.15 * gaps["mse"]


def test_sigma_at_the_margin_is_a_true_null_of_the_equivalence_test() -> None:
    """The recipe `sigma_margin` shifts sigma by exactly the margin, in every design."""
    for design in (TINY, *DESIGNS.values()):
        assert planted(design, "sigma_margin").sigma_auc - 0.5 == pytest.approx(AUC_MARGIN)
    outcome = draw_outcome(planted(TINY, "sigma_margin"), np.random.SeedSequence(0))
    rows = pd.DataFrame(outcome.contrasts)
    by_mix = rows[rows["contrast"].str.match(r"sigma_auc_\d+$")]
    assert by_mix["null_is_true"].all()
    assert len(by_mix) == 3


@pytest.mark.parametrize(
    ("recipe", "nulls"),
    [
        ("no_effect", {"slope_light", "slope_dark", "gap_mixed", "gap_worst", "gap_best"}),
        ("tone", {"slope_light", "slope_dark"}),
        ("representation_only", {"gap_mixed", "gap_worst", "gap_best"}),
        ("condition_only", {"slope_light", "slope_dark"}),
    ],
)
def test_recipes_plant_what_they_say(recipe, nulls) -> None:
    """Which contrasts of raw MSE are true nulls follows from the recipe."""
    scenario = planted(TINY, recipe)
    found = {
        contrast.name
        for contrast, truth in calibrated_contrasts(scenario)
        if contrast.measure == "mse" and null_is_true(contrast, truth)
    }
    assert found == nulls


def test_every_recipe_can_be_drawn() -> None:
    """Each recipe gives a study with finite errors and its own name."""
    names = set()
    for recipe in RECIPES:
        scenario = planted(TINY, recipe, 0.3)
        table = draw_study(scenario, np.random.default_rng(0))
        assert np.isfinite(table[["mse", "sigma", "mse_pca"]].to_numpy()).all()
        names.add(scenario.name)
    assert names == {f"tiny/{recipe}" for recipe in RECIPES}


def test_the_band_is_scipys_binomial() -> None:
    """At 500 studies error rates between about 3.2 % and 7 % are unremarkable."""
    low, high = binomial_band(500)
    assert (low, high) == (0.032, 0.07)
    inside = stats.binom.cdf(high * 500, 500, 0.05) - stats.binom.cdf(low * 500 - 1, 500, 0.05)
    assert 0.95 <= inside < 0.97


@pytest.mark.parametrize("tests", [1, 11, 16])
def test_the_band_of_many_rates_holds_them_all(tests) -> None:
    """Independent rates of 500 studies lie all within it in at least 95 % of repetitions."""
    low, high = binomial_band(500, tests=tests)
    drawn = np.random.default_rng(0).binomial(500, 0.05, size=(40_000, tests)) / 500
    inside = ((drawn >= low) & (drawn <= high)).all(axis=1).mean()
    assert 0.95 - 0.005 < inside < 0.99
    assert low <= binomial_band(500)[0]
    assert high >= binomial_band(500)[1]


def test_calibration_is_deterministic_and_says_simulated() -> None:
    """Rates follow from the seed, whatever is drawn beside; every row says simulated."""
    ticks: list[int] = []

    def over(*given):
        for result in map(*given):
            ticks.append(1)
            yield result

    null, tone = planted(TINY, "no_effect"), planted(TINY, "tone")
    first = calibrate([null], 4, seed=1, over=over)
    beside = calibrate([tone, null], 4, seed=1)
    for one, both in ((first.contrasts, beside.contrasts), (first.claims, beside.claims)):
        own = both[both["scenario"] == "tiny/no_effect"].reset_index(drop=True)
        pd.testing.assert_frame_equal(one, own)
        assert set(both["data"]) == {"simulated"}
    assert len(ticks) == 4
    other = calibrate([null], 4, seed=2).contrasts
    assert not other["rejected"].equals(first.contrasts["rejected"])


def test_rates_are_shares_of_the_studies() -> None:
    """Counted by hand: two of three studies reject, one covers; no p means no rate."""
    rows = pd.DataFrame(
        {
            "measure": "mse",
            "contrast": "gap_mixed",
            "truth": 0.0,
            "null_is_true": True,
            "equivalence": False,
            "p": [0.01, 0.05, 0.5],
            "p_paired": [0.04, 0.2, 0.3],
            "p_welch": np.nan,
            "covered": [False, True, False],
        }
    )
    found = summarise(rows, "hand").iloc[0]
    assert found["rejected"] == pytest.approx(2 / 3)
    assert found["rejected_paired"] == pytest.approx(1 / 3)
    assert np.isnan(found["rejected_welch"])
    assert found["covered"] == pytest.approx(1 / 3)
    assert found["studies"] == 3


@pytest.mark.parametrize(
    ("rejected", "null", "equivalence", "place"),
    [
        (0.05, True, False, "in"),
        (0.037, True, False, "in"),
        (0.036, True, False, "edge"),
        (0.065, True, False, "edge"),
        (0.09, True, False, "above"),
        (0.01, True, False, "below"),
        (0.0, True, True, "in"),
        (0.09, True, True, "above"),
        (0.9, False, False, "power"),
    ],
)
def test_rates_are_judged_by_the_band(rejected, null, equivalence, place) -> None:
    """1,000 studies, ten nulls: 3.7-6.4 % for one, about 3.2-7.1 % for all; power is not judged."""
    rows = pd.DataFrame(
        {"studies": 1000, "null_is_true": [null] + [True] * 9, "equivalence": equivalence}
    ).assign(rejected=rejected, covered=0.95)
    assert judged(rows)["rejection_is"].iloc[0] == place


@pytest.mark.parametrize(
    ("covered", "place"),
    [(0.93, "in"), (0.97, "in"), (0.929, "below"), (0.971, "above"), (0.95, "in")],
)
def test_coverage_is_judged_by_93_to_97_per_cent(covered, place) -> None:
    """The goal is a fixed one, not a band that grows as studies get fewer."""
    rows = pd.DataFrame({"studies": [200], "null_is_true": False, "equivalence": False})
    found = judged(rows.assign(rejected=0.5, covered=covered))
    assert found["coverage_is"].tolist() == [place]


def test_verdicts_on_claims_are_counted() -> None:
    """A huge tone effect supports C2 and contradicts no claim; shares of verdicts sum to 1."""
    sure = Scenario(name="sure", n_seeds=4, n_test=60, pool_light=900, pool_dark=800)
    claims = calibrate([planted(sure, "tone", 3.0)], 6).claims.set_index("claim")
    verdicts = claims[["supported", "undecided", "contradicted"]]
    np.testing.assert_allclose(verdicts.sum(axis=1), 1.0)
    assert verdicts.loc["C2", "supported"] == 1.0
    assert claims["family_error"].between(0.0, 1.0).all()


@pytest.mark.slow
def test_null_studies_are_rejected_about_as_often_as_promised() -> None:
    """120 null studies of the phantom's size: our test within the band, run means above it.

    The band here is the central 99.9 % of a binomial, so that an unlucky draw does not fail.
    """
    design = Scenario(name="p", n_seeds=4, n_test=60, pool_light=240, pool_dark=160)
    table = calibrate([planted(design, "no_effect")], 120, seed=3).contrasts
    gaps = table[(table["measure"] == "mse") & table["contrast"].str.startswith("gap")]
    assert (gaps["rejected"] * 120 <= stats.binom.ppf(0.9995, 120, 0.05)).all()
    assert gaps["rejected_paired"].mean() > gaps["rejected"].mean()
    assert gaps["covered"].mean() > 0.9

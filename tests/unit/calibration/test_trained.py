"""Whole studies of trained PCA: drawn as promised, counted right, and calibrated in small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tonegap.calibration.planted import RECIPES, Planted
from tonegap.calibration.population import Population, render_population
from tonegap.calibration.rates import COVERAGE_GOAL, place, rates
from tonegap.calibration.trained import Sizes, draw_study, estimates, true_values
from tonegap.files import calibration_store
from tonegap.files.calibration_store import TrainedCalibration, assess_study
from tonegap.phantom.mixtures import RECIPES as PHANTOMS

SMALL = Sizes(pools=(100, 100), n_test=40, n_train=120, n_seeds=3, components=4)
STUDIES = 20


@pytest.fixture(scope="module")
def population() -> Population:
    return render_population("no_effect", 500, seed=5)


def _studies(population: Population, planted: Planted) -> pd.DataFrame:
    children = np.random.SeedSequence(3).spawn(STUDIES)
    found = [
        estimates(draw_study(population, planted, SMALL, child)).assign(study=number)
        for number, child in enumerate(children)
    ]
    return pd.concat(found, ignore_index=True)


def test_a_null_is_rarely_rejected_and_a_planted_gap_nearly_always_found(
    population: Population,
) -> None:
    """The primaries see nothing in ``no_effect``, and only the gap in a contrast of 1.6.

    A test of the level .05 rejects 5 of 20 with a probability of .003; gap of .94 in log units.
    """
    truth = pd.DataFrame(
        {"estimator": ["gap_overall", "own_share_effect"], "truth": 0.0, "truth_se": 0.0}
    )
    for factor, found in ((1.0, 0), (1.6, STUDIES)):
        studies = _studies(population, replace(RECIPES["no_effect"], contrast=factor))
        table = rates(studies, truth, "no_effect").set_index("estimator")["rejected"] * STUDIES
        assert abs(table["gap_overall"] - found) < 5
        assert table["own_share_effect"] < 5


def test_estimates_are_differences_of_mean_log_errors_within_runs(population: Population) -> None:
    """With equally many test images in every run, both primaries have a closed form."""
    table = draw_study(population, RECIPES["no_effect"], SMALL, np.random.SeedSequence(1))
    means = table.assign(log=np.log(table["mse"])).groupby(["share", "group"])["log"].mean()
    gap = means.xs("dark", level="group") - means.xs("light", level="group")
    found = estimates(table).set_index("estimator")["estimate"]
    assert found["gap_overall"] == pytest.approx(gap.mean())
    assert found["own_share_effect"] == pytest.approx((gap[1.0] - gap[0.0]) / 2)


def test_a_study_is_decided_by_its_seed(population: Population) -> None:
    """The same seed gives the same table, another seed other images."""
    null = RECIPES["no_effect"]
    first, again, other = (
        draw_study(population, null, SMALL, np.random.SeedSequence(seed)) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert set(first["md5hash"]) != set(other["md5hash"])


def test_cohorts_hold_whole_clusters() -> None:
    """Copies go with their original, and what is not drawn is returned as the others."""
    copied = render_population("duplicates", 60, seed=2)
    cohort, others = copied.draw((20, 20), np.random.default_rng(0))
    assert copied.cohort["cluster"].duplicated().any()
    assert set(cohort["cluster"]).isdisjoint(others["cluster"])
    assert len(cohort) + len(others) == len(copied.cohort)
    assert cohort["group"].value_counts().between(20, 21).all()


def test_dealing_keeps_clusters_and_numbers() -> None:
    """Images of one cluster stay in one group, and each group keeps its number of clusters."""
    copied = render_population("duplicates", 60, seed=2)
    before = copied.cohort.drop_duplicates("cluster").set_index("cluster")["group"]
    dealt = copied.dealt(np.random.default_rng(0)).cohort
    after = dealt.drop_duplicates("cluster").set_index("cluster")["group"]
    assert not dealt[["cluster", "group"]].drop_duplicates()["cluster"].duplicated().any()
    assert after.value_counts().to_dict() == before.value_counts().to_dict()
    assert list(after) != list(before)


def test_contrast_changes_dark_pictures_only(population: Population) -> None:
    """Dark pictures move away from the mean picture by the factor, light ones stay."""
    changed = population.with_contrast(1.2)
    dark = (population.cohort["group"] == "dark").to_numpy()
    assert np.array_equal(changed.images[~dark], population.images[~dark])
    mean = population.images.mean(axis=0)
    moved = np.clip(mean + 1.2 * (population.images[dark] - mean), 0, 255)
    assert np.abs(changed.images[dark] - moved).max() <= 0.5


def test_true_values_of_a_null_are_near_zero(population: Population) -> None:
    """What many cohorts agree on is the population's own gap, which chance makes small."""
    truth = true_values(population, RECIPES["no_effect"], SMALL, seed=0, cohorts=20, tested=300)
    truth = truth.set_index("estimator")
    assert abs(truth.loc["gap_overall", "truth"]) < 0.2
    assert abs(truth.loc["own_share_effect", "truth"]) < 0.05


def test_rates_are_counted() -> None:
    """Two of four p values are at most .05, and three of four intervals hold the truth."""
    studies = pd.DataFrame(
        {
            "study": range(4),
            "estimator": "gap_overall",
            "effect": "gap",
            "estimate": [0.1, 0.2, 0.3, 0.4],
            "se": 0.1,
            "low": [0.0, 0.1, 0.2, 0.3],
            "high": [0.2, 0.3, 0.4, 0.5],
            "p": [0.5, 0.06, 0.05, 0.01],
        }
    )
    truth = pd.DataFrame({"estimator": ["gap_overall"], "truth": [0.2], "truth_se": [0.0]})
    row = rates(studies, truth, "contrast_only").iloc[0]
    assert (row["rejected"], row["covered"], row["studies"]) == (0.5, 0.75, 4)
    assert row["bias"] == pytest.approx(0.05)
    assert row["rejected_se"] == pytest.approx(0.25)
    assert (row["holds"], row["se"]) == ("planted", pytest.approx(0.1))


@pytest.mark.parametrize(
    ("rate", "studies", "where"),
    [
        (0.93, 300, "in"),
        (0.97, 300, "in"),
        (0.98, 300, "near"),
        (0.98, 3000, "outside"),
        (0.90, 300, "outside"),
    ],
)
def test_a_rate_is_in_near_or_outside_its_goal(rate: float, studies: int, where: str) -> None:
    """Near is within two standard errors of counting: 2.5 points of 300 studies."""
    assert place(rate, COVERAGE_GOAL, studies) == where


def test_every_recipe_names_phantoms_that_exist() -> None:
    """And no effect is both planted and a consequence."""
    for recipe in RECIPES.values():
        assert recipe.phantoms in PHANTOMS
        assert not set(recipe.plants) & set(recipe.follows)


def test_a_trained_study_is_stored_and_assessed_again(tmp_path, monkeypatch) -> None:
    """The second call trains nothing, and gives the same estimates."""
    monkeypatch.setattr(calibration_store, "sizes_of", lambda _: SMALL)
    calibration = TrainedCalibration(tmp_path, "no_effect", 150, 0)
    first = assess_study(calibration, 3)
    monkeypatch.setattr(calibration_store, "draw_study", None)
    pd.testing.assert_frame_equal(assess_study(calibration, 3), first)
    assert set(first["study"]) == {3}


def test_trained_studies_know_what_they_drew(population: Population) -> None:
    """120 draws with replacement of 60 images, tested on 40 others; intervals allow for pools."""
    table = draw_study(population, RECIPES["no_effect"], SMALL, np.random.SeedSequence(1))
    light = table[(table["mix"] == "light") & (table["group"] == "light")].iloc[0]
    assert (light["n_train"], light["n_effective_pool"]) == (120, 100)
    assert light["n_effective_train"] == pytest.approx(120 * 60 / (60 + 119), rel=0.2)
    added = []
    for seed in (1, 2, 3):
        table = draw_study(population, RECIPES["no_effect"], SMALL, np.random.SeedSequence(seed))
        se = estimates(table).set_index("estimator")["se"]
        given_pool = estimates(table.drop(columns="n_train")).set_index("estimator")["se"]
        assert (se >= given_pool).all()
        added.append(se["own_share_effect"] / given_pool["own_share_effect"])
    assert max(added) > 1.1  # nothing in one of them, whose trainings scatter less than their noise

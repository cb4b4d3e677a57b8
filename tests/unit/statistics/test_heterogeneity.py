"""Gaps of conditions, how much they differ, and their shrunken values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from confounded_study import draw_confounded
from scipy import optimize, stats
from statsmodels.stats.meta_analysis import combine_effects

from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.heterogeneity import MIN_IMAGES, condition_gaps, heterogeneity
from tonegap.statistics.within_runs import OVERALL


@pytest.fixture(scope="module")
def table():
    return draw_confounded(np.random.default_rng(5), tone=0.3, n_pool=300, n_seeds=5)


@pytest.fixture(scope="module")
def conditions(table):
    return condition_gaps(table, LIGHT_AND_DARK)


def assessed(conditions: pd.DataFrame, mix: str) -> pd.DataFrame:
    rows = conditions[(conditions["mix"] == mix) & (conditions["reason"] == "")]
    assert len(rows) >= 3
    return rows


def test_a_conditions_gap_is_the_difference_of_means_relative_to_runs(table, conditions) -> None:
    """Per mix, in log error; overall is the mean over mixes."""
    y = np.log(table["mse"])
    of_run = table.assign(y=y).groupby(["run", "group"])["y"].mean().groupby("run").mean()
    relative = table.assign(y=y - table["run"].map(of_run))
    keys = ["mix", "label_fine"]
    means = relative.pivot_table(index=keys, columns="group", values="y", aggfunc="mean")
    expected = means["dark"] - means["light"]
    for row in assessed(conditions, "mixed").itertuples():
        assert row.estimate == pytest.approx(expected["mixed", row.label])
    for row in assessed(conditions, OVERALL).itertuples():
        of_mixes = [expected[mix, row.label] for mix in ("light", "mixed", "dark")]
        assert row.estimate == pytest.approx(np.mean(of_mixes))


def test_few_images_give_a_reason_and_no_number(table) -> None:
    """A condition with four light images is counted, not assessed."""
    light = table[table["group"] == "light"]["md5hash"].unique()[: MIN_IMAGES - 1]
    dark = table[table["group"] == "dark"]["md5hash"].unique()[:20]
    rare = table.assign(
        label_fine=table["label_fine"].mask(table["md5hash"].isin([*light, *dark]), "rare")
    )
    row = condition_gaps(rare, LIGHT_AND_DARK).set_index(["mix", "label"]).loc[(OVERALL, "rare")]
    assert (row["n_reference"], row["n_compared"]) == (4, 20)
    assert np.isnan(row["estimate"])
    assert np.isnan(row["shrunken"])
    assert row["reason"] == "fewer than 5 test images in a group"


def test_a_condition_of_one_group_has_no_row(table) -> None:
    """There is no gap to speak of."""
    only = table.assign(label_fine=table["label_fine"].mask(table["md5hash"] == "0" * 32, "one"))
    assert "one" not in set(condition_gaps(only, LIGHT_AND_DARK)["label"])
    none = table.assign(label_fine=table["group"])
    assert condition_gaps(none, LIGHT_AND_DARK).empty


def test_heterogeneity_is_that_of_brute_force_and_statsmodels(conditions) -> None:
    """Q and its p by hand; tau solves Q(tau) = k - 1; mean and I^2 as statsmodels has them."""
    rows = assessed(conditions, "light")
    y, v = rows["estimate"].to_numpy(), rows["se"].to_numpy() ** 2
    found = heterogeneity(conditions).set_index("mix").loc["light"]

    def q(between: float) -> float:
        w = 1.0 / (v + between)
        return float(w @ (y - w @ y / w.sum()) ** 2)

    k = len(y)
    assert found["q"] == pytest.approx(q(0.0))
    assert found["p"] == pytest.approx(stats.chi2.sf(q(0.0), k - 1))
    between = optimize.brentq(lambda t: q(t) - (k - 1), 0.0, 10.0) if q(0.0) > k - 1 else 0.0
    assert found["tau"] ** 2 == pytest.approx(between, abs=1e-6)
    theirs = combine_effects(y, v, method_re="iterated")
    assert found["mean"] == pytest.approx(theirs.mean_effect_re)
    assert found["i_squared"] == pytest.approx(max(theirs.i2, 0.0))


def test_planted_differences_between_conditions_are_found_and_none_are_not() -> None:
    """Tau of planted normal gaps within a fifth; under equal gaps Q rejects in about 5 %."""
    taus, rejected = [], []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        table = draw_confounded(rng, n_pool=400, n_test=100)
        labels = rng.integers(0, 12, 400)
        table["label_fine"] = [f"c{labels[int(name, 16)]:02}" for name in table["md5hash"]]
        null = heterogeneity(condition_gaps(table, LIGHT_AND_DARK)).set_index("mix")
        rejected.append(null.loc[OVERALL, "p"] <= 0.05)
        extra = table["label_fine"].map(
            {f"c{n:02}": 0.6 * rng.standard_normal() for n in range(12)}
        )
        planted = table.assign(
            mse=table["mse"] * np.exp(extra * (table["group"] == "dark").astype(float))
        )
        found = heterogeneity(condition_gaps(planted, LIGHT_AND_DARK)).set_index("mix")
        taus.append(found.loc[OVERALL, "tau"])
    assert np.mean(taus) == pytest.approx(0.6, rel=0.2)
    assert np.mean(rejected) <= 0.2


def test_shrunken_values_lie_between_estimate_and_mean_by_their_reliability(conditions) -> None:
    """The posterior mean by its closed form; equal conditions shrink wholly to the mean."""
    rows = assessed(conditions, "dark")
    found = heterogeneity(conditions).set_index("mix").loc["dark"]
    kept = found["tau"] ** 2 / (found["tau"] ** 2 + rows["se"] ** 2)
    expected = found["mean"] + kept * (rows["estimate"] - found["mean"])
    np.testing.assert_allclose(rows["shrunken"], expected)
    np.testing.assert_allclose(rows["shrunken_percent"], 100 * np.expm1(expected))
    assert (rows["shrunken_low"] < rows["shrunken"]).all()


def test_intervals_of_small_conditions_cover() -> None:
    """With 5 to 15 images a group, about 95 % of the intervals hold the planted gap."""
    covered = []
    for seed in range(20):
        rng = np.random.default_rng(100 + seed)
        table = draw_confounded(rng, tone=0.3, n_pool=300, n_test=75)
        labels = rng.integers(0, 15, 300)
        table["label_fine"] = [f"c{labels[int(name, 16)]:02}" for name in table["md5hash"]]
        rows = condition_gaps(table, LIGHT_AND_DARK)
        rows = rows[(rows["mix"] == OVERALL) & (rows["reason"] == "")]
        covered += ((rows["low"] <= 0.3) & (rows["high"] >= 0.3)).tolist()
    assert np.mean(covered) >= 0.91

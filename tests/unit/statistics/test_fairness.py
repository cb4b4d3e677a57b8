"""Unevenness over conditions against pandas, and its level where nothing differs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.fairness import Fairness, fairness_by_condition

SMALL = Scenario(n_seeds=6, n_test=60, pool_light=300, pool_dark=240, image_sd=0.4)


def study(seed: int = 0, n_conditions: int = 6, **planted: float) -> pd.DataFrame:
    """Draw a study whose images have conditions."""
    scenario = Scenario(**{**SMALL.__dict__, **planted})
    table = draw_study(scenario, np.random.default_rng(seed))
    return table.assign(label_fine=[f"c{k % n_conditions}" for k in table["cluster"] // 2])


def fairness(table: pd.DataFrame) -> Fairness:
    """Compare the mixes of a study that allows it."""
    found = fairness_by_condition(table, LIGHT_AND_DARK)
    assert isinstance(found, Fairness)
    return found


def test_unevenness_is_the_mean_absolute_gap_of_pandas() -> None:
    """Each condition counts once; a run's own midpoint is taken away first."""
    table = study(log_gap=0.2, log_slope=-0.4)
    y = np.log(table["mse"])
    of_group = y.groupby([table["run"], table["group"]]).mean()
    left = y - table["run"].map(of_group.groupby("run").mean())
    keys = {"index": "share", "columns": "label_fine", "values": "left"}
    dark, light = (
        table.assign(left=left)[table["group"] == group].pivot_table(**keys)
        for group in ("dark", "light")
    )
    gaps = dark - light
    found = fairness(table)
    for share, expected in gaps.abs().mean(axis=1).items():
        assert found.unevenness[share] == pytest.approx(expected)
    assert found.mean_gap.value == pytest.approx(gaps.loc[0.5].mean())
    for pure in (0.0, 1.0):
        expected = found.unevenness[0.5] - found.unevenness[pure]
        assert found.less_than[pure].value == pytest.approx(expected)
    assert found.n_conditions == 6


def test_true_nulls_are_rejected_at_their_level() -> None:
    """Nothing planted: no comparison rejects more than about 5 % of 200 studies."""
    p_values = []
    for seed in range(200):
        found = fairness(study(seed))
        estimates = (*found.less_than.values(), found.mean_gap)
        p_values.append([estimate.p for estimate in estimates])
    rates = (np.array(p_values) <= 0.05).mean(axis=0)
    assert (rates < 0.09).all()
    assert rates[-1] > 0.015


def test_a_mix_that_treats_conditions_alike_is_found() -> None:
    """Errors that fall with a group's own share make the even mix the most even."""
    found = fairness(study(log_slope=-0.8, run_group_sd=0.0))
    assert all(estimate.value < 0.0 and estimate.p < 0.01 for estimate in found.less_than.values())


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda t: t[t["share"] != 0.5], "both pure ones"),
        (lambda t: t.drop(columns="label_fine"), "no column label_fine"),
        (lambda t: t.assign(mse=0.0), "no logarithm"),
        (lambda t: t[t["seed"] < 2], "it takes 3 seeds"),
        (lambda t: t.assign(label_fine=t["md5hash"]), "fewer than two conditions"),
        (lambda t: t.assign(label_fine="one"), "fewer than two conditions"),
    ],
)
def test_what_is_missing_is_said(spoil, says) -> None:
    """A reason instead of numbers."""
    found = fairness_by_condition(spoil(study()), LIGHT_AND_DARK)
    assert isinstance(found, str)
    assert says in found

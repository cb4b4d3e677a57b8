"""Regressions within runs are those of statsmodels, with the study's two-way errors."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.formula.api as smf
from confounded_study import draw_confounded
from scipy import sparse

from tonegap.errors import DataError
from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.within_runs import (
    continuous,
    estimate_of,
    gap_of,
    indicators,
    numbers,
    partial_slope,
    rows_of,
    slope_within_runs,
    too_few,
)


@pytest.fixture(scope="module")
def table():
    return draw_confounded(np.random.default_rng(3), tone=0.2, condition=0.4)


def test_partial_slope_is_that_of_statsmodels(table) -> None:
    """That of the group at equal runs, conditions and sources; collinear columns do no harm."""
    rows = rows_of(table, LIGHT_AND_DARK)
    dark = rows.is_group("dark").astype(float)
    covariates = sparse.hstack(
        [indicators(rows.table[name]) for name in ("label_fine", "source")], format="csr"
    )
    slope = partial_slope(dark, rows.log_mse, covariates, rows.design.run)
    frame = rows.table.assign(y=rows.log_mse, dark=dark)
    fit = smf.ols("y ~ dark + C(run) + C(label_fine) + C(source)", frame).fit()
    assert slope.value == pytest.approx(fit.params["dark"])


def test_influence_gives_the_clustered_error_of_statsmodels(table) -> None:
    """Summed by image, squared and summed, it is the sandwich without small-sample factors."""
    rows = rows_of(table, LIGHT_AND_DARK)
    dark = rows.is_group("dark").astype(float)
    covariates = indicators(rows.table["label_fine"])
    slope = partial_slope(dark, rows.log_mse, covariates, rows.design.run)
    frame = rows.table.assign(y=rows.log_mse, dark=dark)
    fit = smf.ols("y ~ dark + C(run) + C(label_fine)", frame).fit(
        cov_type="cluster", cov_kwds={"groups": rows.design.unit, "use_correction": False}
    )
    by_unit = np.bincount(rows.design.unit, slope.influence)
    assert np.sqrt(by_unit @ by_unit) == pytest.approx(fit.bse["dark"])
    assert slope.influence.sum() == pytest.approx(0.0, abs=1e-12)


def test_gap_of_a_balanced_study_is_the_mean_gap_of_its_runs(table) -> None:
    """In log error: dark minus light inside each run, mean over runs."""
    log_mse = table.assign(y=np.log(table["mse"])).groupby(["run", "group"])["y"].mean().unstack()
    expected = (log_mse["dark"] - log_mse["light"]).mean()
    assert gap_of(rows_of(table), LIGHT_AND_DARK).value == pytest.approx(expected)


def test_a_factor_on_the_errors_of_a_run_changes_nothing(table) -> None:
    """Estimate, error and p stay."""
    moved = table.assign(mse=table["mse"] * np.where(table["run"] == "mixed-1", 9.0, 1.0))
    plain, other = (
        numbers(estimate_of(rows_of(frame).design, gap_of(rows_of(frame), LIGHT_AND_DARK)))
        for frame in (table, moved)
    )
    assert other == pytest.approx(plain)


def test_other_groups_only_count_where_no_pair_is_named(table) -> None:
    """An assessed-only group takes no part in the gap."""
    other = table.assign(group=table["group"].where(table["fst"] != 2, "medium"))
    assert set(rows_of(other, LIGHT_AND_DARK).table["group"]) == {"light", "dark"}
    assert set(rows_of(other).table["group"]) == {"light", "medium", "dark"}


def test_an_error_of_zero_is_refused(table) -> None:
    """The message names column and value."""
    with pytest.raises(DataError, match=r"mse is 0\.0 in a row and has no logarithm"):
        rows_of(table.assign(mse=table["mse"].where(table.index != 5, 0.0)))


def test_nothing_to_compare_gives_no_slope(table) -> None:
    """A constant, and a group that its condition tells, leave nothing."""
    rows = rows_of(table)
    assert slope_within_runs(np.ones(len(table)), rows) is None
    dark = rows.is_group("dark").astype(float)
    assert partial_slope(dark, rows.log_mse, continuous(dark), rows.design.run) is None


def test_two_seeds_are_too_few(table) -> None:
    """The reason names what is missing."""
    rows = rows_of(table[table["seed"] < 2], LIGHT_AND_DARK)
    assert too_few(rows, LIGHT_AND_DARK) == ("needs 3 seeds, has 2 among light images of mix light")

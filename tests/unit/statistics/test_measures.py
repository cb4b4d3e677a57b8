"""Pseudo-values give the statistics they stand for, and their sampling scatter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.metrics import roc_auc_score

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.errors import DataError
from tonegap.statistics.design import design_of
from tonegap.statistics.measures import (
    auc_pseudovalues,
    given_difficulty,
    measure_columns,
    rank_pseudovalues,
)

RNG_SEED = 11


def two_groups(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Values with ties, dark a little larger."""
    rng = np.random.default_rng(RNG_SEED)
    dark = np.arange(n) % 3 == 0
    return np.round(rng.normal(size=n) + 0.4 * dark, 1), dark


def test_gap_of_auc_pseudovalues_is_auc_of_scikit_learn() -> None:
    """Ties count half; runs are ranked apart, so that their levels do not matter."""
    values, dark = two_groups()
    run = np.repeat([0, 1], 30)
    shifted = values + 100.0 * run
    pseudo = auc_pseudovalues(shifted, dark, run)
    for r in (0, 1):
        gap = pseudo[dark & (run == r)].mean() - pseudo[~dark & (run == r)].mean()
        expected = roc_auc_score(dark[run == r], values[run == r])
        assert gap + 0.5 == pytest.approx(expected, abs=1e-12)


def test_auc_pseudovalues_scatter_as_delong() -> None:
    """Their standard error is that of DeLong et al. (1988), here in loops."""
    values, dark = two_groups()
    pseudo = auc_pseudovalues(values, dark, np.zeros(60, int))
    d, light = values[dark], values[~dark]
    wins = (d[:, None] > light).astype(float) + 0.5 * (d[:, None] == light)
    delong = wins.mean(1).var(ddof=1) / d.size + wins.mean(0).var(ddof=1) / light.size
    ours = pseudo[dark].var(ddof=1) / d.size + pseudo[~dark].var(ddof=1) / light.size
    assert ours == pytest.approx(delong)


def test_a_run_with_a_missing_sigma_has_no_auc() -> None:
    """The whole run is NaN, other runs are not touched; a run of one group has none either."""
    values, dark = two_groups()
    run = np.repeat([0, 1, 2], 20)
    values[3] = np.nan
    dark[run == 2] = True
    pseudo = auc_pseudovalues(values, dark, run)
    assert np.isnan(pseudo[run != 1]).all()
    assert np.isfinite(pseudo[run == 1]).all()


def test_mean_of_rank_pseudovalues_is_spearman() -> None:
    """Per block, as scipy.stats.spearmanr has it, without ties."""
    rng = np.random.default_rng(RNG_SEED)
    x = rng.normal(size=80)
    y = x + rng.normal(size=80)
    block = np.repeat([0, 1], 40)
    pseudo = rank_pseudovalues(x, y, block)
    for b in (0, 1):
        expected = stats.spearmanr(x[block == b], y[block == b]).statistic
        assert pseudo[block == b].mean() == pytest.approx(expected)


def test_rank_pseudovalues_scatter_as_scipys_bootstrap() -> None:
    """Their standard error is that of resampling pairs and ranking anew, to 6 %."""
    rng = np.random.default_rng(RNG_SEED)
    x = rng.normal(size=300)
    y = 0.8 * x + rng.normal(size=300)
    pseudo = rank_pseudovalues(x, y, np.zeros(300, int))
    found = stats.bootstrap(
        (x, y),
        lambda a, b: stats.spearmanr(a, b).statistic,
        paired=True,
        vectorized=False,
        n_resamples=1500,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    assert pseudo.std(ddof=1) / np.sqrt(300) == pytest.approx(found.standard_error, rel=0.06)


def test_tied_values_make_no_difference_to_the_order_of_rows() -> None:
    """Pseudo-values follow their rows, however rows that tie are arranged; the mean is Spearman."""
    rng = np.random.default_rng(RNG_SEED)
    x, y = rng.integers(0, 6, 90) * 1.0, rng.integers(0, 4, 90) * 1.0
    block = np.repeat([0, 1, 2], 30)
    plain = rank_pseudovalues(x, y, block)
    order = rng.permutation(90)
    turned = rank_pseudovalues(x[order], y[order], block[order])
    np.testing.assert_allclose(turned, plain[order], atol=1e-12)
    for b in range(3):
        expected = stats.spearmanr(x[block == b], y[block == b]).statistic
        assert plain[block == b].mean() == pytest.approx(expected)


def test_a_text_among_the_errors_is_refused_in_one_line() -> None:
    """The message names column and value."""
    table = draw_study(Scenario(n_seeds=2, n_test=10, pool_light=20, pool_dark=20), _rng())
    table["mse"] = table["mse"].astype(object)
    table.loc[3, "mse"] = "n/a"
    with pytest.raises(DataError, match="mse is 'n/a' in a row, which is not a number"):
        measure_columns(table, design_of(table))


def test_wanted_measures_come_alone_and_equal() -> None:
    """Naming some measures gives their columns, in that order."""
    table = draw_study(Scenario(n_seeds=2, n_test=10, pool_light=20, pool_dark=20), _rng())
    design = design_of(table)
    some = measure_columns(table, design, ("sigma_auc", "mse"))
    pd.testing.assert_frame_equal(some, measure_columns(table, design)[["sigma_auc", "mse"]])


@pytest.mark.parametrize("x", [[1.0, 1.0, 1.0, 1.0], [1.0, np.nan, 3.0, 4.0]])
def test_no_rank_correlation_without_variation_or_with_a_gap(x) -> None:
    """NaN, and no warning."""
    pseudo = rank_pseudovalues(np.array(x), np.arange(4.0), np.zeros(4, int))
    assert np.isnan(pseudo).all()


def test_adjusted_arm_means_are_regression_predictions() -> None:
    """Each arm's mean is statsmodels' prediction at the common difficulty, with its scatter."""
    table = draw_study(Scenario(n_seeds=2, n_test=50, pool_light=90, pool_dark=80), _rng())
    design = design_of(table)
    log_difficulty = np.log(table["mse_pca"].to_numpy())
    mse = table["mse"].to_numpy()
    pseudo = given_difficulty(mse, log_difficulty, design)
    for code in range(len(design.arms)):
        rows = design.arm == code
        x = log_difficulty[rows] - log_difficulty.mean()
        fit = sm.OLS(mse[rows], sm.add_constant(x)).fit(cov_type="HC0")
        assert pseudo[rows].mean() == pytest.approx(fit.params[0])
        error = np.sqrt(pseudo[rows].var() / rows.sum())
        assert error == pytest.approx(fit.bse[0])


def test_difficulty_alone_leaves_no_gap() -> None:
    """When error is a line in log difficulty, groups of unlike difficulty agree at equal one."""
    rng = _rng()
    table = draw_study(Scenario(n_seeds=2, n_test=50, pool_light=90, pool_dark=80), rng)
    dark = table["group"] == "dark"
    by_image = dict(zip(range(170), np.exp(rng.normal(size=170)), strict=True))
    table["mse_pca"] = table["md5hash"].map(by_image) * np.where(dark, 4.0, 1.0)
    table["mse"] = 1.0 + 0.1 * np.log(table["mse_pca"])
    columns = measure_columns(table, design_of(table))
    raw = columns["mse"][dark].mean() - columns["mse"][~dark].mean()
    left = columns["mse_given_pca"][dark].mean() - columns["mse_given_pca"][~dark].mean()
    assert raw > 0.05
    assert left == pytest.approx(0.0, abs=1e-12)


def test_difficulty_is_the_mean_over_runs_so_that_no_mix_is_favoured() -> None:
    """A baseline that is a factor easier under one mix changes nothing."""
    table = draw_study(Scenario(n_seeds=2, n_test=50, pool_light=90, pool_dark=80), _rng())
    plain = measure_columns(table, design_of(table))
    table["mse_pca"] *= np.where(table["share"] == 1.0, 0.5, 1.0)
    moved = measure_columns(table, design_of(table))
    pd.testing.assert_series_equal(plain["mse_given_pca"], moved["mse_given_pca"])


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf])
def test_a_baseline_without_a_logarithm_leaves_nothing_to_adjust_by(value) -> None:
    """Zero, negative and missing baselines give NaN throughout, without a warning."""
    table = draw_study(Scenario(n_seeds=2, n_test=10, pool_light=20, pool_dark=20), _rng())
    table.loc[4, "mse_pca"] = value
    columns = measure_columns(table, design_of(table))
    assert columns["mse_given_pca"].isna().all()
    assert columns["mse"].notna().all()


def test_absent_columns_are_nan() -> None:
    """A table without JPEG baseline or sigma gives NaN columns, not an error."""
    table = draw_study(Scenario(n_seeds=2, n_test=10, pool_light=20, pool_dark=20), _rng())
    columns = measure_columns(table.drop(columns="sigma"), design_of(table))
    for name in ("sigma", "sigma_auc", "auc_excess", "sigma_error_rank", "mse_given_jpeg"):
        assert columns[name].isna().all()


def _rng() -> np.random.Generator:
    return np.random.default_rng(RNG_SEED)

"""The paper's tests on run means are those of scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.design import design_of
from tonegap.statistics.pairwise import run_means_test

SMALL = Scenario(n_seeds=5, n_test=20, pool_light=60, pool_dark=50)
CONTRASTS = {c.name: c for c in declared_contrasts((0.0, 0.5, 1.0)) if c.measure == "mse"}


def test_paired_and_welch_agree_with_scipy_on_run_means() -> None:
    """Worst case: dark means under light-only against light means under dark-only."""
    table = draw_study(SMALL, np.random.default_rng(0))
    means = table.groupby(["share", "group", "seed"])["mse"].mean()
    dark, light = means[0.0, "dark"].to_numpy(), means[1.0, "light"].to_numpy()
    found = run_means_test(CONTRASTS["gap_worst"], design_of(table), table["mse"].to_numpy())
    assert found is not None
    assert found.p_paired == pytest.approx(stats.ttest_rel(dark, light).pvalue)
    assert found.p_welch == pytest.approx(stats.ttest_ind(dark, light, equal_var=False).pvalue)
    assert found.value == pytest.approx((dark - light).mean())


def test_seeds_that_lack_an_arm_are_left_out() -> None:
    """An incomplete study is tested on its complete seeds."""
    table = draw_study(SMALL, np.random.default_rng(0))
    table = table[(table["seed"] != 2) | (table["share"] != 0.5)]
    found = run_means_test(CONTRASTS["gap_mixed"], design_of(table), table["mse"].to_numpy())
    assert found is not None
    assert found.n_seeds == 4


def test_means_without_scatter_have_no_p() -> None:
    """Identical run means give NaN instead of a division by zero."""
    table = draw_study(SMALL, np.random.default_rng(0))
    values = np.where(table["group"] == "dark", 2.0, 1.0)
    found = run_means_test(CONTRASTS["gap_mixed"], design_of(table), values)
    assert found is not None
    assert math.isnan(found.p_paired)
    assert math.isnan(found.p_welch)


def test_what_cannot_be_assessed_is_not_tested() -> None:
    """No mixed runs, no test of the mixed gap."""
    table = draw_study(SMALL, np.random.default_rng(0))
    table = table[table["share"] != 0.5]
    values = table["mse"].to_numpy()
    assert run_means_test(CONTRASTS["gap_mixed"], design_of(table), values) is None

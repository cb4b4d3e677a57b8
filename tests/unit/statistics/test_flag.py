"""Sigma flags the error gap, is blind to it, or points the wrong way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.groups import LIGHT_AND_DARK
from tonegap.statistics.design import design_of
from tonegap.statistics.flag import NO_GAP, flag_finding
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.verdicts import Finding

SHARES = (0.0, 0.5, 1.0)


def study(**planted: float) -> pd.DataFrame:
    """Draw a study of ten seeds with something planted."""
    scenario = Scenario(n_test=120, pool_light=900, pool_dark=700, **planted)
    return draw_study(scenario, np.random.default_rng(2))


def flag(table: pd.DataFrame) -> Finding:
    """Give the finding on a study."""
    design = design_of(table)
    return flag_finding(design, measure_columns(table, design), SHARES, LIGHT_AND_DARK)


@pytest.mark.parametrize(
    ("gap", "shift", "reading"),
    [
        (0.5, 0.9, "flags"),
        (0.5, 0.0, "blind"),
        (0.5, -0.9, "anti-flag"),
        (-0.5, -0.9, "flags"),
        (-0.5, 0.9, "anti-flag"),
        (0.5, 0.2, "undecided"),
    ],
)
def test_the_reading_follows_sigma_on_the_group_that_fares_worse(gap, shift, reading) -> None:
    """Whichever group that is: higher sigma flags, lower sigma points the wrong way."""
    assert flag(study(log_gap=gap, sigma_shift=shift)).verdict == reading


def test_it_is_the_signed_mean_of_scikit_learns_auc() -> None:
    """The gap turns with the mix: each mix's AUC takes the sign of its own gap."""
    table = study(log_slope=-1.0, sigma_shift=0.5)
    gaps, aucs = {}, {}
    for share, rows in table.groupby("share"):
        means = np.log(rows["mse"]).groupby(rows["group"]).mean()
        gaps[share] = means["dark"] - means["light"]
        aucs[share] = np.mean(
            [roc_auc_score(r["group"] == "dark", r["sigma"]) for _, r in rows.groupby("run")]
        )
    assert (gaps[0.0] > 0.5, gaps[1.0] < -0.5) == (True, True)
    found = flag(table)
    mixes = sorted({arm.share for arm in found.contrast.coefficients})
    assert {0.0, 1.0} <= set(mixes)
    expected = np.mean([np.sign(gaps[s]) * (aucs[s] - 0.5) for s in mixes])
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(expected)


def test_without_an_established_gap_there_is_nothing_to_warn_of() -> None:
    """Sigma that differs does not flag a gap which is not there."""
    table = study(sigma_shift=1.0)
    # Equal errors by construction: both groups' log errors centred within their run.
    log_error = np.log(table["mse"])
    mean = log_error.groupby([table["run"], table["group"]]).transform("mean")
    found = flag(table.assign(mse=np.exp(log_error - mean)))
    assert (found.verdict, found.reason) == ("not assessable", NO_GAP)


def test_a_model_without_sigma_says_so() -> None:
    """The reason names what is missing."""
    found = flag(study(log_gap=0.5).assign(sigma=np.nan))
    assert found.verdict == "not assessable"
    assert "without a posterior" in found.reason

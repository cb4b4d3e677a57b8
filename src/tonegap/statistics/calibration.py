"""How the tests behave where the truth is known: rejection rate, power, coverage.

Studies are simulated (:mod:`tonegap.statistics.simulation`), not trained, and every table
says so. Each is assessed by the very functions that assess a real one. A test is calibrated
when it rejects true nulls in about 5 % of studies, that is within the binomial band that the
number of studies allows (one contrast in twenty falls outside by chance), and when 95 %
intervals cover the truth in 93-97 %.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from tonegap.statistics.bootstrap import resample
from tonegap.statistics.contrasts import (
    AUC_MARGIN,
    SMALL_EFFECT_D,
    Contrast,
    declared_contrasts,
)
from tonegap.statistics.design import design_of
from tonegap.statistics.inference import Estimate, estimate
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.pairwise import run_means_test
from tonegap.statistics.simulation import Scenario, draw_study

ALPHA = 0.05
MEASURES = ("mse", "mse_given_pca", "sigma_auc", "sigma_error_rank")
"""Measures with a known truth; NMSE is simulated as a multiple of MSE and tells no more."""

PAPER = Scenario(name="paper")
PHANTOM = Scenario(name="phantom", n_seeds=4, n_test=60, pool_light=240, pool_dark=160)
PILOT = Scenario(name="pilot", n_seeds=3, n_test=80, pool_light=800, pool_dark=348)
DESIGNS: Mapping[str, Scenario] = {design.name: design for design in (PAPER, PHANTOM, PILOT)}


def scenarios(design: Scenario) -> tuple[Scenario, ...]:
    """List what is planted in a design.

    ``null``: nothing. ``null_alike``: nothing, and trainings hardly differ, the hardest case
    for tests on run means. ``small`` and ``large``: a dark error 10 or 30 % higher at equal
    share, an error 10 or 30 % lower where a group is alone in training than where it is
    unseen; dark sigma shifted by exactly the margin of C3, or by 2.5 times as much.
    """
    at_margin = SMALL_EFFECT_D * float(np.sqrt(1.0 + design.run_group_sd**2))
    small, large = np.log(1.1), np.log(1.3)
    planted = {
        "null": design,
        "null_alike": replace(design, run_sd=0.004, run_group_sd=0.003),
        "small": replace(design, log_gap=small, log_slope=-small, sigma_shift=at_margin),
        "large": replace(design, log_gap=large, log_slope=-large, sigma_shift=2.5 * at_margin),
    }
    return tuple(replace(s, name=f"{design.name}/{name}") for name, s in planted.items())


def calibrate(
    planted: Sequence[Scenario],
    studies: int,
    seed: int = 0,
    resamples: int = 0,
    on_study: Callable[[], object] = lambda: None,
) -> pd.DataFrame:
    """Draw studies of each scenario and count what the tests do.

    Parameters
    ----------
    studies
        Simulated studies per scenario; 500 tell 5 % from 7.1 %.
    seed
        Study k of scenario j uses the k-th child of ``SeedSequence([seed, j])``.
    resamples
        Of the bootstrap in each study; 0 uses closed-form variances.
    on_study
        Called after each study.

    Returns
    -------
    DataFrame
        See :func:`summarise`.
    """
    tables = []
    for j, scenario in enumerate(planted):
        outcomes = []
        for child in np.random.SeedSequence([seed, j]).spawn(studies):
            outcomes.extend(study_outcomes(scenario, np.random.default_rng(child), resamples))
            on_study()
        tables.append(summarise(pd.DataFrame(outcomes), scenario.name))
    return pd.concat(tables, ignore_index=True)


def study_outcomes(
    scenario: Scenario, rng: np.random.Generator, resamples: int = 0
) -> list[dict[str, object]]:
    """Draw one study and assess its contrasts beside their truth."""
    table = draw_study(scenario, rng)
    design = design_of(table)
    measures = measure_columns(table, design)[list(MEASURES)]
    drawn = resample(design, measures.to_numpy(), resamples, rng) if resamples else None
    outcomes = []
    for contrast in calibrated_contrasts(scenario):
        values = measures[contrast.measure].to_numpy()
        column = MEASURES.index(contrast.measure)
        found = estimate(contrast, design, values, drawn, column)
        runs = run_means_test(contrast, design, values) if contrast.margin is None else None
        outcomes.append(
            {
                **_outcome(contrast, found, true_value(contrast, scenario)),
                "p_paired": runs.p_paired if runs else np.nan,
                "p_welch": runs.p_welch if runs else np.nan,
            }
        )
    return outcomes


def calibrated_contrasts(scenario: Scenario) -> list[Contrast]:
    """List the declared contrasts of the measures whose truth is known."""
    return [
        contrast
        for contrast in declared_contrasts(scenario.dark_shares)
        if contrast.measure in MEASURES
        and not contrast.equal_distinct
        and not np.isnan(true_value(contrast, scenario))
    ]


def true_value(contrast: Contrast, scenario: Scenario) -> float:
    """Give a contrast's value in the population; NaN where no closed form is known."""
    if contrast.measure == "mse":
        means = scenario.mean_mse
        return float(sum(c * means[arm] for arm, c in contrast.coefficients.items()))
    if contrast.measure == "sigma_auc":
        return scenario.sigma_auc - 0.5
    if contrast.measure == "sigma_error_rank":
        return scenario.sigma_error_rank_correlation
    # At equal difficulty all arms agree when nothing is planted, else no closed form is known.
    return 0.0 if scenario.log_gap == scenario.log_slope == 0.0 else float("nan")


def summarise(outcomes: pd.DataFrame, scenario: str) -> pd.DataFrame:
    """Rates over studies, one row per contrast, and one for the family of C1 and C2.

    Returns
    -------
    DataFrame
        ``null_is_true``: the rejected null holds, so that ``rejected`` is an error rate; else
        it is power. ``rejected`` (this project's test), ``rejected_paired`` and
        ``rejected_welch`` (tests on run means), ``covered`` (95 % interval); rates in [0, 1],
        ``band_low`` to ``band_high``: where 95 % of error rates lie if the true one is .05.
        For a test of equivalence rejection means "within the margin".
    """
    outcomes = outcomes.assign(
        rejected=outcomes["p"] <= ALPHA,
        rejected_paired=_rejected(outcomes["p_paired"]),
        rejected_welch=_rejected(outcomes["p_welch"]),
    )
    keys = ["measure", "contrast", "truth", "null_is_true"]
    rates = ["rejected", "rejected_paired", "rejected_welch", "covered"]
    groups = outcomes.groupby(keys, sort=False)
    table = groups[rates].mean().reset_index()
    table["studies"] = groups.size().to_numpy()
    low, high = binomial_band(int(table["studies"].iloc[0]))
    table = table.assign(band_low=low, band_high=high, data="simulated")
    table.insert(0, "scenario", scenario)
    return table


def family_error_rate(outcomes: pd.DataFrame) -> float:
    """Share of studies in which Holm rejects any true null of C1 and C2 on raw MSE.

    Holm rejects something exactly when the least p of m is at most alpha / m.
    """
    null = outcomes[outcomes["null_is_true"] & (outcomes["measure"] == "mse")]
    by_contrast = null.groupby("contrast")["p"].apply(list)
    if by_contrast.empty:
        return float("nan")
    p = np.array(by_contrast.to_list(), dtype=float)
    return float((p.min(axis=0) <= ALPHA / len(p)).mean())


def binomial_band(studies: int, rate: float = ALPHA) -> tuple[float, float]:
    """Central 95 % range of the rate observed in ``studies`` when ``rate`` is true."""
    low, high = stats.binom.interval(0.95, studies, rate)
    return float(low) / studies, float(high) / studies


def _rejected(p: pd.Series) -> pd.Series:
    """1.0 where p is at most alpha, 0.0 where it is not, NaN where there is no p."""
    return (p <= ALPHA).astype(float).where(p.notna())


def _outcome(contrast: Contrast, found: Estimate, truth: float) -> dict[str, object]:
    lower, upper = found.interval(0.95)
    is_null = truth == 0.0 if contrast.margin is None else abs(truth) >= AUC_MARGIN - 1e-9
    return {
        "measure": contrast.measure,
        "contrast": contrast.name,
        "truth": truth,
        "null_is_true": bool(is_null),
        "p": found.p,
        "covered": lower <= truth <= upper,
    }

"""How the tests behave where the truth is known: rejection, power, coverage, verdicts.

Studies are simulated (:mod:`tonegap.calibration.simulation`), not trained, and every table
says so. Each is assessed by the very functions that assess a real one. A test is calibrated
when it rejects true nulls in about 5 % of studies, and intervals when 95 % ones cover the truth in
93 to 97 %. "About 5 %" is the binomial band of the number of studies drawn. A single contrast
lies outside its 95 % band once in twenty by chance, so the band that holds all true nulls of a
table with 95 % stands beside it (Sidak 1967, J. Am. Stat. Assoc. 62:626, each at
``0.95 ** (1 / m)``). 1,000 studies leave an error of 1.4 points on a rate near 5 or 95 %: an
interval that covers 95 % then lies outside 93-97 % in one of 250 lines, one that covers 92 % within
it in one of eight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from tonegap.calibration.rates import ALPHA, COVERAGE_GOAL
from tonegap.calibration.simulation import Scenario, draw_study
from tonegap.statistics.claims import CLAIMS, Claims
from tonegap.statistics.contrasts import AUC_MARGIN, PRIMARY, SMALL_EFFECT_D, Contrast
from tonegap.statistics.declared import declared_contrasts
from tonegap.statistics.design import Design, design_of
from tonegap.statistics.inference import estimate
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.pairwise import run_means_test
from tonegap.statistics.verdicts import Finding, with_verdicts

COVERAGE = 0.95

MEASURES = ("log_mse", "mse", "mse_given_pca", "sigma_auc", "auc_excess", "sigma_error_rank")
"""Measures with a known truth; NMSE is simulated as a multiple of MSE and tells no more."""

PAPER = Scenario(name="paper")
PHANTOM = Scenario(
    name="phantom",
    n_seeds=4,
    n_test=60,
    pool_light=340,
    pool_dark=239,
    cluster_share=0.083,
    image_sd=0.39,
    image_mix_sd=0.45,
    cell_sd=0.36,
    run_sd=0.1,
    run_group_sd=0.3,
    sigma_run_group_sd=1.0,
)
"""Pools, clusters and scatter of log errors as in the committed phantom study."""

PILOT = Scenario(name="pilot", n_seeds=3, n_test=80, pool_light=800, pool_dark=348)
DESIGNS: Mapping[str, Scenario] = {design.name: design for design in (PAPER, PHANTOM, PILOT)}

ROUNDING = 1e-9
FAMILY = "any"

RECIPES: Mapping[str, str] = {
    "no_effect": "nothing",
    "trainings_alike": "nothing, and trainings hardly differ: the hardest for tests on run means",
    "tone": "a higher dark error in every mix",
    "representation_only": "an error that falls as the group's own share goes from 0 to 1",
    "condition_only": "dark images that are harder for model and baseline alike",
    "sigma_margin": "dark sigma shifted by exactly the margin of C3",
    "sigma": "dark sigma shifted by 2.5 times the margin of C3",
}
"""What is planted. Names that phantom recipes have too stand for effects of that structure."""


@dataclass(frozen=True)
class StudyOutcome:
    """Results of the tests in one simulated study.

    Attributes
    ----------
    contrasts
        A row per contrast: measure, contrast, truth, null_is_true, equivalence, p, p_paired,
        p_welch, covered.
    claims
        A row per claim: claim, verdict; and one named ``any`` whose verdict is ``error`` where
        Holm rejected a true null of the primary family, else ``no error``.
    """

    contrasts: list[dict[str, object]]
    claims: list[dict[str, object]]


@dataclass(frozen=True)
class Calibration:
    """Rates over simulated studies.

    Attributes
    ----------
    contrasts
        See :func:`summarise`.
    claims
        Columns scenario, claim, ``supported``, ``undecided``, ``contradicted`` (shares of
        the studies), family_error (share in which Holm rejected any true null), studies, data.
    """

    contrasts: pd.DataFrame
    claims: pd.DataFrame


def planted(design: Scenario, recipe: str, effect: float = 0.1) -> Scenario:
    """Plant an effect in a design.

    Parameters
    ----------
    recipe
        A key of :data:`RECIPES`.
    effect
        Relative change of the error, above 0; 0.1 makes it 10 % higher or lower. The recipes
        of sigma and the nulls do not use it.
    """
    size = math.log1p(effect)
    at_margin = SMALL_EFFECT_D * math.sqrt(1.0 + design.sigma_run_group_sd**2)
    changes: Mapping[str, Mapping[str, float]] = {
        "no_effect": {},
        "trainings_alike": {"run_sd": 0.004, "run_group_sd": 0.003, "sigma_run_group_sd": 0.02},
        "tone": {"log_gap": size},
        "representation_only": {"log_slope": -size},
        "condition_only": {"log_difficulty": size},
        "sigma_margin": {"sigma_shift": at_margin},
        "sigma": {"sigma_shift": 2.5 * at_margin},
    }
    fields: dict[str, Any] = {"name": f"{design.name}/{recipe}", **changes[recipe]}
    return replace(design, **fields)


def calibrate(
    scenarios: Sequence[Scenario],
    studies: int,
    seed: int = 0,
    over: Callable[..., Iterable[StudyOutcome]] = map,
) -> Calibration:
    """Draw studies of each scenario and count what the tests do.

    Parameters
    ----------
    studies
        Simulated studies per scenario; 1,000 tell 5 % from 6.5 %.
    seed
        Study k of a scenario uses the k-th child of ``SeedSequence(seed)`` mixed with the
        scenario's name, whichever scenarios are drawn beside it.
    over
        Works like :func:`map`: applies a function to the studies, in order. It may use other
        processes, or report progress.
    """
    contrasts, claims = [], []
    for scenario in scenarios:
        children = np.random.SeedSequence([seed, *scenario.name.encode()]).spawn(studies)
        drawn = list(over(draw_outcome, [scenario] * len(children), children))
        contrasts.append(summarise(_rows(drawn, "contrasts"), scenario.name))
        claims.append(_claim_rates(_rows(drawn, "claims"), scenario.name))
    return Calibration(
        pd.concat(contrasts, ignore_index=True), pd.concat(claims, ignore_index=True)
    )


def draw_outcome(scenario: Scenario, child: np.random.SeedSequence) -> StudyOutcome:
    """Draw one study and assess its contrasts beside their truth."""
    rng = np.random.default_rng(child)
    table = draw_study(scenario, rng)
    design = design_of(table, trusted=True)
    measures = measure_columns(table, design, MEASURES)
    found = []
    for contrast, _ in calibrated_contrasts(scenario):
        values = measures[contrast.measure].to_numpy()
        found.append(Finding(contrast, estimate(contrast, design, values)))
    judged = list(zip(with_verdicts(found, ALPHA), calibrated_contrasts(scenario), strict=True))
    return StudyOutcome(
        [_contrast_row(finding, truth, design, measures) for finding, (_, truth) in judged],
        _claim_rows([(finding, truth) for finding, (_, truth) in judged]),
    )


@cache
def calibrated_contrasts(scenario: Scenario) -> tuple[tuple[Contrast, float], ...]:
    """List the declared contrasts of the measures whose truth is known, each with its truth."""
    with_truth = (
        (contrast, true_value(contrast, scenario))
        for contrast in declared_contrasts(scenario.shares)
        if contrast.measure in MEASURES
        and not contrast.equal_distinct  # the same test on other runs
    )
    return tuple((contrast, truth) for contrast, truth in with_truth if not np.isnan(truth))


def true_value(contrast: Contrast, scenario: Scenario) -> float:
    """Return a contrast's value in the population; NaN if no closed form is known."""
    if contrast.measure == "sigma_auc":
        return scenario.sigma_auc - 0.5
    if contrast.measure == "sigma_error_rank":
        return scenario.sigma_error_rank_correlation
    if contrast.measure == "auc_excess":
        shares = {arm.share for arm in contrast.coefficients}
        excesses = [scenario.error_auc(share) - scenario.sigma_auc for share in sorted(shares)]
        return float(np.mean(excesses))
    if contrast.measure == "log_mse":  # what all arms have in common cancels
        effects = {arm: scenario.log_effect(*arm) for arm in contrast.coefficients}
        return float(sum(c * effects[arm] for arm, c in contrast.coefficients.items()))
    means = {
        "mse": scenario.mean_mse,
        "mse_given_pca": scenario.mean_mse_at_common_difficulty,
    }.get(contrast.measure)
    if means is None:
        return float("nan")
    return float(sum(c * means[arm] for arm, c in contrast.coefficients.items()))


def summarise(outcomes: pd.DataFrame, scenario: str) -> pd.DataFrame:
    """Rates over studies, one row per contrast.

    Returns
    -------
    DataFrame
        ``null_is_true``: the rejected null holds, so that ``rejected`` is an error rate; else
        it is power. ``rejected`` (this project's test), ``rejected_paired`` and
        ``rejected_welch`` (tests on run means), ``covered`` (95 % interval); rates in [0, 1].
        ``band_low`` to ``band_high``: where the error rate of one contrast lies in 95 % of
        repetitions if the true one is .05; ``all_low`` to ``all_high``: where those of all
        true nulls of the table lie. ``rejection_is`` of a true null: ``in`` the first band, at
        its ``edge``, that is in the second only, ``below`` or ``above`` both; otherwise
        ``power``. ``coverage_is``: ``in`` :data:`COVERAGE_GOAL`, ``below`` or ``above``. Of a
        test of equivalence rejection means "within the margin", and no rate is too low: it
        holds its level at the margin and rejects less beyond, or where the interval is wide.
    """
    outcomes = outcomes.assign(
        rejected=outcomes["p"] <= ALPHA,
        rejected_paired=_rejected(outcomes["p_paired"]),
        rejected_welch=_rejected(outcomes["p_welch"]),
    )
    keys = ["measure", "contrast", "truth", "null_is_true", "equivalence"]
    rates = ["rejected", "rejected_paired", "rejected_welch", "covered"]
    groups = outcomes.groupby(keys, sort=False)
    table = groups[rates].mean().reset_index()
    table["studies"] = groups.size().to_numpy()
    table.insert(0, "scenario", scenario)
    return judged(table).assign(data="simulated")


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Add the bands to a table of rates, and where the rates lie; see :func:`summarise`."""
    table = table.assign(**_bands(table))
    return table.assign(
        rejection_is=_rejection_is(table), coverage_is=_place(table["covered"], *COVERAGE_GOAL)
    )


def _rejection_is(table: pd.DataFrame) -> pd.Series[str]:
    """Classify each true null's rate; see :func:`summarise`."""
    rate = table["rejected"]
    one = _place(rate, table["band_low"], table["band_high"])
    place = one.where(one == "in", _place(rate, table["all_low"], table["all_high"]))
    place = place.mask((place == "in") & (one != "in"), "edge")
    strict = table["equivalence"] & (one == "below")
    return place.mask(strict, "in").where(table["null_is_true"], "power")


def _place(rate: pd.Series, low: pd.Series | float, high: pd.Series | float) -> pd.Series[str]:
    """``in`` where a rate lies from ``low`` to ``high``, else ``below`` or ``above``."""
    slack = 1e-12  # rates are quotients, and a rate at the bound is within it
    place = pd.Series("in", index=rate.index)
    return place.mask(rate < low - slack, "below").mask(rate > high + slack, "above")


def _bands(table: pd.DataFrame) -> dict[str, float]:
    studies = int(table["studies"].iloc[0])
    pairs = {
        "band": binomial_band(studies),
        "all": binomial_band(studies, tests=max(int(table["null_is_true"].sum()), 1)),
    }
    return {
        f"{name}_{side}": value
        for name, pair in pairs.items()
        for side, value in zip(("low", "high"), pair, strict=True)
    }


def binomial_band(studies: int, rate: float = ALPHA, tests: int = 1) -> tuple[float, float]:
    """Where the rates observed in ``studies`` lie in 95 % of repetitions when ``rate`` is true.

    Parameters
    ----------
    tests
        How many rates are to lie within at once (Sidak; on the safe side where they go
        together).
    """
    low, high = stats.binom.interval(0.95 ** (1.0 / tests), studies, rate)
    return float(low) / studies, float(high) / studies


def _rows(drawn: Sequence[StudyOutcome], part: str) -> pd.DataFrame:
    return pd.DataFrame([row for outcome in drawn for row in getattr(outcome, part)])


def _claim_rates(outcomes: pd.DataFrame, scenario: str) -> pd.DataFrame:
    """Shares of the verdicts, a row per claim."""
    shares = pd.crosstab(outcomes["claim"], outcomes["verdict"], normalize="index")
    verdicts = shares.reindex(
        index=list(CLAIMS), columns=["supported", "undecided", "contradicted"], fill_value=0
    )
    family = outcomes.loc[outcomes["claim"] == FAMILY, "verdict"]
    table = verdicts.rename_axis(columns=None).reset_index()
    table.insert(0, "scenario", scenario)
    error = float((family == "error").mean())
    return table.assign(family_error=error, studies=len(family), data="simulated")


def _rejected(p: pd.Series) -> pd.Series:
    """Return 1.0 if p is at most alpha, 0.0 if it is not, NaN if there is no p."""
    return (p <= ALPHA).astype(float).where(p.notna())


def _contrast_row(
    finding: Finding, truth: float, design: Design, measures: pd.DataFrame
) -> dict[str, object]:
    contrast, found = finding.contrast, finding.estimate
    assert found is not None  # noqa: S101  simulated studies are complete
    lower, upper = found.interval(COVERAGE)
    values = measures[contrast.measure].to_numpy()
    runs = run_means_test(contrast, design, values) if contrast.margin is None else None
    return {
        "measure": contrast.measure,
        "contrast": contrast.name,
        "truth": truth,
        "null_is_true": null_is_true(contrast, truth),
        "equivalence": contrast.margin is not None,
        "p": found.p,
        "p_paired": runs.p_paired if runs else math.nan,
        "p_welch": runs.p_welch if runs else math.nan,
        "covered": lower <= truth <= upper,
    }


def null_is_true(contrast: Contrast, truth: float) -> bool:
    """Return True if the null of ``p`` holds."""
    if contrast.margin is None:
        return abs(truth) < ROUNDING
    return abs(truth) >= AUC_MARGIN - ROUNDING


def _claim_rows(judged: Sequence[tuple[Finding, float]]) -> list[dict[str, object]]:
    claims = Claims("simulated", ALPHA, tuple(finding for finding, _ in judged))
    rows: list[dict[str, object]] = [
        {"claim": claim, "verdict": claims.verdict(claim)} for claim in CLAIMS
    ]
    wrong = any(
        finding.p_holm <= ALPHA
        for finding, truth in judged
        if finding.contrast.family == PRIMARY and null_is_true(finding.contrast, truth)
    )
    return [*rows, {"claim": FAMILY, "verdict": "error" if wrong else "no error"}]

"""Rates over whole studies: rejection, bias and coverage of each estimator on each recipe."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tonegap.calibration.planted import RECIPES

ALPHA = 0.05

REJECTION_GOAL = (0.03, 0.07)
"""Range of acceptable rejection of a true null at 5 %."""

COVERAGE_GOAL = (0.93, 0.97)
"""Range of acceptable coverage of a 95 % interval."""

RATE_COLUMNS = (
    "recipe",
    "estimator",
    "effect",
    "holds",
    "truth",
    "truth_se",
    "studies",
    "mean",
    "bias",
    "bias_se",
    "sd",
    "se",
    "rejected",
    "rejected_se",
    "covered",
    "covered_se",
)


def rates(studies: pd.DataFrame, truth: pd.DataFrame, recipe: str) -> pd.DataFrame:
    """Count what the estimators did.

    Parameters
    ----------
    studies
        Column study and those of :func:`tonegap.calibration.trained.estimates`.
    truth
        Of :func:`tonegap.calibration.trained.true_values`.
    recipe
        Key of :data:`~tonegap.calibration.planted.RECIPES`.

    Returns
    -------
    DataFrame
        One row per estimator: recipe, estimator, effect (that it asks for), holds (``planted``,
        ``follows`` or ``none``), truth and truth_se (of the population), studies, mean and bias
        with bias_se, sd (of the estimates), se (root mean square of their standard errors),
        rejected (``p <= .05``; power where the effect holds, else false alarms) and covered
        (share of the 95 % intervals that hold the truth), each with the standard error of the
        counting. Estimates are in the estimator's unit: log units, or squared error for ``mse``.
    """
    joined = studies.merge(truth, on="estimator", validate="many_to_one")
    covered = (joined["low"] <= joined["truth"]) & (joined["truth"] <= joined["high"])
    joined = joined.assign(
        rejected=joined["p"] <= ALPHA,
        covered=covered,
        variance=joined["se"] ** 2,
    )
    groups = joined.groupby(["estimator", "effect", "truth", "truth_se"], sort=False)
    table = groups.agg(
        studies=("estimate", "size"),
        mean=("estimate", "mean"),
        sd=("estimate", "std"),
        variance=("variance", "mean"),
        rejected=("rejected", "mean"),
        covered=("covered", "mean"),
    ).reset_index()
    size = np.sqrt(table["studies"])
    table = table.assign(
        recipe=recipe,
        holds=[_holds(recipe, str(effect)) for effect in table["effect"]],
        se=np.sqrt(table["variance"]),
        bias=table["mean"] - table["truth"],
        bias_se=np.hypot(table["sd"] / size, table["truth_se"]),
        rejected_se=_counting_error(table["rejected"]) / size,
        covered_se=_counting_error(table["covered"]) / size,
    )
    return table[list(RATE_COLUMNS)]


def place(rate: float, goal: tuple[float, float], studies: int) -> str:
    """Say where a counted rate lies: ``in`` the goal, ``near`` it, or ``outside``.

    Near is what two standard errors of counting ``studies`` studies may bring about.
    """
    low, high = goal
    error = 2.0 * float(np.sqrt(ALPHA * (1.0 - ALPHA) / studies))
    if low <= rate <= high:
        return "in"
    return "near" if low - error <= rate <= high + error else "outside"


def _holds(recipe: str, effect: str) -> str:
    planted = RECIPES[recipe]
    if effect == "gap or own share":
        found = {planted.holds("gap"), planted.holds("own share")}
        return next((word for word in ("planted", "follows") if word in found), "none")
    return planted.holds(effect)


def _counting_error(rate: pd.Series) -> pd.Series:
    return (rate * (1.0 - rate)) ** 0.5

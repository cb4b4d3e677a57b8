"""Gap of each condition, how much conditions differ, and values shrunken towards their mean.

The error of a row is taken relative to its run: the mean of the two groups' mean log errors is
subtracted, so that a run's own factor cancels even in conditions that few of its images have.
Each condition's gap has its own two-way error. With few images per group that error is too small
by ``(n - 1) / n``; it is corrected per arm, as a sample variance is.

Conditions then differ by chance and in truth, ``estimate_k = mu + u_k + e_k``. ``Q`` is Cochran's
(1954, Biometrics 10:101), ``tau`` the standard deviation of ``u`` by Paule and Mandel (1982,
J. Res. Natl. Bur. Stand. 87:377), ``I^2`` the share of the scatter that is not chance (Higgins and
Thompson 2002, Stat. Med. 21:1539). A shrunken value is the posterior mean of ``mu + u_k``: few
images move a condition towards the mean.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy import special
from statsmodels.stats.meta_analysis import combine_effects

from tonegap.groups import Groups
from tonegap.statistics.design import Design, ordinary_rows
from tonegap.statistics.inference import MIN_UNITS, Estimate
from tonegap.statistics.variance import distinct
from tonegap.statistics.within_runs import (
    COUNTS,
    NUMBERS,
    OVERALL,
    Rows,
    Slope,
    contrast_of_groups,
    design_where,
    estimate_of,
    given_pool,
    numbers,
    percent,
    rows_of,
)

MIN_IMAGES = 5
"""Fewest distinct test images per group of a condition that is assessed; below, a mean says more
about single images than about the condition."""

MIN_CONDITIONS = 3
"""Fewest assessed conditions whose scatter is summarised."""

_COLUMNS = ["mix", "share", "label", "n_reference", "n_compared", *NUMBERS, *COUNTS, "reason"]
_NORMAL_95 = float(special.ndtri(0.975))


def condition_gaps(table: pd.DataFrame, groups: Groups, *, finished: bool = False) -> pd.DataFrame:
    """Find the gap of each condition, per mix and overall.

    Parameters
    ----------
    table
        The per-image study table: run, mix, share, seed, md5hash, group, cluster, mse,
        label_fine. Where a study has runs on equal numbers of distinct images beside others, the
        others are used.
    groups
        The two that are compared.
    finished
        The table is of one finished model: errors are over image clusters alone.

    Returns
    -------
    DataFrame
        One row per mix and condition with images of both groups, then overall (mean over mixes);
        within these by condition: mix, share, label, n_reference, n_compared (distinct images),
        estimate, low, high (log units, 95 %), percent, percent_low, percent_high, se, df, p, mde,
        mde_percent, n_images, n_clusters, n_runs, n_seeds, shrunken, shrunken_low, shrunken_high
        (log units), shrunken_percent, shrunken_percent_low, shrunken_percent_high, reason (why
        there is no estimate, else empty).

    Raises
    ------
    DataError
        If an error has no logarithm.
    """
    rows = given_pool(rows_of(ordinary_rows(table), groups, finished=finished))
    is_compared = rows.is_group(groups.compared)
    relative = _relative_to_run(rows, is_compared)
    label, names = pd.factorize(rows.table["label_fine"], sort=True)
    found = []
    for mix, share, codes in _targets(rows):
        of_mix = np.isin(rows.mix, codes)
        for place, name in enumerate(names):
            chosen = np.flatnonzero(of_mix & (label == place))
            if set(is_compared[chosen].tolist()) == {True, False}:
                row = _of_condition(rows, relative, is_compared, chosen, groups)
                found.append({"mix": mix, "share": share, "label": name, **row})
    frame = pd.DataFrame(found, columns=None if found else _COLUMNS)
    parts = [_shrunken(part) for _, part in frame.groupby("mix", sort=False)]
    return pd.concat(parts, ignore_index=True) if parts else frame


def heterogeneity(conditions: pd.DataFrame) -> pd.DataFrame:
    """Summarise how much the conditions' gaps differ.

    Parameters
    ----------
    conditions
        From :func:`condition_gaps`.

    Returns
    -------
    DataFrame
        One row per mix, then overall: mix, n_conditions (assessed), q, df, p (of equal gaps),
        tau (log units), i_squared (in [0, 1]), mean, low, high (log units, 95 %), percent,
        percent_low, percent_high; predicted_low, predicted_high (log units): where the gap of
        another condition lies with 95 % chance (Higgins, Thompson and Spiegelhalter 2009, J. R.
        Stat. Soc. A 172:137). NaN with fewer than three conditions.
    """
    return pd.DataFrame(
        [{"mix": mix, **_summary(part)} for mix, part in conditions.groupby("mix", sort=False)]
    )


def _targets(rows: Rows) -> list[tuple[str, float, list[int]]]:
    """Name each mix and the mean of all, with the codes of the mixes that they average."""
    each = [(mix, share, [code]) for code, (mix, share) in enumerate(rows.mixes)]
    return [*each, (OVERALL, math.nan, list(range(len(rows.mixes))))]


def _relative_to_run(
    rows: Rows, is_compared: Bool[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Subtract from each log error the mean of its run's two group means."""
    run = rows.design.run
    centre = np.zeros(int(run.max()) + 1)
    for weight in (is_compared.astype(float), 1.0 - is_compared):
        counts = np.maximum(np.bincount(run, weight), 1.0)
        centre += np.bincount(run, weight * rows.log_mse) / counts / 2.0
    return np.asarray(rows.log_mse - centre[run])


def _of_condition(
    rows: Rows,
    relative: Float[np.ndarray, " rows"],
    is_compared: Bool[np.ndarray, " rows"],
    chosen: Int[np.ndarray, " chosen"],
    groups: Groups,
) -> dict[str, Any]:
    """Return one condition's counts, numbers and reason."""
    design, compared = design_where(rows.design, chosen), is_compared[chosen]
    n_reference, n_compared = distinct(design.image[~compared]), distinct(design.image[compared])
    reason = ""
    if min(n_reference, n_compared) < MIN_IMAGES:
        reason = f"fewer than {MIN_IMAGES} test images in a group"
    elif _fewest(design, len(np.unique(rows.mix[chosen]))) < MIN_UNITS:
        reason = f"fewer than {MIN_UNITS} seeds or image clusters in a group of a mix"
    found = None if reason else _estimate(design, relative[chosen], groups)
    counts = {"n_reference": n_reference, "n_compared": n_compared}
    return {**counts, **numbers(found), "reason": reason}


def _fewest(design: Design, n_mixes: int) -> int:
    """Return the fewest seeds or units of an arm; 0 where a mix lacks a group."""
    present = np.bincount(design.arm, minlength=len(design.arms)) > 0
    if present.sum() < 2 * n_mixes:
        return 0
    counts = design.units_by_arm
    if design.samples_seeds:
        counts = np.minimum(design.seeds_by_arm, counts)
    return int(counts[present].min())


def _estimate(design: Design, values: Float[np.ndarray, " rows"], groups: Groups) -> Estimate:
    """Return the mean over mixes of the gap, with the two-way error of few units per arm."""
    gap = contrast_of_groups(design, values, {groups.compared: 1.0, groups.reference: -1.0})
    units, whole = design.units_by_arm[design.arm], distinct(design.unit)
    factor = np.sqrt(units / (units - 1.0) * (whole - 1.0) / whole)
    return estimate_of(design, Slope(gap.value, gap.influence * factor))


def _shrunken(conditions: pd.DataFrame) -> pd.DataFrame:
    """Add the values shrunken towards the mean of a mix's conditions."""
    assessed = conditions["reason"] == ""
    found = _combined(conditions[assessed])
    centre, between = found["mean"], found["tau"] ** 2
    variance = conditions["se"] ** 2
    kept = between / (between + variance)
    value = centre + kept * (conditions["estimate"] - centre)
    se = np.sqrt(kept * variance + ((1.0 - kept) * found["se"]) ** 2)
    low, high = value - _NORMAL_95 * se, value + _NORMAL_95 * se
    logs = {"shrunken": value, "shrunken_low": low, "shrunken_high": high}
    shown = {
        name.replace("shrunken", "shrunken_percent"): 100.0 * np.expm1(column)
        for name, column in logs.items()
    }
    reason = conditions["reason"]
    return conditions.drop(columns="reason").assign(**logs, **shown, reason=reason)


def _combined(conditions: pd.DataFrame) -> dict[str, float]:
    """Combine the assessed conditions; NaN with fewer than three."""
    names = ("q", "df", "p", "tau", "i_squared", "mean", "se")
    if len(conditions) < MIN_CONDITIONS:
        return dict.fromkeys(names, math.nan)
    variance = conditions["se"].to_numpy() ** 2
    found = combine_effects(  # type: ignore[no-untyped-call] # untyped library
        conditions["estimate"].to_numpy(), variance, method_re="iterated"
    )
    df = len(conditions) - 1
    values = (
        found.q,
        df,
        special.chdtrc(df, found.q),
        math.sqrt(found.tau2),
        max(0.0, 1.0 - df / found.q),
        found.mean_effect_re,
        found.sd_eff_w_re,
    )
    return dict(zip(names, map(float, values), strict=True))


def _summary(conditions: pd.DataFrame) -> dict[str, Any]:
    """Return one row of the summary."""
    assessed = conditions[conditions["reason"] == ""]
    found = _combined(assessed)
    se = found.pop("se")
    low, high = found["mean"] - _NORMAL_95 * se, found["mean"] + _NORMAL_95 * se
    spread = math.sqrt(found["tau"] ** 2 + se**2)
    reach = float(special.stdtrit(max(len(assessed) - 2, 1), 0.975)) * spread
    return {
        "n_conditions": len(assessed),
        **found,
        "low": low,
        "high": high,
        "percent": percent(found["mean"]),
        "percent_low": percent(low),
        "percent_high": percent(high),
        "predicted_low": found["mean"] - reach,
        "predicted_high": found["mean"] + reach,
    }

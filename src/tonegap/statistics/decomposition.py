"""What is associated with the gap: conditions, sources, complexity, difficulty for a codec.

Each step compares the groups at equal values of more covariates, within runs
(:mod:`tonegap.statistics.within_runs`). The steps, each on top of those before it:

=============  ====================================================================
``raw``        nothing
``support``    nothing, on images whose condition and source occur in both groups
``condition``  diagnosis (``label_fine``)
``source``     web site that the image comes from
``complexity`` log of the shorter side and of bytes per pixel
``jpeg``       log error of JPEG, in the place of a model (not on top of ``pca``)
``pca``        log error of PCA (on top of ``complexity``, not of ``jpeg``)
=============  ====================================================================

**Never adjust for brightness or ITA.** Skin tone acts on the error through them: they mediate the
gap, and a gap at equal brightness is no longer one of skin tone.

Difficulty is measured with noise, which flattens its slope ``b`` and leaves a part of pure
difficulty in the gap. So its steps come as a band over the proxy's reliability ``r``, the share of
its variance within groups that is true difficulty: ``gap - (b / r) shift``, where ``shift`` is how
much harder the compared group is for the proxy (Fuller 1987, Measurement Error Models, section
1.1). PCA is fitted to the training draw and so knows skin tone itself: JPEG comes first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy import sparse

from tonegap.groups import Groups
from tonegap.statistics.design import ordinary_rows
from tonegap.statistics.within_runs import (
    OVERALL,
    Covariates,
    Rows,
    Slope,
    continuous,
    estimate_of,
    has_logarithm,
    indicators,
    log_of,
    mean_over_mixes,
    no_covariates,
    numbers,
    partial_slope,
    residuals,
    rows_of,
    too_few,
)

STEPS = ("raw", "support", "condition", "source", "complexity", "jpeg", "pca")
"""Steps in order."""

WORDS = {
    "raw": "all images",
    "support": "shared conditions, sources",
    "condition": "+ condition",
    "source": "+ source",
    "complexity": "+ size, bytes per pixel",
    "jpeg": "+ error of JPEG",
    "pca": "+ error of PCA instead",
}
"""What each step compares at equal values, for tables and figures."""

RELIABILITIES = (1.0, 0.85, 0.7)
"""Reliabilities of a difficulty proxy that the band spans."""

_PROXY = {"jpeg": "mse_jpeg", "pca": "mse_pca"}
_DIFFICULTY = {"jpeg": "difficulty_jpeg", "pca": "difficulty_pca"}
_SIZE = ("side", "bytes_per_pixel")
_NO_COLUMN = {
    "complexity": "the table lacks positive side and bytes_per_pixel in every row",
    "jpeg": "the table lacks a positive mse_jpeg in every row",
    "pca": "the table lacks a positive mse_pca in every row",
}


def decompose(table: pd.DataFrame, groups: Groups, *, finished: bool = False) -> pd.DataFrame:
    """Find the gap at equal conditions, sources, complexity and difficulty.

    Parameters
    ----------
    table
        The per-image study table: run, mix, share, seed, md5hash, group, cluster, mse,
        label_fine and source; side, bytes_per_pixel, mse_jpeg and mse_pca where they exist.
        Where a study has runs on equal numbers of distinct images beside others, the others
        are used.
    groups
        The two that are compared.
    finished
        The table is of one finished model: errors are over image clusters alone.

    Returns
    -------
    DataFrame
        One row per step and mix, then overall (mean over mixes): mix, share, step, reliability
        (NaN but for difficulty), words, estimate, low, high (log units, 95 %), percent,
        percent_low, percent_high (of the reference's error), se, df, p, mde, mde_percent
        (smallest gap found in 80 % of such studies), share_of_raw (estimate over the raw gap),
        n_left_out (distinct images that the raw gap has and this one lacks), n_images,
        n_clusters, n_runs, n_seeds, reason (why there is no estimate, else empty).

    Raises
    ------
    DataError
        If an error has no logarithm.
    """
    whole = _with_difficulty(rows_of(ordinary_rows(table), groups, finished=finished))
    supported = whole.where(on_common_support(whole, groups))
    found = [
        row
        for step in STEPS
        for row in _step_rows(step, whole if step == "raw" else supported, groups)
    ]
    frame = pd.DataFrame(found)
    raw = frame[frame["step"] == "raw"].set_index("mix")["estimate"]
    frame.insert(
        list(frame.columns).index("n_images"),
        "share_of_raw",
        frame["estimate"] / frame["mix"].map(raw).where(lambda gap: gap != 0.0),
    )
    n_whole = frame["mix"].map(frame[frame["step"] == "raw"].set_index("mix")["n_images"])
    left_out = (n_whole - frame["n_images"]).where(frame["reason"] == "", 0).astype(int)
    frame.insert(list(frame.columns).index("n_images"), "n_left_out", left_out)
    order = {name: place for place, (name, _) in enumerate([*whole.mixes, (OVERALL, math.nan)])}
    return frame.sort_values("mix", key=lambda mix: mix.map(order), kind="stable").reset_index(
        drop=True
    )


def on_common_support(rows: Rows, groups: Groups) -> Bool[np.ndarray, " rows"]:
    """Find the images whose condition and whose source occur in both groups.

    Leaving out images of one condition can leave a source with one group only, so the rule is
    applied until nothing changes.
    """
    compared = rows.is_group(groups.compared)
    kept = np.ones(compared.size, dtype=bool)
    strata = [
        pd.factorize(rows.table[name], use_na_sentinel=False)[0]
        for name in ("label_fine", "source")
    ]
    before = kept.size + 1
    while before > (before := int(kept.sum())):
        for codes in strata:
            counts = [
                np.bincount(codes[kept & of_group], minlength=int(codes.max(initial=0)) + 1)
                for of_group in (compared, ~compared)
            ]
            kept &= (np.minimum(*counts) > 0)[codes]
    return kept


def _step_rows(step: str, rows: Rows, groups: Groups) -> list[dict[str, Any]]:
    """Rows of one step: a row per mix and the mean over mixes, for each reliability."""
    reliabilities = RELIABILITIES if step in _PROXY else (math.nan,)
    reason = _why_not(step, rows, groups)
    if reason:
        return [
            _row(step, reliability, mix, slope=None, rows=rows, reason=reason)
            for reliability in reliabilities
            for mix in [*rows.mixes, (OVERALL, math.nan)]
        ]
    return [
        row for reliability in reliabilities for row in _mix_rows(step, reliability, rows, groups)
    ]


def _mix_rows(step: str, reliability: float, rows: Rows, groups: Groups) -> list[dict[str, Any]]:
    parts = {code: rows.where(rows.mix == code) for code in range(len(rows.mixes))}
    slopes = {code: _gap(step, reliability, part, groups) for code, part in parts.items()}
    lost = "the covariates leave no difference between the groups"
    found = [
        _row(
            step,
            reliability,
            rows.mixes[code],
            slope=slope,
            rows=parts[code],
            reason="" if slope else lost,
        )
        for code, slope in slopes.items()
    ]
    complete = {code: slope for code, slope in slopes.items() if slope is not None}
    mean = mean_over_mixes(rows, complete) if len(complete) == len(slopes) else None
    return [
        *found,
        _row(
            step,
            reliability,
            (OVERALL, math.nan),
            slope=mean,
            rows=rows,
            reason="" if mean else lost,
        ),
    ]


def _row(
    step: str,
    reliability: float,
    mix: tuple[str, float],
    *,
    slope: Slope | None,
    rows: Rows,
    reason: str,
) -> dict[str, Any]:
    return {
        "mix": mix[0],
        "share": mix[1],
        "step": step,
        "reliability": reliability,
        "words": WORDS[step],
        **numbers(estimate_of(rows.design, slope) if slope else None),
        "reason": reason,
    }


def _why_not(step: str, rows: Rows, groups: Groups) -> str:
    """Return why a step is not possible, or an empty string."""
    columns = {**{name: (column,) for name, column in _PROXY.items()}, "complexity": _SIZE}
    needed: Sequence[str] = columns.get(step, ())
    if not all(has_logarithm(rows.table, column) for column in needed):
        return _NO_COLUMN[step]
    return too_few(rows, groups)


def _gap(step: str, reliability: float, rows: Rows, groups: Groups) -> Slope | None:
    """Return one mix's gap at the step's covariates."""
    compared = rows.is_group(groups.compared).astype(float)
    if step in _PROXY:
        difficulty = rows.table[_DIFFICULTY[step]].to_numpy(dtype=float)
        columns = np.column_stack([compared, rows.log_mse, difficulty])
        held = _covariates("complexity", rows)
        return gap_given_difficulty(columns, held, rows.design.run, reliability)
    return partial_slope(compared, rows.log_mse, _covariates(step, rows), rows.design.run)


def _covariates(step: str, rows: Rows) -> Covariates:
    """Return the covariates of a step and of those before it; sizes only where they exist."""
    depth = STEPS.index(step)
    parts = [no_covariates(len(rows.table))]
    if depth >= STEPS.index("condition"):
        parts.append(indicators(rows.table["label_fine"]))
    if depth >= STEPS.index("source"):
        parts.append(indicators(rows.table["source"]))
    if depth >= STEPS.index("complexity"):
        parts += [
            continuous(log_of(rows.table, name))
            for name in _SIZE
            if has_logarithm(rows.table, name)
        ]
    return sparse.hstack(parts, format="csr")


def _with_difficulty(rows: Rows) -> Rows:
    """Add the log error of each baseline, averaged over all rows of the image.

    A run fits its PCA to its own training images; the mean favours no mix.
    """
    image = rows.design.image
    found = {
        _DIFFICULTY[step]: (np.bincount(image, log_of(rows.table, column)) / np.bincount(image))[
            image
        ]
        for step, column in _PROXY.items()
        if has_logarithm(rows.table, column)
    }
    return replace(rows, table=rows.table.assign(**found))


def gap_given_difficulty(
    columns: Float[np.ndarray, "rows 3"],
    covariates: Covariates,
    run: Int[np.ndarray, " rows"],
    reliability: float,
) -> Slope | None:
    """Return ``gap - (b / r) shift`` and how each row moves it.

    ``gap`` and ``shift`` are the groups' differences in log error and in log difficulty at equal
    covariates, ``b`` the slope of the one on the other within groups. At ``r = 1`` it is the
    coefficient of the group in the regression on group, covariates and difficulty. None where
    the covariates leave no difference between the groups or no variation of difficulty.

    Parameters
    ----------
    columns
        1 for the compared group, else 0; log error; log difficulty.
    covariates, run
        What is held equal.
    reliability
        Of the difficulty, in (0, 1].
    """
    group, error, hard = residuals(columns, covariates, run).T
    squares = float(group @ group)
    if squares <= 0.0:
        return None
    gap, shift = float(group @ error) / squares, float(group @ hard) / squares
    within = hard - shift * group
    scatter = float(within @ within)
    if scatter <= 0.0:
        return None
    slope = float(within @ error) / scatter
    before = error - gap * group
    corrected = slope / reliability
    influence = group * (before - corrected * within) / squares
    influence -= shift / reliability * within * (before - slope * within) / scatter
    return Slope(gap - corrected * shift, influence)


def decomposition_sentence(decomposition: pd.DataFrame) -> str:
    """Describe in one sentence what is associated with conditions and sources, and what remains.

    Empty where the raw gap or that at equal conditions and sources was not assessed.
    """
    overall = (
        decomposition[decomposition["mix"] == OVERALL].drop_duplicates("step").set_index("step")
    )
    names = ["percent", "percent_low", "percent_high"]
    raw = float(overall["percent"].to_dict()["raw"])
    remain, low, high = overall.loc[["source"], names].to_numpy(dtype=float)[0].tolist()
    if math.isnan(raw) or math.isnan(remain):
        return ""
    points, span = raw - remain, f"{low:.0f} to {high:.0f}"
    if raw > 0.0 and points >= 0.0:
        return (
            f"Of {raw:.0f} %, {points:.0f} points go with conditions and sources, "
            f"{remain:.0f} ({span}) remain."
        )
    return f"The gap is {raw:.0f} %; at equal conditions and sources it is {remain:.0f} % ({span})."

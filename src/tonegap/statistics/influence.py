"""The overall gap without duplicates, without flagged images, without one condition at a time.

It shows whether one choice of images causes the gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool

from tonegap.groups import Groups
from tonegap.statistics.design import ordinary_rows
from tonegap.statistics.inference import Estimate
from tonegap.statistics.within_runs import (
    Rows,
    estimate_of,
    gap_of,
    numbers,
    rows_of,
    too_few,
)

N_CONDITIONS = 10
"""Conditions that are left out one at a time: those with most test images."""


def gap_without(table: pd.DataFrame, groups: Groups, *, finished: bool = False) -> pd.DataFrame:
    """Estimate the overall gap, with all images and without some of them.

    Parameters
    ----------
    table
        The per-image study table: run, mix, share, seed, md5hash, group, cluster, mse,
        label_fine; copies (sets of near duplicates) and qc where they exist; without copies
        clusters take their place. Where a study has runs on equal numbers of distinct images
        beside others, the others are used.
    groups
        The two that are compared.
    finished
        The table is of one finished model: errors are over image clusters alone.

    Returns
    -------
    DataFrame
        One row per choice: left_out (``nothing``, ``duplicates``, ``flagged``, ``condition``),
        label (the condition, else empty), n_left_out (distinct images), estimate, low, high (log
        units, 95 %, mean over mixes), percent, percent_low, percent_high, se, df, p, mde,
        mde_percent, n_images, n_clusters, n_runs, n_seeds, change (percent minus the first row's,
        in points), reason (why there is no estimate, else empty).

    Raises
    ------
    DataError
        If an error has no logarithm.
    """
    rows = rows_of(ordinary_rows(table), groups, finished=finished)
    found = pd.DataFrame(
        [
            {"left_out": what, "label": label, **_without(rows, left_out, groups)}
            for what, label, left_out in _choices(rows)
        ]
    )
    change = found["percent"] - found["percent"].iloc[0]
    return found.assign(change=change)[
        [*(name for name in found if name != "reason"), "change", "reason"]
    ]


def _choices(rows: Rows) -> Iterator[tuple[str, str, Bool[np.ndarray, " rows"]]]:
    """Name each choice and the rows that it leaves out."""
    yield "nothing", "", np.zeros(len(rows.table), dtype=bool)
    yield "duplicates", "", _is_repeated(rows)
    if "qc" in rows.table.columns:
        text = rows.table["qc"].fillna("").astype(str).str.strip()
        yield "flagged", "", (text != "").to_numpy(dtype=bool)
    images = rows.table.drop_duplicates("md5hash")["label_fine"].value_counts()
    # By name where numbers tie, so that the order of rows makes no difference.
    for label in (
        images.sort_index().sort_values(ascending=False, kind="stable").index[:N_CONDITIONS]
    ):
        yield "condition", str(label), (rows.table["label_fine"] == label).to_numpy(dtype=bool)


def _is_repeated(rows: Rows) -> Bool[np.ndarray, " rows"]:
    """Find the images of each set of near duplicates but the one whose md5 sorts first."""
    place, copies = pd.factorize(rows.table["md5hash"], sort=True)[0], rows.design.unit
    if "copies" in rows.table.columns:
        named = rows.table["copies"].where(rows.table["copies"].notna(), rows.table["md5hash"])
        copies = pd.factorize(named)[0]
    first = np.full(int(copies.max()) + 1, place.size)
    np.minimum.at(first, copies, place)
    return np.asarray(place != first[copies])


def _without(rows: Rows, left_out: Bool[np.ndarray, " rows"], groups: Groups) -> dict[str, Any]:
    kept = rows.where(~left_out)
    reason = too_few(kept, groups)
    gap = None if reason else gap_of(kept, groups)
    found: Estimate | None = estimate_of(kept.design, gap) if gap else None
    if not reason and gap is None:
        reason = "no run has images of both groups"
    return {"n_left_out": rows.n_images - kept.n_images, **numbers(found), "reason": reason}

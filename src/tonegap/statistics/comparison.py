"""Two arms or studies compared on the same seeds and test images: what a change of method does.

Per row, ``d = log mse_candidate - log mse_baseline``: negative where the candidate is better.
Image, seed and test set cancel, so that small changes show. ``d_reference`` and ``d_compared`` are
the means of ``d`` in a group, ``d_gap`` is their difference; all are means over mixes with two-way
errors.

A smaller gap alone is not an improvement: the gap also falls if the group that was better off
gets worse ("levelling down"). The verdict asks both questions of the group that the baseline serves
worse, each at 5 %:

============================  ==========================================================
``mitigates``                 the gap falls and the worse-served group's error falls
``levels down``               the gap falls, a fall of that group's error is not shown
``worse``                     the gap grows, or changes sign and is larger than before
``no difference shown``       the gap changes by no more than chance explains
============================  ==========================================================
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np
import pandas as pd
from jaxtyping import Float

from tonegap.errors import StudyError
from tonegap.groups import Groups
from tonegap.statistics.inference import Estimate
from tonegap.statistics.within_runs import (
    OVERALL,
    Rows,
    contrast_of_groups,
    design_where,
    estimate_of,
    log_of,
    numbers,
    rows_of,
    too_few,
)

ComparisonVerdict = Literal["mitigates", "levels down", "no difference shown", "worse"]

ALPHA = 0.05
_SHOWN = 3  # seeds or images that an error names


@dataclass(frozen=True)
class Comparison:
    """The changes of a candidate against a baseline.

    Attributes
    ----------
    table
        One row per quantity and mix, then overall: mix, share, quantity (``d_reference``,
        ``d_compared``, ``d_gap``, ``gap_baseline``, ``gap_candidate``), words, estimate, low, high
        (log units, 95 %), percent, percent_low, percent_high, se, df, p, mde, mde_percent,
        n_images, n_clusters, n_runs, n_seeds.
    verdict
        As the module explains.
    sentence
        The verdict with the overall numbers.
    """

    table: pd.DataFrame
    verdict: ComparisonVerdict
    sentence: str


def compare(baseline: pd.DataFrame, candidate: pd.DataFrame, groups: Groups) -> Comparison:
    """Compare a candidate with a baseline.

    Parameters
    ----------
    baseline, candidate
        Per-image tables: run, mix, share, seed, md5hash, group, cluster, mse; one run per mix and
        seed. Mixes are paired by name; where each table has one mix, whatever it is called, these
        two are paired.
    groups
        The two that are compared.

    Raises
    ------
    StudyError
        If the tables have different mixes, seeds or test images, or several runs of a mix and
        seed, or too few seeds or images for an error.
    DataError
        If an error has no logarithm.
    """
    pairs = paired(baseline, candidate, groups)
    rows = rows_of(pairs, groups)
    reason = too_few(rows, groups)
    if reason:
        raise StudyError(f"the comparison {reason}; run more seeds of both")
    table = pd.DataFrame(list(_rows_of_table(rows, groups)))
    verdict = _verdict(_overall(rows, groups))
    return Comparison(table, verdict, _sentence(table, verdict, groups))


def paired(baseline: pd.DataFrame, candidate: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Pair the rows of two tables: the baseline's with a column ``mse_candidate``.

    Raises
    ------
    StudyError
        If a mix, seed or test image has no partner, or a mix and seed has several runs.
    """
    first, second = (table[table["group"].isin(groups.pair)] for table in (baseline, candidate))
    second = _named_alike(first, second)
    for what, table in (("baseline", first), ("candidate", second)):
        _check_one_run(what, table)
    for column in ("mix", "seed"):
        _check_alike(column, set(first[column]), set(second[column]))
    keys = ["mix", "seed", "md5hash"]
    right = second[[*keys, "mse"]].rename(columns={"mse": "mse_candidate"})
    pairs = first.merge(right, on=keys, how="inner", validate="one_to_one")
    if not len(pairs) == len(first) == len(second):
        _refuse_unpaired(first, second)
    return pairs


def _named_alike(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Rename the second table's only mix to the first table's only mix."""
    mixes = [table["mix"].unique() for table in (first, second)]
    if [len(names) for names in mixes] == [1, 1]:
        return second.assign(mix=mixes[0][0])
    return second


def _check_one_run(what: str, table: pd.DataFrame) -> None:
    runs = table.groupby(["mix", "seed"])["run"].nunique()
    if (runs > 1).any():
        mix, seed = runs.index[runs > 1][0]
        raise StudyError(
            f"the {what} has {runs.max()} runs of mix {mix} and seed {seed}; they differ in what a "
            "mean would hide: choose one kind with STUDY:key=value"
        )


def _check_alike(column: str, first: set[Any], second: set[Any]) -> None:
    for what, here, there in (("baseline", first, second), ("candidate", second, first)):
        lacking = sorted(there - here)
        if lacking:
            shown = ", ".join(map(str, lacking[:_SHOWN])) + (" ..." if lacking[_SHOWN:] else "")
            raise StudyError(
                f"the {what} has no runs of {column} {shown}, which the other one has; only pairs "
                f"are compared: run both with the same data.{column}, or choose runs of both with "
                f"STUDY:data.{column}=..."
            )


def _refuse_unpaired(first: pd.DataFrame, second: pd.DataFrame) -> NoReturn:
    keys = ["mix", "seed", "md5hash"]
    here, there = (set(map(tuple, table[keys].to_numpy().tolist())) for table in (first, second))
    alone = here ^ there
    mix, seed, image = min(alone, key=str)
    raise StudyError(
        f"{len(alone)} rows are in one table only, such as image {image} of mix {mix} and seed "
        f"{seed}; only pairs are compared: run both on the same cohort, with the same data.n_test "
        "and data.seed"
    )


def _rows_of_table(rows: Rows, groups: Groups) -> Iterator[dict[str, Any]]:
    for code, (mix, share) in enumerate(rows.mixes):
        part = rows.where(rows.mix == code)
        for name, found in _overall(part, groups).items():
            yield {"mix": mix, "share": share, **_named(name, groups), **numbers(found)}
    for name, found in _overall(rows, groups).items():
        yield {"mix": OVERALL, "share": math.nan, **_named(name, groups), **numbers(found)}


def _named(name: str, groups: Groups) -> dict[str, str]:
    words = {
        "d_reference": f"change of the error of {groups.reference} images",
        "d_compared": f"change of the error of {groups.compared} images",
        "d_gap": f"change of the gap, {groups.gap}",
        "gap_baseline": f"gap of the baseline, {groups.gap}",
        "gap_candidate": f"gap of the candidate, {groups.gap}",
    }
    return {"quantity": name, "words": words[name]}


def _overall(rows: Rows, groups: Groups) -> dict[str, Estimate]:
    """Estimate every quantity, mean over the mixes of the rows."""
    baseline, candidate = rows.log_mse, log_of(rows.table, "mse_candidate")
    change = candidate - baseline
    gap = {groups.compared: 1.0, groups.reference: -1.0}
    wanted = {
        "d_reference": (change, {groups.reference: 1.0}),
        "d_compared": (change, {groups.compared: 1.0}),
        "d_gap": (change, gap),
        "gap_baseline": (baseline, gap),
        "gap_candidate": (candidate, gap),
    }
    return {name: _estimate(rows, *parts) for name, parts in wanted.items()}


def _estimate(
    rows: Rows, values: Float[np.ndarray, " rows"], weights: Mapping[str, float]
) -> Estimate:
    used = np.isin(rows.table["group"].to_numpy(dtype=object), list(weights))
    design = design_where(rows.design, used)
    return estimate_of(design, contrast_of_groups(design, values[used], weights))


def _verdict(found: Mapping[str, Estimate]) -> ComparisonVerdict:
    """Judge the change from the side of the group that the baseline serves worse."""
    before, after = found["gap_baseline"].value, found["gap_candidate"].value
    sign = 1.0 if before >= 0.0 else -1.0
    served_worse = found["d_compared" if sign > 0.0 else "d_reference"]
    if found["d_gap"].p > ALPHA:
        return "no difference shown"
    if sign * found["d_gap"].value > 0.0 or abs(after) > abs(before):
        return "worse"
    falls = served_worse.value < 0.0 and served_worse.p <= ALPHA
    return "mitigates" if falls else "levels down"


def _sentence(table: pd.DataFrame, verdict: ComparisonVerdict, groups: Groups) -> str:
    overall = table[table["mix"] == OVERALL].set_index("quantity")
    gap, changes = overall["percent"], overall.loc[["d_reference", "d_compared"]]
    moved = ", ".join(
        f"{name} {row.percent:+.1f} % ({row.percent_low:+.1f} to {row.percent_high:+.1f})"
        for name, row in zip(groups.pair, changes.itertuples(), strict=True)
    )
    change = overall.loc["d_gap"]
    return (
        f"{verdict.capitalize()}: the gap ({groups.gap}) goes from {gap['gap_baseline']:.1f} to "
        f"{gap['gap_candidate']:.1f} % (p = {change['p']:.2g}; a change of "
        f"{change['mde_percent']:.1f} % would be found in 80 % of such studies); errors: {moved}."
    )

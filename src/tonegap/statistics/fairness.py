"""How far the conditions' gaps lie from parity under each mix (the paper's figure 8).

Within a mix, a condition's gap is the difference of the groups' mean log errors among its images,
each run's own level removed. The *unevenness* of a mix is the mean of its absolute gaps, each
condition counting once. Noise lifts it, but alike in every mix, since the mixes of a seed share
their test images: only differences of unevenness between mixes are read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from tonegap.groups import Groups
from tonegap.statistics.contrasts import LOG_ERROR, MIXED
from tonegap.statistics.design import Design, design_of
from tonegap.statistics.inference import MIN_UNITS, MIN_VARIATION, Estimate, midpoints
from tonegap.statistics.measures import measure_columns
from tonegap.statistics.variance import distinct, two_way_variance

MIN_IMAGES: Final = 5
"""Fewest images of each group, in every mix, of a condition that is read."""

_LABEL: Final = "label_fine"
_PURE: Final = (0.0, 1.0)


@dataclass(frozen=True)
class Fairness:
    """Gaps by condition, compared between mixes; log units.

    Attributes
    ----------
    less_than
        Unevenness of the even mix less that of a pure one, by the pure mix's share.
    mean_gap
        Mean gap over the conditions under the even mix.
    unevenness
        Mean absolute gap, by share.
    n_conditions
        Conditions that are read.
    """

    less_than: Mapping[float, Estimate]
    mean_gap: Estimate
    unevenness: Mapping[float, float]
    n_conditions: int


def fairness_by_condition(table: pd.DataFrame, groups: Groups) -> Fairness | str:
    """Compare the even with the pure mixes; a string says why that is not possible.

    Parameters
    ----------
    table
        Per-image rows of the two groups and one kind of draw, with ``label_fine``.
    """
    shares = sorted({float(share) for share in table["share"]})
    if not {*_PURE, MIXED} <= set(shares):
        return "it takes the even mix and both pure ones"
    if _LABEL not in table.columns:
        return f"the table has no column {_LABEL}; run `tonegap study collect` again"
    rows = table.reset_index(drop=True)
    design = design_of(rows)
    log_error = measure_columns(rows, design, [LOG_ERROR], groups)[LOG_ERROR].to_numpy()
    if np.isnan(log_error).any():
        return "an error is missing or 0 and has no logarithm"
    if int(design.seeds_by_arm.min()) < MIN_UNITS:
        return f"it takes {MIN_UNITS} seeds of each mix, there are {design.seeds_by_arm.min()}"
    labels = _large_conditions(rows)
    if len(labels) < 2:  # noqa: PLR2004 - a mean over conditions
        return f"fewer than two conditions have {MIN_IMAGES} images of each group in every mix"
    left = log_error - midpoints(design, log_error, np.ones(len(rows), dtype=bool))
    return _fairness(_Gaps.of(rows, left, labels, groups), design, shares)


@dataclass(frozen=True)
class _Gaps:
    """Gaps by mix and condition, and how each row moves its own one.

    ``gap`` is 0 for rows of conditions that are not read, and so is ``influence``.
    """

    by_mix: Float[np.ndarray, "mixes conditions"]
    gap: Float[np.ndarray, " rows"]
    influence: Float[np.ndarray, " rows"]
    mix: Int[np.ndarray, " rows"]

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        left: Float[np.ndarray, " rows"],
        labels: pd.Index[str],
        groups: Groups,
    ) -> _Gaps:
        mix = pd.factorize(rows["share"].astype(float), sort=True)[0]
        label = labels.get_indexer(pd.Index(rows[_LABEL]))
        compared = (rows["group"] == groups.compared).to_numpy(dtype=int)
        read = label >= 0
        cell = (mix * len(labels) + label) * 2 + compared
        shape = (int(mix.max()) + 1, len(labels), 2)
        counts = np.bincount(cell[read], minlength=math.prod(shape))
        means = np.bincount(cell[read], left[read], math.prod(shape)) / np.maximum(counts, 1)
        by_mix = np.diff(means.reshape(shape), axis=2)[:, :, 0]
        safe = np.where(read, cell, 0)
        moved = (2 * compared - 1) * (left - means[safe]) / np.maximum(counts[safe], 1)
        return cls(
            by_mix,
            np.where(read, by_mix[mix, np.maximum(label, 0)], 0.0),
            np.where(read, moved, 0.0),
            mix,
        )


def _fairness(gaps: _Gaps, design: Design, shares: Sequence[float]) -> Fairness:
    unevenness = np.abs(gaps.by_mix).mean(axis=1)
    even = shares.index(MIXED)

    def weighed(weights: Mapping[int, float], values: Float[np.ndarray, " mixes"]) -> float:
        return float(sum(weight * values[code] for code, weight in weights.items()))

    def found(weights: Mapping[int, float], values: Float[np.ndarray, " mixes"]) -> Estimate:
        of_mix = np.array([weights.get(code, 0.0) for code in range(len(shares))])
        signs = np.sign(gaps.gap) if len(weights) > 1 else 1.0
        moved = of_mix[gaps.mix] * signs * gaps.influence / gaps.by_mix.shape[1]
        return _estimate(design, moved, weighed(weights, values))

    return Fairness(
        less_than={
            pure: found({even: 1.0, shares.index(pure): -1.0}, unevenness) for pure in _PURE
        },
        mean_gap=found({even: 1.0}, gaps.by_mix.mean(axis=1)),
        unevenness=dict(zip(shares, unevenness.tolist(), strict=True)),
        n_conditions=gaps.by_mix.shape[1],
    )


def _estimate(design: Design, moved: Float[np.ndarray, " rows"], value: float) -> Estimate:
    used = moved != 0.0
    arms = np.bincount(design.arm[used], minlength=len(design.arms)) > 0
    variance = two_way_variance(design, moved, arms.astype(float))
    return Estimate(
        value=value,
        se=max(math.sqrt(variance.total), MIN_VARIATION),
        df=variance.df,
        margin=None,
        n_images=distinct(design.image[used]),
        n_clusters=distinct(design.unit[used]),
        n_runs=distinct(design.run[used]),
        n_seeds=variance.n_seeds,
    )


def _large_conditions(rows: pd.DataFrame) -> pd.Index[str]:
    """Find the conditions with enough distinct images of each group in every mix."""
    counts = rows.pivot_table(
        index=_LABEL, columns=["share", "group"], values="md5hash", aggfunc="nunique", fill_value=0
    )
    return counts.index[(counts >= MIN_IMAGES).all(axis=1)]

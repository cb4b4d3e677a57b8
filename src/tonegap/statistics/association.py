"""How differently conditions are spread over two groups.

Cramer's V of the table groups x conditions, ``sqrt(chi^2 / n)`` for two groups (Cramer 1946,
Mathematical Methods of Statistics, section 21.9), and the total variation between the groups'
prevalences, half the sum of their absolute differences: the share of one group that would need
another condition to be spread like the other. Both lie in [0, 1] and are 0 for equal prevalences
only. Sampling lifts both above 0, the more the more conditions there are: ``v_corrected`` is the
bias-corrected V (Bergsma 2013, J. Korean Stat. Soc. 42:323).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import special

from tonegap.groups import Groups
from tonegap.labels import LABEL_COLUMNS, Level

RESAMPLES: Final = 2000
_Z: Final = float(special.ndtri(0.975))


@dataclass(frozen=True)
class Association:
    """Association of group and condition at one level of labels.

    Attributes
    ----------
    level
        ``coarse``, ``middle`` or ``fine``.
    v, v_low, v_high
        Plain Cramer's V with a 95 % interval: estimate -+ 1.96 standard deviations over
        resamples of each group's rows, cut at 0 and 1. Percentiles would lie too high, since
        resampling lifts V once more.
    v_sd
        Standard deviation of V over the resamples.
    v_corrected
        Bias-corrected V.
    tv, tv_low, tv_high
        Total variation, in the same way.
    n_conditions, n_rows
        Conditions and rows with a group and a label.
    """

    level: Level
    v: float
    v_low: float
    v_high: float
    v_sd: float
    v_corrected: float
    tv: float
    tv_low: float
    tv_high: float
    n_conditions: int
    n_rows: int


def condition_associations(
    annotated: pd.DataFrame, groups: Groups, seed: int = 0
) -> dict[Level, Association]:
    """Measure the association at each level of labels.

    Parameters
    ----------
    annotated
        One row per annotated image: group and the columns of :data:`LABEL_COLUMNS`.
    groups
        The two that are compared; other rows are left out.
    seed
        Of the resamples.

    Returns
    -------
    dict
        By level; levels are left out whose labels do not differ or of which a group has none.
    """
    found = {}
    for level, column in LABEL_COLUMNS.items():
        rows = annotated.loc[annotated["group"].isin(groups.pair), ["group", column]].dropna()
        counts = pd.crosstab(rows["group"], rows[column])
        if counts.shape[0] == len(groups.pair) and counts.shape[1] > 1:
            rng = np.random.default_rng([seed, *level.encode()])
            found[level] = _association(level, counts.to_numpy(), rng)
    return found


def cramers_v(counts: Int[np.ndarray, "*draws 2 conditions"]) -> Float[np.ndarray, "*draws"]:
    """Return plain Cramer's V of groups x conditions, in [0, 1]."""
    total = counts.sum(axis=(-2, -1))
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    expected = rows[..., :, None] * columns[..., None, :] / total[..., None, None]
    safe = np.maximum(expected, 1e-300)  # a condition that a resample lacks adds nothing
    chi_square = ((counts - expected) ** 2 / safe).sum(axis=(-2, -1))
    return np.asarray(np.sqrt(chi_square / total))


def total_variation(counts: Int[np.ndarray, "*draws 2 conditions"]) -> Float[np.ndarray, "*draws"]:
    """Return the total variation between the groups' prevalences, in [0, 1]."""
    prevalence = counts / counts.sum(axis=-1, keepdims=True)
    return np.asarray(np.abs(prevalence[..., 0, :] - prevalence[..., 1, :]).sum(axis=-1) / 2.0)


def corrected_v(counts: Int[np.ndarray, "2 conditions"]) -> float:
    """Return Bergsma's bias-corrected V."""
    n, (r, k) = int(counts.sum()), counts.shape
    phi = max(float(cramers_v(counts)) ** 2 - (r - 1) * (k - 1) / (n - 1), 0.0)
    sizes = (size - (size - 1) ** 2 / (n - 1) for size in (r, k))
    return float(np.sqrt(phi / (min(sizes) - 1)))


def _association(
    level: Level, counts: Int[np.ndarray, "2 conditions"], rng: np.random.Generator
) -> Association:
    drawn = np.stack(
        [rng.multinomial(row.sum(), row / row.sum(), size=RESAMPLES) for row in counts], axis=1
    )
    v, tv = float(cramers_v(counts)), float(total_variation(counts))
    v_sd, tv_sd = (float(f(drawn).std(ddof=1)) for f in (cramers_v, total_variation))
    (v_low, v_high), (tv_low, tv_high) = _interval(v, v_sd), _interval(tv, tv_sd)
    return Association(
        level=level,
        v=v,
        v_low=v_low,
        v_high=v_high,
        v_sd=v_sd,
        v_corrected=corrected_v(counts),
        tv=tv,
        tv_low=tv_low,
        tv_high=tv_high,
        n_conditions=counts.shape[1],
        n_rows=int(counts.sum()),
    )


def _interval(value: float, sd: float) -> tuple[float, float]:
    return max(value - _Z * sd, 0.0), min(value + _Z * sd, 1.0)

"""Per-row values of the scorecard's quantities, as pseudo-values (see ``measures``).

Each function takes one value per row and gives one value per row whose arm means, or the contrast
of arm means, are the quantity. A block is a group of a run: ranks are taken within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy import stats

from tonegap.statistics.design import Design
from tonegap.statistics.measures import MIN_ROWS, rank_pseudovalues

TAIL: Final = 0.1
"""Share of a block that counts as its worst, and as the top of the score."""

_NOTHING_LEFT: Final = 1e-6  # of a variance of ranks
_RIDGE: Final = 1e-9  # so that two given variables may be the same
_STEP: Final = 1e-20


def partial_pseudovalues(
    x: Float[np.ndarray, " rows"],
    y: Float[np.ndarray, " rows"],
    given: Sequence[Float[np.ndarray, " rows"]],
    block: Int[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of the partial rank correlation of ``x`` and ``y`` within each block.

    It is the correlation of what straight lines on the ranks of the given variables leave of the
    ranks of ``x`` and ``y``. Its influence is that of Spearman's correlations of all pairs, each
    with the sampling of its ranks, through its derivative. NaN for a block with a missing value, or
    in which the given variables leave nothing of ``x`` or of ``y``.
    """
    variables = [x, y, *given]
    pairs = list(combinations(range(len(variables)), 2))
    pieces = np.stack(
        [rank_pseudovalues(variables[j], variables[k], block) for j, k in pairs], axis=1
    )
    known = np.isfinite(pieces).all(axis=1)
    pieces[~known] = 0.0
    means = _block_means(pieces, block)
    found, left = _partial(means.astype(complex))
    # The derivative, exact up to rounding (Squire and Trapp 1998, SIAM Rev. 40:110).
    steps = _STEP * 1j * np.eye(len(pairs))
    slopes = np.stack([_partial(means + step)[0].imag / _STEP for step in steps], axis=1)
    influence = (slopes[block] * (pieces - means[block])).sum(axis=1)
    return np.where(known & (left > _NOTHING_LEFT)[block], found.real[block] + influence, np.nan)


def _partial(
    correlations: Complex[np.ndarray, "blocks pairs"],
) -> tuple[Complex[np.ndarray, " blocks"], Float[np.ndarray, " blocks"]]:
    """Return the partial correlation of the first two variables, and the least that is left."""
    n_variables = round((1 + np.sqrt(1 + 8 * correlations.shape[1])) / 2)
    matrix = np.zeros((len(correlations), n_variables, n_variables), dtype=complex)
    matrix[:, *np.triu_indices(n_variables, 1)] = correlations
    matrix += matrix.transpose(0, 2, 1) + np.eye(n_variables)
    of_given, given = matrix[:, :2, 2:], matrix[:, 2:, 2:]
    given = given + _RIDGE * np.eye(n_variables - 2)
    left = matrix[:, :2, :2] - of_given @ np.linalg.solve(given, of_given.transpose(0, 2, 1))
    smallest = np.minimum(left[:, 0, 0].real, left[:, 1, 1].real)
    scale = np.where(smallest > _NOTHING_LEFT, left[:, 0, 0] * left[:, 1, 1], 1.0)
    return left[:, 0, 1] / np.sqrt(scale), smallest


def tail_pseudovalues(
    score: Float[np.ndarray, " rows"],
    error: Float[np.ndarray, " rows"],
    block: Int[np.ndarray, " rows"],
    arm: Int[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Pseudo-values of the share of a block's worst tenth that the top tenth of the score finds.

    A tenth is found by chance, all of it by the error itself. Images that tie at the border of a
    tenth belong to it in part. Both borders are estimated; what that adds follows from the chance
    that an image at one border lies beyond the other, taken over the blocks of an arm.
    """
    worst, at_worst = _tails(error, block)
    top, at_top = _tails(score, block)
    size = np.bincount(block)
    per_tail = (size / _tail_size(size))[block]
    borders = _chance(top, at_worst, arm) * (worst * per_tail - 1.0)
    borders += _chance(worst, at_top, arm) * (top * per_tail - 1.0)
    missing = np.bincount(block, weights=np.isnan(score) | np.isnan(error)) > 0
    usable = (~missing & (size >= MIN_ROWS))[block]
    return np.where(usable, worst * top * per_tail - borders, np.nan)


def interaction_values(
    score: Float[np.ndarray, " rows"], design: Design, compared: Bool[np.ndarray, " rows"]
) -> Float[np.ndarray, " rows"]:
    """Values whose contrast is the change of a score with a group's share, in standard deviations.

    The standard deviation of a group is that of its images within runs, pooled over the runs of the
    two pure mixes; its sampling counts (delta method). NaN where a group does not vary.
    """
    out = np.full(score.size, np.nan)
    share = np.array([arm.share for arm in design.arms])[design.arm]
    for is_compared in (False, True):
        group = compared == is_compared
        pure = group & ((share == 0.0) | (share == 1.0))
        own = share if is_compared else 1.0 - share
        out[group] = _in_deviations(score, design.run, own, group, pure)
    return out


def _in_deviations(
    score: Float[np.ndarray, " rows"],
    run: Int[np.ndarray, " rows"],
    own: Float[np.ndarray, " rows"],
    group: Bool[np.ndarray, " rows"],
    pure: Bool[np.ndarray, " rows"],
) -> Float[np.ndarray, " members"]:
    """Divide a group's scores by their standard deviation within the runs of pure mixes."""
    x, sign = score[pure], np.where(own[pure] == 0.0, 1.0, -1.0)
    codes = np.unique(run[pure], return_inverse=True)[1]
    counts = np.bincount(codes)
    centred = x - (np.bincount(codes, x) / counts)[codes] if x.size else x
    freedom = x.size - counts.size
    variance = float(centred @ centred) / freedom if freedom > 0 else np.nan
    if not variance > 0.0:
        return np.full(int(group.sum()), np.nan)
    values = score / np.sqrt(variance)
    sides = [values[pure][sign == side] for side in (1.0, -1.0)]
    if all(side.size for side in sides):
        change = float(sides[0].mean() - sides[1].mean())
        relative = centred**2 / variance - 1.0
        for side, rows in zip((1.0, -1.0), sides, strict=True):
            mine = np.flatnonzero(pure)[sign == side]
            own_part = relative[sign == side] - relative[sign == side].mean()
            values[mine] -= side * (rows.size / x.size) * change / 2.0 * own_part
    return np.asarray(values[group])


def _tail_size(size: Int[np.ndarray, " blocks"]) -> Int[np.ndarray, " blocks"]:
    return np.maximum(np.round(TAIL * size), 1.0).astype(np.int64)


def _tails(
    values: Float[np.ndarray, " rows"], block: Int[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " rows"], Bool[np.ndarray, " rows"]]:
    """Return how far a row belongs to its block's largest tenth, and if it is at the border."""
    inside, near = np.zeros(values.size), np.zeros(values.size, dtype=bool)
    for code in np.unique(block):
        rows = np.flatnonzero(block == code)
        size = int(_tail_size(np.array([rows.size]))[0])
        larger = rows.size - stats.rankdata(values[rows], method="max")
        ties = rows.size - larger - stats.rankdata(values[rows], method="min") + 1.0
        inside[rows] = np.clip((size - larger) / ties, 0.0, 1.0)
        place = larger + (ties + 1.0) / 2.0
        near[rows] = np.abs(place - size - 0.5) < size / 2.0
    return inside, near


def _chance(
    inside: Float[np.ndarray, " rows"],
    chosen: Bool[np.ndarray, " rows"],
    arm: Int[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """Mean of ``inside`` over the chosen rows of each arm."""
    counts = np.bincount(arm, weights=chosen)
    return np.asarray((np.bincount(arm, inside * chosen) / np.maximum(counts, 1.0))[arm])


def _block_means(
    values: Float[np.ndarray, "rows columns"], block: Int[np.ndarray, " rows"]
) -> Float[np.ndarray, "blocks columns"]:
    """Mean of each block; 0 for a number that no row has."""
    counts = np.maximum(np.bincount(block), 1)[:, None]
    return np.stack([np.bincount(block, column) for column in values.T], axis=1) / counts

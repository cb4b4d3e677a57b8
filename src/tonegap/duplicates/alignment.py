"""Verification: two thumbnails are compared pixel by pixel, the one laid upon the other.

Hashes of 64 bits alone confuse pictures with one dark blob in the middle, of which
dermatology has many, and know nothing of brightness. The agreement of 256 grey levels
tells them apart. A cropped copy is first aligned: one thumbnail is cropped as the copy
may have been, and enlarged. A copy whose brightness or contrast was changed much fails.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from tonegap.duplicates.reading import SIDE

MIN_AGREEMENT: Final = 0.92
"""Of copies of real images cropped by 2-5 % of each side, 99.5 % agree more than this
(docs/experiments.md, 2026-11-23)."""

_CROPS: Final = (0.02, 0.035, 0.05)  # of each side
_OFFSETS: Final = (0.0, 0.5, 1.0)  # how much of that is cut at the left or the upper edge
_BATCH: Final = 8192  # pairs at a time: bounds the memory to some 100 MB


def alike(
    one: UInt8[np.ndarray, "pairs 16 16"], other: UInt8[np.ndarray, "pairs 16 16"]
) -> Bool[np.ndarray, " pairs"]:
    """Tell whether the thumbnails of each pair show one picture, up to a crop of 5 %."""
    verdicts = [
        _alike(one[start : start + _BATCH], other[start : start + _BATCH])
        for start in range(0, len(one), _BATCH)
    ]
    return np.concatenate([np.empty(0, bool), *verdicts])


def best_agreement(
    one: Float[np.ndarray, "pairs 16 16"], other: Float[np.ndarray, "pairs 16 16"]
) -> Float[np.ndarray, " pairs"]:
    """Greatest agreement of each pair, in [-1, 1], over the crops of either picture."""
    best = agreement(one, other)
    for crop, x, y in product(_CROPS, _OFFSETS, _OFFSETS):
        rows, columns = _sampling(crop, y), _sampling(crop, x).T
        best = np.maximum(best, agreement(rows @ one @ columns, other))
        best = np.maximum(best, agreement(rows @ other @ columns, one))
    return np.asarray(best)


def agreement(
    one: Float[np.ndarray, "pairs 16 16"], other: Float[np.ndarray, "pairs 16 16"]
) -> Float[np.ndarray, " pairs"]:
    """Concordance correlation of the grey levels of each pair, in [-1, 1].

    2 cov(x, y) / (var x + var y + (mean x - mean y)^2), Lin, *A concordance correlation
    coefficient to evaluate reproducibility*, Biometrics 45 (1989), equation 1. One for
    equal pictures only; zero for unrelated ones, and where a picture is plain.
    """
    mean_one, mean_other = one.mean((1, 2)), other.mean((1, 2))
    covariance = (one * other).mean((1, 2)) - mean_one * mean_other
    spread = one.var((1, 2)) + other.var((1, 2)) + (mean_one - mean_other) ** 2
    return np.asarray(2.0 * covariance / np.maximum(spread, 1e-9))


def _alike(
    one: UInt8[np.ndarray, "pairs 16 16"], other: UInt8[np.ndarray, "pairs 16 16"]
) -> Bool[np.ndarray, " pairs"]:
    """Try the plain comparison first: most copies are not cropped."""
    one_levels, other_levels = one.astype(np.float64), other.astype(np.float64)
    same = agreement(one_levels, other_levels) >= MIN_AGREEMENT
    rest = ~same
    same[rest] = best_agreement(one_levels[rest], other_levels[rest]) >= MIN_AGREEMENT
    return np.asarray(same)


def _sampling(crop: float, offset: float) -> Float[np.ndarray, "16 16"]:
    """Weights that cut ``crop`` of a line away and enlarge the rest linearly to full length."""
    start, length = crop * offset * SIDE, (1.0 - crop) * SIDE
    centres = start + (np.arange(SIDE) + 0.5) * length / SIDE - 0.5
    centres = np.clip(centres, 0.0, SIDE - 1.0)
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(centres[:, None] - np.arange(SIDE))))

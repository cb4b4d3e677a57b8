"""Verification: two thumbnails are compared pixel by pixel, the one laid upon the other.

Hashes of 64 bits alone confuse pictures with one dark blob in the middle, of which
dermatology has many. Correlation of 256 grey levels tells them apart. A cropped copy is
first aligned: one thumbnail is cropped as the copy may have been, and enlarged.
"""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from tonegap.duplicates.reading import SIDE

MIN_CORRELATION: Final = 0.94
"""Copies cropped by up to 5 % of each side correlate above this in 99 of 100 cases, near
misses of the hash below it in 98 of 100 (docs/experiments.md, 2026-11-23)."""

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


def best_correlation(
    one: Float[np.ndarray, "pairs 16 16"], other: Float[np.ndarray, "pairs 16 16"]
) -> Float[np.ndarray, " pairs"]:
    """Greatest Pearson correlation of each pair over the crops of either picture.

    In [-1, 1]; zero where a thumbnail is plain, for then nothing is known.
    """
    unit, target = _unit(one), _unit(other)
    best = (unit * target).sum((1, 2))
    for crop, x, y in product(_CROPS, _OFFSETS, _OFFSETS):
        rows, columns = _sampling(crop, y), _sampling(crop, x).T
        best = np.maximum(best, (_unit(rows @ one @ columns) * target).sum((1, 2)))
        best = np.maximum(best, (_unit(rows @ other @ columns) * unit).sum((1, 2)))
    return np.asarray(best)


def _alike(
    one: UInt8[np.ndarray, "pairs 16 16"], other: UInt8[np.ndarray, "pairs 16 16"]
) -> Bool[np.ndarray, " pairs"]:
    """Try the plain comparison first: most copies are not cropped."""
    one_levels, other_levels = one.astype(np.float64), other.astype(np.float64)
    same = (_unit(one_levels) * _unit(other_levels)).sum((1, 2)) >= MIN_CORRELATION
    rest = ~same
    same[rest] = best_correlation(one_levels[rest], other_levels[rest]) >= MIN_CORRELATION
    return np.asarray(same)


def _unit(pictures: Float[np.ndarray, "n 16 16"]) -> Float[np.ndarray, "n 16 16"]:
    """Mean zero and norm one, so that the sum of products is Pearson's correlation."""
    centred = pictures - pictures.mean((1, 2), keepdims=True)
    norms = np.sqrt((centred**2).sum((1, 2), keepdims=True))
    return np.asarray(centred / np.maximum(norms, 1e-9))


def _sampling(crop: float, offset: float) -> Float[np.ndarray, "16 16"]:
    """Weights that cut ``crop`` of a line away and enlarge the rest linearly to full length."""
    start, length = crop * offset * SIDE, (1.0 - crop) * SIDE
    centres = start + (np.arange(SIDE) + 0.5) * length / SIDE - 0.5
    centres = np.clip(centres, 0.0, SIDE - 1.0)
    return np.asarray(np.maximum(0.0, 1.0 - np.abs(centres[:, None] - np.arange(SIDE))))

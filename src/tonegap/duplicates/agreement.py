"""Agreement: decide from their detail whether two aligned thumbnails show one picture.

Hashes of 64 bits and overall grey levels only describe the kind of picture, such as one dark
spot in the middle of even skin, lit from above. Dermatology has many of these. Detail, down to
the texture of the skin, identifies a picture. So the thumbnails are compared block by block
after slow changes are removed, and all blocks have equal weight: a lesion's edge, however
strong, is only a few blocks, and so is a caption.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Bool, Float, UInt8

from tonegap.duplicates.alignment import Placed, align, halved, place
from tonegap.duplicates.reading import SIDE

MIN_RESEMBLANCE: Final = 0.95
"""Of two aligned pictures. Of planted copies of phantoms and of real images, 99 % reach .995 at
every kind; a third of the brightness fails it."""

MIN_AGREEMENT: Final = 0.8
"""Of planted copies of every kind at least 97 % agree more than this, of 104,151 pairs of
strangers among 16,536 phantoms with near hashes none does: the highest has .781
(docs/experiments.md, 2026-11-24)."""

_MIN_AS_IT_LIES: Final = 0.9  # resemblance before aligning: copies cropped by 10 % have .917

_COMPARED: Final = 0.75  # of the cells, the most similar: a caption covers fewer than the rest
_BLOCK: Final = 8  # cells on a side
_REACH: Final = 2  # cells about one whose mean is taken away: detail is what is finer than 5
_NOISE: Final = 0.5  # squared grey levels a cell, noise of rounding and coding
_MIN_COVERED: Final = 1 / 3  # of a block, or it is not counted
_BATCH: Final = 2048  # pairs at a time: bounds the memory to some 200 MB


def alike(
    one: UInt8[np.ndarray, "pairs 32 32"], other: UInt8[np.ndarray, "pairs 32 32"]
) -> Bool[np.ndarray, " pairs"]:
    """Return True for pairs whose thumbnails show one picture, up to a crop of 5 % at each side.

    Once aligned, a pair must resemble each other (:func:`resemblance`), brightness included,
    and agree in detail (:func:`detail_agreement`).
    """
    verdicts = [
        _alike(one[start : start + _BATCH], other[start : start + _BATCH])
        for start in range(0, len(one), _BATCH)
    ]
    return np.concatenate([np.empty(0, bool), *verdicts])


def aligned_agreement(
    one: Float[np.ndarray, "pairs 32 32"], other: Float[np.ndarray, "pairs 32 32"]
) -> Float[np.ndarray, " pairs"]:
    """Return the agreement of the detail of each pair after alignment, in [-1, 1].

    Either picture may be the crop, and interpolation blurs the one that is moved. So both
    directions are tried, and the better counts. The value is -1 if the resemblance of the
    aligned pair is less than :data:`MIN_RESEMBLANCE`.
    """
    return np.asarray(np.maximum(_laid(one, other), _laid(other, one)))


def resemblance(
    one: Float[np.ndarray, "pairs side side"], other: Float[np.ndarray, "pairs side side"]
) -> Float[np.ndarray, " pairs"]:
    """Return the concordance correlation of the three quarters of cells that differ least.

    It is in [-1, 1], and 1 for equal pictures, even if captions cover a quarter of the cells.
    See :func:`concordance`.
    """
    x, y = one.reshape(len(one), -1), other.reshape(len(other), -1)
    kept = int(x.shape[1] * _COMPARED)
    least = np.argpartition(np.abs(x - y), kept - 1, axis=1)[:, :kept]
    return concordance(np.take_along_axis(x, least, 1), np.take_along_axis(y, least, 1))


def concordance(
    x: Float[np.ndarray, "pairs cells"], y: Float[np.ndarray, "pairs cells"]
) -> Float[np.ndarray, " pairs"]:
    """Return the concordance correlation coefficient of each pair of rows, in [-1, 1].

    2 cov(x, y) / (var x + var y + (mean x - mean y)^2), Lin, *A concordance correlation
    coefficient to evaluate reproducibility*, Biometrics 45 (1989), equation 1. One for
    equal rows only; zero for unrelated rows, and if a row is constant.
    """
    mean_x, mean_y = x.mean(axis=1), y.mean(axis=1)
    covariance = (x * y).mean(axis=1) - mean_x * mean_y
    spread = x.var(axis=1) + y.var(axis=1) + (mean_x - mean_y) ** 2
    return np.asarray(2.0 * covariance / np.maximum(spread, 1e-9))


def detail_agreement(
    placed: Placed, other: Float[np.ndarray, "pairs side side"]
) -> Float[np.ndarray, " pairs"]:
    """Return the mean over 4 x 4 blocks of (2 sum ab + n) / (sum a^2 + sum b^2 + n), in [-1, 1].

    a and b are the details of the two pictures: each cell minus the mean of the 5 x 5 cells
    around it. n, half a squared grey level per cell, represents noise. So a block without
    detail in both pictures agrees, and a block with detail in only one does not. The mean is 1
    for equal pictures, and near zero for unrelated pictures with some detail.
    """
    covered = placed.covered.astype(np.float32)
    a, b = _detail(placed.levels, covered), _detail(other, covered)
    noise = _NOISE * _blocks(covered)
    energy = _blocks(a * a) + _blocks(b * b)
    ratio = (2.0 * _blocks(a * b) + noise) / np.maximum(energy + noise, 1e-9)
    heard = _blocks(covered) >= _MIN_COVERED * _BLOCK**2
    return np.asarray((ratio * heard).sum(axis=1) / np.maximum(heard.sum(axis=1), 1))


def _laid(
    one: Float[np.ndarray, "pairs 32 32"], other: Float[np.ndarray, "pairs 32 32"]
) -> Float[np.ndarray, " pairs"]:
    """Return the agreement of ``other`` with ``one`` aligned to it; -1 if they do not resemble."""
    placed = place(one, align(one, other))
    resembling = resemblance(halved(placed.levels), halved(other)) >= MIN_RESEMBLANCE
    return np.where(resembling, detail_agreement(placed, other), -1.0)


def _alike(
    one: UInt8[np.ndarray, "pairs 32 32"], other: UInt8[np.ndarray, "pairs 32 32"]
) -> Bool[np.ndarray, " pairs"]:
    """Align only pairs that resemble each other unaligned: most candidates do not."""
    one_levels, other_levels = one.astype(np.float32), other.astype(np.float32)
    same = resemblance(halved(one_levels), halved(other_levels)) >= _MIN_AS_IT_LIES
    if same.any():
        agreement = aligned_agreement(one_levels[same], other_levels[same])
        same[same] = agreement >= MIN_AGREEMENT
    return np.asarray(same)


def _neighbours(side: int) -> Float[np.ndarray, "side side"]:
    cells = np.arange(side)
    return np.asarray(np.abs(cells[:, None] - cells) <= _REACH, np.float32)


_NEAR: Final = _neighbours(SIDE)


def _detail(
    levels: Float[np.ndarray, "pairs side side"], covered: Float[np.ndarray, "pairs side side"]
) -> Float[np.ndarray, "pairs side side"]:
    """Subtract from each covered cell the mean of the covered cells around it."""
    count = np.maximum(_NEAR @ covered @ _NEAR, 1.0)
    return np.asarray((levels - (_NEAR @ (levels * covered) @ _NEAR) / count) * covered)


def _blocks(cells: Float[np.ndarray, "pairs side side"]) -> Float[np.ndarray, "pairs blocks"]:
    """Sum over each square of 8 x 8 cells."""
    count, side, _ = cells.shape
    squares = cells.reshape(count, side // _BLOCK, _BLOCK, side // _BLOCK, _BLOCK)
    return np.asarray(squares.sum(axis=(2, 4)).reshape(count, (side // _BLOCK) ** 2))

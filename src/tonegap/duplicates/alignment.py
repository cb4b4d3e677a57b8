"""Alignment: the position and scale of one thumbnail in the other, for cropped copies.

A copy that lost up to 5 % at each of its sides shows the same skin, shifted by up to 2.5 %
and enlarged by up to 11 %. Fine detail agrees only once this is undone to a fraction of a
cell, so shift and scale are fitted by least squares, not searched on a grid: the
Gauss-Newton steps of Lucas and Kanade (*An iterative image registration technique*, IJCAI
1981), first at half resolution, with weights that discount a caption (Cauchy's, as in
iteratively reweighted least squares).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

_STEPS: Final = 3  # at either size; three more change no verdict
_MAX_SHIFT: Final = 0.04  # of a side
_MIN_SCALE: Final = 0.89
_MAX_SCALE: Final = 1.12
_OUTLIER: Final = 3.0  # times the median residual: where a cell's weight falls to a half
_ROUNDING: Final = 0.01  # cells
_RIDGE: Final = 1e-3  # of the mean curvature: a plain picture has no information and stays put


class Placed(NamedTuple):
    """Pictures aligned to others.

    Attributes
    ----------
    levels : Float[ndarray, "pairs side side"]
        Grey levels at the cells of the other picture.
    covered : Bool[ndarray, "pairs side side"]
        True if a cell is inside the picture; elsewhere the picture's edge is repeated.
    """

    levels: Float[np.ndarray, "pairs side side"]
    covered: Bool[np.ndarray, "pairs side side"]


def align(
    one: Float[np.ndarray, "pairs side side"], other: Float[np.ndarray, "pairs side side"]
) -> Float[np.ndarray, "pairs 4"]:
    """Fit the position of each ``other`` in its ``one``.

    Returns
    -------
    array
        Shift to the right and downwards, cells; scale across and downwards, the side of
        ``other`` in sides of ``one``. (0, 0, 1, 1) for equal pictures. Shifts stay within
        4 % of a side and scales within [0.89, 1.12].
    """
    placement = np.tile([0.0, 0.0, 1.0, 1.0], (len(one), 1))
    placement = _fitted(halved(one), halved(other), placement)
    placement[:, :2] *= 2.0
    return _fitted(one, other, placement)


def place(
    pictures: Float[np.ndarray, "pairs side side"], placement: Float[np.ndarray, "pairs 4"]
) -> Placed:
    """Read pictures where :func:`align` placed others in them, by cubic interpolation."""
    side = pictures.shape[-1]
    across, in_columns = _sampling(placement[:, 2], placement[:, 0], side)
    down, in_rows = _sampling(placement[:, 3], placement[:, 1], side)
    levels = down @ pictures @ across.transpose(0, 2, 1)
    return Placed(levels, in_rows[:, :, None] & in_columns[:, None, :])


def halved(
    pictures: Float[np.ndarray, "pairs side side"],
) -> Float[np.ndarray, "pairs half half"]:
    """Return the means of 2 x 2 cells."""
    count, side, _ = pictures.shape
    return np.asarray(pictures.reshape(count, side // 2, 2, side // 2, 2).mean(axis=(2, 4)))


def _fitted(
    one: Float[np.ndarray, "pairs side side"],
    other: Float[np.ndarray, "pairs side side"],
    placement: Float[np.ndarray, "pairs 4"],
) -> Float[np.ndarray, "pairs 4"]:
    """Take Gauss-Newton steps from ``placement``."""
    count, side, _ = one.shape
    low = [-_MAX_SHIFT * side, -_MAX_SHIFT * side, _MIN_SCALE, _MIN_SCALE]
    high = [_MAX_SHIFT * side, _MAX_SHIFT * side, _MAX_SCALE, _MAX_SCALE]
    for _ in range(_STEPS):
        placed = place(one, placement)
        residual = other - placed.levels
        slopes = _slopes(placed.levels)
        weighted = slopes * _weights(residual, placed.covered).reshape(count, 1, side**2)
        curvature = (weighted @ slopes.transpose(0, 2, 1)).astype(np.float64)
        pull = (weighted @ residual.reshape(count, side**2, 1)).astype(np.float64)
        ridge = _RIDGE * np.trace(curvature, axis1=1, axis2=2) / 4.0 + 1.0
        curvature += ridge[:, None, None] * np.eye(4)
        step = np.linalg.solve(curvature, pull)[:, :, 0]
        placement = np.clip(placement + step, low, high)
    return np.asarray(placement)


def _slopes(levels: Float[np.ndarray, "pairs side side"]) -> Float[np.ndarray, "pairs 4 cells"]:
    """Return the derivative of each cell with respect to the four numbers of a placement."""
    count, side, _ = levels.shape
    from_centre = _from_centre(side)
    down, across = np.gradient(levels, axis=(1, 2))
    stacked = np.stack([across, down, across * from_centre, down * from_centre[:, None]], axis=1)
    return np.asarray(stacked.reshape(count, 4, side**2))


def _weights(
    residual: Float[np.ndarray, "pairs side side"], covered: Bool[np.ndarray, "pairs side side"]
) -> Float[np.ndarray, "pairs side side"]:
    """Return Cauchy weights around each pair's median residual; zero if nothing is covered."""
    usual = np.median(np.abs(residual), axis=(1, 2), keepdims=True)
    return np.asarray(covered / (1.0 + (residual / (_OUTLIER * usual + 1.0)) ** 2))


def _sampling(
    scale: Float[np.ndarray, " pairs"], shift: Float[np.ndarray, " pairs"], side: int
) -> tuple[Float[np.ndarray, "pairs side side"], Bool[np.ndarray, "pairs side"]]:
    """Return weights that read a line of cells at other places, and which are on the line."""
    middle = (side - 1) / 2.0
    places = (_from_centre(side) * scale[:, None] + shift[:, None] + middle).astype(np.float32)
    inside = np.abs(places - middle) <= side / 2.0 + _ROUNDING
    places = np.clip(places, 0.0, side - 1.0)
    weights = _cubic(places[:, :, None] - np.arange(side, dtype=np.float32))
    return weights / weights.sum(axis=2, keepdims=True), inside


def _from_centre(side: int) -> Float[np.ndarray, " side"]:
    return np.arange(side, dtype=np.float32) - np.float32((side - 1) / 2.0)


def _cubic(distance: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Return the cubic convolution kernel with a = -1/2 (Keys 1981, equation 15)."""
    x = np.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.asarray(np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0)))  # noqa: PLR2004 - the kernel's pieces

"""Positions of numbers on an axis drawn in the page itself, in percent of its width.

With percentages, a drawing fits the width of the page without any script, on a phone as on
paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_INTERVALS = 5  # between ticks, at most about so many
_EDGE = 3.0  # percent kept free on either side, for markers
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Axis:
    """A linear axis.

    Attributes
    ----------
    low, high : float
        Its ends, in the unit of the numbers; ``low < high``.
    ticks : sequence of float
        Round numbers between the ends, ascending.
    decimals : int
        Decimals that the ticks need.
    """

    low: float
    high: float
    ticks: Sequence[float]
    decimals: int

    def place(self, value: float) -> float:
        """Return the position of a value in percent of the width, clipped at the ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(_EDGE + (100 - 2 * _EDGE) * min(max(share, 0.0), 1.0), 3)


def axis_through_zero(values: Iterable[float | None]) -> Axis:
    """Return an axis that covers all finite values and zero, which means parity.

    Parameters
    ----------
    values
        Numbers to show; ``None`` and non-finite ones are skipped. If none is left, or only
        zeros, the axis goes from -1 to 1.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = -1.0, 1.0
    step = _nice_step((high - low) / _INTERVALS)
    first, last = math.ceil(low / step - _ROUNDING), math.floor(high / step + _ROUNDING)
    decimals = max(0, -math.floor(math.log10(step) + _ROUNDING))
    if not math.isclose(round(step, decimals), step):
        decimals += 1  # a step of 0.25
    ticks = [round(number * step, decimals) for number in range(first, last + 1)]
    return Axis(low, high, ticks, decimals)


def _nice_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(nice * power for nice in _NICE if nice * power >= rough * (1 - _ROUNDING))

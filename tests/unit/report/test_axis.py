"""Axes of the drawings in the page."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tonegap.report.axis import axis_through_zero

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(st.lists(NUMBERS, max_size=8))
def test_every_value_and_zero_lie_on_the_axis_in_order(values):
    """Places rise with values, within the drawing; parity is always shown."""
    axis = axis_through_zero(values)
    shown = sorted({*values, 0.0})
    places = [axis.place(value) for value in shown]
    assert places == sorted(places)
    assert 0 < places[0] <= places[-1] < 100
    assert 0.0 in axis.ticks


@given(st.lists(NUMBERS, max_size=8))
def test_ticks_are_few_round_and_told_apart(values):
    """Two to eight ticks within the ends, all different as written."""
    axis = axis_through_zero(values)
    assert 2 <= len(axis.ticks) <= 8
    written = [f"{tick:.{axis.decimals}f}" for tick in axis.ticks]
    assert len(set(written)) == len(written)
    slack = 1e-9 * (axis.high - axis.low)
    assert all(axis.low - slack <= tick <= axis.high + slack for tick in axis.ticks)


def test_ticks_of_a_known_range():
    """A gap from -0.07 to 0.174 has ticks every twentieth."""
    axis = axis_through_zero([-0.0704, 0.1738, None, math.nan])
    assert axis.ticks == pytest.approx([-0.05, 0.0, 0.05, 0.1, 0.15])
    assert axis.decimals == 2


@pytest.mark.parametrize("nothing", [[], [None], [0.0], [math.nan, math.inf]])
def test_without_numbers_there_is_an_axis_all_the_same(nothing):
    """It goes from -1 to 1."""
    axis = axis_through_zero(nothing)
    assert (axis.low, axis.high) == (-1.0, 1.0)
    assert axis.place(0.0) == 50.0

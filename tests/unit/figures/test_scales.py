"""Logarithmic scales of figures 7 and 8."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from tonegap.figures import conditions
from tonegap.figures.conditions import condition_errors
from tonegap.figures.style import log_scale, square_axes
from tonegap.groups import LIGHT_AND_DARK


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=20))
def test_a_log_axis_holds_every_value_with_few_ticks(values):
    """Whatever the range up to nine decades, every value is within and ticks are round."""
    lower, upper, ticks = log_scale(np.array(values))
    assert lower < min(values)
    assert max(values) < upper
    assert all(lower <= tick <= upper for tick in ticks)
    assert 1 <= len(ticks) <= 12
    assert all(float(f"{tick:.1e}") == tick for tick in ticks)


def test_close_errors_have_ticks_too():
    """Errors within a factor of two still get two ticks or more."""
    for low, high in ((0.017, 0.031), (0.02, 0.021), (0.0098, 0.0104), (0.45, 0.62)):
        assert len(log_scale(np.array([low, high]))[2]) >= 2, (low, high)


def test_figure_8_holds_every_point_between_the_same_ends(study_images):
    """All panels have one scale on both axes; no point lies outside."""
    drawing = conditions.draw(
        condition_errors(study_images, "fine", LIGHT_AND_DARK), LIGHT_AND_DARK
    )
    drawn = drawing.data[drawing.data["drawn"]]
    mixes = drawn["mix"].nunique()
    limits = {axes.get_xlim() for axes in drawing.figure.axes[:mixes]}
    limits |= {axes.get_ylim() for axes in drawing.figure.axes[:mixes]}
    ((lower, upper),) = limits
    values = drawn[["mse_reference", "mse_compared"]].to_numpy()
    assert lower < values.min()
    assert values.max() < upper


def test_both_axes_are_scaled_alike():
    """The same ticks, labels and ends, so that y = x is the diagonal."""
    axes = Figure().add_subplot()
    square_axes(axes, 0.01, 0.5, [0.02, 0.1], "log")
    for axis in (axes.xaxis, axes.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == ["0.02", "0.1"]
    assert axes.get_xlim() == axes.get_ylim() == (0.01, 0.5)

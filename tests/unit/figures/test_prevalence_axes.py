"""Figure 7's axes: logarithmic, with a place for labels that a group lacks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tonegap.figures import prevalence
from tonegap.groups import LIGHT_AND_DARK


def _table(*pairs):
    reference, compared = np.array(pairs, dtype=float).T
    return pd.DataFrame(
        {
            "label": [f"label {n}" for n in range(len(pairs))],
            "n_all": 10,
            "n_reference": 5,
            "n_compared": 5,
            "prev_reference": reference,
            "prev_compared": compared,
            "log2_ratio": 0.0,
        }
    )


def _panels(**tables):
    levels = {
        level: tables.get(level, _table((0.5, 0.4))) for level in ("coarse", "middle", "fine")
    }
    return dict(zip(levels, prevalence.draw(levels, LIGHT_AND_DARK).figure.axes, strict=True))


def test_both_axes_are_the_same_and_hold_every_point():
    """A point on the line is as far along as up, whatever the range."""
    axes = _panels(fine=_table((0.0004, 0.06), (0.05, 0.03), (0.01, 0.01)))["fine"]
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xscale() == axes.get_yscale() == "log"
    low, high = axes.get_xlim()
    assert low < 0.04
    assert high > 6
    x, y = axes.transAxes.inverted().transform(axes.transData.transform((1.0, 1.0)))
    assert x == pytest.approx(y)


def test_a_label_that_a_group_lacks_lies_on_its_zero():
    """Zero has a tick, and its points lie within the frame."""
    axes = _panels(fine=_table((0.0, 0.06), (0.05, 0.03)))["fine"]
    assert axes.get_xscale() == "symlog"
    assert axes.get_xticklabels()[0].get_text() == "0"
    assert axes.get_xlim()[0] < 0


def test_labels_that_nobody_has_are_drawn_all_the_same():
    """A level without any image gives an empty scale, not an error."""
    axes = _panels(coarse=_table((0.0, 0.0)))["coarse"]
    assert axes.get_xlim()[1] == 100


def test_ticks_are_few():
    """Three to seven ticks over one decade and over four."""
    for pairs in ([(0.2, 0.7)], [(0.0002, 0.8)], [(0.04, 0.16), (0.1, 0.05)]):
        ticks = _panels(fine=_table(*pairs))["fine"].get_xticks()
        assert 2 <= len(ticks) <= 8, ticks

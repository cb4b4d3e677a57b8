"""Errors by training mix."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from tonegap.groups import LIGHT_AND_DARK, Groups
from tonegap.report.arms import arm_views, error_axis


def _arms(*rows):
    return pd.DataFrame(rows, columns=["mix", "share", "group", "runs", "n", "mse", "sigma"])


def test_groups_of_a_mix_stand_side_by_side_by_share():
    """The gap is dark minus light, its percentage of light."""
    views = arm_views(
        _arms(
            ("dark", 1.0, "dark", 4, 60, 0.03, 0.9),
            ("dark", 1.0, "light", 4, 60, 0.06, 0.8),
            ("light", 0.0, "light", 4, 60, 0.02, 0.7),
            ("light", 0.0, "dark", 4, 60, 0.05, 0.6),
        ),
        LIGHT_AND_DARK,
    )
    assert [view.mix for view in views] == ["light", "dark"]
    assert [view.gap for view in views] == pytest.approx([0.03, -0.03])
    assert [view.percent for view in views] == pytest.approx([150, -50])
    assert error_axis(views).high == 0.06


def test_a_missing_group_gives_no_gap():
    """A mix that has numbers of one group only keeps its row, without a gap."""
    arms = _arms(("light", 0.0, "light", 4, 60, 0.02, float("nan")))
    (view,) = arm_views(arms, LIGHT_AND_DARK)
    assert math.isnan(view.gap)
    assert math.isnan(view.percent)


def test_a_third_group_has_means_but_no_part_in_the_gap():
    """A group that is only assessed is listed; the gap stays that of the pair."""
    groups = Groups("light", "dark", {"light": "", "dark": "", "middle": "FST 3-4"})
    rows = [("light", 0.02), ("dark", 0.03), ("middle", 0.9)]
    arms = _arms(*(("mixed", 0.5, group, 4, 60, mse, 0.5) for group, mse in rows))
    (view,) = arm_views(arms, groups)
    assert view.mse == {"light": 0.02, "dark": 0.03, "middle": 0.9}
    assert view.percent == pytest.approx(50)

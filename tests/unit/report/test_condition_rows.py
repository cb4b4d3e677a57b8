"""Rows of the per-condition table."""

from __future__ import annotations

from tonegap.report.conditions import condition_rows


def test_mixes_stand_side_by_side(context):
    """One row per condition, coarse first; a mix without the condition is empty."""
    coarse, fine = condition_rows(context.conditions, ["light", "dark"])
    assert (coarse.level, coarse.label, coarse.n_light) == ("coarse", "phantom", 30)
    assert coarse.errors == [(0.01, 0.02, 0.01), None]
    assert fine.errors == [(0.01, 0.02, 0.01), (0.03, 0.02, -0.01)]
    assert (fine.n_light, fine.n_dark) == (7, 6)

"""Rows of the per-condition table."""

from __future__ import annotations

from tonegap.report.conditions import condition_rows


def test_mixes_stand_side_by_side(context):
    """One row per condition, coarse first; a mix without the condition is empty."""
    coarse, fine = condition_rows(context.conditions, ["light", "dark"])
    assert (coarse.level, coarse.label, coarse.n_reference) == ("coarse", "phantom", 30)
    assert coarse.errors == [(0.01, 0.02, 0.01, 4), None]
    assert fine.errors == [(0.01, 0.02, 0.01, 4), (0.03, 0.02, -0.01, -4)]
    assert (fine.n_reference, fine.n_compared) == (7, 6)
    assert (coarse.few, fine.few) == (True, False)


def test_shades_grow_with_the_gap(context):
    """A quarter of the largest gap has the first of four shades, none has none."""
    conditions = context.conditions.assign(gap=[0.4, -0.1, 0.02])
    coarse, fine = condition_rows(conditions, ["light", "dark"])
    assert [error[3] for error in fine.errors] == [4, -1]
    assert coarse.errors[0][3] == 0


def test_shades_without_any_gap(context):
    """A table whose gaps are all zero, or all of few images, is not shaded by rounding."""
    flat = context.conditions.assign(gap=0.0)
    assert {error[3] for row in condition_rows(flat, ["light"]) for error in row.errors} == {0}
    few = context.conditions.assign(drawn=False)
    assert all(row.few for row in condition_rows(few, ["light"]))

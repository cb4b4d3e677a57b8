"""Tables of the report: every change with its size beside the noise."""

from __future__ import annotations

import pytest

from tonegap.pull_request.gate import Allowance, Judgement
from tonegap.pull_request.tables import gate_table, metrics_table, moved

FILE = "metrics/evaluate.json"


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def differences(**pairs: tuple[object, object]) -> dict:
    return {FILE: {name: {"old": old, "new": new} for name, (old, new) in pairs.items()}}


def test_a_change_is_larger_or_smaller_than_its_noise():
    """Each row says so; the band of a name counts for its own file alone."""
    changes = differences(a=(1.0, 1.5), b=(1.0, 0.9), c=(1.0, 2.0))
    changes["metrics/other.json"] = {"a": {"old": 1.0, "new": 1.5}}
    rows = cells(metrics_table(changes, {"a": 0.4, "b": 0.4}, FILE, "main"))[2:]
    assert [(row[0], row[1], *row[-2:]) for row in rows] == [
        ("`metrics/evaluate.json`", "`a`", "± 0.4", "**larger**"),
        ("`metrics/evaluate.json`", "`b`", "± 0.4", "smaller"),
        ("`metrics/evaluate.json`", "`c`", "unknown", "-"),
        ("`metrics/other.json`", "`a`", "unknown", "-"),
    ]


def test_new_lost_and_worded_values_have_their_rows():
    """A value that one side lacks, and one that is no number, have no change but are shown."""
    table = metrics_table(differences(a=(None, 1.0), b=(1.0, None), c=("x", "y")), {}, FILE, "main")
    assert [row[2:5] for row in cells(table)[2:]] == [
        ["-", "1", "-"],
        ["1", "-", "-"],
        ["x", "y", "-"],
    ]


def test_rounding_is_counted_and_no_change():
    """Differences of rounding have no row; nothing at all has no table."""
    text = metrics_table(differences(a=(1.0, 1.0 + 1e-9)), {}, FILE, "main")
    assert text == "Left out: 1 values that changed by less than 1e-05."
    assert metrics_table({}, {}, FILE, "main") == ""


def test_a_foreign_value_stays_in_its_cell():
    """A pipe or a line break in a value does not break the table."""
    text = metrics_table(differences(a=("x|y", "x\ny")), {}, FILE, "main")
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize(
    ("head", "band", "expected"),
    [
        (0.25, 0.1, ["0.2", "0.25", "+0.05", "± 0.1", "25 %", "passes"]),
        (0.35, 0.1, ["0.2", "0.35", "+0.15", "± 0.1", "75 %", "**within noise**"]),
        (0.50, 0.1, ["0.2", "0.5", "+0.3", "± 0.1", "150 %", "**fails**"]),
        (0.50, None, ["0.2", "0.5", "+0.3", "unknown", "300 %", "**fails**"]),
        (0.10, 0.1, ["0.2", "0.1", "-0.1", "± 0.1", "0 %", "passes"]),
        (None, 0.1, ["0.2", "-", "-", "± 0.1", "-", "**fails**"]),
    ],
)
def test_a_limit_has_its_row(head, band, expected):
    """Base, head, change, noise, budget, share used and verdict stand side by side."""
    judgement = Judgement("mse.gap", "may_rise", Allowance(50.0, relative=True), 0.2, head, band)
    row = cells(gate_table([judgement], "main"))[2]
    assert row[0] == "`mse.gap`"
    assert row[5] == "may rise by 50 % (0.1)"
    used = row[6].split(" ", 1)[-1] if " " in row[6] else row[6]
    assert [*row[1:5], used, row[7]] == expected


def test_a_failure_is_a_sentence():
    """It has the change, what of it is beyond noise, and what was allowed."""
    limit = Allowance(0.004, relative=False)
    rise = Judgement("mse.gap", "may_rise", limit, 0.1, 0.15, 0.01)
    fall = Judgement("mse.gap", "may_fall", limit, 0.1, 0.05, None)
    assert moved(rise) == "`mse.gap` rose by 0.05, 0.04 of it beyond noise; 0.004 is allowed"
    assert moved(fall) == "`mse.gap` fell by 0.05; 0.004 is allowed"
    lost = Judgement("mse.gap", "may_fall", limit, 0.1, None, None)
    assert moved(lost) == "`mse.gap` is no longer a number"

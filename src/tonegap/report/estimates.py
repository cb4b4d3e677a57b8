"""Estimates in percent with their intervals, drawn over one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tonegap.groups import Groups
from tonegap.report.axis import Axis, axis_through_zero
from tonegap.report.context import Analysis

_OVERALL = "overall"
_LEFT_OUT = {
    "nothing": "all test images",
    "duplicates": "without near duplicates",
    "flagged": "without rows that the annotators flagged",
}


@dataclass(frozen=True)
class Line:
    """One estimate.

    Attributes
    ----------
    name, note : str
        What is estimated, and a remark below it.
    percent, low, high : float
        Estimate and 95 % interval, percent of the reference group's error; NaN for none.
    mde : float
        Smallest effect, in percent, that 80 % of such studies would find; NaN for none.
    reason : str
        Why there is no estimate; empty if there is one.
    """

    name: str
    note: str
    percent: float
    low: float
    high: float
    mde: float
    reason: str

    @property
    def found(self) -> bool:
        """True if there is an estimate."""
        return self.percent == self.percent


@dataclass(frozen=True)
class Forest:
    """Lines over one axis, in percent."""

    axis: Axis
    lines: Sequence[Line]


def decomposition_forest(analysis: Analysis) -> Forest:
    """Show the overall gap, step by step."""

    def note(row: dict[Any, Any]) -> str:
        left = f"{int(row['n_left_out']):,} images left out" if row["n_left_out"] else ""
        noisy = row["reliability"] < 1
        return f"if the proxy's reliability is {row['reliability']:g}" if noisy else left

    return _forest(_overall(analysis.decomposition), lambda row: str(row["words"]), note)


def labels_forest(analysis: Analysis) -> Forest:
    """Show the same runs under every definition of the groups."""

    def note(row: dict[Any, Any]) -> str:
        if not row["n_compared"]:
            return ""
        return f"{int(row['n_reference']):,} lighter and {int(row['n_compared']):,} darker images"

    return _forest(analysis.labels, lambda row: str(row["words"]), note)


def influence_forest(analysis: Analysis) -> Forest:
    """Show the gap without some of the images."""

    def name(row: dict[Any, Any]) -> str:
        return _LEFT_OUT.get(row["left_out"], f"without {row['label']}")

    def note(row: dict[Any, Any]) -> str:
        return f"{int(row['n_left_out']):,} images left out" if row["n_left_out"] else ""

    return _forest(analysis.influence, name, note)


def condition_forest(analysis: Analysis, groups: Groups) -> Forest:
    """Show each assessed condition's shrunken gap, the largest first; its own in the note."""
    rows = _overall(analysis.conditions_gap)
    if len(rows):
        assessed = rows["reason"].isna() | rows["reason"].eq("")
        rows = rows[assessed].sort_values("shrunken_percent", ascending=False, kind="stable")

    def note(row: dict[Any, Any]) -> str:
        return (
            f"unshrunken {row['percent_own']:+.0f} % ({row['low_own']:+.0f} to "
            f"{row['high_own']:+.0f}); {row['n_reference']} {groups.reference}, "
            f"{row['n_compared']} {groups.compared} images"
        )

    own = {"percent": "percent_own", "percent_low": "low_own", "percent_high": "high_own"}
    shrunken = {f"shrunken_{name}": name for name in own}
    return _forest(
        rows.rename(columns=own).rename(columns=shrunken), lambda row: str(row["label"]), note
    )


def _overall(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["mix"] == _OVERALL]


def _forest(
    rows: pd.DataFrame,
    name: Callable[[dict[Any, Any]], str],
    note: Callable[[dict[Any, Any]], str],
) -> Forest:
    lines = [
        Line(
            name=name(row),
            note=note(row),
            percent=float(row["percent"]),
            low=float(row["percent_low"]),
            high=float(row["percent_high"]),
            mde=float(row["mde_percent"]),
            reason="" if pd.isna(row["reason"]) else str(row["reason"]),
        )
        for row in rows.to_dict("records")
    ]
    return Forest(axis_through_zero(v for line in lines for v in (line.low, line.high)), lines)

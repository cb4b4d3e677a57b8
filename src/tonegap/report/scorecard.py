"""The scorecard as the report shows it: one row per score, the change between mixes drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from tonegap.groups import Groups
from tonegap.report.axis import Axis, axis_through_zero
from tonegap.report.claims import VERDICTS

KINDS: Mapping[str, str] = {
    "model": "from the model",
    "own": "brought by the model",
    "no model": "knows no model",
    "error": "the error itself",
}
MEANINGS: Mapping[str, str] = {
    "flags": "rises with the error in both groups, and for a group that training lacks",
    "blind": "hardly changes with the error, or for a group that training lacks",
    "anti-flag": "falls with the error, or for a group that training lacks",
    "undecided": "these data do not decide",
    "not assessable": "the study lacks what the verdict needs",
}


@dataclass(frozen=True)
class ScoreRow:
    """One score.

    Attributes
    ----------
    score, words, kind : str
        Column, name and origin.
    verdict, icon, style, because : str
        The verdict as a chip, and why it is not drawn.
    reason : str
        Why there is no interaction.
    rank, partial, worst : sequence of float
        By group, the reference first; NaN for none.
    auc, darkness, change, low, high, margin : float
        Chance that the compared group has the larger score; rank correlation with darkness; the
        interaction with its 95 % interval and margin.
    """

    score: str
    words: str
    kind: str
    verdict: str
    icon: str
    style: str
    because: str
    reason: str
    rank: Sequence[float]
    partial: Sequence[float]
    worst: Sequence[float]
    auc: float
    darkness: float
    change: float
    low: float
    high: float
    margin: float


@dataclass(frozen=True)
class ScorecardView:
    """The rows over one axis."""

    axis: Axis
    rows: Sequence[ScoreRow]


def scorecard_view(table: pd.DataFrame, groups: Groups) -> ScorecardView:
    """Put the rows of metrics/scorecard.csv side by side, one row per score."""
    if "score" not in table:
        return ScorecardView(axis_through_zero([]), [])
    rows = [_row(part, groups) for _, part in table.groupby("score", sort=False)]
    return ScorecardView(axis_through_zero(v for row in rows for v in (row.low, row.high)), rows)


def _row(part: pd.DataFrame, groups: Groups) -> ScoreRow:
    first = part.iloc[0]
    cells = {
        (str(cell["quantity"]), "" if pd.isna(cell["group"]) else str(cell["group"])): cell
        for cell in part.to_dict("records")
    }
    change = cells["interaction", ""]

    def pair(quantity: str) -> list[float]:
        return [_number(cells.get((quantity, name), {}), "estimate") for name in groups.pair]

    icon, style = VERDICTS[str(first["verdict"])]
    return ScoreRow(
        score=str(first["score"]),
        words=str(first["words"]),
        kind=KINDS[str(first["kind"])],
        verdict=str(first["verdict"]),
        icon=icon,
        style=style,
        because="" if pd.isna(first["because"]) else str(first["because"]),
        reason="" if pd.isna(change["reason"]) else str(change["reason"]),
        rank=pair("rank"),
        partial=pair("partial"),
        worst=pair("worst_found"),
        auc=_number(cells["auc", ""], "estimate"),
        darkness=_number(cells["rank_darkness", ""], "estimate"),
        change=_number(change, "estimate"),
        low=_number(change, "low"),
        high=_number(change, "high"),
        margin=_number(change, "margin"),
    )


def _number(cell: Mapping[Any, Any], key: str) -> float:
    return float(cell.get(key, math.nan))

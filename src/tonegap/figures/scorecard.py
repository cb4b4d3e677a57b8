"""The scorecard drawn: whether a score ranks the errors, and rises where a group is absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tonegap.figures.style import (
    FAINT,
    INK,
    POINT_COLOUR,
    Drawing,
    colour_of,
    group_name,
    house_style,
    marker_of,
    new_figure,
)
from tonegap.groups import Groups

_LINE_IN = 0.2
_FRAME_IN = 0.95  # axes, their labels and the legend
_BESIDE = 0.17  # between the markers of two groups, in lines
_BAND = "#EFEFEF"
_COLOURS = {"model": POINT_COLOUR, "own": POINT_COLOUR, "no model": FAINT, "error": INK}
_RULE = (
    "Left: Spearman's correlation of score and error within a group of a run. Right: score where "
    "the group's share in training is 0 less where it is 1, in standard deviations; green: from "
    "the model, grey: knows no model. Bands count as none. Bars: 95 % intervals."
)


def draw(scorecard: pd.DataFrame, groups: Groups, caveat: str = "") -> Drawing:
    """Draw each score in a line: its rank correlations on the left, its change on the right.

    Parameters
    ----------
    scorecard
        From :func:`tonegap.statistics.scorecard.scorecard`; the error itself is left out on the
        left, where it is 1.
    groups
        The two that are compared.
    caveat
        The origin of the numbers, if it is not the real study.
    """
    data = scorecard[scorecard["quantity"].isin(["rank", "interaction"])].reset_index(drop=True)
    names = list(dict.fromkeys(data["score"]))
    words = data.drop_duplicates("score").set_index("score")["words"]
    with house_style():
        figure = new_figure(_FRAME_IN + _LINE_IN * len(names), [_RULE, caveat])
        left, right = figure.subplots(1, 2, sharey=True)
        ranks = (data["quantity"] == "rank") & (data["kind"] != "error")
        _draw_ranks(left, data[ranks], names, groups)
        _draw_changes(right, data[data["quantity"] == "interaction"], names)
        left.set_yticks(range(len(names)), [words[name] for name in names])
        left.set_ylim(len(names) - 0.5, -0.5)
        left.set_xlabel("Rank correlation")
        right.set_xlabel("Change, SD")
        handles = left.get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper center", ncols=2)
    return Drawing(figure, data)


@dataclass(frozen=True)
class _Looks:
    """Colour and marker of some points, their distance from the line, and their name."""

    colour: str
    marker: str = "o"
    offset: float = 0.0
    label: str | None = None


def _draw_ranks(axes: Axes, data: pd.DataFrame, names: Sequence[str], groups: Groups) -> None:
    _frame(axes, data)
    for group, offset in zip(groups.pair, (-_BESIDE, _BESIDE), strict=True):
        colour, marker = colour_of(group, groups), marker_of(group, groups)
        looks = _Looks(colour, marker, offset, group_name(group, groups))
        _draw_points(axes, data[data["group"] == group], names, looks)


def _draw_changes(axes: Axes, data: pd.DataFrame, names: Sequence[str]) -> None:
    _frame(axes, data)
    for kind, colour in _COLOURS.items():
        _draw_points(axes, data[data["kind"] == kind], names, _Looks(colour))


def _draw_points(axes: Axes, rows: pd.DataFrame, names: Sequence[str], looks: _Looks) -> None:
    """Draw estimates with their intervals; those that do not exist are left out."""
    known = rows[np.isfinite(rows["estimate"].astype(float))]
    places = [names.index(name) + looks.offset for name in known["score"]]
    axes.hlines(places, known["low"], known["high"], color=looks.colour, linewidth=1.0)
    axes.plot(
        known["estimate"],
        places,
        looks.marker,
        color=looks.colour,
        label=looks.label,
        markersize=3.0,
    )


def _frame(axes: Axes, data: pd.DataFrame) -> None:
    """Draw the margin as a band, and the line at zero."""
    margin = float(data["margin"].astype(float).max())
    if np.isfinite(margin):
        axes.axvspan(-margin, margin, color=_BAND, linewidth=0, zorder=0)
    axes.axvline(0.0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    axes.grid(axis="x", color="#E3E3E3", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)

"""Figure 2: the number of annotated images by the variable that defines the groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from tonegap.figures.style import (
    NEITHER,
    Drawing,
    colour_of,
    group_name,
    house_style,
    new_figure,
)
from tonegap.groups import Groups
from tonegap.skin_types import bounds

_COLUMN_OF = {"fst": "fst", "fst_second": "fst_second", "fst_both": "fst"}
_AXIS_OF = {
    "fst": "Fitzpatrick skin type (FST), first annotator",
    "fst_second": "Fitzpatrick skin type (FST), second annotator",
}
_SKIN_TYPES = ("missing", *map(str, range(1, 7)))


def annotated_counts(rows: pd.DataFrame, column: str, groups: Groups) -> pd.DataFrame:
    """Count annotated rows by value and group.

    Parameters
    ----------
    rows
        One row per annotated image: group (missing outside all groups), fst, fst_second
        (1-6, a span such as 1-2, or missing).
    column
        What defines the groups, as in params.yaml. Skin types are counted type by type; any
        other variable by group.
    groups
        The groups.

    Returns
    -------
    DataFrame
        One row per value, in ascending order: value, n (rows), percent (of all rows; 0
        without rows), then a column of counts per group, and ``neither``.
    """
    names = [*groups.names, NEITHER]
    group = rows["group"].fillna(NEITHER).astype(str)
    shown = _COLUMN_OF.get(column)
    values = group if shown is None else _skin_type(rows[shown])
    order = names if shown is None else _with_spans(values)
    counts = pd.crosstab(values, group).reindex(index=order, columns=names, fill_value=0)
    n = counts.sum(axis=1)
    table = counts.assign(n=n, percent=100 * n / max(int(n.sum()), 1)).rename_axis("value")
    return table.reset_index()[["value", "n", "percent", *names]].rename_axis(columns=None)


def draw(rows: pd.DataFrame, column: str, groups: Groups, caveat: str = "") -> Drawing:
    """Draw the histogram; each bar is split by group.

    Parameters
    ----------
    rows, column, groups
        As of :func:`annotated_counts`.
    caveat
        The data behind the table, if not Fitzpatrick17k.
    """
    counts = annotated_counts(rows, column, groups)
    with house_style():
        figure = new_figure(2.3, [f"n = {len(rows):,} annotated images.", caveat])
        axes = figure.add_subplot()
        below = np.zeros(len(counts))
        for group in (*groups.names, NEITHER):
            heights = counts[group].to_numpy(dtype=np.float64)
            colour = colour_of(group, groups)
            bars = axes.bar(range(len(counts)), heights, bottom=below, color=colour, width=0.8)
            below += heights
        shown = zip(counts["n"], counts["percent"], strict=True)
        texts = [f"{n:,}\n{percent:.1f} %" for n, percent in shown]
        axes.bar_label(bars, labels=texts, padding=1.5, fontsize=6.5)
        axes.set_xticks(range(len(counts)), counts["value"])
        axes.set_ylim(0, 1.22 * max(float(below.max()), 1.0))
        axes.set_xlabel(_AXIS_OF.get(_COLUMN_OF.get(column, ""), "Group"))
        axes.set_ylabel("Images")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        figure.legend(handles=_legend(groups), loc="outside upper center", ncols=3)
    return Drawing(figure, counts)


def _skin_type(values: pd.Series) -> pd.Series:
    shown = [_shown(low, high) for low, high in zip(*bounds(values), strict=True)]
    return pd.Series(shown, index=values.index, dtype="str")


def _shown(low: float, high: float) -> str:
    if np.isnan(low):
        return "missing"
    return f"{low:.0f}" if low == high else f"{low:.0f}-{high:.0f}"


def _with_spans(values: pd.Series) -> list[str]:
    """Return all skin types, and the spans that occur after the type that they begin with."""
    spans = set(values) - set(_SKIN_TYPES)
    return [*_SKIN_TYPES[:1], *sorted({*_SKIN_TYPES[1:], *spans})]


def _legend(groups: Groups) -> list[Patch]:
    named = [
        Patch(color=colour_of(group, groups), label=group_name(group, groups))
        for group in groups.names
    ]
    return [*named, Patch(color=colour_of(NEITHER, groups), label=NEITHER)]

"""Figure 2: how many annotated images each Fitzpatrick skin type has."""

from __future__ import annotations

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

_UNKNOWN = -1


def draw(counts: pd.DataFrame, rows: pd.DataFrame, groups: Groups, caveat: str = "") -> Drawing:
    """Draw the histogram of the first annotator's skin types.

    Parameters
    ----------
    counts
        From :func:`tonegap.cohort.fst_counts`.
    rows
        One row per annotated row: fst, and its group or missing. Each bar is divided between
        the groups of its rows.
    groups
        The groups, whose colours the bars have.
    caveat
        What the table rests on, where that is not Fitzpatrick17k.
    """
    total = int(counts["n_first"].sum())
    with house_style():
        figure = new_figure(2.3, [f"n = {total:,} annotated images.", caveat])
        axes = figure.add_subplot()
        below = pd.Series(0, index=counts["fst"])
        for name, colour in _colours(groups).items():
            heights = _heights(rows, name, below.index)
            bars = axes.bar(range(len(counts)), heights, bottom=below, color=colour, width=0.8)
            below = below + heights
        texts = [f"{n:,}\n{100 * n / max(total, 1):.1f} %" for n in counts["n_first"]]
        axes.bar_label(bars, labels=texts, padding=1.5, fontsize=6.5)
        axes.set_xticks(range(len(counts)), [_name(fst) for fst in counts["fst"]])
        axes.set_ylim(0, 1.22 * max(int(counts["n_first"].max()), 1))
        axes.set_xlabel("Fitzpatrick skin type (FST), first annotator")
        axes.set_ylabel("Images")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        figure.legend(handles=_legend(groups), loc="outside upper center", ncols=3)
    return Drawing(figure, counts)


def _colours(groups: Groups) -> dict[str, str]:
    return {name: colour_of(name, groups) for name in groups.names} | {"": NEITHER}


def _heights(rows: pd.DataFrame, group: str, types: pd.Index) -> pd.Series:
    """Count the rows of a group by skin type; ``group`` is empty for those in none."""
    mine = rows[rows["group"].fillna("") == group]
    return mine["fst"].fillna(_UNKNOWN).value_counts().reindex(types, fill_value=0)


def _name(fst: int) -> str:
    return "\N{MINUS SIGN}1\n(missing)" if fst == _UNKNOWN else str(fst)


def _legend(groups: Groups) -> list[Patch]:
    named = [
        Patch(color=colour_of(name, groups), label=group_name(name, groups))
        for name in groups.names
    ]
    return [*named, Patch(color=NEITHER, label="neither")]

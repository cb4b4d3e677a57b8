"""Forest plots: one line per comparison, its estimate with the 95 % interval in per cent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from tonegap.figures.style import (
    FAINT,
    INK,
    POINT_COLOUR,
    Drawing,
    house_style,
    new_figure,
)
from tonegap.groups import Groups
from tonegap.statistics.within_runs import OVERALL

FOREST_COLUMNS = ("label", "percent", "percent_low", "percent_high", "emphasis")
"""Columns that :func:`draw_forest` needs: ``emphasis`` is true for emphasised lines."""

_LINE_IN = 0.19
_FRAME_IN = 0.55  # axis, its label and the room above
_MINUS = "\N{MINUS SIGN}"
_LABELS = {
    "d_reference": "error, {reference}",
    "d_compared": "error, {compared}",
    "d_gap": "change of the gap",
    "gap_baseline": "gap, baseline",
    "gap_candidate": "gap, candidate",
}


def draw_forest(rows: pd.DataFrame, axis_label: str, note: Sequence[str] = ()) -> Drawing:
    """Draw estimates with their intervals, from top to bottom, and the line at 0.

    Parameters
    ----------
    rows
        One row per line: :data:`FOREST_COLUMNS`; further columns are kept as data. Rows without
        an estimate are labelled "not assessed".
    axis_label
        The quantity in per cent.
    note
        Paragraphs below the figure.
    """
    with house_style():
        figure = new_figure(_FRAME_IN + _LINE_IN * max(len(rows), 1), note)
        axes = figure.add_subplot()
        axes.axvline(0.0, color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
        for place, row in enumerate(rows[list(FOREST_COLUMNS)].to_dict("records")):
            values = [float(row[name]) for name in FOREST_COLUMNS[1:4]]
            _draw_line(axes, place, values, strong=bool(row["emphasis"]))
        axes.set_yticks(range(len(rows)), rows["label"].tolist())
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(axis_label)
        axes.grid(axis="x", color="#E3E3E3", linewidth=0.5)
        axes.set_axisbelow(True)
    return Drawing(figure, rows)


def draw_decomposition(decomposition: pd.DataFrame, groups: Groups, caveat: str = "") -> Drawing:
    """Draw the overall gap as conditions, sources, complexity and difficulty are held equal.

    Parameters
    ----------
    decomposition
        From :func:`tonegap.statistics.decomposition.decompose`.
    groups
        The two that are compared.
    caveat
        The origin of the numbers, if it is not the real study.
    """
    overall = decomposition[decomposition["mix"] == OVERALL]
    noisy = overall["reliability"].notna() & (overall["reliability"] < 1.0)
    label = overall["words"].where(
        ~noisy, "at reliability " + overall["reliability"].map("{:g}".format)
    )
    rows = overall.assign(label=label, emphasis=~noisy).reset_index(drop=True)
    n_images, n_left_out = (int(overall[name].max()) for name in ("n_images", "n_left_out"))
    rule = (
        f"n = {n_images:,} test images. Lines below the first omit {n_left_out:,} whose condition "
        "or source only one group has. Bars: 95 %. Brightness and ITA are never held "
        "equal: skin tone acts through them."
    )
    return draw_forest(rows, f"Gap in MSE, {groups.gap}, %", [rule, caveat])


def draw_comparison(comparison: pd.DataFrame, groups: Groups, note: Sequence[str] = ()) -> Drawing:
    """Draw the changes of a candidate, as means over mixes.

    Parameters
    ----------
    comparison
        The table of a :class:`tonegap.statistics.comparison.Comparison`.
    groups
        The two that are compared.
    note
        Verdict, sources, caveats.
    """
    overall = comparison[comparison["mix"] == OVERALL]
    names = {"reference": groups.reference, "compared": groups.compared}
    rows = overall.assign(
        label=[_LABELS[name].format(**names) for name in overall["quantity"]],
        emphasis=overall["quantity"].str.startswith("d_"),
    ).reset_index(drop=True)
    return draw_forest(
        rows, "Change or gap in MSE, %", [*note, "Changes: candidate minus baseline. Bars: 95 %."]
    )


def _draw_line(axes: Axes, place: int, values: Sequence[float], *, strong: bool) -> None:
    """Draw one estimate and write it on the right."""
    value, low, high = values
    text = "not assessed"
    if np.isfinite(value):
        colour = POINT_COLOUR if strong else FAINT
        axes.plot([low, high], [place, place], color=colour, linewidth=1.2 if strong else 0.8)
        axes.plot([value], [place], "o" if strong else "d", color=colour, markersize=3.5)
        text = f"{_whole(value)} ({_whole(low)} to {_whole(high)})"
    axes.text(
        1.03,
        place,
        text.replace("-", _MINUS),
        transform=axes.get_yaxis_transform(),
        va="center",
        color=INK,
        fontsize=6.5,
    )


def _whole(percent: float) -> str:
    """Write per cent without decimals from 10 on, else with one."""
    text = f"{percent:.0f}" if abs(percent) >= 9.95 else f"{percent:.1f}"  # noqa: PLR2004
    return "0.0" if text == "-0.0" else text

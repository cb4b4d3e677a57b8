"""Figure 7: how common each condition is in the two groups, at three levels of labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonegap.figures.naming import name_points
from tonegap.figures.style import (
    POINT_COLOUR,
    Drawing,
    group_name,
    house_style,
    identity_line,
    new_figure,
    share_labels,
)
from tonegap.params import GroupDefinition

_NAMED = {"coarse": 3, "middle": 4, "fine": 4}
_HEIGHT_IN = 3.5
_MARGIN = 1.12


def draw(
    by_level: Mapping[str, pd.DataFrame], definition: GroupDefinition, caveat: str = ""
) -> Drawing:
    """Draw prevalence in the dark group against prevalence in the light group.

    Parameters
    ----------
    by_level
        For ``coarse``, ``middle`` and ``fine`` a table of
        :func:`tonegap.cohort.prevalence_by_group`.
    definition
        What the groups are.
    caveat
        What the table rests on, where that is not Fitzpatrick17k.
    """
    data = pd.concat(
        [table.assign(level=level) for level, table in by_level.items()], ignore_index=True
    )
    data = data[["level", *data.columns.drop("level")]]
    with house_style():
        figure = new_figure(_HEIGHT_IN, [_how_many(by_level), caveat])
        grid = figure.subplots(2, 2).ravel()
        for axes, (level, table) in zip(grid, by_level.items(), strict=False):
            _draw_level(axes, level, table)
        _explain(grid[3])
        share_labels(
            figure,
            f"Prevalence in {group_name('light', definition)}, %",
            f"Prevalence in {group_name('dark', definition)}, %",
        )
        _name(figure, dict(zip(by_level, grid, strict=False)), by_level)
    return Drawing(figure, data)


def _draw_level(axes: Axes, level: str, table: pd.DataFrame) -> None:
    percent = 100 * table[["prev_light", "prev_dark"]].to_numpy(dtype=np.float64)
    upper = _MARGIN * max(float(percent.max(initial=0.0)), 1e-3)
    identity_line(axes, upper)
    axes.scatter(
        percent[:, 0], percent[:, 1], s=10, color=POINT_COLOUR, alpha=0.75, linewidth=0, zorder=2
    )
    axes.set_xlim(-0.03 * upper, upper)
    axes.set_ylim(-0.03 * upper, upper)
    axes.set_box_aspect(1)
    axes.locator_params(nbins=4)
    axes.set_title(f"{level}, {len(table)} labels")


def _explain(axes: Axes) -> None:
    axes.set_axis_off()
    text = (
        "One point per label.\n\nDashed: as common in\none group as in the\nother.\n\n"
        "Names: furthest from\nthe line, where there\nis room."
    )
    axes.text(0.0, 0.95, text, va="top", transform=axes.transAxes)


def _how_many(by_level: Mapping[str, pd.DataFrame]) -> str:
    table = next(iter(by_level.values()))
    light, dark = int(table["n_light"].sum()), int(table["n_dark"].sum())
    return f"n = {light:,} light and {dark:,} dark annotated images."


def _name(figure: Figure, panels: Mapping[str, Axes], by_level: Mapping[str, pd.DataFrame]) -> None:
    """Name the labels whose prevalence differs most, once the layout is settled."""
    figure.draw_without_rendering()
    for level, axes in panels.items():
        table = by_level[level]
        percent = 100 * table[["prev_light", "prev_dark"]].to_numpy(dtype=np.float64)
        furthest = np.argsort(-np.abs(percent[:, 1] - percent[:, 0]), kind="stable")
        names = _told_apart(table["label"].astype(str).tolist())
        name_points(axes, percent, names, furthest[: _NAMED[level]].tolist())


def _told_apart(names: list[str]) -> list[str]:
    """Drop a first word that all names share ("phantom"): it tells nothing apart."""
    first = {name.split(" ", 1)[0] for name in names}
    if len(first) != 1 or any(" " not in name for name in names):
        return names
    return [name.split(" ", 1)[1] for name in names]

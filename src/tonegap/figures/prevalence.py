"""Figure 7: how common each condition is in the two groups, at three levels of labels.

Both axes are logarithmic, because prevalences of fine labels span three decades. A label that
one group lacks is at that group's zero; a short linear stretch connects zero to the rest.
"""

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
    log_scale,
    new_figure,
    share_labels,
    square_axes,
)
from tonegap.groups import Groups

_NAMED = {"coarse": 3, "middle": 3, "fine": 16}
_HEIGHT_IN = 4.75
_ROWS = (1.0, 2.2)  # heights: two small panels above, the many fine labels below
_RULE = (
    "One point per label, axes logarithmic; dashed: equally common in both groups; "
    "named: largest differences in percentage points, where there is room."
)
_ZERO_DECADES = 0.5  # length of the linear stretch from zero


def draw(by_level: Mapping[str, pd.DataFrame], groups: Groups, caveat: str = "") -> Drawing:
    """Draw prevalence in the compared group against prevalence in the reference group.

    Parameters
    ----------
    by_level
        For ``coarse``, ``middle`` and ``fine`` a table of
        :func:`tonegap.cohort.prevalence`.
    groups
        The two that are compared.
    caveat
        The data behind the table, if not Fitzpatrick17k.
    """
    data = pd.concat(
        [table.assign(level=level) for level, table in by_level.items()], ignore_index=True
    )
    data = data[["level", *data.columns.drop("level")]]
    with house_style():
        figure = new_figure(_HEIGHT_IN, [_RULE, _how_many(by_level, groups), caveat])
        panels = dict(zip(by_level, _panels(figure), strict=True))
        for level, table in by_level.items():
            _draw_level(panels[level], level, table)
        share_labels(
            figure,
            f"Prevalence in {group_name(groups.reference, groups)}, %",
            f"Prevalence in {group_name(groups.compared, groups)}, %",
        )
        _name(figure, panels, by_level)
    return Drawing(figure, data)


def _panels(figure: Figure) -> list[Axes]:
    grid = figure.add_gridspec(2, 2, height_ratios=_ROWS)
    return [figure.add_subplot(place) for place in (grid[0, 0], grid[0, 1], grid[1, :])]


def _draw_level(axes: Axes, level: str, table: pd.DataFrame) -> None:
    percent = 100 * table[["prev_reference", "prev_compared"]].to_numpy(dtype=np.float64)
    lower, upper, ticks = log_scale(percent.ravel())
    if (percent > 0).all():
        square_axes(axes, lower, upper, ticks, "log")
        identity_line(axes, upper, lower)
    else:
        # Points on zero are slightly inside the frame.
        linear = {"linthresh": lower, "linscale": _ZERO_DECADES}
        square_axes(axes, -0.3 * lower, upper, [0.0, *ticks], "symlog", **linear)
        identity_line(axes, upper)
    axes.scatter(
        percent[:, 0], percent[:, 1], s=9, color=POINT_COLOUR, alpha=0.7, linewidth=0, zorder=2
    )
    axes.set_title(f"{level}, {len(table)} labels")


def _how_many(by_level: Mapping[str, pd.DataFrame], groups: Groups) -> str:
    table = next(iter(by_level.values()))
    reference, compared = int(table["n_reference"].sum()), int(table["n_compared"].sum())
    return (
        f"n = {reference:,} {groups.reference} and {compared:,} {groups.compared} annotated images."
    )


def _name(figure: Figure, panels: Mapping[str, Axes], by_level: Mapping[str, pd.DataFrame]) -> None:
    """Name the labels whose prevalence differs most, once the layout is settled."""
    figure.draw_without_rendering()
    for level, axes in panels.items():
        table = by_level[level]
        percent = 100 * table[["prev_reference", "prev_compared"]].to_numpy(dtype=np.float64)
        furthest = np.argsort(-np.abs(percent[:, 1] - percent[:, 0]), kind="stable")
        names = _told_apart(table["label"].astype(str).tolist())
        name_points(axes, percent, names, furthest[: _NAMED[level]].tolist())


def _told_apart(names: list[str]) -> list[str]:
    """Drop a first word that all names share ("phantom"): it distinguishes nothing."""
    first = {name.split(" ", 1)[0] for name in names}
    if len(first) != 1 or any(" " not in name for name in names):
        return names
    return [name.split(" ", 1)[1] for name in names]

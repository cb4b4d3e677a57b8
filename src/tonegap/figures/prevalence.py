"""Figure 7: how common each condition is in the two groups, at three levels of labels.

Both axes are logarithmic: prevalences of fine labels span three decades. A label that one
group lacks lies on that group's zero, which a short linear stretch joins to the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float
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

_NAMED = {"coarse": 3, "middle": 3, "fine": 16}
_HEIGHT_IN = 4.75
_ROWS = (1.0, 2.2)  # heights: two small panels above, the many fine labels below
_RULE = (
    "One point per label, axes logarithmic; dashed: as common in one group as in the other; "
    "named: largest differences in percentage points, where there is room."
)
_MARGIN = 1.35  # beyond the outermost points, as a factor
_ZERO_DECADES = 0.5  # length of the linear stretch from zero
_WIDE_DECADES = 1.5  # from here on 1, 2, 5, ... are too many ticks


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
        figure = new_figure(_HEIGHT_IN, [_RULE, _how_many(by_level), caveat])
        panels = dict(zip(by_level, _panels(figure), strict=True))
        for level, table in by_level.items():
            _draw_level(panels[level], level, table)
        share_labels(
            figure,
            f"Prevalence in {group_name('light', definition)}, %",
            f"Prevalence in {group_name('dark', definition)}, %",
        )
        _name(figure, panels, by_level)
    return Drawing(figure, data)


def _panels(figure: Figure) -> list[Axes]:
    grid = figure.add_gridspec(2, 2, height_ratios=_ROWS)
    return [figure.add_subplot(place) for place in (grid[0, 0], grid[0, 1], grid[1, :])]


def _draw_level(axes: Axes, level: str, table: pd.DataFrame) -> None:
    percent = 100 * table[["prev_light", "prev_dark"]].to_numpy(dtype=np.float64)
    lower, upper, ticks = _scale(percent)
    linear = {"linthresh": lower, "linscale": _ZERO_DECADES} if 0.0 in ticks else {}
    for axis, set_scale, set_limits in (
        (axes.xaxis, axes.set_xscale, axes.set_xlim),
        (axes.yaxis, axes.set_yscale, axes.set_ylim),
    ):
        set_scale("symlog" if linear else "log", **linear)
        # Points on zero lie a little within the frame.
        set_limits(-0.3 * lower if linear else lower, upper)
        axis.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    identity_line(axes, upper, 0.0 if linear else lower)
    axes.scatter(
        percent[:, 0], percent[:, 1], s=9, color=POINT_COLOUR, alpha=0.7, linewidth=0, zorder=2
    )
    axes.set_box_aspect(1)
    axes.set_title(f"{level}, {len(table)} labels")


def _scale(percent: Float[np.ndarray, "labels 2"]) -> tuple[float, float, list[float]]:
    """Give the ends of both axes and their ticks, zero among them where a label is there."""
    positive = percent[percent > 0]
    if not positive.size:
        return 1.0, 100.0, [0.0, 1.0, 10.0, 100.0]
    lower, upper = float(positive.min()) / _MARGIN, float(positive.max()) * _MARGIN
    steps = (1, 3) if np.log10(upper / lower) > _WIDE_DECADES else (1, 2, 5)
    decades = range(int(np.floor(np.log10(lower))), int(np.ceil(np.log10(upper))) + 1)
    round_values = [float(f"{step}e{decade}") for decade in decades for step in steps]
    ticks = [value for value in round_values if lower <= value <= upper]
    return lower, upper, [0.0, *ticks] if (percent == 0).any() else ticks


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

"""Figures 3 and 6: one number per run and group, as boxes by training mix.

A box shows how runs differ. It is not a test: runs redraw their images from the same pools,
so they are not independent. The report's intervals account for both images and seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from tonegap.figures.style import (
    DASH,
    Drawing,
    colour_of,
    group_name,
    house_style,
    marker_of,
    mix_name,
    mixes_in_order,
    new_figure,
)
from tonegap.groups import Groups
from tonegap.measures import Measure, Score

_ROOM = 0.76  # of the distance between two mixes, for their boxes
_FILL = 0.8  # of the room that each box has
_WHISKER_IQR = 1.5  # Tukey's
_COLUMNS = ["run", "mix", "share", "seed", "group", "n"]


@dataclass(frozen=True)
class Box:
    """Tukey's box of some values, in their unit.

    Attributes
    ----------
    lower_whisker, upper_whisker : float
        Outermost values within 1.5 interquartile ranges of the box.
    lower_quartile, median, upper_quartile : float
        Quantiles, interpolated linearly.
    """

    lower_whisker: float
    lower_quartile: float
    median: float
    upper_quartile: float
    upper_whisker: float


def box_of(values: Float[np.ndarray, " values"]) -> Box:
    """Summarise at least one finite value as a box."""
    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    reach = _WHISKER_IQR * (upper - lower)
    # An interpolated quartile may be beyond the outermost value within reach.
    inside = values[(values >= lower - reach) & (values <= upper + reach)]
    return Box(
        lower_whisker=float(min(inside.min(), lower)),
        lower_quartile=float(lower),
        median=float(median),
        upper_quartile=float(upper),
        upper_whisker=float(max(inside.max(), upper)),
    )


def draw(
    study: pd.DataFrame, measure: Measure | Score, groups: Groups, caveat: str = ""
) -> Drawing:
    """Draw a measure's run means by training mix and test group.

    Parameters
    ----------
    study
        One row per run and group: run, mix, share, seed, group, n (test images) and the
        measure's column. Rows without a value are left out.
    measure
        The measure: MSE in figure 3, sigma in figure 6.
    groups
        The groups of the study; those that are only assessed have boxes too.
    caveat
        The origin of the numbers, if it is not the real study.
    """
    metric = measure.name
    data = study[[*_COLUMNS, metric]].dropna(subset=[metric]).reset_index(drop=True)
    shown = [group for group in groups.names if (data["group"] == group).any()]
    offsets = _ROOM * ((np.arange(len(shown)) + 0.5) / max(len(shown), 1) - 0.5)
    mixes = mixes_in_order(data)
    with house_style():
        figure = new_figure(2.5, [_how_many(data), caveat])
        axes = figure.add_subplot()
        for place, (mix, _) in enumerate(mixes):
            for group, offset in zip(shown, offsets, strict=True):
                chosen = data[(data["mix"] == mix) & (data["group"] == group)]
                values = chosen[metric].to_numpy(dtype=np.float64)
                looks = _Looks(colour_of(group, groups), marker_of(group, groups), len(shown))
                _draw_group(axes, place + offset, values, looks)
        axes.set_xticks(range(len(mixes)), [mix_name(*mix, groups) for mix in mixes])
        axes.set_xlim(-0.5, len(mixes) - 0.5)
        axes.set_xlabel("Training mix")
        axes.set_ylabel(measure.axis)
        axes.grid(axis="y", color="#E3E3E3", linewidth=0.5)
        axes.set_axisbelow(True)
        figure.legend(handles=_legend(shown, groups), loc="outside upper center", ncols=2)
    return Drawing(figure, data)


@dataclass(frozen=True)
class _Looks:
    """The drawing style of a group's box; ``beside`` counts the boxes of a mix."""

    colour: str
    marker: str
    beside: int


def _draw_group(axes: Axes, x: float, values: Float[np.ndarray, " runs"], looks: _Looks) -> None:
    if not len(values):
        return
    box, colour = box_of(values), looks.colour
    width = _FILL * _ROOM / looks.beside
    statistics: dict[str, Any] = {
        "whislo": box.lower_whisker,
        "q1": box.lower_quartile,
        "med": box.median,
        "q3": box.upper_quartile,
        "whishi": box.upper_whisker,
    }
    axes.bxp(
        [statistics],
        positions=[x],
        widths=width,
        showfliers=False,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": colour + "40", "edgecolor": colour, "linewidth": 0.9},
        medianprops={"color": colour, "linewidth": 1.6},
        whiskerprops={"color": colour, "linewidth": 0.9},
        capprops={"color": colour, "linewidth": 0.9},
    )
    # Spread by rank, not at random, so that equal input gives an equal picture.
    spread = width * np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else np.zeros(1)
    axes.scatter(
        x + spread,
        values,
        s=9,
        marker=looks.marker,
        facecolor="white",
        edgecolor=colour,
        linewidth=0.7,
        zorder=3,
    )


def _how_many(data: pd.DataFrame) -> str:
    runs = data.groupby(["mix", "group"]).size()
    images = data["n"]
    return (
        f"Points: means of {_span(runs)} runs per box over {_span(images)} test images each. "
        "Box: quartiles; whiskers: within 1.5 interquartile ranges."
    )


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,}{DASH}{high:,}"


def _legend(shown: list[str], groups: Groups) -> list[Patch]:
    return [
        Patch(
            facecolor=colour_of(group, groups) + "40",
            edgecolor=colour_of(group, groups),
            label=f"test: {group_name(group, groups)}",
        )
        for group in shown
    ]

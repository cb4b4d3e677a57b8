"""Figure 8: mean error per condition, one group against the other, one panel per mix."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tonegap.figures.style import (
    FAINT,
    POINT_COLOUR,
    Drawing,
    group_name,
    house_style,
    identity_line,
    log_scale,
    mix_name,
    mixes_in_order,
    new_figure,
    share_labels,
    square_axes,
)
from tonegap.groups import Groups
from tonegap.labels import LABEL_COLUMNS, Level

MIN_IMAGES = 5  # per group; below, a mean reflects single images more than the condition
_COLUMNS = [
    "mix",
    "share",
    "level",
    "label",
    "n_reference",
    "n_compared",
    "mse_reference",
    "mse_compared",
    "gap",
    "drawn",
]
_PANEL_IN = 1.6
_AREA_PT2_PER_IMAGE = 1.0
_LARGEST_AREA_PT2 = 60.0
_LEGEND_SIZES = (5, 10, 20, 60)


def condition_errors(images: pd.DataFrame, level: Level, groups: Groups) -> pd.DataFrame:
    """Average the error by mix, condition and group.

    An image in several runs of a mix counts once, with the mean of its errors: runs that
    redraw it add no new patient.

    Parameters
    ----------
    images
        One row per run and test image: mix, share, md5hash, group,
        ``label_<level>``, mse.
    level
        Level of the labels.
    groups
        The two that are compared.

    Returns
    -------
    DataFrame
        One row per mix and condition with images in both groups, mixes by share,
        conditions by name: mix, share, level, label, n_reference, n_compared (distinct
        images), mse_reference, mse_compared, gap (compared minus reference), drawn (at
        least ``MIN_IMAGES`` images in each group).
    """
    label = LABEL_COLUMNS[level]
    keys = ["share", "mix", label, "group"]
    per_image = images.groupby([*keys, "md5hash"], sort=True)["mse"].mean()
    means = per_image.groupby(keys).agg(n="size", mse="mean").unstack("group")  # noqa: PD010  keeps the pairs of columns
    both = pd.MultiIndex.from_product([["n", "mse"], groups.pair])
    means = means.reindex(columns=both).dropna()
    means.columns = pd.Index(["n_reference", "n_compared", "mse_reference", "mse_compared"])
    table = means.reset_index().rename(columns={label: "label"})
    table = table.astype({"n_reference": "int64", "n_compared": "int64"})
    fewest = table[["n_reference", "n_compared"]].min(axis=1)
    table = table.assign(
        level=level, gap=table["mse_compared"] - table["mse_reference"], drawn=fewest >= MIN_IMAGES
    )
    return table[_COLUMNS]


def draw(errors: pd.DataFrame, groups: Groups, caveat: str = "") -> Drawing:
    """Draw one panel per mix, with the same axes, and the line where the groups are equal.

    Axes are logarithmic: equal distances from the line are equal ratios of the errors.

    Parameters
    ----------
    errors
        From :func:`condition_errors`; rows with ``drawn`` are points.
    groups
        The two that are compared.
    caveat
        The origin of the numbers, if it is not the real study.
    """
    mixes = mixes_in_order(errors)
    points = errors[errors["drawn"]]
    scale = log_scale(points[["mse_reference", "mse_compared"]].to_numpy(dtype=np.float64).ravel())
    with house_style():
        lines = len(mixes) // 2 + 1  # two panels per line, and a place for the explanation
        figure = new_figure(_PANEL_IN * lines + 0.2, [_rule(errors), caveat])
        grid = figure.subplots(lines, 2).ravel()
        for axes, mix in zip(grid, mixes, strict=False):
            _draw_mix(axes, mix_name(*mix, groups), points[points["mix"] == mix[0]], scale)
        for axes in grid[len(mixes) :]:
            axes.set_axis_off()
        _explain(grid[len(mixes)], _smaller_group(points).max(initial=MIN_IMAGES))
        share_labels(
            figure,
            f"MSE of {group_name(groups.reference, groups)}, [\N{MINUS SIGN}1, 1] range",
            f"MSE of {group_name(groups.compared, groups)}, [\N{MINUS SIGN}1, 1] range",
        )
    return Drawing(figure, errors)


def _draw_mix(
    axes: Axes,
    name: str,
    points: pd.DataFrame,
    scale: tuple[float, float, list[float]],
) -> None:
    lower, upper, ticks = scale
    square_axes(axes, lower, upper, ticks, "log")
    identity_line(axes, upper, lower)
    sizes = _areas(_smaller_group(points))
    axes.scatter(
        points["mse_reference"],
        points["mse_compared"],
        s=sizes,
        facecolor=POINT_COLOUR + "50",
        edgecolor=POINT_COLOUR,
        linewidth=0.6,
        zorder=2,
    )
    axes.set_title(name.replace("\n", ", "))


def _areas(n: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    return np.minimum(_AREA_PT2_PER_IMAGE * n, _LARGEST_AREA_PT2)


def _smaller_group(points: pd.DataFrame) -> Float[np.ndarray, " points"]:
    return points[["n_reference", "n_compared"]].min(axis=1).to_numpy(dtype=np.float64)


def _explain(axes: Axes, largest: float) -> None:
    handles = [
        Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            markersize=float(np.sqrt(_areas(np.array([float(size)]))[0])),
            markerfacecolor=POINT_COLOUR + "50",
            markeredgecolor=POINT_COLOUR,
            markeredgewidth=0.6,
            label=f"{size} images",
        )
        for size in _LEGEND_SIZES
        if size <= max(largest, MIN_IMAGES)
    ]
    line = Line2D([], [], color=FAINT, linewidth=0.8, linestyle=(0, (4, 2)), label="equal MSE")
    axes.legend(
        handles=[*handles, line],
        loc="center",
        title="One point per condition;\narea: the smaller group;\naxes logarithmic",
        title_fontsize=7.0,
        labelspacing=0.9,
    )


def _rule(errors: pd.DataFrame) -> str:
    drawn = errors.loc[errors["drawn"], "label"].nunique()
    whole = errors["label"].nunique()
    return (
        f"n = {drawn} of {whole} fine conditions found in both test groups: those with at least "
        f"{MIN_IMAGES} test images in each."
    )

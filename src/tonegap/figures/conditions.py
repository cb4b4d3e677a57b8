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
_GAPS = {
    "low": "log_gap_low",
    "high": "log_gap_high",
    "shrunken": "log_gap_shrunken",
}
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


def with_gaps(errors: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Add to each condition its gap of log errors within runs, with interval and shrunken value.

    Parameters
    ----------
    errors
        From :func:`condition_errors`, fine labels.
    gaps
        From :func:`tonegap.statistics.heterogeneity.condition_gaps`.
    """
    known = gaps[["mix", "label", *_GAPS]].rename(columns=_GAPS)
    return errors.merge(known, on=["mix", "label"], how="left")


def draw(errors: pd.DataFrame, groups: Groups, caveat: str = "") -> Drawing:
    """Draw one panel per mix, with the same axes, and the line where the groups are equal.

    Axes are logarithmic: equal distances from the line are equal ratios of the errors.

    Parameters
    ----------
    errors
        From :func:`condition_errors`; rows with ``drawn`` are points. With :func:`with_gaps` each
        has a line for the 95 % interval of its gap and a tick for the shrunken gap.
    groups
        The two that are compared.
    caveat
        The origin of the numbers, if it is not the real study.
    """
    mixes = mixes_in_order(errors)
    points = errors[errors["drawn"]]
    scale = log_scale(_drawn_values(points))
    with house_style():
        lines = len(mixes) // 2 + 1  # two panels per line, and a place for the explanation
        figure = new_figure(_PANEL_IN * lines + 0.2, [_rule(errors), caveat])
        grid = figure.subplots(lines, 2).ravel()
        for axes, mix in zip(grid, mixes, strict=False):
            _draw_mix(axes, mix_name(*mix, groups), points[points["mix"] == mix[0]], scale)
        for axes in grid[len(mixes) :]:
            axes.set_axis_off()
        largest = _smaller_group(points).max(initial=MIN_IMAGES)
        _explain(grid[len(mixes)], largest, with_gaps="log_gap_shrunken" in points)
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
    if "log_gap_shrunken" in points:
        _draw_gaps(axes, points.dropna(subset="log_gap_shrunken"))
    axes.set_title(name.replace("\n", ", "))


def _drawn_values(points: pd.DataFrame) -> Float[np.ndarray, " values"]:
    """Return every error that an axis must hold: of the points, and at the ends of intervals."""
    values = [points["mse_reference"], points["mse_compared"]]
    values += [points["mse_reference"] * np.exp(points[n]) for n in _GAPS.values() if n in points]
    return np.asarray(pd.concat(values).dropna(), dtype=np.float64)


def _draw_gaps(axes: Axes, points: pd.DataFrame) -> None:
    """Draw intervals and shrunken gaps as errors of the compared group, given the reference's."""
    x = points["mse_reference"].to_numpy()
    low, high, shrunken = (x * np.exp(points[name].to_numpy()) for name in _GAPS.values())
    axes.vlines(x, low, high, color=POINT_COLOUR, linewidth=0.5, alpha=0.6, zorder=1)
    axes.scatter(x, shrunken, s=22, marker="_", color=POINT_COLOUR, linewidth=1.1, zorder=3)


def _areas(n: Float[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
    return np.minimum(_AREA_PT2_PER_IMAGE * n, _LARGEST_AREA_PT2)


def _smaller_group(points: pd.DataFrame) -> Float[np.ndarray, " points"]:
    return points[["n_reference", "n_compared"]].min(axis=1).to_numpy(dtype=np.float64)


def _explain(axes: Axes, largest: float, *, with_gaps: bool) -> None:
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
    gaps = [
        Line2D([], [], color=POINT_COLOUR, linewidth=0.5, label="95 % of the gap"),
        Line2D(
            [], [], linestyle="none", marker="_", color=POINT_COLOUR, label="shrunken to the mean"
        ),
    ]
    axes.legend(
        handles=[*handles, line, *(gaps if with_gaps else [])],
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

"""The share of the compared group among samples, against its share in training."""

from __future__ import annotations

from typing import Final

import pandas as pd
from matplotlib.axes import Axes

from tonegap.figures.style import Drawing, colour_of, house_style, new_figure
from tonegap.groups import Groups
from tonegap.statistics.amplification import PREFIX, amplification

_TITLES: Final = {"prior": "Prior", "fitted": "Fitted to latents"}


def draw(runs: pd.DataFrame, groups: Groups, caveat: str = "") -> Drawing | None:
    """Draw one panel per sampler, a point per run; None without samples.

    Parameters
    ----------
    runs
        metrics/study.csv.
    groups
        The groups of the study.
    caveat
        The origin of the numbers, if it is not the real study.
    """
    slopes = amplification(runs)
    if not len(slopes):
        return None
    names = [f"{PREFIX}{sampler}" for sampler in slopes["sampler"]]
    data = runs.drop_duplicates("run")[["run", "mix", "share", "seed", *names]]
    data = data.reset_index(drop=True)
    with house_style():
        figure = new_figure(2.0, [_note(slopes), caveat])
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            _panel(axes, data, name, groups)
        panels[0].set_ylabel(f"Share of {groups.compared} among samples")
    return Drawing(figure, data)


def _panel(axes: Axes, data: pd.DataFrame, name: str, groups: Groups) -> None:
    sampler = name.removeprefix(PREFIX)
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle="--")
    axes.scatter(
        data["share"], data[name], s=14, facecolor="white", linewidth=0.8,
        edgecolor=colour_of(groups.compared, groups), zorder=3, clip_on=False,
    )  # fmt: skip
    means = data.groupby("share")[name].mean()
    axes.plot(means.index, means, color=colour_of(groups.compared, groups), linewidth=1.2)
    axes.set_title(_TITLES.get(sampler, sampler))
    axes.set_xlabel(f"Share of {groups.compared} in training")
    axes.set_xlim(-0.05, 1.05)
    axes.set_ylim(-0.05, 1.05)
    axes.set_aspect("equal")


def _note(slopes: pd.DataFrame) -> str:
    """Give each slope with its interval, and say what it would be of a faithful model."""
    found = [
        f"{row['sampler']} {row['slope']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
        for row in slopes.to_dict("records")
        if not row["reason"]
    ]
    start = "Points: runs; line: means. Dashed: a faithful model, slope 1."
    return f"{start} Slopes, 95 % interval: {'; '.join(found)}." if found else start

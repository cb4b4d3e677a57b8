"""Flow chart from the annotated rows to the assessed images."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from tonegap.figures.style import FAINT, INK, Drawing, house_style, new_figure

_ALL = "all"
_BOX_IN = 0.6
_LEFT, _RIGHT = 0.30, 0.80  # centres of the two columns, of the figure's width
_LEFT_NAMES = {
    "annotated": "annotated rows",
    "labelled": "with a value to group by",
    "grouped": "in a group",
    "quality": "not flagged",
    "listed": "on no list of exclusions",
    "fetched": "with an image",
    "readable": "readable",
    "large_enough": "large enough",
    "distinct": "distinct",
}
_EXCLUDED_NAMES = {
    "labelled": "no skin type",
    "grouped": "between the groups",
    "quality": "quality flag",
    "listed": "a list of exclusions",
    "fetched": "no image",
    "readable": "unreadable",
    "large_enough": "too small",
    "distinct": "duplicates",
}


def draw(flow: pd.DataFrame, caveat: str = "") -> Drawing:
    """Draw the flow; steps that exclude nothing are named below instead of drawn.

    Parameters
    ----------
    flow
        One row per step and group (all, each group, neither), in the order of the steps:
        step, group, left, excluded (rows).
    caveat
        The data behind the table, if not Fitzpatrick17k.
    """
    counts = flow.pivot_table(
        index="step", columns="group", values=["left", "excluded"], sort=False
    )
    steps = list(dict.fromkeys(flow["step"]))
    excluded = counts["excluded"][_ALL]
    shown = [step for number, step in enumerate(steps) if number == 0 or excluded[step] > 0]
    idle = [_EXCLUDED_NAMES.get(step, step) for step in steps if step not in shown]
    note = f"No row was left out for: {', '.join(idle)}." if idle else ""
    with house_style():
        figure = new_figure(_BOX_IN * len(shown) + 0.05, [note, caveat])
        axes = figure.add_subplot()
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        above = None
        for number, step in enumerate(shown):
            row = float(number)
            last = step == shown[-1]
            name = "assessed" if last else _LEFT_NAMES.get(step, step)
            box = _box(axes, (_LEFT, row), _described(name, counts["left"].loc[step]), bold=last)
            if row:
                lost = _described(_EXCLUDED_NAMES.get(step, step), counts["excluded"].loc[step])
                aside = _box(axes, (_RIGHT, row - 0.5), lost, faint=True)
                _arrow(axes, (_LEFT, row - 1), (_LEFT, row), above, box)
                _arrow(axes, (_LEFT, row - 0.5), (_RIGHT, row - 0.5), None, aside)
            above = box
    return Drawing(figure, flow)


def step_name(step: str) -> str:
    """Describe the rows that are left after a step."""
    return _LEFT_NAMES.get(step, step.replace("_", " "))


def _described(name: str, counts: pd.Series) -> str:
    parts = [
        f"{int(counts[group]):,} {group}"
        for group in counts.index
        if group != _ALL and counts[group]
    ]
    return f"{name}: {int(counts[_ALL]):,}\n" + "\n".join([" · ".join(parts[:2]), *parts[2:]])


def _box(
    axes: Axes, place: tuple[float, float], text: str, *, bold: bool = False, faint: bool = False
) -> Patch | None:
    written = axes.text(
        *place,
        text.strip(),
        ha="center",
        va="center",
        fontsize=6.5 if faint else 7.0,
        fontweight="bold" if bold else "normal",
        linespacing=1.2,
        bbox={
            "boxstyle": "round,pad=0.35",
            "facecolor": "#F3F3F3" if faint else "white",
            "edgecolor": FAINT if faint else INK,
            "linewidth": 0.6 if faint else 0.9,
        },
    )
    return written.get_bbox_patch()


def _arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    leaving: Patch | None,
    entering: Patch | None,
) -> None:
    """Draw an arrow from centre to centre, clipped at the edges of the boxes."""
    axes.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={
            "arrowstyle": "-|>",
            "linewidth": 0.7,
            "color": INK,
            "shrinkA": 0,
            "shrinkB": 1,
            "patchA": leaving,
            "patchB": entering,
        },
    )

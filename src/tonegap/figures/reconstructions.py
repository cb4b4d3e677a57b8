"""Figures 1, 4 and 5: originals above their reconstructions.

The functions draw any images. Photographs show patients: the caller decides where to store
such a picture, and never puts it under version control.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import UInt8
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tonegap.errors import DataError
from tonegap.examples import StudyExamples
from tonegap.figures.style import (
    COLUMN_WIDTH_IN,
    Drawing,
    colour_of,
    group_name,
    house_style,
    mix_name,
    new_figure,
)
from tonegap.groups import Groups
from tonegap.pixel_range import HALF_RANGE

Pixels = UInt8[np.ndarray, "_images _size _size 3"]

_PER_GROUP = 3  # columns of each group in figure 1
_PER_ROW = 6  # columns of figures 4 and 5
_LABEL_IN = 0.62
_TITLE_IN = 0.24
_PADDING_IN = 0.02
_BETWEEN = 0.16  # gap between groups, in widths of an image


def draw_one_mix(
    examples: StudyExamples, mix: str, share: float, groups: Groups, caveat: str
) -> Drawing:
    """Draw examples of both groups of one mix side by side (figure 1: the balanced mix)."""
    originals = {group: examples.originals[group][:_PER_GROUP] for group in groups.pair}
    again = {group: examples.reconstructions[mix][group][:_PER_GROUP] for group in groups.pair}
    rows = {
        "original": np.concatenate([originals[group] for group in groups.pair]),
        "recon-\nstruction": np.concatenate([again[group] for group in groups.pair]),
    }
    titles = [
        (colour_of(group, groups), group_name(group, groups), len(originals[group]))
        for group in groups.pair
    ]
    trained = mix_name(mix, share, groups).replace("\n", ", ")
    note = [f"Model trained on {trained}.", caveat]
    data = pd.concat(
        [_errors(originals[g], {mix: again[g]}, g) for g in groups.pair], ignore_index=True
    )
    return _drawn(rows, titles, note, data)


def draw_by_mix(
    examples: StudyExamples,
    group: str,
    shares: Mapping[str, float],
    groups: Groups,
    caveat: str,
) -> Drawing:
    """Draw one group's examples under every mix (figures 4 and 5).

    Parameters
    ----------
    examples
        Originals and reconstructions.
    group
        One of the two groups.
    shares
        The mixes to draw with their shares of the compared group, in order.
    groups
        The two that are compared.
    caveat
        The kind of images, if they are not from Fitzpatrick17k.
    """
    originals = examples.originals[group][:_PER_ROW]
    again = {mix: examples.reconstructions[mix][group][:_PER_ROW] for mix in shares}
    named = {mix_name(mix, shares[mix], groups): pixels for mix, pixels in again.items()}
    titles = [(colour_of(group, groups), group_name(group, groups), len(originals))]
    note = ["Rows: the original, and its reconstruction by the model of each training mix.", caveat]
    return _drawn({"original": originals, **named}, titles, note, _errors(originals, again, group))


def _drawn(
    rows: Mapping[str, Pixels],
    titles: list[tuple[str, str, int]],
    note: list[str],
    data: pd.DataFrame,
) -> Drawing:
    columns = sum(count for _, _, count in titles)
    if not columns:
        raise DataError("there are no examples to draw; set evaluate.grid_images above 0")
    cell_in = (COLUMN_WIDTH_IN - _LABEL_IN) / max(columns, 4)
    with house_style():
        figure = new_figure(cell_in * len(rows) + _TITLE_IN, note, _PADDING_IN, 0.0)
        grid = _grid(figure, len(rows), [count for _, _, count in titles if count])
        for line, (name, pixels) in zip(grid, rows.items(), strict=True):
            for axes, image in zip(line, pixels, strict=True):
                _show(axes, image)
            line[0].set_ylabel(name, rotation=0, ha="right", va="center", labelpad=4)
        _entitle(grid[0], titles)
    return Drawing(figure, data)


def _grid(figure: Figure, lines: int, groups: list[int]) -> np.ndarray:
    """Return axes in lines and columns, with a gap between groups of columns."""
    widths = [width for count in groups for width in (*([1.0] * count), _BETWEEN)][:-1]
    places = figure.add_gridspec(lines, len(widths), width_ratios=widths)
    shown = [column for column, width in enumerate(widths) if width != _BETWEEN]
    axes = [[figure.add_subplot(places[line, column]) for column in shown] for line in range(lines)]
    return np.array(axes, dtype=object)


def _show(axes: Axes, image: UInt8[np.ndarray, "size size 3"]) -> None:
    axes.imshow(image, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _entitle(line: np.ndarray, titles: list[tuple[str, str, int]]) -> None:
    start = 0
    for colour, title, count in titles:
        if count:
            axes = line[start]
            axes.set_title(title, loc="left", color=colour, pad=3)
        start += count


def _errors(originals: Pixels, again: Mapping[str, Pixels], group: str) -> pd.DataFrame:
    """Return the squared error of the shown images, on the scale [-1, 1]."""
    rows = []
    for mix, pixels in again.items():
        difference = (pixels.astype(np.float64) - originals) / HALF_RANGE
        for image, mse in enumerate(np.square(difference).mean(axis=(1, 2, 3))):
            rows.append({"group": group, "image": image, "mix": mix, "mse": float(mse)})
    return pd.DataFrame(rows, columns=["group", "image", "mix", "mse"])

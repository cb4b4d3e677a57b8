"""One style for every figure: colours, sizes, names of groups and mixes, the note below.

Colours are Okabe and Ito's, which people with any common colour blindness can distinguish
("Color Universal Design", 2008). They stand for groups and are not skin colours. Groups
also differ by marker, so that figures are readable in grey.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from tonegap.groups import LIGHT_AND_DARK, Groups

COLUMN_WIDTH_IN = 3.4  # of a two-column page
PNG_DOTS_PER_INCH = 250
NEITHER = "neither"
"""Images that are in no group, in tables and legends."""
NEITHER_COLOUR = "#7F7F7F"
_GROUP_COLOURS = ("#0072B2", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9", "#009E73")
_GROUP_MARKERS = ("o", "s", "^", "D", "v", "P")
POINT_COLOUR = "#006B4F"  # Okabe-Ito's bluish green, darkened to stand out from white
INK = "#1A1A1A"
FAINT = "#8A8A8A"
DASH = "\N{EN DASH}"

_SMALL_PT = 7.0
_LAYOUT_PASSES = 2  # the first does not yet account for the shrinking of square panels
_LAYOUT_DIGITS = 5  # of the figure's width: a thousandth of a point
_LABEL_PT = 7.5
_NOTE_CHARACTERS = 62  # of small print that fit the column
_NOTE_LINE_IN = 0.125
_NOTE_GAP_IN = 0.08
_LABEL_LINE_IN = 0.15
_TOP_IN = 0.03
_LOG_MARGINS = (1.12, 1.35)  # beyond the outermost points, as factors
# Ticks of each decade, by how many decades the axis spans.
_LOG_STEPS: Mapping[float, Sequence[float]] = {
    0.3: (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
    0.8: (1, 1.5, 2, 3, 4, 6, 8),
    1.5: (1, 2, 5),
    4.0: (1, 3),
    float("inf"): (1,),
}
_BETWEEN_DIGITS = re.compile(r"(?<=\d)-(?=\d)")
_PAPER_LETTERS = {"light": "A", "mixed": "B", "dark": "C"}
# Any: each version of matplotlib types its keys differently.
_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": _SMALL_PT,
    "axes.labelsize": _LABEL_PT,
    "axes.titlesize": _LABEL_PT,
    "axes.titleweight": "bold",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": _SMALL_PT,
    "ytick.labelsize": _SMALL_PT,
    "legend.fontsize": _SMALL_PT,
    "legend.frameon": False,
    "figure.facecolor": "white",
    # The layout measures text as the PNG draws it; hinting would change widths with the scale.
    "figure.dpi": PNG_DOTS_PER_INCH,
    "text.hinting": "none",
    "savefig.facecolor": "white",
    # Text stays text: it can be searched, copied and read aloud.
    "svg.fonttype": "none",
    # Element names in SVG files derive from this word, not from random numbers.
    "svg.hashsalt": "tonegap",
    "text.usetex": False,
    "path.simplify": False,
}


@dataclass(frozen=True)
class Drawing:
    """A figure and the numbers that it shows.

    Attributes
    ----------
    figure : Figure
        On an Agg canvas, its layout settled, ready to encode.
    data : DataFrame
        The drawn numbers, to be written beside it.
    """

    figure: Figure
    data: pd.DataFrame

    def __post_init__(self) -> None:
        _settle(self.figure)


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and encode in the project's style; restore the user's own settings afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        # Not mpl.use(): it would switch the backend of a program that imports tonegap.
        mpl.rcParams.update(_SETTINGS)
        yield


def new_figure(
    height_in: float, note: Sequence[str] = (), padding_in: float = 0.04, space: float = 0.04
) -> Figure:
    """Return an empty figure, one column wide, with ``note`` at its lower edge.

    Parameters
    ----------
    height_in
        Height in inches, without the note.
    note
        What a reader must know: how many, which rule, which caveat; one paragraph per
        entry. Empty entries are omitted.
    padding_in, space
        Space around each panel, in inches, and between panels, as a share of theirs.
    """
    lines = [line for text in note if text for line in textwrap.wrap(text, _NOTE_CHARACTERS)]
    note_in = _NOTE_LINE_IN * len(lines) + (_NOTE_GAP_IN if lines else 0.0)
    bottom, top = (inches / (height_in + note_in) for inches in (note_in, _TOP_IN))
    engine = ConstrainedLayoutEngine(
        w_pad=padding_in,
        h_pad=padding_in,
        wspace=space,
        hspace=space,
        rect=(0, bottom, 1, 1 - bottom - top),
    )
    figure = Figure(figsize=(COLUMN_WIDTH_IN, height_in + note_in), layout=engine)
    FigureCanvasAgg(figure)
    figure.text(0.02, 0.01, "\n".join(lines), fontsize=_SMALL_PT, va="bottom", linespacing=1.15)
    return figure


def _settle(figure: Figure) -> None:
    """Compute the layout once, so that encoders do not, and round it.

    The layout's solver orders its equations by memory addresses, so its last digits differ
    from run to run, and names in SVG files are hashes of all digits.
    """
    with house_style():
        for _ in range(_LAYOUT_PASSES):
            figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        place = axes.get_position(original=True)
        axes.set_position(tuple(np.round(place.bounds, _LAYOUT_DIGITS).tolist()))
    for text in figure.texts:
        text.set_position(tuple(np.round(text.get_position(), _LAYOUT_DIGITS).tolist()))


def share_labels(figure: Figure, x_label: str, y_label: str) -> None:
    """Label the axes of all panels together, above the note."""
    engine = figure.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):
        raise TypeError("shared labels need a figure of new_figure")
    _, bottom, width, height = engine.get()["rect"]
    label = _LABEL_LINE_IN / figure.get_figheight()
    # The layout reserves no space for a label below the panels unless it is at the very edge.
    engine.set(rect=(0, bottom + label, width, height - label))
    figure.supxlabel(x_label, y=bottom, va="bottom", fontsize=_LABEL_PT)
    figure.supylabel(y_label, y=bottom + (height + label) / 2, fontsize=_LABEL_PT)


def group_name(group: str, groups: Groups) -> str:
    """Return a group's name with its content, such as ``light (FST 1-2)``, with an en dash."""
    return _BETWEEN_DIGITS.sub(DASH, groups.described(group))


def colour_of(group: str, groups: Groups) -> str:
    """Return the colour of a group: blue and vermillion for the pair, grey for none."""
    return _looks(group, groups, _GROUP_COLOURS, NEITHER_COLOUR)


def marker_of(group: str, groups: Groups) -> str:
    """Return the marker of a group: circle and square for the pair."""
    return _looks(group, groups, _GROUP_MARKERS, "x")


def _looks(group: str, groups: Groups, choices: Sequence[str], otherwise: str) -> str:
    names = groups.names
    return choices[names.index(group) % len(choices)] if group in names else otherwise


def mix_name(mix: str, share: float, groups: Groups) -> str:
    """Name a mix in two lines: the paper's letter, if any, and the compared group's share."""
    letter = _PAPER_LETTERS.get(mix) if groups.pair == LIGHT_AND_DARK.pair else None
    name = f"{letter} {DASH} {mix}" if letter else mix
    return f"{name}\n{100 * share:.3g} % {groups.compared}"


def mixes_in_order(frame: pd.DataFrame) -> list[tuple[str, float]]:
    """Return the mixes of a table with their shares of the compared group, from none to all."""
    pairs = frame[["mix", "share"]].drop_duplicates().sort_values(["share", "mix"])
    return [(str(mix), float(share)) for mix, share in pairs.itertuples(index=False)]


def identity_line(axes: Axes, upper: float, lower: float = 0.0) -> None:
    """Draw y = x from ``lower`` to ``upper``, where the groups are equal."""
    axes.plot(
        [lower, upper],
        [lower, upper],
        color=FAINT,
        linewidth=0.8,
        linestyle=(0, (4, 2)),
        zorder=1,
    )


def log_scale(values: Float[np.ndarray, " values"]) -> tuple[float, float, list[float]]:
    """Return the ends of a logarithmic axis that holds all positive values, and its round ticks."""
    positive = values[values > 0]
    if not positive.size:
        return 1.0, 100.0, [1.0, 10.0, 100.0]
    smallest, largest = float(positive.min()), float(positive.max())
    margin = min(max((largest / smallest) ** 0.1, _LOG_MARGINS[0]), _LOG_MARGINS[1])
    lower, upper = smallest / margin, largest * margin
    steps = next(
        steps for decades, steps in _LOG_STEPS.items() if np.log10(upper / lower) < decades
    )
    exponents = range(int(np.floor(np.log10(lower))), int(np.ceil(np.log10(upper))) + 1)
    round_values = [float(f"{step}e{exponent}") for exponent in exponents for step in steps]
    return lower, upper, [value for value in round_values if lower <= value <= upper]


def square_axes(
    axes: Axes, lower: float, upper: float, ticks: Sequence[float], scale: str, **options: float
) -> None:
    """Scale both axes equally, with only these ticks; ``options`` go to the scale."""
    axes.set_xscale(scale, **options)
    axes.set_yscale(scale, **options)
    for axis, set_limits in ((axes.xaxis, axes.set_xlim), (axes.yaxis, axes.set_ylim)):
        set_limits(lower, upper)
        axis.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    axes.set_box_aspect(1)

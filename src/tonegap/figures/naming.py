"""Place names beside points so that they cover neither a point nor each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

_NAME_PT = 6.0
_POINT_PT = 1.8
_LONGEST = 22
_POINTS_PER_INCH = 72
# Offset in points from the marker, horizontal and vertical alignment.
_PLACES = (
    ((3, 0), "left", "center"),
    ((-3, 0), "right", "center"),
    ((0, 3), "center", "bottom"),
    ((0, -3), "center", "top"),
    ((3, 4), "left", "bottom"),
    ((-3, 4), "right", "bottom"),
    ((3, -4), "left", "top"),
    ((-3, -4), "right", "top"),
)


def name_points(
    axes: Axes, points: Float[np.ndarray, "points 2"], names: Sequence[str], first: Sequence[int]
) -> None:
    """Write names beside some points, as many as fit.

    Parameters
    ----------
    axes
        Axes in their final size and limits, on an Agg canvas.
    points
        All drawn points, in data units; names do not cover them.
    names
        Name of each point; long ones are truncated with an ellipsis.
    first
        Points to name, the most important first.
    """
    reach = _POINT_PT / _POINTS_PER_INCH * axes.figure.get_dpi()
    pixels = np.asarray(axes.transData.transform(points))
    taken = [Bbox.from_extents(x - reach, y - reach, x + reach, y + reach) for x, y in pixels]
    for index in first:
        box = _place(axes, points[index], _short(names[index]), taken)
        if box is not None:
            taken.append(box)


def _place(
    axes: Axes, point: Float[np.ndarray, " xy"], name: str, taken: Sequence[Bbox]
) -> Bbox | None:
    """Try the positions in order; omit the name if none is free."""
    frame = axes.get_window_extent().padded(-_POINT_PT)  # clear of the axes' lines
    for offset, horizontal, vertical in _PLACES:
        text = axes.annotate(
            name,
            (float(point[0]), float(point[1])),
            xytext=offset,
            textcoords="offset points",
            ha=horizontal,
            va=vertical,
            fontsize=_NAME_PT,
            # Keep lines below a name from striking it through.
            bbox={"boxstyle": "square,pad=0.05", "facecolor": "#FFFFFFD0", "linewidth": 0},
        )
        text.set_in_layout(False)
        box = _extent(axes, text)
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 <= frame.y1
        if inside and not any(box.overlaps(other) for other in taken):
            return box
        text.remove()
    return None


def _extent(axes: Axes, text: Annotation) -> Bbox:
    canvas = axes.figure.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        raise TypeError("names are placed by measuring text, which needs an Agg canvas")
    return text.get_window_extent(canvas.get_renderer())  # type: ignore[no-untyped-call]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1].rstrip() + "…"

"""Encode figures as bytes that depend only on the figure: no dates, randomness or versions."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from matplotlib.figure import Figure

from tonegap.figures.style import PNG_DOTS_PER_INCH, house_style


def svg_bytes(figure: Figure) -> bytes:
    """Encode as SVG: the same figure gives the same bytes with the same matplotlib."""
    return _encoded(figure, "svg", {"Date": None, "Creator": None})


def png_bytes(figure: Figure) -> bytes:
    """Encode as PNG, 250 dots per inch."""
    return _encoded(figure, "png", {"Software": None})


def _encoded(figure: Figure, kind: str, metadata: dict[str, str | None]) -> bytes:
    buffer = io.BytesIO()
    with house_style():
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=PNG_DOTS_PER_INCH)
    return buffer.getvalue()


ENCODERS: Final[Mapping[str, Callable[[Figure], bytes]]] = MappingProxyType(
    {".svg": svg_bytes, ".png": png_bytes}
)
"""Encoders of figures, by the suffix of the file."""

"""Quality of a picture by simple numbers, each from a thumbnail of fixed size.

The fixed size makes numbers of pictures of 90 and of 3,000 pixels comparable.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Int16, UInt8

_LEVELS: Final = 256
_BORDER_TOLERANCE: Final = 8  # grey levels; JPEG rings about the edges of a letterbox


def sharpness(grey: Float[np.ndarray, "height width"]) -> float:
    """Variance of the Laplacian (4 neighbours) inside the picture, squared grey levels.

    Zero for a plane of any slope; near zero for a blurred picture.
    """
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4.0 * inner
    return float(laplacian.var())


def entropy_bits(grey: UInt8[np.ndarray, "height width"]) -> float:
    """Shannon entropy of the grey levels, bits in [0, 8]; zero for one level."""
    counts = np.bincount(grey.reshape(-1), minlength=_LEVELS)
    shares = counts[counts > 0] / grey.size
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # turns -0.0 into 0.0


def border_share(rgb: UInt8[np.ndarray, "height width 3"]) -> float:
    """Share of the picture's area in plain bars along its edges, in [0, 1].

    A row or column belongs to a bar when it and all those between it and the edge are of
    one colour, that of the edge's own middle, within 8 levels per channel. 1 means a plain
    picture, 0 no bars.
    """
    levels = rgb.astype(np.int16)
    top, bottom = _bar(levels), _bar(levels[::-1])
    sideways = levels.transpose(1, 0, 2)
    left, right = _bar(sideways), _bar(sideways[::-1])
    height, width = rgb.shape[:2]
    inner = max(height - top - bottom, 0) * max(width - left - right, 0)
    return float(1.0 - inner / (height * width))


def _bar(levels: Int16[np.ndarray, "lines pixels 3"]) -> int:
    """Count the plain lines at the start; most pictures have none, so lines are read in turn."""
    colour = np.sort(levels[0], axis=0)[len(levels[0]) // 2]
    for count, line in enumerate(levels):
        if np.abs(line - colour).max() > _BORDER_TOLERANCE:
            return count
    return len(levels)

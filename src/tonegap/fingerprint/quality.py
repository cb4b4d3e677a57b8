"""Simple measures of picture quality, each from a thumbnail of fixed size.

The fixed size makes the measures of pictures of 90 and of 3,000 pixels comparable.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, UInt8

_LEVELS: Final = 256


def sharpness(grey: Float[np.ndarray, "height width"]) -> float:
    """Return the variance of the Laplacian (4 neighbours) in the picture, squared grey levels.

    Zero for a plane of any slope; near zero for a blurred picture.
    """
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4.0 * inner
    return float(laplacian.var())


def entropy_bits(grey: UInt8[np.ndarray, "height width"]) -> float:
    """Return the Shannon entropy of the grey levels, bits in [0, 8]; zero for one level."""
    counts = np.bincount(grey.reshape(-1), minlength=_LEVELS)
    shares = counts[counts > 0] / grey.size
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # turns -0.0 into 0.0

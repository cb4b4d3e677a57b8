"""64-bit perceptual hashes of grey pictures: near copies differ in few bits.

``phash`` keeps the signs of the 8 x 8 lowest cosine coefficients of a 32 x 32 picture
about their median (as in Zauner, *Implementation and benchmarking of perceptual image
hash functions*, 2010, section 3.2.1); ``dhash`` keeps whether each pixel of a 9 x 8
picture is brighter than its left neighbour.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Bool, Float

_SIDE: Final = 32
_KEPT: Final = 8
# Rows: the 8 lowest cosines; `basis @ picture @ basis.T` is the kept part of the DCT-II.
_WAVES: Final = np.cos(np.pi / _SIDE * np.outer(np.arange(_KEPT), np.arange(_SIDE) + 0.5))
_BASIS: Final = _WAVES / np.linalg.norm(_WAVES, axis=1, keepdims=True)
_ODD: Final = np.where(np.arange(_KEPT) % 2 == 1, -1.0, 1.0)


def cosines(grey: Float[np.ndarray, "*n 32 32"]) -> Float[np.ndarray, "*n 8 8"]:
    """Lowest 8 x 8 coefficients of the orthonormal two-dimensional DCT-II."""
    return np.asarray(_BASIS @ grey @ _BASIS.T)


def mirrored(coefficients: Float[np.ndarray, "*n 8 8"]) -> Float[np.ndarray, "*n 8 8"]:
    """Coefficients of the picture flipped left to right: odd cosines change sign."""
    return coefficients * _ODD


def phash(coefficients: Float[np.ndarray, "*n 8 8"]) -> list[str]:
    """Hash of each picture by its cosines: 16 hexadecimal digits."""
    flat = coefficients.reshape(-1, _KEPT * _KEPT)
    return _hex(flat > np.median(flat, axis=1, keepdims=True))


def dhash(grey: Float[np.ndarray, "8 9"]) -> str:
    """Gradient hash of one picture of 8 rows and 9 columns: 16 hexadecimal digits."""
    return _hex((grey[:, 1:] > grey[:, :-1]).reshape(1, -1))[0]


def _hex(bits: Bool[np.ndarray, "n 64"]) -> list[str]:
    return [row.tobytes().hex() for row in np.packbits(bits, axis=1)]

"""Framing: the square, small picture that a model sees of an image."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from PIL import Image


def centre_square(image: Image.Image, size: int) -> UInt8[np.ndarray, "size size 3"]:
    """Cut the largest centred square and resize it.

    The paper's code resizes the shorter side to ``size`` and then cuts the centre, with
    the same bilinear filter (area-weighted where it shrinks): the same region, rounded
    to whole pixels in the source here and in the result there.

    Parameters
    ----------
    image
        Mode RGB, any size.
    size
        Side of the result, pixels.

    Returns
    -------
    uint8 array
        RGB in 0-255.
    """
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    small = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    return np.asarray(small, dtype=np.uint8)

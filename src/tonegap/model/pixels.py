"""Map pixels from the range of files, 0 to 255, to that of models, [-1, 1], and back."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from tonegap.pixel_range import HALF_RANGE


def to_model_range(
    pixels: UInt8[np.ndarray, "batch height width 3"] | UInt8[Tensor, "batch height width 3"],
) -> Float[Tensor, "batch 3 height width"]:
    """Map 8-bit RGB to float32 in [-1, 1], channels first; 255 becomes 1 exactly.

    The result is channels last in memory without a copy.
    """
    if not isinstance(pixels, Tensor):
        pixels = torch.from_numpy(np.ascontiguousarray(pixels))
    return pixels.permute(0, 3, 1, 2).float().div_(HALF_RANGE).sub_(1.0)


def to_8_bit(
    images: Float[Tensor, "batch 3 height width"],
) -> UInt8[np.ndarray, "batch height width 3"]:
    """Map images in [-1, 1] to 8-bit RGB, channels last: clipped and rounded."""
    scaled = ((images.detach().float().cpu() + 1.0) * HALF_RANGE).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()

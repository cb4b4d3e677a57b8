"""Distance to the nearest training images in pixels: a bar that knows no model."""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from tonegap.uncertainty.neighbours import mean_distance, one_row_per_draw
from tonegap.uncertainty.setting import Scorer, Setting

SIDE: Final = 16
"""Side of the small pictures that are compared."""


def fit(setting: Setting) -> Scorer:
    """Shrink the training images to 16 x 16 pixels and compare images with them."""
    rows = [one_row_per_draw(small(images), times.cpu()) for images, times in setting.batches()]
    training = torch.cat(rows)
    return lambda images: {"u_pixel_knn": mean_distance(small(images), training)}


def small(images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch values"]:
    """Average pixels down to 16 x 16, one row per image; in float64, alike on every processor."""
    return functional.adaptive_avg_pool2d(images.cpu().double(), SIDE).flatten(1)

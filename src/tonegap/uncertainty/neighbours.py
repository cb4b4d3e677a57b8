"""Distance to the nearest training images: novelty."""

from __future__ import annotations

from typing import Final

import torch
from jaxtyping import Float, Int
from torch import Tensor

NEIGHBOURS: Final = 5
"""Nearest training draws whose distances are averaged."""


def one_row_per_draw(
    values: Float[Tensor, "distinct width"], times: Int[Tensor, " distinct"]
) -> Float[Tensor, "draws width"]:
    """Repeat the row of an image as often as it was drawn."""
    return values.repeat_interleave(times, dim=0)


def mean_distance(
    points: Float[Tensor, "batch width"], training: Float[Tensor, "draws width"]
) -> Float[Tensor, " batch"]:
    """Return the mean Euclidean distance to the nearest rows; zero for five copies of the point.

    All rows count where there are fewer than :data:`NEIGHBOURS`.
    """
    # Not by matrix products: they cancel for points that lie close together.
    distances = torch.cdist(points, training, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = min(NEIGHBOURS, len(training))
    return distances.topk(nearest, dim=1, largest=False).values.mean(dim=1)

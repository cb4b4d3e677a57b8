"""Distance of an image's mean colour to those of the training draw: a bar that knows no model."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tonegap.pixel_range import HALF_RANGE
from tonegap.uncertainty.setting import Scorer, Setting

ROUNDING_VARIANCE: Final = (1.0 / HALF_RANGE) ** 2 / 12.0
"""Variance of rounding to 8 bits; added to each colour, so that equal images have a distance."""


def fit(setting: Setting) -> Scorer:
    """Describe the mean colours of the training draw by their mean and covariance.

    The score is the Mahalanobis distance: about 1.6 for an image of the draw, more for a colour
    that the draw lacks.
    """
    colours = np.concatenate([mean_colour(images) for images, _ in setting.batches()])
    times = setting.draw.times
    centre = np.average(colours, axis=0, weights=times)
    covariance = np.atleast_2d(np.cov(colours, rowvar=False, fweights=times, bias=True))
    root = np.linalg.cholesky(covariance + ROUNDING_VARIANCE * np.eye(3))
    return lambda images: {"u_colour_distance": _distance(mean_colour(images) - centre, root)}


def mean_colour(images: Float[Tensor, "batch 3 height width"]) -> Float[np.ndarray, "batch 3"]:
    """Return the mean red, green and blue of each image, in [-1, 1]."""
    return images.cpu().double().mean(dim=(2, 3)).numpy()


def _distance(
    offset: Float[np.ndarray, "batch 3"], root: Float[np.ndarray, "3 3"]
) -> Float[Tensor, " batch"]:
    return torch.from_numpy(np.linalg.norm(np.linalg.solve(root, offset.T), axis=0))

"""Sigma, the paper's score: the posterior's mean standard deviation."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from tonegap.model.protocol import GenerativeModel, unusable
from tonegap.uncertainty.setting import Scorer


def scorer(model: GenerativeModel) -> Scorer:
    """Return sigma of a model; NaN if the model has no posterior."""
    return lambda images: {"sigma": posterior_deviation(model, images)}


def posterior_deviation(
    model: GenerativeModel, images: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, " batch"]:
    """Return the mean posterior standard deviation per image; NaN if the model has none.

    Raises
    ------
    ModelError
        If the model returns anything but one finite deviation per image.
    """
    sigma: object = model.posterior_std(images)
    count = len(images)
    if sigma is None:
        return torch.full((count,), torch.nan)
    method, wanted = "`posterior_std`", f"one number per image, ({count},), or None"
    if not isinstance(sigma, Tensor):
        raise unusable(model, method, type(sigma).__name__, wanted)
    if sigma.shape != (count,):
        raise unusable(model, method, f"values of {tuple(sigma.shape)}", wanted)
    if not (sigma.isfinite() & (sigma >= 0)).all():
        raise unusable(model, method, "values that are negative, NaN or infinite",
                       "deviations of at least 0")  # fmt: skip
    return sigma

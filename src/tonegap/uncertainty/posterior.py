"""The posterior of a model's encoder, checked, because the model may be a user's."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from tonegap.model.protocol import HasPosterior, unusable
from tonegap.model.vae import Posterior, full_precision


def posterior_of(model: HasPosterior, images: Float[Tensor, "batch 3 height width"]) -> Posterior:
    """Return mean and log-variance of the images' posterior.

    Raises
    ------
    ModelError
        If the model returns anything but two finite tensors of equal shape, one row per image.
    """
    found: object = model.encode(images)
    method, wanted = "`encode`", f"mu and log_var of ({len(images)}, ...)"
    if not isinstance(found, tuple) or len(found) != 2 or not _are_tensors(found):  # noqa: PLR2004
        raise unusable(model, method, type(found).__name__, wanted)
    mu, log_var = (full_precision(part) for part in found)
    if mu.shape != log_var.shape or mu.ndim == 0 or len(mu) != len(images):
        shapes = f"values of {tuple(mu.shape)} and {tuple(log_var.shape)}"
        raise unusable(model, method, shapes, wanted)
    if not (mu.isfinite().all() and log_var.isfinite().all()):
        raise unusable(model, method, "values that are NaN or infinite", "finite values")
    return Posterior(mu, log_var)


def rows_of(values: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch values"]:
    """Put the values of each image in one row; a latent may be a single number."""
    return values.reshape(len(values), -1)


def _are_tensors(parts: tuple[object, ...]) -> bool:
    return all(isinstance(part, Tensor) for part in parts)

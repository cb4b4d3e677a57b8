"""Samplers: where samples come from, the model's prior or a Gaussian fitted to training latents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from tonegap.errors import ModelError, one_line
from tonegap.generation.latent_gaussian import LatentGaussian, fit_latent_gaussian
from tonegap.model.pixels import to_8_bit, to_model_range
from tonegap.model.protocol import GenerativeModel, TrainableVAE
from tonegap.uncertainty.posterior import posterior_of

SAMPLERS: Final = ("prior", "fitted")
"""``prior``: the model's own ``sample``. ``fitted``: decoded draws from a
:class:`~tonegap.generation.latent_gaussian.LatentGaussian`, for models that encode and decode."""

_FAR_OUT: Final = 10.0  # as for reconstructions: beyond this, the model uses another range

Pictures = UInt8[np.ndarray, "count size size 3"]


def prior_samples(model: GenerativeModel, count: int, size: int, seed: int) -> Pictures | None:
    """Sample a model as it samples itself; None if it cannot.

    Raises
    ------
    ModelError
        If ``sample`` fails, or returns anything but pictures of this size.
    """
    try:
        found: object = model.sample(count, seed)
    except NotImplementedError:
        return None
    except Exception as error:  # the model may be a user's and raise anything
        raise ModelError(
            f"`sample` of {type(model).__name__} failed ({type(error).__name__}: "
            f"{one_line(error)[:200]}); raise NotImplementedError if the model cannot generate, or "
            "set evaluate.samples to 0"
        ) from error
    return to_8_bit(_checked(found, (count, 3, size, size), model))


@torch.no_grad()
def fitted_samples(
    model: GenerativeModel,
    train: UInt8[np.ndarray, "draws size size 3"],
    count: int,
    *,
    seed: int,
    batch_size: int,
    device: torch.device,
) -> Pictures | None:
    """Decode draws from the Gaussian fitted to the training draw; None without a latent.

    Raises
    ------
    ModelError
        If the model decodes to anything but pictures.
    """
    if not isinstance(model, TrainableVAE) or not len(train):
        return None
    gaussian, shape = _fitted(model, train, batch_size, device)
    drawn = gaussian.draw(count, np.random.default_rng(seed)).reshape(count, *shape)
    latents = torch.split(torch.from_numpy(drawn), batch_size)
    pictures = [model.decode(part.to(device)) for part in latents]
    return to_8_bit(_checked(torch.cat(pictures), (count, 3, *train.shape[1:3]), model))


def _fitted(
    vae: TrainableVAE,
    train: UInt8[np.ndarray, "draws size size 3"],
    batch_size: int,
    device: torch.device,
) -> tuple[LatentGaussian, tuple[int, ...]]:
    """Return the Gaussian and the shape of one latent."""
    means, variances = [], []
    for images in _batches(train, batch_size, device):
        mu, log_var = posterior_of(vae, images)
        means.append(mu.cpu().double().numpy())
        variances.append(log_var.double().exp().cpu().numpy())
    shape = means[0].shape[1:]
    rows = (np.concatenate(parts).reshape(len(train), -1) for parts in (means, variances))
    return fit_latent_gaussian(*rows), shape


def _batches(
    images: UInt8[np.ndarray, "draws size size 3"], batch_size: int, device: torch.device
) -> Iterator[Tensor]:
    for start in range(0, len(images), batch_size):
        yield to_model_range(images[start : start + batch_size]).to(device)


def _checked(found: object, shape: tuple[int, ...], model: GenerativeModel) -> Tensor:
    """Return pictures that can be compared, or say what is wrong with them."""
    if not isinstance(found, Tensor) or found.shape != shape:
        gave = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found).__name__
        raise _unusable(model, gave, f"a tensor of {shape}")
    if not found.isfinite().all():
        raise _unusable(model, "values that are NaN or infinite", "images in [-1, 1]")
    largest = float(found.abs().max()) if found.numel() else 0.0
    if largest > _FAR_OUT:
        raise _unusable(model, f"values up to {largest:.4g}", "images in [-1, 1]")
    return found


def _unusable(model: GenerativeModel, gave: str, wanted: str) -> ModelError:
    return ModelError(
        f"samples of {type(model).__name__} have {gave}, expected {wanted}: they cannot be "
        "compared with real images; correct the model, or set evaluate.samples to 0 "
        "(docs/own-model.md)"
    )

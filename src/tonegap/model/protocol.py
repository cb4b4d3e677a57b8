"""The methods that a model needs for training and for assessment; see docs/own-model.md.

Assessment needs a :class:`GenerativeModel`. Training needs a :class:`TrainableVAE`,
a module with ``encode`` and ``decode``, which :func:`as_generative` then adapts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tonegap.errors import ModelError
from tonegap.model.last_batch import LastBatch
from tonegap.model.vae import Posterior, reparameterise

_AT_ONCE = 64
"""Latents that are decoded together: samples may be many, and each layer holds all of them."""


@runtime_checkable
class Reconstructor(Protocol):
    """Anything that reconstructs images: a generative model, or a baseline."""

    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Reconstruct images in [-1, 1]; the same images give the same result."""
        ...


@runtime_checkable
class GenerativeModel(Reconstructor, Protocol):
    """A model that tonegap can assess."""

    def posterior_std(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, " batch"] | None:
        """Return each image's mean posterior standard deviation; None if there is none."""
        ...

    def sample(self, count: int, seed: int) -> Float[Tensor, "count 3 height width"]:
        """Generate images in [-1, 1], a function of ``seed`` alone.

        Raises
        ------
        NotImplementedError
            If the model cannot generate: what is measured on samples is then absent.
        """
        ...


@runtime_checkable
class HasPosterior(Protocol):
    """A model with a Gaussian posterior, for the scores that need one."""

    def encode(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch ..."], Float[Tensor, "batch ..."]]:
        """Return the mean and log-variance of the posterior of images in [-1, 1]."""
        ...


@runtime_checkable
class HasUncertainty(Protocol):
    """A model or network that brings uncertainty scores of its own."""

    def uncertainty(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Mapping[str, Float[Tensor, " batch"]]:
        """Return one number per image for each score, larger for less certain."""
        ...


@runtime_checkable
class TrainableVAE(HasPosterior, Protocol):
    """A module that tonegap can train: an encoder to a Gaussian and a decoder."""

    def decode(self, latent: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch 3 height width"]:
        """Return the images of latents, in [-1, 1]."""
        ...


class VaeAdapter:
    """Assess a trainable VAE by its posterior mean, in evaluation mode.

    Half-precision weights are converted to float32; float64 weights are kept.

    Parameters
    ----------
    network
        A module with ``encode`` and ``decode``. It is switched to evaluation mode.
    image_size
        Side of its images, pixels; fixes the latent's shape for samples.
    """

    def __init__(self, network: nn.Module, image_size: int) -> None:
        self.network = _full(network.eval())
        self.vae = _trainable(network)
        self.image_size = image_size
        self._encode = LastBatch(self._posterior)

    @torch.no_grad()
    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Decode the posterior mean."""
        return self.vae.decode(self._encode(images).mu)

    @torch.no_grad()
    def posterior_std(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, " batch"]:
        """Return the mean over latent elements of ``exp(log_var / 2)``; the prior has one."""
        deviations = torch.exp(0.5 * self._encode(images).log_var)
        return deviations.reshape(len(images), -1).mean(dim=1)

    @torch.no_grad()
    def sample(self, count: int, seed: int) -> Float[Tensor, "count 3 height width"]:
        """Decode draws from the prior N(0, I)."""
        shape = latent_shape(self.network, self.image_size)
        # Drawn on the CPU, so that a seed means the same images on every device.
        # In float64, because float32 draws depend on the instruction set.
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(count, *shape, generator=generator, dtype=torch.float64)
        return self.decode(noise)

    @torch.no_grad()
    def encode(self, images: Float[Tensor, "batch 3 height width"]) -> Posterior:
        """Return the posterior of images in [-1, 1]."""
        return self._encode(images)

    @torch.no_grad()
    def decode(self, latent: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch 3 height width"]:
        """Return the images of any number of latents, a few at a time."""
        parts = torch.split(_suiting(self.network, latent), _AT_ONCE)
        return torch.cat([self.vae.decode(part) for part in parts])

    def _posterior(self, images: Tensor) -> Posterior:
        return posterior_of(self.vae, _suiting(self.network, images))


def as_generative(network: nn.Module, image_size: int) -> GenerativeModel:
    """Adapt a trained module to a model to assess.

    A module with the methods of :class:`GenerativeModel` is used directly, in evaluation
    mode; otherwise its ``encode`` and ``decode`` are adapted.

    Raises
    ------
    ModelError
        If it has neither.
    """
    if isinstance(network, GenerativeModel):
        network.eval()
        return network
    return VaeAdapter(network, image_size)


def unusable(model: object, method: str, gave: str, wanted: str) -> ModelError:
    """Return the error for a method of a user's model that returned what cannot be used."""
    return ModelError(
        f"{method} of {type(model).__name__} returned {gave}, expected {wanted}: the model "
        "cannot be assessed (docs/own-model.md)"
    )


def forward_pass(
    network: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    noise: Float[Tensor, "batch ..."] | None,
) -> tuple[
    Float[Tensor, "batch 3 height width"], Float[Tensor, "batch ..."], Float[Tensor, "batch ..."]
]:
    """Encode, draw and decode with any trainable VAE: reconstruction, ``mu``, ``log_var``."""
    vae = _trainable(network)
    mu, log_var = posterior_of(vae, images)
    return vae.decode(reparameterise(mu, log_var, noise)), mu, log_var


@torch.no_grad()
def latent_shape(network: nn.Module, image_size: int) -> tuple[int, ...]:
    """Return the shape of one image's latent: encode one grey image in evaluation mode."""
    training = network.training
    network.eval()
    probe = _suiting(network, torch.zeros(1, 3, image_size, image_size))
    mu, _ = posterior_of(_trainable(network), probe)
    network.train(training)
    return tuple(mu.shape[1:])


def posterior_of(vae: TrainableVAE, images: Float[Tensor, "batch 3 height width"]) -> Posterior:
    """Encode images.

    Raises
    ------
    ModelError
        If ``encode`` returns one tensor: of a batch of two, it would pass for a pair.
    """
    found = vae.encode(images)
    if isinstance(found, Tensor):
        raise ModelError(
            f"`encode` returned one tensor, of {tuple(found.shape)}; it must return two, mu and "
            "log_var of the posterior; a model without one is assessed by its own method "
            "`reconstruct` (docs/own-model.md)"
        )
    return Posterior(*found)


def _trainable(network: nn.Module) -> TrainableVAE:
    if not isinstance(network, TrainableVAE):
        raise ModelError(
            f"the model {type(network).__name__} has no methods `encode` and `decode`, so it can "
            "be neither trained nor assessed; docs/own-model.md shows what a model must offer"
        )
    return network


def _full(network: nn.Module) -> nn.Module:
    """Convert a network to float32, unless its weights are in float64."""
    weights = next(network.parameters(), None)
    return network if weights is not None and weights.dtype == torch.float64 else network.float()


def _suiting(network: nn.Module, values: Tensor) -> Tensor:
    """Move values to the device and the format of a network's weights."""
    weights = next(network.parameters(), None)
    return values.float() if weights is None else values.to(weights.device, weights.dtype)

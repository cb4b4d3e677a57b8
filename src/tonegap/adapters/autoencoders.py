"""Autoencoders of the library diffusers: of latent diffusion models, tiny ones, quantised ones.

The reconstruction decodes the mode of the posterior, or the latent where there is no posterior.
Scaling factors belong to the diffusion model and play no part. Images are padded at the right and
bottom edge to a multiple of the model's factor, and the reconstruction is cropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tonegap.errors import ModelError
from tonegap.model.last_batch import LastBatch
from tonegap.model.vae import Posterior


class DiffusersAutoencoder:
    """An autoencoder of diffusers without a posterior, in float32.

    Parameters
    ----------
    network
        A module whose ``encode`` gives ``latents`` or ``latent``, and whose ``decode`` gives
        ``sample``.
    factor
        Sides of its images are multiples of this, pixels.
    """

    def __init__(self, network: nn.Module, factor: int) -> None:
        self.network = network
        self.factor = factor
        self.encoded = LastBatch(self._encode)

    def reconstruct(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Decode the latent, or the mode of the posterior."""
        latent = self._latent(self.encoded(images))
        decoded: Tensor = self.network.decode(latent).sample  # type: ignore[operator] # untyped
        return decoded[..., : images.shape[2], : images.shape[3]]

    def _latent(self, found: Mapping[str, Any]) -> Tensor:
        for name in ("latents", "latent"):
            if isinstance(found.get(name), Tensor):
                return found[name]  # type: ignore[no-any-return]
        raise ModelError(
            f"`encode` of {type(self.network).__name__} returned {', '.join(found) or 'nothing'}, "
            "expected latent_dist (a posterior), latents or latent, without which there is "
            "nothing to decode"
        )

    def _encode(self, images: Tensor) -> Mapping[str, Any]:
        below, beside = (-side % self.factor for side in images.shape[2:])
        padded = functional.pad(images, (0, beside, 0, below), mode="replicate")
        found = self.network.encode(padded)  # type: ignore[operator] # untyped
        if isinstance(found, Tensor) or not isinstance(found, Mapping):
            raise ModelError(
                f"`encode` of {type(self.network).__name__} returned {type(found).__name__}, "
                "expected an output with latent_dist, latents or latent"
            )
        return found


class DiffusersVae(DiffusersAutoencoder):
    """A variational autoencoder of diffusers, whose ``encode`` gives ``latent_dist``."""

    def posterior(self, images: Float[Tensor, "batch 3 height width"]) -> Posterior:
        """Return the mean and log-variance of the posterior."""
        found = self.encoded(images)["latent_dist"]
        return Posterior(found.mean, found.logvar)

    def posterior_std(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, " batch"] | None:
        """Return the mean over latent elements of the posterior's deviation."""
        deviation: Tensor = self.encoded(images)["latent_dist"].std
        return deviation.flatten(1).mean(dim=1)

    def _latent(self, found: Mapping[str, Any]) -> Tensor:
        return found["latent_dist"].mode()  # type: ignore[no-any-return]

"""A second, tiny model: plain convolutions, for trials and as a template for your own.

Its factory is named ``tonegap.model.tiny:build``. It reads ``base_width``,
``latent_channels`` and the number of ``block_widths``, and ignores the rest.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tonegap.params import ModelParams


class TinyVAE(nn.Module):
    """Strided convolutions down, transposed ones up, one width; no norm, no skips."""

    def __init__(self, width: int, latent_channels: int, halvings: int) -> None:
        super().__init__()
        down: list[nn.Module] = [nn.Conv2d(3, width, 4, stride=2, padding=1), nn.SiLU()]
        up: list[nn.Module] = [nn.Conv2d(latent_channels, width, 1), nn.SiLU()]
        for _ in range(halvings - 1):
            down += [nn.Conv2d(width, width, 4, stride=2, padding=1), nn.SiLU()]
            up += [nn.ConvTranspose2d(width, width, 4, stride=2, padding=1), nn.SiLU()]
        self.encoder = nn.Sequential(*down, nn.Conv2d(width, 2 * latent_channels, 1))
        self.decoder = nn.Sequential(*up, nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1))

    def encode(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> tuple[
        Float[Tensor, "batch latent rows columns"], Float[Tensor, "batch latent rows columns"]
    ]:
        """Return the mean and log-variance of the posterior."""
        mu, log_var = self.encoder(images).float().chunk(2, dim=1)
        return mu, log_var

    def decode(
        self, latent: Float[Tensor, "batch latent rows columns"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Return images in (-1, 1)."""
        return torch.tanh(self.decoder(latent).float())


def build(params: ModelParams, image_size: int, seed: int) -> TinyVAE:
    """Build the tiny VAE with initial weights drawn from ``seed`` alone."""
    del image_size
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return TinyVAE(params.base_width, params.latent_channels, len(params.block_widths))

"""The paper's residual convolutional variational autoencoder (Kingma and Welling 2014)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from tonegap.model.blocks import DownBlock, IdentityBlock, Norm, UpBlock
from tonegap.params import ModelParams


class Posterior(NamedTuple):
    """Diagonal Gaussian q(z|x), one value per latent element.

    Attributes
    ----------
    mu : Float[Tensor, "batch latent height width"]
        Mean.
    log_var : Float[Tensor, "batch latent height width"]
        Natural logarithm of the variance; zero everywhere, with ``mu`` zero, is the prior.
    """

    mu: Float[Tensor, "batch latent height width"]
    log_var: Float[Tensor, "batch latent height width"]


def reparameterise(
    mu: Float[Tensor, "*shape"],
    log_var: Float[Tensor, "*shape"],
    noise: Float[Tensor, "*shape"] | None,
) -> Float[Tensor, "*shape"]:
    """Draw ``z = mu + exp(log_var / 2) * noise`` (section 3.1), or ``mu`` without noise."""
    return mu if noise is None else mu + torch.exp(0.5 * log_var) * noise


class VAE(nn.Module):
    """Residual VAE of RGB images in [-1, 1].

    Parameters
    ----------
    base_width
        Channels of the first convolution (even).
    block_widths
        Channels at the start of each down block, as multiples of ``base_width``; the last
        block doubles its multiple. Each block halves the resolution.
    latent_channels
        Channels of the latent; its side is the image's side over 2^(number of blocks).
    bottleneck_blocks
        Identity blocks at the lowest resolution, in the encoder and in the decoder.
    deep
        True if an identity block precedes each down block and follows each up block.
    bias_before_norm
        False leaves out the biases of convolutions that feed a batch norm, which removes them.
        Before a group norm they stay.
    norm
        ``batch`` (the paper's) or ``group``.

    Notes
    -----
    With 64, (1, 2, 4, 8), 64, 1 and True this is the paper's network: 56,715,139 parameters.
    """

    def __init__(
        self,
        base_width: int,
        block_widths: Sequence[int],
        latent_channels: int,
        bottleneck_blocks: int,
        *,
        deep: bool,
        bias_before_norm: bool = True,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        multiples = (*block_widths, 2 * block_widths[-1])
        widths = [base_width * multiple for multiple in multiples]
        self.block_widths = tuple(block_widths)
        self.latent_channels = latent_channels
        self.encoder = _encoder(widths, bottleneck_blocks, norm, deep=deep)
        self.to_mu = nn.Conv2d(widths[-1], latent_channels, kernel_size=1)
        self.to_log_var = nn.Conv2d(widths[-1], latent_channels, kernel_size=1)
        self.decoder = _decoder(widths, bottleneck_blocks, latent_channels, norm, deep=deep)
        self.to_image = nn.Conv2d(widths[0], 3, kernel_size=5, padding=2)
        if norm == "batch" and not bias_before_norm:
            _leave_out_biases(self.encoder)
            _leave_out_biases(self.decoder)

    def latent_shape(self, image_size: int) -> tuple[int, int, int]:
        """Shape (channels, height, width) of one image's latent."""
        side = image_size // 2 ** len(self.block_widths)
        return (self.latent_channels, side, side)

    def encode(self, images: Float[Tensor, "batch 3 height width"]) -> Posterior:
        """Return the posterior of images in [-1, 1]; at least float32, also under autocast."""
        hidden = functional.elu(self.encoder(images), inplace=True)
        return Posterior(
            full_precision(self.to_mu(hidden)), full_precision(self.to_log_var(hidden))
        )

    def decode(
        self, latent: Float[Tensor, "batch latent rows columns"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """Return the mean image of the likelihood, in (-1, 1); at least float32."""
        hidden = functional.elu(self.decoder(latent), inplace=True)
        return torch.tanh(full_precision(self.to_image(hidden)))

    def forward(
        self,
        images: Float[Tensor, "batch 3 height width"],
        noise: Float[Tensor, "batch latent rows columns"] | None = None,
    ) -> tuple[
        Float[Tensor, "batch 3 height width"],
        Float[Tensor, "batch latent rows columns"],
        Float[Tensor, "batch latent rows columns"],
    ]:
        """Reconstruct images.

        Parameters
        ----------
        images
            Batch in [-1, 1].
        noise
            Standard normal values of the latent's shape; None takes the posterior mean.

        Returns
        -------
        tuple of tensors
            Reconstruction in (-1, 1), ``mu``, ``log_var``.
        """
        mu, log_var = self.encode(images)
        return self.decode(reparameterise(mu, log_var, noise)), mu, log_var


def build(params: ModelParams, image_size: int, seed: int) -> VAE:
    """Build the VAE with PyTorch's default initial weights, drawn from ``seed`` alone.

    Global generators are unchanged. ``image_size`` does not matter to this fully
    convolutional network; it is part of the signature of a model factory.
    """
    del image_size
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed: that would also reseed the generators of the GPUs.
        torch.default_generator.manual_seed(seed)
        with _drawing_in_float64():
            network = VAE(
                base_width=params.base_width,
                block_widths=params.block_widths,
                latent_channels=params.latent_channels,
                bottleneck_blocks=params.bottleneck_blocks,
                deep=params.deep,
                bias_before_norm=params.bias_before_norm,
                norm=params.norm,
            )
    return network.float()


@contextmanager
def _drawing_in_float64() -> Iterator[None]:
    """Draw weights in float64: PyTorch's float32 draws on CPUs depend on the instruction set."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _leave_out_biases(stack: nn.Sequential) -> None:
    """Remove every bias of a stack but the last one.

    All others shift what a later batch norm centres again, or add to the last one. The gradient of
    the former is zero but for rounding, which Adam scales up.
    """
    for convolution in stack.modules():
        if isinstance(convolution, nn.Conv2d) and convolution is not stack[-1].conv_out:
            convolution.register_parameter("bias", None)


def _encoder(
    widths: Sequence[int], bottleneck_blocks: int, norm: Norm, *, deep: bool
) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], kernel_size=3, padding=1)]
    for width_in, width_out in itertools.pairwise(widths):
        if deep:
            layers.append(IdentityBlock(width_in, norm))
        layers.append(DownBlock(width_in, width_out, norm))
    layers += [IdentityBlock(widths[-1], norm) for _ in range(bottleneck_blocks)]
    return nn.Sequential(*layers)


def _decoder(
    widths: Sequence[int], bottleneck_blocks: int, latent_channels: int, norm: Norm, *, deep: bool
) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(latent_channels, widths[-1], kernel_size=1)]
    layers += [IdentityBlock(widths[-1], norm) for _ in range(bottleneck_blocks)]
    for width_in, width_out in itertools.pairwise(widths[::-1]):
        layers.append(UpBlock(width_in, width_out, norm))
        if deep:
            layers.append(IdentityBlock(width_out, norm))
    return nn.Sequential(*layers)


def full_precision(x: Tensor) -> Tensor:
    """Convert half precision to float32: bfloat16 resolves an image only to 1/256."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x

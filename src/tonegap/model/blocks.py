"""Residual blocks of the paper's autoencoder: pre-activation, batch norm (or group norm), ELU.

The paper (section 3.4) says "residual blocks along with down-sampling and
up-sampling ... batch normalization and ELU"; the exact widths are those of its code
base (LukeDitria/CNN-VAE as of 2024-02-17). Every block is
``norm -> ELU -> convolution -> norm -> ELU -> convolution`` beside a skip; where the
width changes, one convolution computes the skip and the start of the branch together.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

Norm = Literal["batch", "group"]

NORM_EPS = 1e-4
"""Added to the variance in norms; PyTorch's default is 1e-5, the paper's code has 1e-4."""

FOLD_FROM_PIXELS = 64
"""Pixels of a map below which summing the kernel costs more than it saves (measured, CPU)."""


CHANNELS_PER_GROUP = 16
"""Channels that a group norm averages over, besides the pixels (Wu and He 2018, table 3)."""


def make_norm(channels: int, norm: Norm) -> nn.BatchNorm2d | nn.GroupNorm:
    """Return a normalisation of maps, by statistics of the batch or of each image alone.

    Group norm takes groups of 16 channels, or of more where 16 do not divide ``channels``. Fewer
    channels are one group: each channel alone would lose its mean, which carries an image's tone.
    """
    if norm == "batch":
        return nn.BatchNorm2d(channels, eps=NORM_EPS)
    most = max(channels // CHANNELS_PER_GROUP, 1)
    groups = next(count for count in range(most, 0, -1) if channels % count == 0)
    return nn.GroupNorm(groups, channels, eps=NORM_EPS)


def _conv3(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1)


def _activate(norm: nn.Module, x: Tensor) -> Tensor:
    # In place is safe here: the backward pass of both norms needs their input, not their
    # output, and that of ELU can be written in its own output. It saves one map a block.
    return functional.elu(norm(x), inplace=True)


class IdentityBlock(nn.Module):
    """Residual block that keeps width and resolution; the branch narrows to half the width."""

    def __init__(self, channels: int, norm: Norm = "batch") -> None:
        super().__init__()
        self.norm_in = make_norm(channels, norm)
        self.conv_in = _conv3(channels, channels // 2)
        self.norm_out = make_norm(channels // 2, norm)
        self.conv_out = _conv3(channels // 2, channels)

    def forward(
        self, x: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Add the branch to ``x``."""
        branch: Tensor = self.conv_in(_activate(self.norm_in, x))
        branch = self.conv_out(_activate(self.norm_out, branch))
        return x + branch


class DownBlock(nn.Module):
    """Residual block that halves the resolution by a strided convolution."""

    def __init__(self, channels_in: int, channels_out: int, norm: Norm = "batch") -> None:
        super().__init__()
        self.widths = [channels_out, channels_out // 2]  # skip, branch
        self.norm_in = make_norm(channels_in, norm)
        self.conv_in = _conv3(channels_in, sum(self.widths), stride=2)
        self.norm_out = make_norm(channels_out // 2, norm)
        self.conv_out = _conv3(channels_out // 2, channels_out)

    def forward(
        self, x: Float[Tensor, "batch channels_in height width"]
    ) -> Float[Tensor, "batch channels_out height/2 width/2"]:
        """Halve height and width (both even)."""
        joint = self.conv_in(_activate(self.norm_in, x))
        skip, branch = torch.split(joint, self.widths, dim=1)
        branch = self.conv_out(_activate(self.norm_out, branch))
        output: Tensor = skip + branch
        return output


class UpBlock(nn.Module):
    """Residual block that doubles the resolution by nearest-neighbour up-sampling.

    Attributes
    ----------
    folded : bool
        True if larger maps use the cheaper, equivalent form of :func:`raised_convolution`.
        It changes only speed and rounding.
    """

    def __init__(self, channels_in: int, channels_out: int, norm: Norm = "batch") -> None:
        super().__init__()
        self.folded = True
        self.widths = [channels_out, channels_in // 2]  # skip, branch
        self.norm_in = make_norm(channels_in, norm)
        self.conv_in = _conv3(channels_in, sum(self.widths))
        self.norm_out = make_norm(channels_in // 2, norm)
        self.conv_out = _conv3(channels_in // 2, channels_out)

    def forward(
        self, x: Float[Tensor, "batch channels_in height width"]
    ) -> Float[Tensor, "batch channels_out 2*height 2*width"]:
        """Double height and width."""
        x = _activate(self.norm_in, x)
        if self.folded and x[0, 0].numel() >= FOLD_FROM_PIXELS:
            joint = raised_convolution(x, self.conv_in)
        else:
            joint = self.conv_in(functional.interpolate(x, scale_factor=2, mode="nearest"))
        skip, branch = torch.split(joint, self.widths, dim=1)
        branch = self.conv_out(_activate(self.norm_out, branch))
        output: Tensor = skip + branch
        return output


def raised_convolution(
    x: Float[Tensor, "batch channels_in height width"], conv: nn.Conv2d
) -> Float[Tensor, "batch channels_out 2*height 2*width"]:
    """Convolve a map up-sampled by 2 (nearest neighbours), without up-sampling it.

    Only four of the nine pixels under a 3x3 kernel on an up-sampled map differ, so each output
    needs four products rather than nine. A transposed convolution of stride 2 computes them
    with a 4x4 kernel, which holds the sums of the 3x3 kernel's neighbours.
    """
    padded = functional.pad(conv.weight, (1, 1, 1, 1))
    rows = padded[:, :, :-1] + padded[:, :, 1:]
    kernel = rows[..., :-1] + rows[..., 1:]
    # A transposed convolution flips its kernel and expects the input channel first.
    kernel = kernel.flip(2, 3).transpose(0, 1)
    return functional.conv_transpose2d(x, kernel, conv.bias, stride=2, padding=1)

"""Pictures as points: the spatial means of a perceptual network's feature maps."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from tonegap.model.perceptual import FeatureNetwork
from tonegap.model.pixels import to_model_range


class PooledFeatures(nn.Module):
    """From pictures to points: each channel's mean over the picture, of every tap, in a row.

    Parameters
    ----------
    network
        A feature network, with taps after their ReLU.
    """

    def __init__(self, network: FeatureNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self, images: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch features"]:
        """Return the points of images in [-1, 1]."""
        return torch.cat([tap.mean(dim=(2, 3)) for tap in self.network(images)], dim=1)


@dataclass(frozen=True)
class Space:
    """The space in which pictures are compared.

    Attributes
    ----------
    features
        The network, pooled.
    scales
        Divisors, per feature: the root mean square of its tap over the real images, so that
        every tap counts alike whatever its size.
    """

    features: PooledFeatures
    scales: Float[np.ndarray, " features"]
    batch_size: int
    device: torch.device

    def points(
        self, pictures: UInt8[np.ndarray, "count height width 3"]
    ) -> Float[np.ndarray, "count features"]:
        """Return pictures as scaled points."""
        raw = _raw(self.features, pictures, self.batch_size, self.device)
        return np.asarray(raw / self.scales)


def space_of(
    network: FeatureNetwork,
    real: UInt8[np.ndarray, "count height width 3"],
    batch_size: int,
    device: torch.device,
) -> tuple[Space, Float[np.ndarray, "count features"]]:
    """Build the space whose taps have a mean square of one over real pictures; and their points.

    It computes in the format of the network's weights.
    """
    features = PooledFeatures(network).to(device)
    raw = _raw(features, real, batch_size, device)
    starts = np.cumsum([0, *(conv.out_channels for conv in network.convolutions())])
    squares = np.square(raw).mean(axis=0)
    scales = np.ones(raw.shape[1])
    for start, end in itertools.pairwise(starts):
        size = float(np.sqrt(squares[start:end].mean()))
        scales[start:end] = size if size > 0.0 else 1.0  # a silent tap stays silent
    return Space(features, scales, batch_size, device), raw / scales


@torch.no_grad()
def _raw(
    features: PooledFeatures,
    pictures: UInt8[np.ndarray, "count height width 3"],
    batch_size: int,
    device: torch.device,
) -> Float[np.ndarray, "count features"]:
    weights = features.network.convolutions()[0].weight
    width = sum(conv.out_channels for conv in features.network.convolutions())
    parts = [np.empty((0, width))]
    for start in range(0, len(pictures), batch_size):
        batch = to_model_range(pictures[start : start + batch_size]).to(device, weights.dtype)
        parts.append(features(batch).double().cpu().numpy())
    return np.concatenate(parts)

"""Perceptual features of the real images: computed at each step, or once for the run.

They need no gradient, so they are computed separately from those of the reconstructions. This
halves the cost of passing both through the network as one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from tonegap.model.perceptual import FeatureNetwork
from tonegap.training.feed import Batch, EpochPlan, mirror_and_scale
from tonegap.training.precision import Arithmetic

Maps = tuple[Tensor, ...]
MapsOf = Callable[[Batch], Maps]

_CHUNK = 32  # images per pass when features are computed for keeping


@runtime_checkable
class Targets(Protocol):
    """Source of the real images' feature maps."""

    def epoch(self, plan: EpochPlan) -> MapsOf:
        """Return the function that maps the epoch's batches to their features."""
        ...


class NoTargets:
    """No perceptual term."""

    def epoch(self, plan: EpochPlan) -> MapsOf:
        """Return no maps for any batch."""
        del plan
        return lambda _: ()


class ComputedTargets:
    """Features computed at each step."""

    def __init__(self, features: FeatureNetwork, arithmetic: Arithmetic) -> None:
        self._features = features
        self._arithmetic = arithmetic

    def epoch(self, plan: EpochPlan) -> MapsOf:
        """Compute the maps of each batch."""
        del plan
        return lambda batch: compute_maps(self._features, self._arithmetic, batch.images)


class CachedTargets:
    """Features of every distinct image, and of its mirror image, computed before training.

    They are computed in chunks that depend on the training draw alone, so a batch's features
    do not depend on where a run was interrupted, bit for bit.
    """

    def __init__(
        self,
        features: FeatureNetwork,
        arithmetic: Arithmetic,
        images: UInt8[np.ndarray, "images size size 3"],
        rows: Int64[np.ndarray, " draws"],
        *,
        flip: bool,
    ) -> None:
        distinct = np.unique(rows)
        self._slots = np.full(len(images), -1, np.int64)
        self._slots[distinct] = np.arange(len(distinct))
        self._mirrored = len(distinct)  # first slot of the mirror images
        self._device = arithmetic.device
        self._maps: list[Tensor] = []
        sides = (False, True) if flip else (False,)
        for mirrored in sides:
            for start in range(0, len(distinct), _CHUNK):
                # No name is bound to a chunk's maps: they are freed before the next is computed.
                self._put(
                    _channels_last_maps(
                        features, arithmetic, images[distinct[start : start + _CHUNK]], mirrored
                    ),
                    first=mirrored * len(distinct) + start,
                    in_all=len(sides) * len(distinct),
                )

    def _put(self, chunk: Maps, first: int, in_all: int) -> None:
        """Write a chunk's maps to their slots."""
        # Joining the chunks at the end would take twice the allowed memory.
        if not self._maps:
            self._maps = [tap.new_empty((in_all, *tap.shape[1:])) for tap in chunk]
        for kept, tap in zip(self._maps, chunk, strict=True):
            kept[first : first + len(tap)].copy_(tap)

    def epoch(self, plan: EpochPlan) -> MapsOf:
        """Look up the maps of each batch."""
        slots = self._slots[plan.rows] + plan.flips * self._mirrored
        on_device = torch.from_numpy(slots).to(self._device)

        def look_up(batch: Batch) -> Maps:
            wanted = on_device[batch.span]
            # Stored as [images, height, width, channels]: one image is contiguous in memory, and
            # the permuted view is channels last, like the maps of the reconstructions.
            return tuple(m.index_select(0, wanted).permute(0, 3, 1, 2) for m in self._maps)

        return look_up


def make_targets(
    features: FeatureNetwork | None,
    arithmetic: Arithmetic,
    images: UInt8[np.ndarray, "images size size 3"],
    rows: Int64[np.ndarray, " draws"],
    *,
    flip: bool,
    cached: bool,
) -> Targets:
    """Choose the source of target features."""
    if features is None:
        return NoTargets()
    if cached:
        return CachedTargets(features, arithmetic, images, rows, flip=flip)
    return ComputedTargets(features, arithmetic)


def caching_pays(
    choice: Literal["auto", "off", "on"],
    *,
    cache_bytes: int,
    room_bytes: int,
    passes_cached: int,
    passes_computed: int,
) -> bool:
    """Decide whether to keep features.

    Parameters
    ----------
    choice
        ``train.cache_features``; ``auto`` keeps them if they fit and save passes.
    cache_bytes, room_bytes
        Needed memory, and available memory.
    passes_cached, passes_computed
        Images to pass through the network in the whole run, with and without a cache.
    """
    if choice == "auto":
        return cache_bytes <= room_bytes and passes_cached < passes_computed
    return choice == "on"


@torch.no_grad()
def bytes_per_image(features: FeatureNetwork, arithmetic: Arithmetic, image_size: int) -> int:
    """Return the size of one image's feature maps in bytes, measured on one grey image."""
    grey = torch.zeros(1, 3, image_size, image_size, device=arithmetic.device)
    maps = compute_maps(features, arithmetic, grey)
    return sum(m.numel() * m.element_size() for m in maps)


@torch.no_grad()
def tap_mean_squares(
    features: FeatureNetwork,
    arithmetic: Arithmetic,
    images: UInt8[np.ndarray, "images size size 3"],
    rows: Int64[np.ndarray, " draws"],
) -> tuple[float, ...]:
    """Return the mean square of each tap over the distinct images of a training draw.

    Computed in chunks of the sorted images, unflipped, and summed in float64.
    """
    distinct = np.unique(rows)
    sums: list[float] = []
    for start in range(0, len(distinct), _CHUNK):
        pixels = images[distinct[start : start + _CHUNK]]
        maps = _channels_last_maps(features, arithmetic, pixels, mirrored=False)
        squares = [float(m.double().square().mean()) * len(pixels) for m in maps]
        sums = squares if not sums else [a + b for a, b in zip(sums, squares, strict=True)]
    return tuple(total / len(distinct) for total in sums)


@torch.no_grad()
def compute_maps(features: FeatureNetwork, arithmetic: Arithmetic, images: Tensor) -> Maps:
    """Compute feature maps without gradient, in the run's number format."""
    with arithmetic.context():
        maps: Maps = features(images.to(arithmetic.dtype))
    return maps


def _channels_last_maps(
    features: FeatureNetwork,
    arithmetic: Arithmetic,
    pixels: UInt8[np.ndarray, "batch size size 3"],
    mirrored: bool,  # noqa: FBT001 - the side, one of two values of a loop
) -> Maps:
    on_device = torch.from_numpy(pixels).to(arithmetic.device)
    flips = torch.full((len(pixels),), mirrored, device=arithmetic.device)
    maps = compute_maps(features, arithmetic, mirror_and_scale(on_device, flips))
    return tuple(m.permute(0, 2, 3, 1) for m in maps)

"""Kernel distance (KID) of the samples of a group from its real images, at equal numbers.

Binkowski et al. 2018 (ICLR, arXiv 1801.01401), by torchmetrics: the unbiased squared maximum mean
discrepancy under the kernel (x y / d + 1)^3. 0 for samples that are distributed like real images,
give or take chance; it can be negative.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

FEWEST: Final = 20
"""Fewest samples and real images of a group that are compared."""

_SUBSETS: Final = 25


@dataclass(frozen=True)
class KernelDistance:
    """A group's kernel distance.

    Attributes
    ----------
    value, deviation
        Mean and standard deviation over random subsets; NaN if the group has too few samples.
    images
        Samples, and real images, in a subset: the same for every group.
    """

    value: float
    deviation: float
    images: int


def kernel_distances(
    real: Mapping[str, Float[np.ndarray, "_ features"]],
    samples: Mapping[str, Float[np.ndarray, "_ features"]],
    seed: int,
) -> dict[str, KernelDistance]:
    """Compare each group's samples with its real images.

    Parameters
    ----------
    real, samples
        Points of each group.
    seed
        Of the subsets.

    Returns
    -------
    dict
        By group. Subsets hold half of the smallest set of any group that has at least
        :data:`FEWEST` samples and real images, so that groups are compared at equal numbers.
    """
    counts = {group: min(len(real[group]), len(samples[group])) for group in real}
    enough = [count for count in counts.values() if count >= FEWEST]
    size = min(enough) // 2 if enough else 0
    return {
        group: kernel_distance(real[group], samples[group], size, seed)
        if count >= FEWEST
        else KernelDistance(math.nan, math.nan, size)
        for group, count in counts.items()
    }


def kernel_distance(
    real: Float[np.ndarray, "n features"],
    samples: Float[np.ndarray, "m features"],
    size: int,
    seed: int,
) -> KernelDistance:
    """Return torchmetrics' KID over random subsets of ``size`` points of each set."""
    # Imported here: it loads slowly.
    from torchmetrics.image.kid import KernelInceptionDistance  # noqa: PLC0415

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore", UserWarning)  # that it keeps the features in memory
        torch.default_generator.manual_seed(seed)
        metric = KernelInceptionDistance(nn.Identity(), subsets=_SUBSETS, subset_size=size)
        metric.update(torch.from_numpy(real), real=True)
        metric.update(torch.from_numpy(samples), real=False)
        mean, deviation = metric.compute()
    return KernelDistance(float(mean), float(deviation), size)

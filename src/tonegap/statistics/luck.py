"""The luck of a training: what other initial weights and another order of images change.

The scatter of seeds holds it, and it is no part of what another pool of training images would
change (:mod:`tonegap.statistics.training_pool`). A study shows it where runs were trained again,
on the same draws: half the squared difference of the two is its variance. Without such runs it
cannot be told from what the draws do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tonegap.statistics.design import Design

MIN_SEEDS = 3
"""Fewest seeds of a mix that must have been trained again: fewer say too little of a variance."""


@dataclass(frozen=True)
class Luck:
    """Variance of a contrast between trainings on the same images, summed over the mixes.

    Attributes
    ----------
    common
        On all images of a group alike; the mean square less its noise, so that it can be negative.
    single
        On single images, mean over the images of the pools.
    """

    common: float
    single: float


def training_luck(design: Design, coefficients: Float[np.ndarray, " arms"]) -> Luck | None:
    """Estimate the luck in a contrast of arm means of the log error.

    Parameters
    ----------
    coefficients
        The contrast's, one per arm. A mix that fewer than :data:`MIN_SEEDS` seeds trained again
        counts as having none.

    Returns
    -------
    Luck or None
        None where no mix of the contrast was trained again.
    """
    if design.draws is None or design.draws.retrained is None:
        return None
    change = design.draws.retrained
    found = []
    for share in sorted({arm.share for arm in design.arms}):
        arms = [
            number
            for number, arm in enumerate(design.arms)
            if arm.share == share and coefficients[number] != 0.0
        ]
        seeds = np.flatnonzero(~np.isnan(change[arms]).all(axis=1).any(axis=0))
        if arms and seeds.size >= MIN_SEEDS:
            of_mix = change[arms][:, :, seeds]
            found.append(_of_mix(of_mix, coefficients[arms], design.draws.pool[arms]))
    if not found:
        return None
    common, single = np.sum(found, axis=0)
    return Luck(float(common), float(single))


def _of_mix(
    change: Float[np.ndarray, "arms units seeds"],
    weights: Float[np.ndarray, " arms"],
    pool: Float[np.ndarray, " arms"],
) -> tuple[float, float]:
    """Return the two parts, from the changes of each unit's log error."""
    units = (~np.isnan(change)).sum(axis=1)
    mean, variance = np.nanmean(change, axis=1), np.nanvar(change, axis=1, ddof=1)
    noise = weights**2 @ (variance / units)
    common = ((weights @ mean) ** 2 - noise).mean() / 2.0
    single = (weights**2 * pool) @ variance.mean(axis=1) / 2.0
    return float(common), float(single)

"""The tones that a model generates, beside those that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, UInt8
from scipy import stats

from tonegap.tone import mean_ita

_REPEATS: Final = 200
_PERMUTATIONS: Final = 999


@dataclass(frozen=True)
class ToneDistance:
    """How far the distribution of ITA among samples is from that of the training draw.

    Attributes
    ----------
    mean, mean_train
        Mean ITA of the samples and of the training draw, degrees.
    distance
        First Wasserstein distance, degrees: how far an image's tone has to move on average to turn
        one distribution into the other.
    null
        The same of as many draws from the training images themselves, on average: what chance
        alone makes of no difference.
    """

    mean: float
    mean_train: float
    distance: float
    null: float


def itas_of(pictures: UInt8[np.ndarray, "count height width 3"]) -> Float[np.ndarray, " count"]:
    """Return the ITA of each picture's skin, degrees (:func:`tonegap.tone.mean_ita`)."""
    return np.array([mean_ita(picture, np.float64) for picture in pictures], dtype=np.float64)


def tone_distance(
    samples: Float[np.ndarray, " samples"], train: Float[np.ndarray, " draws"], seed: int
) -> ToneDistance:
    """Compare the ITA of at least one sample with that of the training draw."""
    rng = np.random.default_rng(seed)
    redrawn = rng.choice(train, (_REPEATS, len(samples)))
    null = np.mean([stats.wasserstein_distance(again, train) for again in redrawn])
    return ToneDistance(
        mean=float(samples.mean()),
        mean_train=float(train.mean()),
        distance=float(stats.wasserstein_distance(samples, train)),
        null=float(null),
    )


@dataclass(frozen=True)
class ToneDifference:
    """How far the tones of two sets of images are apart; copies count as images here.

    Attributes
    ----------
    difference, low, high
        Mean of the second minus mean of the first with a 95 % interval (Welch), degrees.
    wasserstein
        Mean distance that tones must be moved to turn one distribution into the other, degrees.
    by_chance
        Its mean over permutations of the images between the two sets.
    p
        Share of permutations with at least that distance.
    """

    difference: float
    low: float
    high: float
    wasserstein: float
    by_chance: float
    p: float


def tone_difference(
    first: Float[np.ndarray, " first"], second: Float[np.ndarray, " second"], seed: int = 0
) -> ToneDifference:
    """Compare the tones of two samples of images, at least two in each.

    Unlike :func:`tone_distance` it takes the second set, too, for a sample of something larger.
    """
    welch = stats.ttest_ind(second, first, equal_var=False)
    interval = welch.confidence_interval(0.95)
    both = np.concatenate([first, second])
    order = np.argsort(both, kind="stable")
    steps = np.diff(both[order])
    # The difference of the two cumulative distributions jumps by these at each tone.
    jumps = np.repeat([1.0 / len(first), -1.0 / len(second)], [len(first), len(second)])[order]
    rng = np.random.default_rng(seed)
    permuted = (rng.permutation(jumps) for _ in range(_PERMUTATIONS))
    observed, *chance = (float(np.abs(np.cumsum(each)[:-1]) @ steps) for each in (jumps, *permuted))
    drawn = np.array(chance)
    return ToneDifference(
        difference=float(second.mean() - first.mean()),
        low=float(interval.low),
        high=float(interval.high),
        wasserstein=observed,
        by_chance=float(drawn.mean()),
        p=float((1 + (drawn >= observed).sum()) / (1 + _PERMUTATIONS)),
    )

"""The tones that a model generates, beside those that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Float, UInt8
from scipy import stats

from tonegap.tone import mean_ita

_REPEATS: Final = 200


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

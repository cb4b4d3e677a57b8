"""Does a model generate anything like this image? Its nearest sample against its nearest like.

Per test image::

    log(distance to the nearest sample) - log(distance to the nearest other real image of its group)

0: the samples come as near to it as real images of its group do, if about as many samples as there
are such images are like that group. Positive: nothing so near is generated.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from jaxtyping import Float, Shaped
from sklearn.metrics import pairwise

SMALLEST: Final = 1e-6
"""Distances below this, per feature of mean square one, are the same picture: they count as it."""


def nearest_sample(
    real: Float[np.ndarray, "images features"],
    group: Shaped[np.ndarray, " images"],
    cluster: Shaped[np.ndarray, " images"],
    samples: Float[np.ndarray, "samples features"],
) -> Float[np.ndarray, " images"]:
    """Return the log ratio of each real image, natural logarithm.

    Parameters
    ----------
    real, samples
        Points of :class:`~tonegap.generation.features.Space`.
    group, cluster
        Of each real image. Images of its own cluster of near duplicates are not its nearest.

    Returns
    -------
    array
        NaN for an image without another of its group, and throughout without samples.
    """
    if not len(samples):
        return np.full(len(real), np.nan)
    among_real = _distances(real, real)
    other = (group[:, None] == group) & (cluster[:, None] != cluster)
    to_real = np.where(other, among_real, np.inf).min(axis=1, initial=np.inf)
    ratio = np.log(_distances(real, samples).min(axis=1)) - np.log(to_real)
    return np.where(np.isfinite(to_real), ratio, np.nan)


def _distances(
    a: Float[np.ndarray, "n features"], b: Float[np.ndarray, "m features"]
) -> Float[np.ndarray, "n m"]:
    found = pairwise.euclidean_distances(a, b) / np.sqrt(a.shape[1])
    return np.asarray(np.maximum(found, SMALLEST))

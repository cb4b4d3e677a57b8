"""A Gaussian fitted to the latents of the training images, with shrunken covariance.

A VAE's prior has as many dimensions as its latent, often more than there are training images, and
is not where the decoder was trained: that is the posteriors of the training images together. This
Gaussian has their mean and their covariance::

    covariance of posterior means, shrunken (Ledoit and Wolf 2004)  +  diagonal of mean variances
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from sklearn.covariance import ledoit_wolf_shrinkage


@dataclass(frozen=True)
class LatentGaussian:
    """The Gaussian, as what draws from it: its covariance is never formed.

    Attributes
    ----------
    mean, variance
        Mean of the posterior means, and mean of the posterior variances, per latent element.
    centred
        Posterior means less their mean, a row per training draw.
    shrinkage
        Weight of the multiple of the identity in the covariance of means, in [0, 1].
    """

    mean: Float[np.ndarray, " latent"]
    variance: Float[np.ndarray, " latent"]
    centred: Float[np.ndarray, "draws latent"]
    shrinkage: float

    @property
    def scale(self) -> float:
        """Mean variance of the posterior means: the multiple of the identity."""
        return float(np.square(self.centred).mean())

    def draw(self, count: int, rng: np.random.Generator) -> Float[np.ndarray, "count latent"]:
        """Draw latents, as combinations of the rows and independent noise."""
        rows, width = self.centred.shape
        weights = rng.standard_normal((count, rows)) * np.sqrt((1.0 - self.shrinkage) / rows)
        noise = rng.standard_normal((count, width))
        deviation = np.sqrt(self.shrinkage * self.scale + self.variance)
        return np.asarray(self.mean + weights @ self.centred + noise * deviation)


def fit_latent_gaussian(
    means: Float[np.ndarray, "draws latent"], variances: Float[np.ndarray, "draws latent"]
) -> LatentGaussian:
    """Fit the Gaussian to the posteriors of the training draw.

    Parameters
    ----------
    means, variances
        Of each draw's posterior; an image that was drawn twice has two rows.

    Notes
    -----
    The shrinkage is scikit-learn's (Ledoit and Wolf 2004, J. Multivar. Anal. 88:365), which never
    holds the covariance as a whole. One draw, or equal ones, have no covariance: 0.
    """
    mean = means.mean(axis=0)
    centred = means - mean
    shrinkage = 0.0
    if centred.any():
        shrinkage = float(ledoit_wolf_shrinkage(centred, assume_centered=True))
    return LatentGaussian(mean, variances.mean(axis=0), centred, shrinkage)

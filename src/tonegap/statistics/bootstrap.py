"""Two-way bootstrap of arm means: images and seeds are resampled, crossed.

Owen's pigeonhole bootstrap (2007, Ann. Appl. Stat. 1:386; 2012 with Eckles, 6:895, for
product weights): a unit's weight and a seed's weight are drawn independently of each other,
a cell weighs their product, and an arm's mean is the ratio of weighted sums. All contrasts
come from the same resamples.

- Units (images, or clusters of near duplicates) get exponential weights of mean 1 (Rubin's
  Bayesian bootstrap, 1981, Ann. Stat. 9:130), so that no arm ever loses all of its weight.
- Seeds get the counts of S - 1 draws with replacement, times S / (S - 1) (Rao and Wu 1988,
  J. Am. Stat. Assoc. 83:231): with plain counts the variance of few seeds would come out a
  factor (S - 1) / S too small.

Plain product weights are known to overstate the noise of cells. Weights of a contrast may
therefore be drawn towards 1, by the factors that
:class:`~tonegap.statistics.variance.TwoWayVariance` gives; factors of 1 are the plain bootstrap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
from jaxtyping import Float

from tonegap.statistics.design import Design

BLOCK = 128
"""Resamples drawn at a time; bounds memory to BLOCK x units doubles."""


@dataclass(frozen=True)
class Resamples:
    """Sums per seed and arm under resampled units, and resampled weights of seeds.

    Attributes
    ----------
    sums
        Weighted sums of each column; ``counts`` the sums of the weights themselves.
    observed_sums, observed_counts
        The same with every weight 1.
    seed_weights
        Mean 1, not negative; they sum to the number of seeds in each resample.
    """

    sums: Float[np.ndarray, "columns resamples seeds arms"]
    counts: Float[np.ndarray, "resamples seeds arms"]
    observed_sums: Float[np.ndarray, "columns seeds arms"]
    observed_counts: Float[np.ndarray, "seeds arms"]
    seed_weights: Float[np.ndarray, "resamples seeds"]

    def arm_means(
        self, column: int, seed_shrinkage: float = 1.0, image_shrinkage: float = 1.0
    ) -> Float[np.ndarray, "resamples arms"]:
        """Resampled means of one column in every arm.

        Parameters
        ----------
        column
            Which column of the values, from 0.
        seed_shrinkage, image_shrinkage
            In [0, 1]: weights become ``1 + factor * (weight - 1)``. 0 leaves the seeds, or
            the images, as they were observed.

        Returns
        -------
        array
            NaN where a resample holds no seed of an arm, which can only happen where an arm
            lacks some of the study's seeds.
        """
        seeds = 1.0 + seed_shrinkage * (self.seed_weights - 1.0)
        observed, counts = self.observed_sums[column], self.observed_counts
        top = observed + image_shrinkage * (self.sums[column] - observed)
        bottom = counts + image_shrinkage * (self.counts - counts)
        weighted = np.einsum("bs,bsa->ba", seeds, top)
        total = np.einsum("bs,bsa->ba", seeds, bottom)
        empty = total <= 0.0
        return np.where(empty, np.nan, weighted / np.where(empty, 1.0, total))


def resample(
    design: Design,
    values: Float[np.ndarray, "rows columns"],
    resamples: int,
    rng: np.random.Generator,
) -> Resamples:
    """Draw weights for units and seeds, and the weighted sums that they give.

    Parameters
    ----------
    values
        Finite; e.g. one column per measure.
    resamples
        How many; 10,000 give standard errors to within about 1 %.
    rng
        Decides every weight: the same generator state gives the same resamples.
    """
    seed_weights = draw_seed_weights(design.n_seeds, resamples, rng)
    matrix = _sums_by_cell(design, values)
    shape = (values.shape[1] + 1, design.n_seeds, len(design.arms))
    observed = matrix.sum(axis=1).reshape(shape)
    sums = np.empty((shape[0], resamples, *shape[1:]))
    for start in range(0, resamples, BLOCK):
        block = min(BLOCK, resamples - start)
        weights = rng.standard_exponential((design.n_units, block))
        cells = (matrix @ weights).reshape(*shape, block)
        sums[:, start : start + block] = np.moveaxis(cells, -1, 1)
    return Resamples(sums[:-1], sums[-1], observed[:-1], observed[-1], seed_weights)


def draw_seed_weights(
    n_seeds: int, resamples: int, rng: np.random.Generator
) -> Float[np.ndarray, "resamples seeds"]:
    """Rao-Wu weights: counts of ``n_seeds - 1`` draws, times ``n_seeds / (n_seeds - 1)``.

    Their variance is exactly 1 and they sum to ``n_seeds``. One seed cannot be resampled:
    its weight is 1.
    """
    if n_seeds == 1:
        return np.ones((resamples, 1))
    counts = rng.multinomial(n_seeds - 1, np.full(n_seeds, 1.0 / n_seeds), size=resamples)
    return counts * (n_seeds / (n_seeds - 1))


def _sums_by_cell(
    design: Design, values: Float[np.ndarray, "rows columns"]
) -> scipy.sparse.csr_array:
    """Matrix that maps weights of units to sums per (column, seed, arm); counts come last."""
    cell = design.seed * len(design.arms) + design.arm
    cells = design.n_seeds * len(design.arms)
    columns = np.column_stack([values, np.ones(len(values))]).T
    rows = np.concatenate([cell + k * cells for k in range(len(columns))])
    units = np.tile(design.unit, len(columns))
    shape = (len(columns) * cells, design.n_units)
    return scipy.sparse.coo_array((columns.ravel(), (rows, units)), shape=shape).tocsr()

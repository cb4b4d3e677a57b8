"""How far a contrast of arm means may be off: variance over images and over seeds.

A contrast is a linear combination of arm means. Each row moves it by its *influence*
``c[arm] * (value - mean[arm]) / n[arm]``; these sum to zero. With ``e_is`` the influence of
unit i in seed s (all its rows together) and S seeds in every arm the pieces are

- ``image``: ``sum_i (sum_s e_is)^2``, what another draw of images would change;
- ``between_seeds``: ``S / (S - 1) * sum_s (sum_i e_is)^2``, the scatter of seeds;
- ``noise``: ``S / (S - 1) * (sum_is e_is^2 - image / S)``, the scatter of seeds that their
  different images and the noise of single cells alone bring about, already in ``image``.

Where arms have unlike numbers of seeds, an unfinished study, each row's influence carries the
factor of its own arm, ``sqrt(S / (S - 1))``: for arm means the bias reduction of Bell and
McCaffrey (2002, Surv. Methodol. 28:169). One factor for all would be that of the fullest arm.

The variance is ``between_seeds + max(image - noise, 0)``: the scatter of seeds, and what
images add to it because they come back from seed to seed. It is the two-way cluster variance
of Cameron, Gelbach and Miller (2011, J. Bus. Econ. Stat. 29:238, eq. 2.8) with their
intersection term replaced by ``noise``. Where each image occurs once the two agree; in a full
crossing of images and seeds theirs takes away 1/S of the image variance, which matters with few
seeds, and ours is unbiased but for the positive part, a shrinkage as in Menzel (2021,
Econometrica 89:2143). With it goes a t quantile whose degrees of freedom lie near
``n_seeds - 1`` where seeds decide, and near the number of images where seeds hardly matter.

Simulated null studies chose this rule (``docs/experiments.md``): setting a negative
``between_seeds - noise`` to 0 instead rejects too seldom when trainings hardly differ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tonegap.statistics.design import Design


@dataclass(frozen=True)
class PoolVariance:
    """What another pool of training images adds (:mod:`tonegap.statistics.training_pool`).

    Attributes
    ----------
    seeds, images
        Its parts that the scatter of seeds and that of images tell, in squared units.
    """

    seeds: float
    images: float


@dataclass(frozen=True)
class TwoWayVariance:
    """Variance of a contrast and its parts, in squared units of the contrast.

    Attributes
    ----------
    image, between_seeds, noise
        As the module explains.
    n_units
        Units with a row in one of the contrast's arms.
    n_seeds
        Seeds of the arm that has the fewest; 0 where only images are sampled.
    pool
        What another pool would add; None where this is not known.
    """

    image: float
    between_seeds: float
    noise: float
    n_units: int
    n_seeds: int
    pool: PoolVariance | None = None

    @property
    def total(self) -> float:
        """Variance of the contrast over images, seeds and, where it is known, pools."""
        of_pool = self.pool.seeds + self.pool.images if self.pool else 0.0
        return self.between_seeds + self.images_beyond_noise + of_pool

    @property
    def images_beyond_noise(self) -> float:
        """What images add to the scatter of seeds, at least 0."""
        return max(self.image - self.noise, 0.0)

    @property
    def pool_share(self) -> float:
        """Share of the pool in the variance, in [0, 1]; NaN where it is not known."""
        if self.pool is None:
            return math.nan
        return (self.pool.seeds + self.pool.images) / self.total if self.total > 0.0 else 0.0

    @property
    def df(self) -> float:
        """Degrees of freedom of ``total`` for a t quantile.

        ``1 / sum(w ** max(2 - 2 / nu, 1) / nu)`` over the scatter of seeds, with
        ``nu = n_seeds - 1``, and the images, with ``nu = n_units - 1``; ``w`` is the share of each
        in ``total``, the pool's parts included. The exponent 2 would be that of Satterthwaite
        (1946), who leans on the observed scatter: where few degrees of freedom make it small by
        chance, he takes it for well known, and with three seeds rejects up to 7.8 % of true nulls.
        With the exponent 1 the quantile is nearly that of Cochran and Cox (1950, Experimental
        Designs, section 4.14), the weighted mean of two, which is too wide with more seeds. Where
        only images are sampled it is ``n_units - 1``.
        """
        if self.n_seeds == 0:
            return float(self.n_units - 1)
        seeds = self.between_seeds + (self.pool.seeds if self.pool else 0.0)
        of_seeds = seeds / self.total if self.total > 0.0 else 1.0
        parts = ((of_seeds, self.n_seeds - 1), (1.0 - of_seeds, self.n_units - 1))
        return 1.0 / sum(math.pow(share, max(2.0 - 2.0 / nu, 1.0)) / nu for share, nu in parts)


def arm_means(
    design: Design, values: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " arms"], Int[np.ndarray, " arms"]]:
    """Mean of ``values`` over the rows of each arm, and the number of rows."""
    counts = np.bincount(design.arm, minlength=len(design.arms))
    sums = np.bincount(design.arm, weights=values, minlength=len(design.arms))
    return sums / counts, counts


def distinct(codes: Int[np.ndarray, " rows"]) -> int:
    """How many different codes there are."""
    return int(np.count_nonzero(np.bincount(codes)))


def contrast_influence(
    design: Design,
    values: Float[np.ndarray, " rows"],
    coefficients: Float[np.ndarray, " arms"],
) -> Float[np.ndarray, " rows"]:
    """How much each row moves ``sum(coefficients * arm_means)``; sums to zero."""
    means, counts = arm_means(design, values)
    weight = (coefficients / counts)[design.arm]
    return np.asarray(weight * (values - means[design.arm]))


def two_way_variance(
    design: Design,
    influence: Float[np.ndarray, " rows"],
    coefficients: Float[np.ndarray, " arms"],
) -> TwoWayVariance:
    """Variance of a contrast from the influence of its rows.

    For one finished model it is ``image`` alone, ``n / (n - 1)`` times the sum over units of
    ``e_i^2``: the cluster-robust variance (Liang and Zeger 1986, Biometrika 73:13).

    Parameters
    ----------
    influence
        See :func:`contrast_influence`.
    coefficients
        The contrast's; rows of arms with coefficient 0 do not count as units or seeds.

    Raises
    ------
    ValueError
        Fewer than two units, or an arm with fewer than two seeds: their scatter cannot be seen.
    """
    used = coefficients[design.arm] != 0.0
    if not design.samples_seeds:
        return _over_images(design.unit[used], influence[used])
    arm_seeds = design.seeds_by_arm
    n_units, n_seeds = distinct(design.unit[used]), int(arm_seeds[coefficients != 0.0].min())
    if min(n_units, n_seeds) < 2:  # noqa: PLR2004 - the fewest that can differ
        raise ValueError(f"needs two units and two seeds, has {n_units} and {n_seeds}")
    unit, seed, seeds = design.unit[used], design.seed[used], arm_seeds[design.arm[used]]
    cell = unit * design.n_seeds + seed
    moved = influence[used]
    scaled = moved * np.sqrt(seeds / (seeds - 1.0))
    image = _square_sum(unit, moved)
    noise = _square_sum(cell, scaled) - _square_sum(unit, scaled / np.sqrt(seeds))
    return TwoWayVariance(
        image=image * n_units / (n_units - 1),
        between_seeds=_square_sum(seed, scaled),
        noise=max(noise, 0.0),
        n_units=n_units,
        n_seeds=n_seeds,
    )


def _over_images(
    unit: Int[np.ndarray, " rows"], moved: Float[np.ndarray, " rows"]
) -> TwoWayVariance:
    n_units = distinct(unit)
    if n_units < 2:  # noqa: PLR2004 - the fewest that can differ
        raise ValueError(f"needs two units, has {n_units}")
    image = _square_sum(unit, moved) * n_units / (n_units - 1)
    return TwoWayVariance(image=image, between_seeds=0.0, noise=0.0, n_units=n_units, n_seeds=0)


def _square_sum(codes: Int[np.ndarray, " rows"], moved: Float[np.ndarray, " rows"]) -> float:
    """Sum over the codes of the squared sum of what their rows move."""
    sums = np.bincount(codes, weights=moved)
    return float(sums @ sums)
